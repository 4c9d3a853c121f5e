//! The names and numbers of every request and response, as the design fixes them.

mod parts;

use std::collections::BTreeMap;

use baton_proto::DESCRIPTOR_SET;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

use parts::PARTS;

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
    let admin = [
        "GetServerInfo",
        "AdvanceClock",
        "BackupStore",
        "ExportNamespace",
        "ImportNamespace",
    ]
    .map(str::to_owned);
    assert_eq!(
        services,
        BTreeMap::from([
            ("TaskService".to_owned(), tasks),
            ("WorkerService".to_owned(), workers),
            ("ScheduleService".to_owned(), schedules),
            ("TaskTypeService".to_owned(), types),
            ("QueueService".to_owned(), queues),
            ("WebhookService".to_owned(), webhooks),
            ("AdminService".to_owned(), admin.to_vec())
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
