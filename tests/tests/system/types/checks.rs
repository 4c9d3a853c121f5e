//! What is checked, where, and what a refusal says.

use baton_client::proto::Task;
use baton_client::{NewTask, NewTaskType, Reason, View, value};
use baton_tests::harness::{TestServer, wire};
use serde_json::{Value, json};

use super::{refused, violations};
use crate::support::worker;

/// A type that takes and gives a `url`.
async fn sweep(server: &TestServer) {
    let schema = || {
        json!({
            "type": "object",
            "required": ["url"],
            "properties": {"url": {"type": "string"}, "pages": {"type": "integer"}, "smtp": {"required": ["host"]}},
        })
    };
    let new = NewTaskType::new("sweep")
        .input_schema(schema())
        .output_schema(schema());
    server.client().register_task_type(new).await.unwrap();
}

fn good() -> Value {
    json!({"url": "https://example.com/feed"})
}

async fn created(server: &TestServer) -> Task {
    let new = NewTask::new("sweep").input_json(&good());
    server.ok(server.client().create(new)).await.into_inner()
}

#[tokio::test]
async fn an_input_is_checked_wherever_it_comes_in() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    sweep(&server).await;
    let client = server.client();
    let missing = "task.input.json.url: Config missing: url";
    assert_eq!(
        violations(&refused(client.create(NewTask::new("sweep")).await)),
        [missing]
    );
    let bad = NewTask::new("sweep").input_json(&json!({"pages": "three", "smtp": {}}));
    let refusal = refused(client.create(bad).await);
    assert_eq!(refusal.reason, Reason::SchemaViolation);
    let told = violations(&refusal);
    for line in [
        "task.input.json_text.url: Config missing: url",
        "task.input.json_text.smtp.host: Config missing: smtp.host",
        "task.input.json_text.pages: must be of type integer",
    ] {
        assert!(told.contains(&line.to_owned()), "{line} is not in {told:#?}");
    }
    // As grpcurl sends it.
    let sent = json!({"task": {"type": "sweep", "input": {"json": {"url": 7}}}});
    let status = wire::call_json(server.channel(), "CreateTask", &sent)
        .await
        .unwrap_err();
    assert!(
        status
            .message()
            .starts_with("task.input.json.url: must be of type string"),
        "{status:?}"
    );
    let batch = [NewTask::new("other"), NewTask::new("sweep")];
    let refusal = refused(client.batch_create(batch).await);
    assert_eq!(violations(&refusal), [format!("requests[1].{missing}")]);
    let opaque = NewTask::new("sweep").with(|task| task.input = Some(value::bytes("x", "text/plain")));
    let refusal = refused(client.create(opaque).await);
    assert!(violations(&refusal)[0].starts_with("task.input: must be json or json_text"));

    let held = client
        .create(NewTask::new("sweep").input_json(&good()).hold())
        .await
        .unwrap();
    let edit = |task_type: &str, input: &Value| Task {
        id: held.id.clone(),
        r#type: task_type.to_owned(),
        input: Some(value::json(input).unwrap()),
        ..Task::default()
    };
    let refusal = refused(client.update(edit("sweep", &json!({})), ["input"]).await);
    assert_eq!(
        violations(&refusal),
        ["task.input.json_text.url: Config missing: url"]
    );
    // Of another type it may be anything; to be of this one again it has to fit.
    client
        .update(edit("free", &json!([])), ["type", "input"])
        .await
        .unwrap();
    let refusal = refused(client.update(edit("sweep", &json!([])), ["type"]).await);
    assert_eq!(refusal.reason, Reason::SchemaViolation);
    client
        .update(edit("sweep", &good()), ["type", "input"])
        .await
        .unwrap();

    server.finish().await;
}

#[tokio::test]
async fn an_input_that_replaces_another_is_checked_too() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    sweep(&server).await;
    let client = server.client();
    let failed = created(&server).await;
    client.start(&failed.id).await.unwrap();
    client.fail(&failed.id, "no").await.unwrap();
    let refusal = refused(client.retry(&failed.id).input(value::json_text("{}")).await);
    assert_eq!(violations(&refusal), ["input.json_text.url: Config missing: url"]);
    client
        .retry(&failed.id)
        .input(value::json_text(good().to_string()))
        .await
        .unwrap();
    server.finish().await;
}

