//! What a tick does while the task of one before is open.

use std::time::Duration;

use baton_client::State;
use baton_client::proto::{OverlapPolicy, Schedule, TaskEventType, TickOutcome, WatchTasksRequest};
use baton_tests::harness::{Stream, TestServer};
use baton_tests::oracle::{Message, Scope};

use super::{advance, get, hourly, outcomes, server, tasks, tick, ticks_of};
use crate::support::until;

/// Ticks `count` times; nobody works meanwhile.
async fn ticked(server: &TestServer, overlap: OverlapPolicy, count: usize) -> Schedule {
    let mut schedule = hourly(server, overlap).await;
    for _ in 0..count {
        schedule = tick(server).await;
    }
    schedule
}

/// Tells of new tasks.
async fn created(server: &TestServer) -> Stream {
    let request = WatchTasksRequest {
        event_types: vec![TaskEventType::Created.into()],
        ..WatchTasksRequest::default()
    };
    let scope = Scope {
        event_types: vec![TaskEventType::Created],
        ..Scope::default()
    };
    let stream = server.watch(request, scope).await;
    stream.until(|messages| !messages.is_empty()).await;
    stream
}

/// Waits until so many were told of. A task that goes is told of too.
async fn until_created(stream: &Stream, count: usize) {
    let created = |messages: &[Message]| {
        let events = messages.iter().flat_map(|message| &message.events);
        events
            .filter(|event| event.r#type() == TaskEventType::Created)
            .count()
    };
    stream.until(|messages| created(messages) >= count).await;
}

async fn finish_one(server: &TestServer, id: &str) {
    server.ok(server.client().start(id)).await;
    server.ok(server.client().complete(id)).await;
}

#[tokio::test]
async fn skip_makes_none_while_one_is_open() {
    let server = server().await;
    let schedule = ticked(&server, OverlapPolicy::Skip, 3).await;
    assert_eq!(
        outcomes(&schedule),
        [TickOutcome::Skipped, TickOutcome::Skipped, TickOutcome::Fired]
    );
    let [open] = tasks(server.client()).await.try_into().unwrap();
    finish_one(&server, &open.id).await;
    let schedule = tick(&server).await;
    assert_eq!((schedule.fired_count, schedule.skipped_count), (2, 2));
    server.finish().await;
}

/// A task that waits for a retry, or rests after its last, is told apart.
#[tokio::test]
async fn a_task_that_failed_for_good_is_open_no_more() {
    let server = server().await;
    ticked(&server, OverlapPolicy::Skip, 1).await;
    let [open] = tasks(server.client()).await.try_into().unwrap();
    server.ok(server.client().start(&open.id)).await;
    server.ok(server.client().fail(&open.id, "broken")).await;
    until(&server, &open.id, State::Failed).await;
    assert_eq!(
        outcomes(&tick(&server).await),
        [TickOutcome::Fired, TickOutcome::Fired]
    );
    server.finish().await;
}

#[tokio::test]
async fn buffer_one_keeps_one_that_goes_on_when_the_task_settles() {
    let server = server().await;
    let schedule = ticked(&server, OverlapPolicy::BufferOne, 4).await;
    assert_eq!((schedule.waiting_times.len(), schedule.skipped_count), (1, 2));
    let [open] = tasks(server.client()).await.try_into().unwrap();
    let stream = created(&server).await;
    // No clock moves: that it settles is enough.
    finish_one(&server, &open.id).await;
    until_created(&stream, 1).await;
    let schedule = get(&server).await;
    assert_eq!((schedule.fired_count, schedule.waiting_times.len()), (2, 0));
    server.finish_with(vec![stream]).await;
}

#[tokio::test]
async fn buffer_all_makes_them_one_after_the_other_also_after_a_restart() {
    let mut server = server().await;
    let schedule = ticked(&server, OverlapPolicy::BufferAll, 4).await;
    assert_eq!((schedule.waiting_times.len(), schedule.fired_count), (3, 1));
    server.restart().await;
    let stream = created(&server).await;
    for count in 1..=3 {
        let open = tasks(server.client()).await.pop().unwrap();
        if count == 2 {
            // One that is deleted is open no more either.
            server.ok(server.client().delete(&open.id).force()).await;
        } else {
            finish_one(&server, &open.id).await;
        }
        until_created(&stream, count).await;
    }
    let schedule = get(&server).await;
    assert_eq!((schedule.waiting_times.len(), schedule.fired_count), (0, 4));
    server.finish_with(vec![stream]).await;
}

#[tokio::test]
async fn cancel_other_takes_its_place() {
    let server = server().await;
    let schedule = ticked(&server, OverlapPolicy::CancelOther, 3).await;
    assert_eq!((schedule.fired_count, schedule.skipped_count), (3, 0));
    let states: Vec<_> = tasks(server.client())
        .await
        .iter()
        .map(|task| task.state())
        .collect();
    assert_eq!(states, [State::Cancelled, State::Cancelled, State::Queued]);
    server.finish().await;
}

#[tokio::test]
async fn allow_all_makes_every_task() {
    let server = server().await;
    let schedule = ticked(&server, OverlapPolicy::AllowAll, 3).await;
    assert_eq!((schedule.fired_count, schedule.skipped_count), (3, 0));
    let made = tasks(server.client()).await;
    assert_eq!(ticks_of(&made).len(), 3);
    advance(&server, Duration::from_secs(1)).await;
    assert_eq!(tasks(server.client()).await.len(), 3);
    server.finish().await;
}
