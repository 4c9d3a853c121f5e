//! The fields of messages that are parts of others.

/// Messages whose fields the design numbers, beside requests and responses.
pub(crate) const PARTS: [(&str, &str); 46] = [
    ("Task", TASK),
    ("TaskEvent", TASK_EVENT),
    (
        "TaskTimeouts",
        "queue_timeout=1 attempt_timeout=2 total_timeout=4",
    ),
    ("Verification", "mode=1 grace=2"),
    (
        "Receipt",
        "status=1 blockers=2 artifacts=3 verification=4 no_verification=5 summary=6",
    ),
    (
        "InputRequest",
        "key=1 prompt=2 schema=3 choices=4 deadline_time=5 default_input=6 answer=7 answerer=8",
    ),
    (
        "TaskRun",
        "task_id=1 attempt=2 namespace=3 queue=4 type=5 assignee=6 outcome=7 error=8 output=9 start_time=10 \
         end_time=11 duration=12",
    ),
    ("Dedup", "key=1 derive_key=2 window=3 policy=4"),
    ("LeaseUpdate", "id=1 fence=2 directive=3 lease_expire_time=4"),
    (
        "LeasedTask",
        "task=1 lease_token=2 fence=3 lease_expire_time=4 attempt=5 checkpoint=6",
    ),
    (
        "TaskReport",
        "id=1 lease_token=2 start_time=3 complete=4 fail=5 release=6 snooze=7",
    ),
    ("LeaseRenewal", "id=1 lease_token=2 progress=3 listen_only=4"),
    ("TaskOutput", "index=1 chunk=2"),
    ("Schedule", SCHEDULE),
    ("TaskType", TASK_TYPE),
    ("Webhook", WEBHOOK),
    ("WebhookStatus", WEBHOOK_STATUS),
    ("ScheduleTick", "tick_time=1 fire_time=2 outcome=3 task_id=4"),
    ("Queue", QUEUE),
    ("RateLimit", "count=1 period=2 burst=3"),
    ("QueueStats", QUEUE_STATS),
    ("BackupStoreRequest", "name=10"),
    ("BackupStoreResponse", "path=1 size_bytes=2 logs=3"),
    ("LogEnd", "namespace=1 position=2"),
    (
        "ArchiveRecord",
        "header=1 queue=2 queue_key=3 task_type=4 schedule=5 webhook=6 task=7 payload=8 event=9 dependency=10 run=11 key=12 request=13 follow_up=14 end=15",
    ),
    (
        "ArchiveHeader",
        "format=1 server_version=2 store_kind=3 namespace=4 time_micros=5",
    ),
    ("ArchivedQueue", "id=1 name=2 spec=3 leased=4 bucket_micros=5"),
    ("ArchivedQueueKey", "queue_id=1 key=2 leased=3"),
    ("ArchivedTaskType", "id=1 name=2 spec=3 revision=4"),
    (
        "ArchivedSchedule",
        "id=1 name=2 spec=3 revision=4 template=5 progress=6 next_time_micros=7 waiting=8",
    ),
    ("ArchivedWebhook", "id=1 name=2 spec=3 revision=4 progress=5"),
    ("ArchivedTask", "id=1 queue=2 type=3 labels=4 body=5"),
    ("ArchivedPayload", "task_id=1 role=2 payload=3"),
    (
        "ArchivedBytes",
        "kind=1 media_type=2 version=3 size_bytes=4 sha256=5 body=6",
    ),
    (
        "ArchivedEvent",
        "task_id=1 sequence=2 position=3 type=4 time_micros=5 actor=6 message=7 from_state=8 to_state=9 state_reason=10 attempt=11 fence=12 queue=13 task_type=14 labels=15 detail=16 detail_version=17",
    ),
    ("ArchivedDependency", "task_id=1 depends_on=2 revision=3"),
    (
        "ArchivedRun",
        "task_id=1 number=2 attempt=3 fence=4 queue=5 task_type=6 assignee=7 start_time_micros=8 end_time_micros=9 outcome=10 error=11 output=12",
    ),
    ("ArchivedKey", "key=1 task_id=2 expire_time_micros=3"),
    (
        "ArchivedRequest",
        "request_id=1 method=2 hash=3 task_ids=4 revision=5 expire_time_micros=6",
    ),
    ("ArchivedFollowUp", "kind=1 task_id=2 result=3 revision=4"),
    ("ArchiveEnd", "counts=1 sha256=2"),
    (
        "ArchiveCounts",
        "tasks=1 events=2 runs=3 payloads=4 dependencies=5 queues=6 task_types=7 schedules=8 webhooks=9 keys=10 requests=11 follow_ups=12",
    ),
    ("ExportNamespaceRequest", "namespace=1"),
    ("ExportNamespaceResponse", "data=1 total_bytes=2"),
    ("ImportNamespaceRequest", "namespace=1 data=10"),
    ("ImportNamespaceResponse", "namespace=1 counts=2"),
];

