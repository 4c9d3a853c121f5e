//! Calls that come twice: by task_id, by request_id, by etag.

use baton_client::{NewTask, Reason, State};
use baton_proto::v1::{CreateTaskRequest, Task};
use baton_tests::harness::TestServer;
use baton_tests::harness::faults::Injected;
use futures::future::join_all;
use serde_json::json;

use crate::support::{created, get, id, queued, start, started};

#[tokio::test]
async fn a_create_repeats_by_its_task_id() {
    let server = TestServer::start().await;
    let client = server.client();
    let chosen = id();
    let new = || {
        NewTask::new("test")
            .id(&chosen)
            .input_json(&json!({"b": 1, "a": 2}))
    };
    let first = server.ok(client.create(new())).await;
    start(&server, &chosen).await;
    let again = server.ok(client.create(new())).await;
    assert_eq!(
        (again.id.as_str(), again.state()),
        (first.id.as_str(), State::InProgress),
        "the task as it is now"
    );
    let other = server.refused(client.create(new().title("another"))).await;
    assert_eq!(other.reason, Reason::TaskIdReused);
    assert_eq!(other.resource, Some(("task".to_owned(), chosen.clone())));
    let elsewhere = server.refused(client.create(new().namespace("elsewhere"))).await;
    assert_eq!(elsewhere.reason, Reason::TaskIdReused);
    assert_eq!(get(&server, &chosen).await.revision, 4);
    server.finish().await;
}

#[tokio::test]
async fn racing_creates_with_one_id_make_one_task() {
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..10 {
        let chosen = id();
        let creates = (0..8).map(|_| server.send(client.create(NewTask::new("test").id(&chosen))));
        for answer in join_all(creates).await {
            assert_eq!(answer.unwrap().id, chosen);
        }
        assert_eq!(get(&server, &chosen).await.revision, 2);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_request_id_makes_any_change_repeatable() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let once = id();
    let first = server.ok(client.start(&task.id).request_id(&once)).await;
    assert!(!first.replayed());
    server.ok(client.progress(&task.id).percent(10)).await;
    let again = server.ok(client.start(&task.id).request_id(&once)).await;
    assert!(again.replayed());
    assert_eq!(again.revision, first.revision + 1, "answered as it is now");
    let other_body = server
        .refused(
            client
                .start(&task.id)
                .request_id(&once)
                .assignee(crate::support::person()),
        )
        .await;
    assert_eq!(other_body.reason, Reason::RequestIdReused);
    let other_call = server.refused(client.release(&task.id).request_id(&once)).await;
    assert_eq!(other_call.reason, Reason::RequestIdReused);
    // A refusal is not remembered.
    let early = id();
    let other = queued(&server).await;
    server
        .refused(client.complete(&other.id).request_id(&early))
        .await;
    start(&server, &other.id).await;
    let now = server.ok(client.complete(&other.id).request_id(&early)).await;
    assert!(!now.replayed());
    server.finish().await;
}

#[tokio::test]
async fn a_delete_repeats_though_the_task_is_gone() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let (done, deleted) = (id(), id());
    server.ok(client.complete(&task.id).request_id(&done)).await;
    assert!(
        !server
            .ok(client.delete(&task.id).request_id(&deleted))
            .await
            .replayed()
    );
    assert!(
        server
            .ok(client.delete(&task.id).request_id(&deleted))
            .await
            .replayed()
    );
    let gone = server.refused(client.delete(&task.id)).await;
    assert_eq!(gone.reason, Reason::TaskNotFound);
    // What was done before cannot be answered any more: the task is gone.
    let before = server.refused(client.complete(&task.id).request_id(&done)).await;
    assert_eq!(before.reason, Reason::TaskNotFound);
    server.finish().await;
}

#[tokio::test]
async fn racing_repeats_change_once() {
    let fault = Injected::new("F18");
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..10 {
        fault.once();
        let task = queued(&server).await;
        let once = id();
        let calls = (0..5).map(|_| server.send(client.comment(&task.id, "once").request_id(&once)));
        let answers = join_all(calls).await;
        let fresh = answers
            .iter()
            .filter(|answer| !answer.as_ref().unwrap().replayed())
            .count();
        assert_eq!(fresh, 1);
        assert_eq!(get(&server, &task.id).await.revision, 3);
    }
    server.finish().await;
}

#[tokio::test]
async fn batches_and_bulk_calls_repeat_too() {
    let server = TestServer::start().await;
    let client = server.client();
    let once = id();
    let chosen = [id(), id()];
    let members = || chosen.iter().map(|id| NewTask::new("test").id(id));
    let first = server.ok(client.batch_create(members()).request_id(&once)).await;
    assert!(!first.replayed());
    let again = server.ok(client.batch_create(members()).request_id(&once)).await;
    assert_eq!((ids(&again), again.replayed()), (ids(&first), true));
    let by_ids = server.ok(client.batch_create(members())).await;
    assert_eq!(ids(&by_ids), ids(&first), "the same tasks by their ids");
    let cancels = id();
    let bulk = || {
        client
            .bulk_cancel(baton_client::Selection::ids(ids(&first)))
            .request_id(&cancels)
    };
    assert_eq!(server.ok(bulk()).await.done_count, 2);
    let again = server.ok(bulk()).await;
    assert_eq!((again.done_count, again.replayed()), (2, true));
    server.finish().await;
}

fn ids(tasks: &[Task]) -> Vec<String> {
    tasks.iter().map(|task| task.id.clone()).collect()
}

#[tokio::test]
async fn an_etag_guards_against_a_change_in_between() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let told = server.ok(client.progress(&task.id).percent(10)).await;
    assert_eq!(told.etag, task.etag, "progress leaves the etag");
    server.ok(client.comment(&task.id, "hm")).await;
    let edit = Task {
        id: task.id.clone(),
        title: "mine".to_owned(),
        ..Task::default()
    };
    let edited = server
        .ok(client.update(edit.clone(), ["title"]).etag(&task.etag))
        .await;
    assert_ne!(edited.etag, task.etag);
    let stale = server
        .refused(client.update(edit, ["title"]).etag(&task.etag))
        .await;
    assert_eq!(stale.reason, Reason::EtagMismatch);
    let stale = server.refused(client.complete(&task.id).etag(&task.etag)).await;
    assert_eq!(stale.reason, Reason::EtagMismatch);
    server.ok(client.complete(&task.id).etag(&edited.etag)).await;
    let nonsense = server.refused(client.delete(&task.id).etag("W/\"?\"")).await;
    assert_eq!(nonsense.reason, Reason::EtagMismatch);
    server.finish().await;
}

#[tokio::test]
async fn validating_keeps_nothing() {
    let server = TestServer::start().await;
    let client = server.client();
    let chosen = id();
    let would = server
        .ok(client.create(NewTask::new("test").id(&chosen).validate_only()))
        .await;
    assert_eq!(
        (would.id.as_str(), would.state()),
        (chosen.as_str(), State::Queued)
    );
    let missing = server.refused(client.get(&chosen)).await;
    assert_eq!(missing.reason, Reason::TaskNotFound);
    let wrong: CreateTaskRequest = NewTask::new("test").parent(id()).validate_only().into();
    let refusal = server.refused(client.create(wrong)).await;
    assert_eq!(refusal.reason, Reason::TaskNotFound);
    created(&server, NewTask::new("test").id(&chosen)).await;
    server.finish().await;
}
