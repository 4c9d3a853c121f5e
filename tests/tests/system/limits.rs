//! Bounds: events of a task, watches at once, readers that do not read.

use std::time::Duration;

use baton_client::proto::{WatchStart, WatchTasksRequest, WatchTasksResponse};
use baton_client::{NewTask, Reason, State};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{Process, TestDatabase, TestServer};
use baton_tests::oracle::Scope;
use futures::StreamExt;
use futures::future::join_all;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;

use crate::support::{created, get, queued, resident_bytes, started};

fn from(start: WatchStart) -> WatchTasksRequest {
    let mut request = WatchTasksRequest::default();
    request.set_start(start);
    request
}

/// EVENT_LIMIT: a runaway client is stopped, but the task can still be ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_has_at_most_fifty_thousand_events() {
    const EVENTS: i64 = 50_000;
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let left = usize::try_from(EVENTS - task.revision).unwrap();
    let comments = futures::stream::iter(0..left)
        .map(|_| client.comment(&task.id, "again").into_future())
        .buffer_unordered(256);
    let refused = comments
        .filter(|answer| std::future::ready(answer.is_err()))
        .count()
        .await;
    assert_eq!(refused, 0);
    server.history().others_act_too();
    assert_eq!(get(&server, &task.id).await.revision, EVENTS);
    for refusal in [
        server.refused(client.comment(&task.id, "one more")).await,
        server.refused(client.progress(&task.id).percent(1)).await,
        server.refused(client.pause(&task.id)).await,
    ] {
        assert_eq!(refusal.reason, Reason::EventLimit);
    }
    let done = server.ok(client.complete(&task.id)).await;
    assert_eq!((done.state(), done.revision), (State::Completed, EVENTS + 1));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_watches_get_every_event() {
    let fault = Injected::new("F27");
    let watches = count(1_000, 10_000);
    fault.add(watches);
    let (watches, connections) = (
        usize::try_from(watches).unwrap(),
        usize::try_from(watches / 100).unwrap(),
    );
    // So many bookmarks are work too.
    let server = TestServer::start_with(|config| config.watch_bookmark_interval_ms = 1_000).await;
    let channels: Vec<_> = (0..connections).map(|_| server.another_channel()).collect();
    let standing = tokio::sync::watch::Sender::new(0);
    // Each is read from its first message on: a connection takes only so many small frames that nobody read yet, the
    // fewer the narrower its window.
    let reading = (0..watches).map(async |number| {
        let mut watch = open(channels[number % connections].clone(), from(WatchStart::Now)).await;
        // It says at once that it stands.
        watch.message().await.unwrap().unwrap();
        standing.send_modify(|count| *count += 1);
        let got = events(&mut watch, 40).await;
        let positions: Vec<_> = got.iter().map(|event| event.position).collect();
        assert_eq!(positions, (1..=40).collect::<Vec<i64>>());
    });
    let creates = async {
        let mut stand = standing.subscribe();
        stand.wait_for(|count| *count == watches).await.unwrap();
        // Ten thousand readers of the same process come before the next answer.
        let patient = Duration::from_secs(120);
        for _ in 0..20 {
            server
                .ok(server.client().create(NewTask::new("test")).timeout(patient))
                .await;
        }
    };
    tokio::join!(creates, join_all(reading));
    server.finish().await;
}

async fn open(channel: Channel, request: WatchTasksRequest) -> Streaming<WatchTasksResponse> {
    let mut client = baton_client::proto::task_service_client::TaskServiceClient::new(channel);
    client
        .watch_tasks(request)
        .await
        .expect("a watch opens")
        .into_inner()
}

async fn events(
    watch: &mut Streaming<WatchTasksResponse>,
    count: usize,
) -> Vec<baton_client::proto::TaskEvent> {
    let mut got = Vec::new();
    while got.len() < count {
        let message = tokio::time::timeout(Duration::from_secs(120), watch.message()).await;
        got.extend(message.expect("events come").unwrap().unwrap().events);
    }
    got
}

