//! The seed of the task lifecycle, function by function, in the order of its page.

use std::time::Duration;

use baton_client::proto::payload::Kind;
use baton_client::proto::{TaskFunction, TaskFunctionKind};
use baton_client::{EventType, NewTask, Priority, Reason, Selection, State, actor, value};
use baton_proto::v1::{Actor, Task};
use baton_tests::harness::TestServer;
use serde_json::json;

use crate::support::{created, get, queued, start, started, until};

fn agent() -> Actor {
    Actor {
        name: "Worker Agent".to_owned(),
        ..actor::agent("agent_1")
    }
}

fn summarize() -> TaskFunction {
    TaskFunction {
        kind: TaskFunctionKind::Generative.into(),
        name: "summarize".to_owned(),
        description: "Summarize a document".to_owned(),
        args: Some(structure(json!({"text": "The text to summarize"}))),
        output: Some(value::to_value(json!("string"))),
        prompt_template: "Summarize: {{text}}".to_owned(),
    }
}

fn structure(json: serde_json::Value) -> prost_types::Struct {
    let serde_json::Value::Object(fields) = json else {
        panic!("{json} is no object")
    };
    value::to_struct(fields)
}

async fn types(server: &TestServer, id: &str) -> Vec<EventType> {
    let page = server.ok(server.client().list_events(id)).await;
    page.events.iter().map(|event| event.r#type()).collect()
}

#[tokio::test]
async fn every_function_of_the_page() {
    let server = TestServer::start().await;
    let task = creating(&server).await;
    starting(&server, &task).await;
    progress(&server, &task).await;
    completing(&server, &task).await;
    failing_and_retrying(&server).await;
    cancelling(&server).await;
    history_and_comments(&server).await;
    priorities(&server).await;
    scheduling(&server).await;
    waiting(&server).await;
    bulk(&server).await;
    illegal_moves(&server).await;
    server.finish().await;
}

async fn creating(server: &TestServer) -> Task {
    let input = json!({"text": "Long article content..."});
    let new = NewTask::new("")
        .function(summarize())
        .input_json(&input)
        .priority(Priority::High);
    let task = created(server, new).await;
    assert!(uuid::Uuid::parse_str(&task.id).is_ok());
    assert_eq!(task.state(), State::Queued);
    let whole = get(server, &task.id).await;
    assert_eq!(
        (whole.priority(), whole.r#type.as_str()),
        (Priority::High, "summarize")
    );
    assert_eq!(whole.function, Some(summarize()));
    let Some(Kind::JsonText(text)) = whole.input.and_then(|input| input.kind) else {
        panic!("the client sends JSON as text")
    };
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), input);
    task
}

async fn starting(server: &TestServer, task: &Task) {
    let client = server.client();
    server.ok(client.start(&task.id).assignee(agent())).await;
    let updated = get(server, &task.id).await;
    assert_eq!(updated.state(), State::InProgress);
    assert_eq!(updated.assignee, Some(agent()));
}

async fn progress(server: &TestServer, task: &Task) {
    let client = server.client();
    for (percent, step) in [
        (25, "Loading data"),
        (50, "Processing"),
        (75, "Generating output"),
    ] {
        let call = client.progress(&task.id).percent(percent).step(step);
        server.ok(call.time_remaining(Duration::from_secs(30))).await;
    }
    let told = get(server, &task.id).await.progress.expect("progress was told");
    assert_eq!(
        (told.percent, told.current_step.as_str()),
        (Some(75), "Generating output")
    );
    let thirty_seconds = prost_types::Duration {
        seconds: 30,
        nanos: 0,
    };
    assert_eq!(told.estimated_time_remaining, Some(thirty_seconds));
}

async fn completing(server: &TestServer, task: &Task) {
    let result = json!({"summary": "The article discusses...", "wordCount": 150});
    server
        .ok(server.client().complete(&task.id).output_json(&result))
        .await;
    let completed = get(server, &task.id).await;
    assert_eq!(completed.state(), State::Completed);
    let Some(Kind::JsonText(output)) = completed.output.and_then(|output| output.kind) else {
        panic!("the output is what was handed in")
    };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&output).unwrap(),
        result
    );
    // The page's metadata: createdAt, startedAt, completedAt, duration, retryCount, executionCount.
    let times = [completed.create_time, completed.start_time, completed.end_time];
    let times = times.map(|time| time.map(|time| (time.seconds, time.nanos)).expect("it has run"));
    assert!(times.is_sorted());
    assert!(completed.duration.is_some());
    assert_eq!((completed.retry_count, completed.execution_count), (0, 1));
}

async fn failing_and_retrying(server: &TestServer) {
    let client = server.client();
    let plain = started(server, NewTask::new("test")).await;
    server.ok(client.fail(&plain.id, "API rate limit exceeded")).await;
    let failed = get(server, &plain.id).await;
    assert_eq!(failed.state(), State::Failed);
    assert_eq!(failed.error.unwrap().message, "API rate limit exceeded");

    let structured = started(server, NewTask::new("test")).await;
    let call = client
        .fail(&structured.id, "API rate limit exceeded")
        .code("RATE_LIMIT")
        .retry_after(Duration::from_secs(60));
    server.ok(call).await;
    let error = get(server, &structured.id).await.error.unwrap();
    assert_eq!(error.code, "RATE_LIMIT");
    assert_eq!(
        error.retry_after,
        Some(prost_types::Duration {
            seconds: 60,
            nanos: 0
        })
    );

    let retried = server.ok(client.retry(&plain.id)).await;
    assert_eq!((retried.state(), retried.retry_count), (State::Queued, 1));
    let modified = value::json(&json!({"text": "Modified input..."})).unwrap();
    server
        .ok(client.retry(&structured.id).input(modified.clone()))
        .await;
    assert_eq!(get(server, &structured.id).await.input, Some(modified));
}

