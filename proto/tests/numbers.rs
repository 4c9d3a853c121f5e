//! The names and numbers of every request and response, as the design fixes them.

use std::collections::BTreeMap;

use baton_proto::DESCRIPTOR_SET;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// What every call on one task carries.
const BY_ID: &str = "id=1 request_id=2 etag=3 actor=5";
/// What every call of a holder on one task carries.
const BY_TOKEN: &str = "id=1 request_id=2 etag=3 lease_token=4 actor=5";
/// What a call answers that may grant a lease.
const GRANT: &str = "task=1 lease_token=2 fence=3 lease_expire_time=4";
/// What every bulk call carries.
const BULK: &str =
    "namespace=1 request_id=2 actor=5 ids=10 filter=11 max_count=12 validate_only=13 page_token=15";
const BULK_RESPONSE: &str = "results=1 done_count=2 failed_count=3 next_page_token=4";
const WATCH: &str = "view=6 event_types=10 resume_token=11 start=12";
const WATCH_RESPONSE: &str = "tasks=1 events=2 resume_token=3 time=4 snapshot_complete=5";

/// RPC, what the request shares with others, what is its own, the response.
const TASK_SERVICE: [(&str, &str, &str, &str); 40] = [
    (
        "CreateTask",
        "request_id=2 actor=5",
        "task=1 hold=10 dedup=11 validate_only=12 ref=13 task_id=14 delay=15",
        "task=1 deduplicated=2",
    ),
    (
        "BatchCreateTasks",
        "request_id=2 actor=5",
        "requests=1",
        "tasks=1",
    ),
    ("GetTask", "id=1 view=6", "event_limit=10", "task=1 events=2"),
    ("BatchGetTasks", "view=6", "ids=1", "tasks=1"),
    (
        "ListTasks",
        "namespace=1 page_size=2 page_token=3 filter=4 order_by=5 view=6",
        "",
        "tasks=1 next_page_token=2",
    ),
    (
        "UpdateTask",
        "request_id=2 actor=5",
        "task=1 update_mask=10",
        "task=1",
    ),
    ("DeleteTask", BY_ID, "force=10", ""),
    ("QueueTask", BY_ID, "", "task=1"),
    ("ScheduleTask", BY_ID, "schedule_time=10 delay=11", "task=1"),
    ("AssignTask", BY_ID, "assignee=10 lease_duration=11", GRANT),
    ("StartTask", BY_TOKEN, "assignee=10 lease_duration=11", GRANT),
    ("UpdateProgress", BY_TOKEN, "progress=10", "task=1"),
    ("CompleteTask", BY_TOKEN, "output=10 receipt=11", "task=1"),
    ("FailTask", BY_TOKEN, "error=10 outcome=11", "task=1"),
    ("CancelTask", BY_ID, "reason=10", "task=1"),
    ("RetryTask", BY_ID, "input=10 delay=11", "task=1"),
    ("DiscardTask", BY_ID, "", "task=1"),
    ("PauseTask", BY_ID, "reason=10", "task=1"),
    ("ResumeTask", BY_ID, "", "task=1"),
    ("ReleaseTask", BY_TOKEN, "", "task=1"),
    ("SnoozeTask", BY_TOKEN, "schedule_time=10 delay=11", "task=1"),
    ("RequestInput", BY_TOKEN, "input_request=10", "task=1"),
    ("ProvideInput", BY_ID, "input=10 key=11", "task=1"),
    ("SubmitForReview", BY_TOKEN, "output=10 receipt=11", "task=1"),
    ("ApproveTask", BY_ID, "message=10", "task=1"),
    ("RequestRework", BY_ID, "message=10", "task=1"),
    ("RejectTask", BY_ID, "reason=10", "task=1"),
    (
        "AddComment",
        "id=1 request_id=2 actor=5",
        "message=10",
        "task=1 event=2",
    ),
    ("AddDependency", BY_ID, "dependency=10", "task=1"),
    ("RemoveDependency", BY_ID, "dependency=10", "task=1"),
    ("BulkUpdateState", BULK, "state=14", BULK_RESPONSE),
    ("BulkCancel", BULK, "reason=14", BULK_RESPONSE),
    ("BulkRetry", BULK, "delay=14", BULK_RESPONSE),
    ("BulkDiscard", BULK, "", BULK_RESPONSE),
    (
        "WaitTask",
        "id=1",
        "timeout=10 until_states=11",
        "task=1 timed_out=2",
    ),
    (
        "ListTaskEvents",
        "id=1 page_size=2 page_token=3 view=6",
        "event_types=10",
        "events=1 next_page_token=2",
    ),
    ("WatchTask", "id=1", WATCH, WATCH_RESPONSE),
    ("WatchTasks", "namespace=1 filter=4", WATCH, WATCH_RESPONSE),
    ("GetTaskStats", "namespace=1 filter=4", "", "groups=1 total=2"),
    ("ExplainTask", "id=1", "", "causes=1 next_change_time=2"),
];

