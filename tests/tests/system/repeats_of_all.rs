//! Every call that takes a request_id, made twice: the second changes nothing and says so.

use std::collections::BTreeSet;

use baton_tests::harness::{TestServer, wire};
use serde_json::{Value, json};
use tonic_types::StatusExt;

use crate::support::{id, queued};

/// A call, and the task it is made on: how it is created, and the calls that bring it to where this one is legal.
struct Row {
    call: &'static str,
    task: &'static str,
    before: &'static [(&'static str, &'static str)],
    body: &'static str,
}

const NEW: &str = r#"{"task": {}}"#;
const START: (&str, &str) = ("StartTask", "{}");
const FAIL: (&str, &str) = ("FailTask", r#"{"error": {"message": "no"}}"#);
const SUBMIT: (&str, &str) = ("SubmitForReview", "{}");

const fn row(call: &'static str, before: &'static [(&'static str, &'static str)], body: &'static str) -> Row {
    Row {
        call,
        task: NEW,
        before,
        body,
    }
}

/// `$id` is the task, `$other` another one that is queued, `$fresh` an id that no task has yet.
const ROWS: &[Row] = &[
    Row {
        task: r#"{"task": {}, "hold": true}"#,
        ..row("QueueTask", &[], r#"{"id": "$id"}"#)
    },
    row("ScheduleTask", &[], r#"{"id": "$id", "delay": "60s"}"#),
    row(
        "AssignTask",
        &[],
        r#"{"id": "$id", "assignee": {"type": "ACTOR_TYPE_HUMAN", "id": "ada"}}"#,
    ),
    row("StartTask", &[], r#"{"id": "$id"}"#),
    row(
        "UpdateProgress",
        &[START],
        r#"{"id": "$id", "progress": {"percent": 5}}"#,
    ),
    row(
        "CompleteTask",
        &[START],
        r#"{"id": "$id", "output": {"json": 1}}"#,
    ),
    row(
        "FailTask",
        &[START],
        r#"{"id": "$id", "error": {"message": "no"}}"#,
    ),
    row("CancelTask", &[], r#"{"id": "$id", "reason": "over"}"#),
    row(
        "RetryTask",
        &[START, FAIL],
        r#"{"id": "$id", "input": {"json": 2}}"#,
    ),
    row("DiscardTask", &[START, FAIL], r#"{"id": "$id"}"#),
    row("PauseTask", &[], r#"{"id": "$id"}"#),
    row("ResumeTask", &[("PauseTask", "{}")], r#"{"id": "$id"}"#),
    row(
        "SaveCheckpoint",
        &[START],
        r#"{"id": "$id", "checkpoint": {"json": 1}}"#,
    ),
    row(
        "AppendOutput",
        &[START],
        r#"{"id": "$id", "chunk": {"json": "a"}}"#,
    ),
    row("ReleaseTask", &[START], r#"{"id": "$id"}"#),
    row("SnoozeTask", &[START], r#"{"id": "$id", "delay": "60s"}"#),
    row(
        "RequestInput",
        &[START],
        r#"{"id": "$id", "input_request": {"key": "k", "prompt": "?"}}"#,
    ),
    row(
        "ProvideInput",
        &[
            START,
            (
                "RequestInput",
                r#"{"input_request": {"key": "k", "prompt": "?"}}"#,
            ),
        ],
        r#"{"id": "$id", "key": "k", "input": {"json": "yes"}}"#,
    ),
    row("SubmitForReview", &[START], r#"{"id": "$id"}"#),
    row("ApproveTask", &[START, SUBMIT], r#"{"id": "$id"}"#),
    row(
        "RequestRework",
        &[START, SUBMIT],
        r#"{"id": "$id", "message": "more"}"#,
    ),
    row("RejectTask", &[START, SUBMIT], r#"{"id": "$id", "reason": "no"}"#),
    row("AddComment", &[], r#"{"id": "$id", "message": "hm"}"#),
    row(
        "AddDependency",
        &[],
        r#"{"id": "$id", "dependency": {"task_id": "$other"}}"#,
    ),
    row(
        "RemoveDependency",
        &[("AddDependency", r#"{"dependency": {"task_id": "$other"}}"#)],
        r#"{"id": "$id", "dependency": {"task_id": "$other"}}"#,
    ),
    row(
        "UpdateTask",
        &[],
        r#"{"task": {"id": "$id", "title": "t"}, "update_mask": "title"}"#,
    ),
    row("DeleteTask", &[], r#"{"id": "$id", "force": true}"#),
    row("CreateTask", &[], r#"{"task": {"title": "$id"}}"#),
    row(
        "BatchCreateTasks",
        &[],
        r#"{"requests": [{"ref": "a", "task": {}}, {"task": {"dependencies": [{"ref": "a"}]}}]}"#,
    ),
    row(
        "BulkUpdateState",
        &[],
        r#"{"ids": ["$id"], "state": "TASK_STATE_PAUSED"}"#,
    ),
    row("BulkCancel", &[], r#"{"ids": ["$id"]}"#),
    row("BulkRetry", &[START, FAIL], r#"{"ids": ["$id"]}"#),
    row("BulkDiscard", &[START, FAIL], r#"{"ids": ["$id"]}"#),
    row(
        "CreateSchedule",
        &[],
        r#"{"schedule": {"name": "create-$id", "interval": "3600s", "task": {"metadata": {"a": 1, "b": 2}}}}"#,
    ),
    row(
        "UpdateSchedule",
        &[("CreateSchedule", SCHEDULE)],
        r#"{"schedule": {"name": "$id", "description": "more"}}"#,
    ),
    row(
        "PauseSchedule",
        &[("CreateSchedule", SCHEDULE)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "ResumeSchedule",
        &[("CreateSchedule", SCHEDULE)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "TriggerSchedule",
        &[("CreateSchedule", SCHEDULE)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "DeleteSchedule",
        &[("CreateSchedule", SCHEDULE)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "RegisterTaskType",
        &[],
        r#"{"task_type": {"name": "register-$id", "input_schema": {"minProperties": 1, "type": "object"}}}"#,
    ),
    row(
        "UpdateTaskType",
        &[("RegisterTaskType", TASK_TYPE)],
        r#"{"task_type": {"name": "$id", "description": "more"}}"#,
    ),
    row(
        "DeleteTaskType",
        &[("RegisterTaskType", TASK_TYPE)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "CreateQueue",
        &[],
        r#"{"queue": {"name": "create-$id", "concurrency_limit": 5}}"#,
    ),
    row(
        "UpdateQueue",
        &[("CreateQueue", QUEUE)],
        r#"{"queue": {"name": "$id", "description": "more"}}"#,
    ),
    row("PauseQueue", &[("CreateQueue", QUEUE)], r#"{"name": "$id"}"#),
    row("ResumeQueue", &[("CreateQueue", QUEUE)], r#"{"name": "$id"}"#),
    row("DeleteQueue", &[("CreateQueue", QUEUE)], r#"{"name": "$id"}"#),
    row("PurgeQueue", &[("CreateQueue", QUEUE)], r#"{"name": "$id"}"#),
    row(
        "CreateWebhook",
        &[],
        r#"{"webhook": {"name": "create-$id", "url": "https://hooks.example.com/", "paused": true}}"#,
    ),
    row(
        "UpdateWebhook",
        &[("CreateWebhook", WEBHOOK)],
        r#"{"webhook": {"name": "$id", "description": "more"}}"#,
    ),
    row(
        "PauseWebhook",
        &[("CreateWebhook", WEBHOOK)],
        r#"{"name": "$id", "note": "for now"}"#,
    ),
    row(
        "ResumeWebhook",
        &[("CreateWebhook", WEBHOOK)],
        r#"{"name": "$id"}"#,
    ),
    row(
        "DeleteWebhook",
        &[("CreateWebhook", WEBHOOK)],
        r#"{"name": "$id"}"#,
    ),
];

/// As [`SCHEDULE`].
const WEBHOOK: &str = r#"{"webhook": {"name": "$id", "url": "https://hooks.example.com/", "paused": true}}"#;

/// As [`SCHEDULE`].
const TASK_TYPE: &str = r#"{"task_type": {"name": "$id"}}"#;

/// As [`SCHEDULE`].
const QUEUE: &str = r#"{"queue": {"name": "$id"}}"#;

/// Its name is the id of the task, which has nothing else to do with it.
const SCHEDULE: &str = r#"{"schedule": {"name": "$id", "cron": "@yearly", "task": {}}}"#;

#[test]
fn every_call_with_a_request_id_has_a_row() {
    let takes_one =
        |method: &prost_reflect::MethodDescriptor| method.input().get_field_by_name("request_id").is_some();
    let methods = wire::methods().into_iter().filter(takes_one);
    let methods: BTreeSet<_> = methods.map(|method| method.name().to_owned()).collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.call.to_owned()).collect();
    assert_eq!(rows, methods);
}

async fn call(server: &TestServer, name: &str, body: &Value) -> tonic::Response<Value> {
    let answer = wire::call_json_whole(server.channel(), name, body).await;
    answer.unwrap_or_else(|status| panic!("{name} {body}: {status:?}"))
}

fn with(mut body: Value, fields: Value) -> Value {
    let (Value::Object(all), Value::Object(more)) = (&mut body, fields) else {
        panic!("a request is an object");
    };
    all.extend(more);
    body
}

/// Where the log of the namespace ends: what every change moves.
async fn end_of_log(server: &TestServer) -> i64 {
    queued(server).await;
    let events = baton_proto::v1::WatchTasksRequest {
        start: baton_proto::v1::WatchStart::Oldest.into(),
        ..Default::default()
    };
    let watch = server.watch(events, baton_tests::oracle::Scope::all()).await;
    watch.until_quiet().await;
    watch.events().last().expect("a task was created").position
}

#[tokio::test]
async fn every_call_can_be_repeated() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    for row in ROWS {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let created = call(&server, "CreateTask", &json(row.task)).await.into_inner();
        let task = created["task"]["id"].as_str().unwrap().to_owned();
        let other = queued(&server).await.id;
        let fill = |text: &str| json(&text.replace("$id", &task).replace("$other", &other));
        for (name, body) in row.before {
            let by_id = wire::method(name).input().get_field_by_name("id").is_some();
            let id = if by_id { json!({"id": task}) } else { json!({}) };
            call(&server, name, &with(fill(body), id)).await;
        }
        let once = with(fill(row.body), json!({"request_id": id()}));
        let first = call(&server, row.call, &once).await;
        assert!(first.metadata().get("baton-replayed").is_none(), "{}", row.call);
        let before = end_of_log(&server).await;
        let again = call(&server, row.call, &once).await;
        let replayed = again.metadata().get("baton-replayed");
        assert_eq!(
            replayed.map(|value| value.as_bytes()),
            Some(&b"true"[..]),
            "{}",
            row.call
        );
        // The task that asks for the end of the log has two events of its own.
        assert_eq!(
            end_of_log(&server).await,
            before + 2,
            "{} changed something",
            row.call
        );
        let by_another = with(
            once,
            json!({"actor": {"type": "ACTOR_TYPE_AGENT", "id": "another"}}),
        );
        let refused = wire::call_json(server.channel(), row.call, &by_another).await;
        let refused = refused.expect_err("another content under the same id");
        let details = refused.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        assert_eq!(reason, Some("REQUEST_ID_REUSED"), "{}: {refused:?}", row.call);
    }
    server.finish().await;
}