async fn cancelling(server: &TestServer) {
    let task = queued(server).await;
    server
        .ok(server.client().cancel(&task.id).reason("No longer needed"))
        .await;
    let cancelled = get(server, &task.id).await;
    assert_eq!(cancelled.state(), State::Cancelled);
    assert_eq!(cancelled.state_message, "No longer needed");
}

async fn history_and_comments(server: &TestServer) {
    let client = server.client();
    let task = queued(server).await;
    server.ok(client.start(&task.id).assignee(agent())).await;
    server.ok(client.progress(&task.id).percent(50)).await;
    let text = "Found an edge case, handling it";
    let commented = server.ok(client.comment(&task.id, text).actor(agent())).await;
    let comment = commented
        .event
        .as_ref()
        .expect("the comment is told as it is made");
    assert_eq!(
        (comment.message.as_str(), comment.actor.clone()),
        (text, Some(agent()))
    );
    server.ok(client.complete(&task.id)).await;
    let expected = [
        EventType::Created,
        EventType::Queued,
        EventType::Assigned,
        EventType::Started,
        EventType::Progress,
        EventType::Comment,
        EventType::Completed,
    ];
    assert_eq!(types(server, &task.id).await, expected);
    let fetched = server.ok(client.get(&task.id).event_limit(100)).await;
    let comments = fetched
        .events
        .iter()
        .filter(|event| event.r#type() == EventType::Comment);
    assert_eq!(comments.count(), 1);
}

async fn priorities(server: &TestServer) {
    let task = created(server, NewTask::new("test").priority(Priority::Urgent)).await;
    assert_eq!(task.priority(), Priority::Urgent);
    let mut edited = Task {
        id: task.id.clone(),
        ..Task::default()
    };
    edited.set_priority(Priority::Critical);
    server.ok(server.client().update(edited, ["priority"])).await;
    assert_eq!(get(server, &task.id).await.priority(), Priority::Critical);
    assert_eq!(queued(server).await.priority(), Priority::Normal);
    // critical 5: do immediately ... low 1: when time permits.
    let order = [
        Priority::Critical,
        Priority::Urgent,
        Priority::High,
        Priority::Normal,
        Priority::Low,
    ];
    assert_eq!(order.map(i32::from), [5, 4, 3, 2, 1]);
}

async fn scheduling(server: &TestServer) {
    let scheduled = created(server, NewTask::new("test").delay(Duration::from_secs(3_600))).await;
    assert_eq!(scheduled.state(), State::Scheduled);
    server
        .ok(server.client().advance_clock(Duration::from_secs(3_601)))
        .await;
    // By itself.
    let ready = until(server, &scheduled.id, State::Queued).await;
    assert_eq!(ready.state_reason, "due");
}

async fn waiting(server: &TestServer) {
    let client = server.client();
    let task = started(server, NewTask::new("test")).await;
    let long = Duration::from_secs(60);
    let waits = client.wait(&task.id, long);
    let completes = async { server.ok(client.complete(&task.id).output_json(&json!(42))).await };
    let (waited, _) = tokio::join!(waits, completes);
    let waited = waited.unwrap();
    assert!(!waited.timed_out);
    assert_eq!(waited.task.state(), State::Completed);
    assert!(waited.task.output.is_some());

    let failing = started(server, NewTask::new("test")).await;
    server.ok(client.fail(&failing.id, "no")).await;
    let waited = client.wait(&failing.id, long).await.unwrap();
    assert_eq!(
        (waited.task.state(), waited.task.error.unwrap().message.as_str()),
        (State::Failed, "no")
    );

    let idle = queued(server).await;
    let waited = client.wait(&idle.id, Duration::ZERO).await.unwrap();
    assert!(waited.timed_out);
}

async fn bulk(server: &TestServer) {
    let client = server.client();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(created(server, NewTask::new("test").hold()).await.id);
    }
    let outcome = server
        .ok(client.bulk_update_state(Selection::ids(&ids), State::Queued))
        .await;
    assert_eq!((outcome.done_count, outcome.failed_count), (3, 0));
    let outcome = server
        .ok(client
            .bulk_cancel(Selection::ids(&ids[..2]))
            .reason("Sprint cancelled"))
        .await;
    assert_eq!((outcome.done_count, outcome.failed_count), (2, 0));
    assert_eq!(get(server, &ids[0]).await.state_message, "Sprint cancelled");
    assert_eq!(get(server, &ids[2]).await.state(), State::Queued);
}

async fn illegal_moves(server: &TestServer) {
    let pending = created(server, NewTask::new("test").hold()).await;
    let refusal = server.refused(server.client().complete(&pending.id)).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    assert!(refusal.message.contains("complete") && refusal.message.to_lowercase().contains("pending"));
    assert!(refusal.allowed_moves().contains(&"queue"));
    start(server, &queued(server).await.id).await;
}