const WORKER_SERVICE: [(&str, &str, &str, &str); 9] = [
    (
        "LeaseTasks",
        "namespace=1",
        "worker=10 queues=11 types=12 any_type=13 max_tasks=14 lease_duration=15 wait_timeout=16 max_bytes=17",
        "leased_tasks=1 updates=2 poll_after=3",
    ),
    (
        "RenewLeases",
        "",
        "renewals=1 lease_duration=2 wait_timeout=3",
        "updates=1 renew_after=2",
    ),
    ("ReportTasks", "", "reports=1", "results=1"),
    ("SaveCheckpoint", BY_TOKEN, "checkpoint=10", "task=1"),
    ("AppendOutput", BY_TOKEN, "chunk=10 index=11", "task=1"),
    (
        "ListTaskRuns",
        "namespace=1 page_size=2 page_token=3 filter=4 view=6",
        "",
        "runs=1 next_page_token=2",
    ),
    (
        "ListWorkers",
        "namespace=1 page_size=2 page_token=3",
        "",
        "workers=1 next_page_token=2",
    ),
    ("GetWorker", "namespace=1 id=7", "", "worker=1"),
    ("DrainWorker", "namespace=1 actor=5 id=7", "resume=10", "worker=1"),
];

/// What every call that changes a schedule or a queue carries.
const BY_NAME: &str = "namespace=1 request_id=2 etag=3 actor=5 name=7";

const SCHEDULE_SERVICE: [(&str, &str, &str, &str); 9] = [
    (
        "CreateSchedule",
        "request_id=2 actor=5",
        "schedule=1",
        "schedule=1",
    ),
    ("GetSchedule", "namespace=1 name=7", "", "schedule=1"),
    (
        "ListSchedules",
        "namespace=1 page_size=2 page_token=3",
        "",
        "schedules=1 next_page_token=2",
    ),
    (
        "UpdateSchedule",
        "request_id=2 actor=5",
        "schedule=1 update_mask=10",
        "schedule=1",
    ),
    ("DeleteSchedule", BY_NAME, "", ""),
    ("PauseSchedule", BY_NAME, "note=10", "schedule=1"),
    ("ResumeSchedule", BY_NAME, "note=10", "schedule=1"),
    ("TriggerSchedule", BY_NAME, "", "task=1 schedule=2"),
    (
        "PreviewSchedule",
        "namespace=1 name=7",
        "schedule=10 count=11 after_time=12",
        "ticks=1 words=2",
    ),
];

const TASK_TYPE_SERVICE: [(&str, &str, &str, &str); 5] = [
    (
        "RegisterTaskType",
        "request_id=2 actor=5",
        "task_type=1",
        "task_type=1",
    ),
    ("GetTaskType", "namespace=1 name=7", "", "task_type=1"),
    (
        "ListTaskTypes",
        "namespace=1 page_size=2 page_token=3",
        "",
        "task_types=1 next_page_token=2",
    ),
    (
        "UpdateTaskType",
        "request_id=2 actor=5",
        "task_type=1 update_mask=10",
        "task_type=1",
    ),
    ("DeleteTaskType", BY_NAME, "", ""),
];

const WEBHOOK_SERVICE: [(&str, &str, &str, &str); 8] = [
    ("CreateWebhook", "request_id=2 actor=5", "webhook=1", "webhook=1"),
    ("GetWebhook", "namespace=1 name=7", "", "webhook=1"),
    (
        "ListWebhooks",
        "namespace=1 page_size=2 page_token=3",
        "",
        "webhooks=1 next_page_token=2",
    ),
    (
        "UpdateWebhook",
        "request_id=2 actor=5",
        "webhook=1 update_mask=10",
        "webhook=1",
    ),
    ("DeleteWebhook", BY_NAME, "", ""),
    ("PauseWebhook", BY_NAME, "note=10", "webhook=1"),
    ("ResumeWebhook", BY_NAME, "note=10", "webhook=1"),
    (
        "TestWebhook",
        "namespace=1 name=7",
        "",
        "delivered=1 status_code=2 duration=3 error=4",
    ),
];