#[tokio::test]
async fn an_output_is_checked_when_the_work_ends_well() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    sweep(&server).await;
    let client = server.client();
    let task = created(&server).await;
    let before = server.ok(client.start(&task.id).assignee(worker())).await;
    let refusal = refused(client.complete(&task.id).await);
    assert_eq!(refusal.reason, Reason::SchemaViolation);
    assert_eq!(violations(&refusal), ["output.json.url: Output missing: url"]);
    let refusal = refused(client.submit(&task.id).output_json(&json!({"url": 1})).await);
    assert_eq!(
        violations(&refusal),
        ["output.json_text.url: must be of type string"]
    );
    // Nothing has happened to it.
    let now = client.get(&task.id).await.unwrap().task;
    assert_eq!(
        (now.state(), now.revision),
        (baton_client::State::InProgress, before.revision)
    );
    let done = client.complete(&task.id).output_json(&good()).await.unwrap();
    assert_eq!(done.state(), baton_client::State::Completed);

    // Work that failed owes nothing.
    let task = created(&server).await;
    server.ok(client.start(&task.id).assignee(worker())).await;
    client.fail(&task.id, "no such feed").await.unwrap();

    // A report is judged for itself.
    let tasks = [created(&server).await, created(&server).await];
    let mut reports = Vec::new();
    for (task, output) in tasks.iter().zip([json!({}), good()]) {
        let lease = client
            .assign(&task.id, worker())
            .lease_duration(std::time::Duration::from_secs(60))
            .await
            .unwrap();
        let token = lease.lease().unwrap().token.clone();
        let output = json!({"json": output});
        reports.push(json!({"id": task.id, "lease_token": token, "complete": {"output": output}}));
    }
    let answer = wire::call_json(server.channel(), "ReportTasks", &json!({"reports": reports}))
        .await
        .unwrap();
    assert_eq!(answer["results"][0]["error"]["reason"], "SCHEMA_VIOLATION");
    assert_eq!(answer["results"][1]["task"]["state"], "TASK_STATE_COMPLETED");
    server.finish().await;
}

#[tokio::test]
async fn what_was_done_before_is_answered_whatever_is_asked_of_types_today() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let (task_id, request_id) = (crate::support::id(), crate::support::id());
    let chosen = || client.create(NewTask::new("sweep").id(&task_id));
    let named = json!({"task": {"type": "sweep"}, "request_id": request_id});
    let named = || wire::call_json_whole(server.channel(), "CreateTask", &named);
    let first = chosen().await.unwrap();
    let second = named().await.unwrap().into_inner();
    sweep(&server).await;
    assert_eq!(chosen().await.unwrap().id, first.id);
    let again = named().await.unwrap();
    assert!(again.metadata().contains_key("baton-replayed"));
    assert_eq!(again.into_inner()["task"]["id"], second["task"]["id"]);
    // A task of the time before is not asked about its input, but about its output.
    client.start(&first.id).await.unwrap();
    assert_eq!(
        refused(client.complete(&first.id).await).reason,
        Reason::SchemaViolation
    );
    let once = crate::support::id();
    let complete = || client.complete(&first.id).output_json(&good()).request_id(&once);
    complete().await.unwrap();
    client.delete_task_type("sweep").await.unwrap();
    assert!(complete().await.unwrap().replayed());
    let kept = client.get(&first.id).view(View::Full).await.unwrap().task;
    assert!(kept.output.is_some());
    server.finish().await;
}

/// A megabyte against the largest schema is refused for what it would cost, and meanwhile others are served.
#[tokio::test]
async fn a_check_that_would_take_long_is_refused() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let many: Vec<_> = (0..4_000).collect();
    let new = NewTaskType::new("numbers").input_schema(json!({"items": {"enum": many}}));
    client.register_task_type(new).await.unwrap();
    let large = NewTask::new("numbers").input_json(&json!(vec![1; 200_000]));
    let refusal = refused(client.create(large).await);
    assert_eq!(refusal.reason, Reason::SchemaViolation);
    assert!(violations(&refusal)[0].contains("too large to be checked"));
    let fits = NewTask::new("numbers").input_json(&json!(vec![1; 2_000]));
    client.create(fits).await.unwrap();
    server.finish().await;
}
