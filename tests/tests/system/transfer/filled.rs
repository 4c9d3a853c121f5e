//! A namespace with something of everything.

use std::time::Duration;

use baton_client::proto::{RetryPolicy, Task};
use baton_client::{Client, NewQueue, NewSchedule, NewTask, NewTaskType, NewWebhook, State, actor, value};
use serde_json::json;

use crate::support::{id, worker};

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// What tests go on with.
pub(super) struct Filled {
    /// A task in progress, for which `blocked` waits.
    pub(super) open: Task,
    pub(super) blocked: Task,
    /// Leased, and begun.
    pub(super) leased: Task,
    /// Holds the key "monthly".
    pub(super) keyed: Task,
    /// The request_id by which `cancelled` was cancelled.
    pub(super) request_id: String,
    pub(super) cancelled: Task,
    /// In every state one, and more.
    pub(super) count: usize,
}

async fn create(client: &Client, task: NewTask) -> Task {
    client.create(task).await.unwrap().into_inner()
}

async fn started(client: &Client, task: NewTask) -> Task {
    let task = create(client, task).await;
    let started = client.start(&task.id).assignee(worker()).await;
    started.unwrap().into_inner()
}

fn once() -> RetryPolicy {
    RetryPolicy {
        max_attempts: Some(1),
        ..RetryPolicy::default()
    }
}

async fn definitions(client: &Client) {
    let queue = NewQueue::new("slow")
        .concurrency(2)
        .key_concurrency("team", 1)
        .retention(HOUR * 24);
    client.create_queue(queue).await.unwrap();
    let schema = json!({"type": "object", "required": ["week"]});
    let report = NewTaskType::new("report").input_schema(schema);
    client.register_task_type(report).await.unwrap();
    let hourly = NewSchedule::every("hourly", HOUR, NewTask::new("work").title("Hourly"));
    client.create_schedule(hourly).await.unwrap();
    let hook = NewWebhook::new("hook", "https://example.com/hook").paused();
    client.create_webhook(hook).await.unwrap();
}

/// Tasks that nobody works on yet, or not any more.
async fn resting(client: &Client) -> usize {
    create(client, NewTask::new("test").hold()).await;
    create(client, NewTask::new("test").delay(HOUR * 48)).await;
    create(
        client,
        NewTask::new("test").label("team", "a \"quoted\" \u{1f980} one"),
    )
    .await;
    let assigned = create(client, NewTask::new("test")).await;
    client.assign(&assigned.id, actor::human("ada")).await.unwrap();
    let paused = create(client, NewTask::new("test")).await;
    client.pause(&paused.id).await.unwrap();
    let asked = started(client, NewTask::new("test")).await;
    client.request_input(&asked.id, "which?").await.unwrap();
    let answered = started(client, NewTask::new("test")).await;
    client.request_input(&answered.id, "how many?").await.unwrap();
    client
        .provide_input(&answered.id, value::json_text("3"))
        .await
        .unwrap();
    let reviewed = started(client, NewTask::new("test").needs_approval()).await;
    client.complete(&reviewed.id).await.unwrap();
    let failed = started(client, NewTask::new("test")).await;
    client.fail(&failed.id, "broken").non_retryable().await.unwrap();
    let dead = started(client, NewTask::new("test").retry_policy(once())).await;
    client.fail(&dead.id, "broken").code("E7").await.unwrap();
    let done = started(
        client,
        NewTask::new("report").input(&json!({"week": 47})).unwrap(),
    )
    .await;
    let output = value::json_text(r#"{"pages": 3, "text": "äöü"}"#);
    client.complete(&done.id).output(output).await.unwrap();
    let parent = create(client, NewTask::new("test")).await;
    create(client, NewTask::new("test").parent(&parent.id)).await;
    let gone = create(client, NewTask::new("test")).await;
    client.delete(&gone.id).force().await.unwrap();
    13
}

/// Tasks with payloads that were replaced.
async fn edited(client: &Client) -> usize {
    let mut edited = create(client, NewTask::new("test").input(&json!("first")).unwrap()).await;
    edited.input = Some(value::json_text("\"second\""));
    client.update(edited.clone(), ["input"]).await.unwrap();
    client.comment(&edited.id, "why so?").await.unwrap();
    let large = "x".repeat(300_000);
    create(client, NewTask::new("test").input(&large).unwrap()).await;
    2
}

/// A task that a worker holds: with a checkpoint, output in parts, and a run before this one.
async fn leased(client: &Client) -> Task {
    let queued = create(client, NewTask::new("leased").queue("slow").label("team", "a")).await;
    let mut held = None;
    for round in 0..2 {
        let lease = client
            .lease_tasks()
            .worker(actor::service("worker-1"))
            .queues(["slow"])
            .any_type()
            .lease_duration(Duration::from_secs(600));
        let [lease] = lease.await.unwrap().leased_tasks.try_into().unwrap();
        let token = lease.lease_token;
        client.start(&queued.id).lease_token(&token).await.unwrap();
        let checkpoint = client.save_checkpoint(&queued.id, value::json_text(format!("{round}")));
        checkpoint.lease_token(&token).await.unwrap();
        let chunk = client.append_output(&queued.id, value::json_text("\"part\""));
        chunk.index(0).lease_token(&token).await.unwrap();
        if round == 0 {
            client.release(&queued.id).lease_token(&token).await.unwrap();
        } else {
            client
                .progress(&queued.id)
                .percent(40)
                .lease_token(&token)
                .await
                .unwrap();
            held = Some(client.get(&queued.id).await.unwrap().task);
        }
    }
    held.unwrap()
}

/// Fills the namespace "default".
pub(super) async fn fill(client: &Client) -> Filled {
    definitions(client).await;
    let count = resting(client).await + edited(client).await;
    let open = started(client, NewTask::new("test")).await;
    let blocked = create(client, NewTask::new("test").depends_on(&open.id)).await;
    let keyed = create(client, NewTask::new("test").dedup_key("monthly")).await;
    let cancelled = create(client, NewTask::new("test")).await;
    let request_id = id();
    let cancel = client.cancel(&cancelled.id).reason("not needed");
    let cancelled = cancel.request_id(&request_id).await.unwrap().into_inner();
    let leased = leased(client).await;
    assert_eq!(
        (open.state(), blocked.state(), cancelled.state()),
        (State::InProgress, State::Blocked, State::Cancelled)
    );
    Filled {
        open,
        blocked,
        leased,
        keyed,
        request_id,
        cancelled,
        count: count + 5,
    }
}
