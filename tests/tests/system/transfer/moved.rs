//! A namespace that moved is what it was, and lives on.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::{TaskState, WatchTasksRequest};
use baton_client::{NewTask, Reason, State};
use baton_tests::harness::TestServer;
use baton_tests::oracle::Scope;
use tonic_types::StatusExt as _;

use super::filled::{Filled, HOUR, fill};
use super::{exported, here, imported, on_a_file, refused, seen};
use crate::support::{from_oldest, get, until, worker};

#[tokio::test]
async fn a_namespace_moves_out_of_a_file_and_back_with_its_history() {
    let (source, _folder) = on_a_file().await;
    let filled = fill(source.client()).await;
    let before = seen(source.client()).await;
    let states: BTreeSet<_> = before.tasks.iter().map(|task| task.state()).collect();
    // All but UNSPECIFIED.
    assert_eq!(states.len(), 13, "{states:?}");

    let middle = here().await;
    // Follows the namespace before there is anything in it.
    let watch = middle.watch(from_oldest(), Scope::all()).await;
    let archive = exported(source.client(), "default").await;
    let answer = imported(middle.client(), "", &archive).await.unwrap();
    let counts = answer.counts.unwrap();
    assert_eq!(answer.namespace, "default");
    assert_eq!(usize::try_from(counts.tasks).unwrap(), filled.count);
    assert_eq!((counts.queues, counts.task_types), (1, 1));
    assert_eq!((counts.schedules, counts.webhooks), (1, 1));
    assert_eq!((counts.keys, counts.requests, counts.dependencies), (1, 1, 1));
    assert_eq!(seen(middle.client()).await, before);

    watch
        .until(|messages| {
            let events: usize = messages.iter().map(|message| message.events.len()).sum();
            events as i64 >= counts.events
        })
        .await;
    let evidence = middle.evidence(&[]).await;
    let feed = &evidence.namespaces["default"].feed;
    assert!(feed.iter().all(|event| event.imported));
    let positions: Vec<i64> = feed.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=counts.events).collect::<Vec<_>>());

    let back = exported(middle.client(), "").await;
    let (target, _folder) = on_a_file().await;
    imported(target.client(), "", &back).await.unwrap();
    assert_eq!(seen(target.client()).await, before);
    lives_on(&target, &filled).await;
    lives_on(&middle, &filled).await;
    drop(watch);
    middle.finish().await;
    target.finish().await;
    source.finish().await;
}

/// Dependencies settle, keys and request ids hold, schedules tick, leases of before run out.
async fn lives_on(server: &TestServer, filled: &Filled) {
    let client = server.client();
    assert_eq!(get(server, &filled.blocked.id).await.state(), State::Blocked);
    client.complete(&filled.open.id).await.unwrap();
    until(server, &filled.blocked.id, TaskState::Queued).await;
    let again = client
        .create(NewTask::new("test").dedup_key("monthly"))
        .await
        .unwrap();
    assert!(again.deduplicated());
    assert_eq!(again.id, filled.keyed.id);
    let cancel = client.cancel(&filled.cancelled.id).reason("not needed");
    let cancel = cancel.request_id(&filled.request_id).await.unwrap();
    assert!(cancel.replayed());
    let reused = client.create(NewTask::new("other").id(&filled.open.id)).await;
    assert!(reused.is_err(), "{reused:?}");

    let leased = get(server, &filled.leased.id).await;
    assert_eq!(leased.state(), State::InProgress);
    let fence = client.get(&filled.leased.id).event_limit(1).await.unwrap().events[0].fence;
    client.advance_clock(HOUR + Duration::from_secs(1)).await.unwrap();
    let ready = until(server, &filled.leased.id, TaskState::Queued).await;
    assert!(ready.revision > leased.revision);
    let after = client.get(&filled.leased.id).event_limit(1).await.unwrap().events;
    assert!(after[0].fence > fence && !after[0].imported);
    let hourly = client.get_schedule("hourly").await.unwrap();
    assert_eq!(hourly.fired_count, 1, "{hourly:?}");
    let hook = client.get_webhook("hook").await.unwrap();
    assert!(
        hook.paused && hook.note.contains("without its secrets"),
        "{hook:?}"
    );
    // The queue counts what is in use anew.
    let lease = client.lease_tasks().worker(worker()).queues(["slow"]).any_type();
    let [lease] = lease.await.unwrap().leased_tasks.try_into().unwrap();
    assert_eq!(lease.task.unwrap().id, filled.leased.id);
}

#[tokio::test]
async fn another_server_has_other_tokens() {
    let (source, _folder) = on_a_file().await;
    source.client().create(NewTask::new("test")).await.unwrap();
    let watch = source.watch(from_oldest(), Scope::all()).await;
    watch
        .until(|messages| messages.iter().any(|message| !message.events.is_empty()))
        .await;
    let (resume_token, _) = watch.token();
    let target = here().await;
    let archive = exported(source.client(), "default").await;
    imported(target.client(), "", &archive).await.unwrap();
    let request = WatchTasksRequest {
        resume_token,
        ..WatchTasksRequest::default()
    };
    let status = target.try_watch(request, Scope::all()).await.unwrap_err();
    let reason = status.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!(reason, Reason::ResumeTokenInvalid.as_str());
    drop(watch);
    target.finish().await;
    source.finish().await;
}

#[tokio::test]
async fn an_archive_becomes_only_what_was_never_used() {
    let (source, _folder) = on_a_file().await;
    let task = source
        .client()
        .create(NewTask::new("test"))
        .await
        .unwrap()
        .into_inner();
    let archive = exported(source.client(), "default").await;
    // The ids are here already, also under another name.
    let refusal = refused(source.client(), "other", &archive).await;
    assert_eq!(refusal.reason, Reason::ImportTargetInUse, "{refusal:?}");
    assert_eq!(source.client().list().namespace("other").await.unwrap().tasks, []);

    let target = here().await;
    let client = target.client();
    client.create(NewTask::new("test")).await.unwrap();
    let refusal = refused(client, "", &archive).await;
    assert_eq!(
        (refusal.reason, refusal.metadata["holds"].as_str()),
        (Reason::ImportTargetInUse, "tasks")
    );
    let queue = baton_client::NewQueue::new("q").with(|queue| queue.namespace = "queues".into());
    client.create_queue(queue).await.unwrap();
    let refusal = refused(client, "queues", &archive).await;
    assert_eq!(refusal.metadata["holds"], "queues");
    let gone = client
        .create(NewTask::new("test").namespace("emptied"))
        .await
        .unwrap();
    client.delete(&gone.id).force().await.unwrap();
    let refusal = refused(client, "emptied", &archive).await;
    assert_eq!(refusal.metadata["holds"], "events");

    let answer = imported(client, "moved", &archive).await.unwrap();
    assert_eq!(answer.namespace, "moved");
    let moved = get(&target, &task.id).await;
    assert_eq!((moved.namespace.as_str(), moved.revision), ("moved", 2));
    let empty = exported(client, "nobody").await;
    let answer = imported(client, "", &empty).await.unwrap();
    assert_eq!(
        (answer.namespace.as_str(), answer.counts.unwrap().events),
        ("nobody", 0)
    );
    target.finish().await;
    source.finish().await;
}