const TASK: &str = "id=1 namespace=2 queue=3 type=4 state=5 state_reason=6 state_message=7 priority=8 title=9 \
    input=10 output=11 error=12 progress=13 revision=14 etag=15 description=16 labels=17 metadata=18 creator=19 \
    assignee=20 parent_id=21 dependencies=22 schedule_time=23 create_time=24 update_time=25 queue_time=26 \
    start_time=27 end_time=28 duration=29 attempt=30 retry_count=31 execution_count=32 retry_policy=33 \
    timeouts=34 verification=35 receipt=36 dedup_key=37 input_requests=38 function=39";

const SCHEDULE: &str = "namespace=1 name=2 description=3 cron=4 interval=5 phase=6 time_zone=7 start_time=8 \
    end_time=9 jitter=10 overlap_policy=11 catchup_window=12 task=13 paused=14 note=15 next_time=16 \
    recent_ticks=17 waiting_times=18 running_task_ids=19 fired_count=20 skipped_count=21 missed_count=22 \
    creator=23 create_time=24 update_time=25 etag=26";

const TASK_TYPE: &str = "namespace=1 name=2 description=3 input_schema=4 output_schema=5 exposure=6 queue=7 \
    priority=8 retry_policy=9 timeouts=10 creator=11 create_time=12 update_time=13 etag=14";

const QUEUE: &str = "namespace=1 name=2 description=3 concurrency_limit=4 rate_limit=5 key_label=6 \
    key_concurrency_limit=7 retry_policy=9 retention=10 paused=11 note=12 leased_count=13 creator=14 create_time=15 \
    update_time=16 etag=17";

const QUEUE_STATS: &str = "namespace=1 name=2 states=3 open_count=4 ready_count=5 oldest_ready_time=6 \
    oldest_ready_age=7 leased_count=8 finished_per_second_1m=9 finished_per_second_5m=10 finished_since_time=11 \
    rate_available=12 rate_next_time=13 keys=14 as_of_time=15";

const WEBHOOK: &str = "namespace=1 name=2 description=3 url=4 filter=5 event_types=6 format=7 secrets=8 paused=9 \
    note=10 status=11 creator=12 create_time=13 update_time=14 etag=15";

const WEBHOOK_STATUS: &str = "position=1 lag_count=2 delivered_count=3 given_up_count=4 last_delivery_time=5 \
    last_error=6 last_error_time=7";

const TASK_EVENT: &str = "task_id=1 namespace=2 sequence=3 position=4 type=5 time=6 actor=7 message=8 \
    from_state=9 to_state=10 state_reason=11 attempt=12 queue=13 task_type=14 labels=15 left=16 fence=17 imported=18 \
    created=20 updated=21 assigned=22 progress=23 result=24 failure=25 scheduled=26 input=27 retried=28 \
    checkpoint=29 dependency=30 output=31 started=32";