const QUEUE_SERVICE: [(&str, &str, &str, &str); 9] = [
    ("CreateQueue", "request_id=2 actor=5", "queue=1", "queue=1"),
    ("GetQueue", "namespace=1 name=7", "", "queue=1"),
    (
        "ListQueues",
        "namespace=1 page_size=2 page_token=3",
        "",
        "queues=1 next_page_token=2",
    ),
    (
        "UpdateQueue",
        "request_id=2 actor=5",
        "queue=1 update_mask=10",
        "queue=1",
    ),
    ("DeleteQueue", BY_NAME, "", ""),
    ("PauseQueue", BY_NAME, "note=10", "queue=1"),
    ("ResumeQueue", BY_NAME, "note=10", "queue=1"),
    (
        "PurgeQueue",
        "namespace=1 request_id=2 actor=5 name=7",
        "reason=10 max_count=11",
        "cancelled_count=1 passed_over_count=2 remaining_count=3",
    ),
    ("GetQueueStats", "namespace=1 name=7", "", "stats=1 queue=2"),
];

/// Messages whose fields the design numbers, beside requests and responses.
const PARTS: [(&str, &str); 21] = [
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
    from_state=9 to_state=10 state_reason=11 attempt=12 queue=13 task_type=14 labels=15 left=16 fence=17 \
    created=20 updated=21 assigned=22 progress=23 result=24 failure=25 scheduled=26 input=27 retried=28 \
    checkpoint=29 dependency=30 output=31 started=32";

fn files() -> Vec<FileDescriptorProto> {
    let mut files = FileDescriptorSet::decode(DESCRIPTOR_SET)
        .expect("the set decodes")
        .file;
    files.retain(|file| file.package() == "baton.v1");
    files
}

fn messages() -> BTreeMap<String, DescriptorProto> {
    files()
        .into_iter()
        .flat_map(|file| file.message_type)
        .map(|message| (message.name().to_owned(), message))
        .collect()
}

fn numbers(message: &DescriptorProto) -> BTreeMap<String, i32> {
    message
        .field
        .iter()
        .map(|field| (field.name().to_owned(), field.number()))
        .collect()
}

fn parse(fields: &[&str]) -> BTreeMap<String, i32> {
    fields
        .iter()
        .flat_map(|part| part.split_whitespace())
        .map(|field| {
            let (name, number) = field.split_once('=').expect("name=number");
            (name.to_owned(), number.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn every_request_and_response_has_the_fields_of_the_design() {
    let messages = messages();
    let services = TASK_SERVICE.into_iter().chain(WORKER_SERVICE);
    let services = services.chain(SCHEDULE_SERVICE).chain(TASK_TYPE_SERVICE);
    for (rpc, shared, own, response) in services.chain(QUEUE_SERVICE).chain(WEBHOOK_SERVICE) {
        assert_eq!(
            numbers(&messages[&format!("{rpc}Request")]),
            parse(&[shared, own]),
            "{rpc}Request"
        );
        assert_eq!(
            numbers(&messages[&format!("{rpc}Response")]),
            parse(&[response]),
            "{rpc}Response"
        );
    }
    for (name, fields) in PARTS {
        assert_eq!(numbers(&messages[name]), parse(&[fields]), "{name}");
    }
}

#[test]
fn the_services_have_the_calls_of_the_design_and_no_other() {
    let mut services = BTreeMap::new();
    for service in files().into_iter().flat_map(|file| file.service) {
        let calls: Vec<_> = service
            .method
            .iter()
            .map(|method| method.name().to_owned())
            .collect();
        services.insert(service.name().to_owned(), calls);
    }
    let tasks: Vec<_> = TASK_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let workers: Vec<_> = WORKER_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let schedules: Vec<_> = SCHEDULE_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let types: Vec<_> = TASK_TYPE_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let queues: Vec<_> = QUEUE_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let webhooks: Vec<_> = WEBHOOK_SERVICE.iter().map(|row| row.0.to_owned()).collect();
    let admin = vec!["GetServerInfo".to_owned(), "AdvanceClock".to_owned()];
    assert_eq!(
        services,
        BTreeMap::from([
            ("TaskService".to_owned(), tasks),
            ("WorkerService".to_owned(), workers),
            ("ScheduleService".to_owned(), schedules),
            ("TaskTypeService".to_owned(), types),
            ("QueueService".to_owned(), queues),
            ("WebhookService".to_owned(), webhooks),
            ("AdminService".to_owned(), admin)
        ])
    );
}

#[test]
fn every_field_call_and_value_carries_its_comment_into_reflection() {
    for file in files() {
        let locations = &file.source_code_info.as_ref().unwrap().location;
        let documented = |path: &[i32]| {
            locations
                .iter()
                .any(|location| location.path == path && location.leading_comments.is_some())
        };
        for (m, message) in (0..).zip(&file.message_type) {
            assert!(documented(&[4, m]), "{}", message.name());
            for (f, field) in (0..).zip(&message.field) {
                assert!(documented(&[4, m, 2, f]), "{}.{}", message.name(), field.name());
            }
        }
        for (s, service) in (0..).zip(&file.service) {
            for (r, method) in (0..).zip(&service.method) {
                assert!(documented(&[6, s, 2, r]), "{}", method.name());
            }
        }
    }
}