/// A reader that stops reading, on small windows: it loses nothing, and others do not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_loses_nothing_and_disturbs_nobody() {
    const TASKS: usize = 5_000;
    let fault = Injected::new("F26");
    fault.once();
    let server = TestServer::start().await;
    let narrow = Endpoint::from_shared(format!("http://{}", server.address()))
        .unwrap()
        .initial_stream_window_size(65_535)
        .connect_lazy();
    let mut stuck = open(narrow, from(WatchStart::Oldest)).await;
    let live = server.watch(from(WatchStart::Oldest), Scope::all()).await;
    for _ in 0..TASKS / 500 {
        let text = "x".repeat(1_000);
        let members = (0..500).map(|_| NewTask::new("test").description(&text));
        server.ok(server.client().batch_create(members)).await;
    }
    live.until_events(2 * TASKS).await;
    // Only now the slow one begins to read.
    let got = events(&mut stuck, 2 * TASKS).await;
    assert_eq!(got.len(), 2 * TASKS);
    assert_eq!(got, live.events());
    server.finish_with(vec![live]).await;
}

/// A reader that falls behind the horizon is told so: it would miss what was removed, and never know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_the_horizon_is_told() {
    let fault = Injected::new("F24");
    fault.once();
    let server = TestServer::start_with(|config| {
        config.feed_retention_secs = 3_600;
        config.upkeep_interval_ms = 20;
    })
    .await;
    let client = server.client();
    let narrow = Endpoint::from_shared(format!("http://{}", server.address()))
        .unwrap()
        .initial_stream_window_size(65_535)
        .connect_lazy();
    let mut stuck = open(narrow, from(WatchStart::Oldest)).await;
    let begun = stuck.message().await.unwrap().unwrap();
    let text = "x".repeat(8_000);
    for _ in 0..30 {
        let task = queued(&server).await;
        join_all((0..30).map(|_| server.ok(client.comment(&task.id, &text)))).await;
    }
    server.ok(client.advance_clock(Duration::from_secs(4_000))).await;
    queued(&server).await;
    // The horizon has moved once the first token is refused.
    let resumed = WatchTasksRequest {
        resume_token: begun.resume_token,
        ..WatchTasksRequest::default()
    };
    while server.raw().watch_tasks(resumed.clone()).await.is_ok() {}
    let end = async {
        loop {
            match stuck.message().await {
                Ok(message) => assert!(message.is_some(), "a watch of many does not end well"),
                Err(status) => return status,
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), end).await;
    let ended = ended.expect("the reader is told");
    let details = ended.get_error_details();
    let info = details.error_info().expect("a refusal has its reason");
    assert_eq!(
        (ended.code(), info.reason.as_str()),
        (tonic::Code::OutOfRange, "RESUME_TOKEN_EXPIRED")
    );
    assert!(info.metadata.contains_key("oldest_position"), "{info:?}");
    server.finish().await;
}

/// Stuck readers cost the server no memory that grows with what they miss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stuck_readers_cost_bounded_memory() {
    const READERS: usize = 50;
    const BATCHES: usize = 40;
    let fault = Injected::new("F26");
    fault.add(50);
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let (client, history) = (process.client(), process.history().clone());
    let mut stuck = Vec::new();
    for _ in 0..READERS {
        let narrow = Endpoint::from_shared(format!("http://{}", process.address()))
            .unwrap()
            .initial_stream_window_size(65_535)
            .initial_connection_window_size(65_535)
            .connect_lazy();
        stuck.push(open(narrow, from(WatchStart::Oldest)).await);
    }
    let grow = async |batches: usize| {
        for _ in 0..batches {
            let text = "x".repeat(2_000);
            let members = (0..500).map(|_| NewTask::new("test").description(&text));
            history
                .send(client.batch_create(members).timeout(Duration::from_secs(60)))
                .await
                .unwrap();
        }
    };
    grow(BATCHES).await;
    let before = resident_bytes(process.id());
    // 40 MB more that nobody reads; were it kept for each of them, it would be 2 GB.
    grow(BATCHES).await;
    let after = resident_bytes(process.id());
    let growth = after.saturating_sub(before);
    assert!(growth < 96 << 20, "grew by {} MiB", growth >> 20);
    let mut first = stuck.remove(0);
    assert_eq!(events(&mut first, 2_000).await[0].position, 1);
    drop(stuck);
    process.finish().await;
}

#[tokio::test]
async fn watches_beyond_the_limit_are_refused_and_calls_are_not() {
    let server = TestServer::start_with(|config| config.limits.max_watches = 3).await;
    let mut open_watches = Vec::new();
    for _ in 0..3 {
        open_watches.push(server.watch(from(WatchStart::Now), Scope::all()).await);
    }
    let refused = server
        .try_watch(from(WatchStart::Now), Scope::all())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    created(&server, NewTask::new("test")).await;
    drop(open_watches);
    // The places come back.
    while server
        .try_watch(from(WatchStart::Now), Scope::all())
        .await
        .is_err()
    {}
    server.finish().await;
}
