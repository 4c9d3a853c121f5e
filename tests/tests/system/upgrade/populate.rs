//! A database with a row in every table and an event of every type.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::RetryPolicy;
use baton_client::{NewQueue, NewSchedule, NewTask, NewTaskType, NewWebhook, State, value};
use baton_proto::v1::TaskEventType;
use baton_tests::harness::TestServer;
use serde_json::json;

use super::use_it;
use crate::dice::Ids;
use crate::leases::{begun, id, leased, pass};
use crate::queues::{ask, limited, step};
use crate::support::{created, person, started, worker};

/// Every type of event that there is.
pub(super) fn types() -> BTreeSet<TaskEventType> {
    (1..)
        .map_while(|number| TaskEventType::try_from(number).ok())
        .collect()
}

/// Does everything at a server: by dice, and on purpose what these do not.
pub(super) async fn populate(server: &TestServer) {
    server.history().others_act_too();
    define(server).await;
    hold(server).await;
    talk(server).await;
    judge(server).await;
    steer(server).await;
    use_it(server, &Ids::default(), 1, 100).await;
    let task = created(server, NewTask::new("repeated")).await;
    let comment = server.client().comment(&task.id, "once");
    server.ok(comment.request_id(crate::support::id())).await;
    last(server).await;
}

async fn define(server: &TestServer) {
    let client = server.client();
    let queue = NewQueue::new("steps").concurrency(4).key_concurrency("tenant", 2);
    limited(server, queue).await;
    let every = NewSchedule::every("hourly", Duration::from_secs(3_600), NewTask::new("tick"));
    client.create_schedule(every).await.unwrap();
    client.pause_schedule("hourly").await.unwrap();
    let sweep = NewTaskType::new("sweep").input_schema(json!({"required": ["url"]}));
    client.register_task_type(sweep).await.unwrap();
    let dead = NewWebhook::new("dead", "https://hooks.example.com/").paused();
    client.create_webhook(dead).await.unwrap();
}

/// What only whoever holds a task does.
async fn hold(server: &TestServer) {
    let client = server.client();
    let task = created(server, NewTask::new("held").input_json(&json!({"n": 1}))).await;
    let held = begun(server, "w-1").await;
    let token = || held.lease_token.clone();
    let checkpoint = client.save_checkpoint(id(&held), value::json(&json!({"at": 3})).unwrap());
    let checkpoint = checkpoint.with(|request| request.lease_token = token());
    checkpoint.await.unwrap();
    let part = client.append_output(id(&held), value::json(&json!("part")).unwrap());
    let part = part.index(0).with(|request| request.lease_token = token());
    part.await.unwrap();
    pass(server, 3_600).await;
    crate::support::until(server, &task.id, State::Queued).await;
    server.ok(client.cancel(&task.id)).await;
}

/// What is said of a task while somebody works on it.
async fn talk(server: &TestServer) {
    let client = server.client();
    let task = started(server, NewTask::new("talk")).await;
    server.ok(client.progress(&task.id).percent(50)).await;
    server
        .ok(client.request_input(&task.id, "Which?").key("which"))
        .await;
    server
        .ok(client.provide_input(&task.id, value::json_text("1")))
        .await;
    let other = created(server, NewTask::new("talk").hold()).await;
    server.ok(client.add_dependency(&other.id, &task.id)).await;
    server.ok(client.remove_dependency(&other.id, &task.id)).await;
    let put_off = started(server, NewTask::new("talk")).await;
    server
        .ok(client.snooze(&put_off.id, Duration::from_secs(86_400)))
        .await;
    let untouched = created(server, NewTask::new("talk")).await;
    leased(server, "w-3").await;
    pass(server, 3_600).await;
    crate::support::until(server, &untouched.id, State::Queued).await;
    server.ok(client.cancel(&untouched.id)).await;
}

/// What becomes of a result that somebody looks at, and of failures.
async fn judge(server: &TestServer) {
    let client = server.client();
    for good in [true, false] {
        let task = started(server, NewTask::new("judge").needs_approval()).await;
        server
            .ok(client.submit(&task.id).output_json(&json!("draft")))
            .await;
        server.ok(client.request_rework(&task.id, "more")).await;
        server.ok(client.complete(&task.id).output_json(&json!(2))).await;
        if good {
            server.ok(client.approve(&task.id).actor(person())).await;
        } else {
            server
                .ok(client.reject(&task.id).reason("no").actor(person()))
                .await;
        }
    }
    let failed = started(server, NewTask::new("judge")).await;
    server.ok(client.fail(&failed.id, "never").non_retryable()).await;
    for again in [true, false] {
        let once = RetryPolicy {
            max_attempts: Some(1),
            ..RetryPolicy::default()
        };
        let dead = started(server, NewTask::new("judge").retry_policy(once)).await;
        server.ok(client.fail(&dead.id, "spent")).await;
        if again {
            server.ok(client.retry(&dead.id)).await;
            server.ok(client.cancel(&dead.id)).await;
        } else {
            server.ok(client.discard(&dead.id)).await;
        }
    }
}

/// Back and forth, and gone.
async fn steer(server: &TestServer) {
    let client = server.client();
    let task = started(server, NewTask::new("steer")).await;
    server.ok(client.release(&task.id)).await;
    server.ok(client.pause(&task.id)).await;
    server.ok(client.resume(&task.id)).await;
    server.ok(client.start(&task.id).assignee(worker())).await;
    server.ok(client.complete(&task.id).output_json(&json!(1))).await;
    let gone = created(server, NewTask::new("steer")).await;
    server.ok(client.delete(&gone.id).force()).await;
}

/// What stands when the server ends: a lease of a limited queue, a key, a payload that another replaced, a task that waits.
async fn last(server: &TestServer) {
    created(server, step().label("tenant", "a").dedup_key("order-1")).await;
    let mut request = ask("w-2");
    request.lease_duration = crate::leases::seconds(1_000);
    assert_eq!(server.lease_tasks(request).await.unwrap().leased_tasks.len(), 1);
    let open = started(server, NewTask::new("test").input_json(&json!(1)).queue("c")).await;
    let edit = baton_proto::v1::Task {
        id: open.id.clone(),
        input: Some(value::json(&json!(2)).unwrap()),
        ..Default::default()
    };
    let waiting = NewTask::new("test").queue("c").depends_on(&open.id);
    let waiting = created(server, waiting.parent(&open.id)).await;
    server.ok(server.client().comment(&waiting.id, "soon")).await;
    let other = created(server, NewTask::new("test").queue("c").input_json(&json!(1))).await;
    let edit = baton_proto::v1::Task { id: other.id, ..edit };
    server.ok(server.client().update(edit, ["input"])).await;
}
