//! Many streams that end at once, and readers at the edge of what is kept.

use std::sync::Arc;
use std::time::Duration;

use baton_client::proto::task_service_client::TaskServiceClient;
use baton_client::proto::{WatchStart, WatchTasksRequest};
use baton_client::{Client, NewTask, Watch, WatchItem, WatchOptions};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{Process, Proxy, TestDatabase, TestServer};
use futures::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::Workers;
use crate::support::{from_oldest, queued};

async fn next_position(watch: &mut Watch) -> i64 {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(90), watch.next()).await;
        if let WatchItem::Event(event) = next.expect("events come").unwrap().unwrap() {
            return event.position;
        }
    }
}

/// F28: all streams are cut at once, again and again. All come back, miss nothing, and calls are answered meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_cut_at_once_all_come_back() {
    let fault = Injected::new("F28");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let proxy = Proxy::to(process.address(), "").await;
    let (client, history) = (process.client(), Arc::clone(process.history()));
    let streams = count(200, 2_000);
    let mut watches = Vec::new();
    for _ in 0..streams / 20 {
        let many = Client::builder()
            .endpoint(format!("http://{}", proxy.address()))
            .build()
            .unwrap();
        let opened = (0..20).map(|_| many.watch(WatchOptions::tasks().from_oldest()));
        watches.extend(join_all(opened).await.into_iter().map(Result::unwrap));
    }
    let mut expected = 0;
    for _ in 0..count(3, 5) {
        history.send(client.create(NewTask::new("test"))).await.unwrap();
        expected += 2;
        let reading = watches.iter_mut().map(async |watch| {
            for position in expected - 1..=expected {
                assert_eq!(next_position(watch).await, position);
            }
        });
        join_all(reading).await;
        proxy.cut();
        fault.add(streams);
        // In the middle of it.
        assert!(client.stats().await.is_ok());
    }
    assert!(watches.iter().all(|watch| watch.reconnects() > 0));
    drop(watches);
    process.finish().await;
}

/// F35: SIGTERM with streams open and changes under way. Each stream ends with a word and a token that resumes; nothing that
/// was answered is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_ends_every_stream_with_a_token() {
    const STREAMS: usize = 200;
    let fault = Injected::new("F35");
    let database = TestDatabase::new();
    let mut process = Process::start(&database, |_| {}).unwrap();
    let history = Arc::clone(process.history());
    for _ in 0..count(1, 10) {
        let workers = Workers::new();
        let clients = [process.client()];
        let channels: Vec<_> = (0..10).map(|_| process.channel()).collect();
        let opened = (0..STREAMS).map(async |n| {
            let mut raw = TaskServiceClient::new(channels[n % 10].clone());
            let mut stream = raw.watch_tasks(from_oldest()).await.unwrap().into_inner();
            let first = stream.message().await.unwrap().unwrap();
            (stream, first)
        });
        let streams = join_all(opened).await;
        let reading = join_all(streams.into_iter().map(async |(mut stream, first)| {
            let mut token = first.resume_token;
            let mut last = first.events.last().map_or(0, |event| event.position);
            loop {
                match stream.message().await {
                    Ok(Some(message)) => {
                        token = message.resume_token;
                        last = message.events.last().map_or(last, |event| event.position);
                    }
                    Ok(None) => panic!("a watch of many does not end well"),
                    Err(status) => return (status, token, last),
                }
            }
        }));
        let stop = async {
            workers.more(20).await;
            fault.once();
            let ended = tokio::task::spawn_blocking(move || process.terminate())
                .await
                .unwrap();
            assert!(ended.success());
            workers.stop();
        };
        let ends = async {
            let (ends, ()) = tokio::join!(reading, stop);
            ends
        };
        let ends = tokio::select! {
            ends = ends => ends,
            () = async { workers.work(&clients, &history, 8).await; std::future::pending().await } => unreachable!(),
        };
        process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        history
            .send(process.client().create(NewTask::new("test")))
            .await
            .unwrap();
        for (status, token, last) in ends.into_iter().step_by(20) {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
            let resumed = WatchTasksRequest {
                resume_token: token,
                ..WatchTasksRequest::default()
            };
            let mut raw = TaskServiceClient::new(process.channel());
            let mut stream = raw.watch_tasks(resumed).await.unwrap().into_inner();
            let next = loop {
                let message = stream.message().await.unwrap().unwrap();
                if let Some(event) = message.events.first() {
                    break event.position;
                }
            };
            assert_eq!(next, last + 1);
        }
    }
    process.finish().await;
}

fn is_expired(status: &Status) -> bool {
    let details = status.get_error_details();
    details
        .error_info()
        .is_some_and(|info| info.reason == "RESUME_TOKEN_EXPIRED")
}

/// Reads on from a token, of which the position is known, up to `head`; answers why it came to an end before that.
async fn read_on(server: &TestServer, token: &str, (position, head): (i64, i64)) -> Option<Status> {
    let resumed = WatchTasksRequest {
        resume_token: token.to_owned(),
        ..WatchTasksRequest::default()
    };
    let mut stream = match server.raw().watch_tasks(resumed).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return Some(status),
    };
    let mut expected = position + 1;
    while expected <= head {
        let next = tokio::time::timeout(Duration::from_secs(60), stream.message()).await;
        match next.unwrap_or_else(|_| panic!("from {position}: {expected} of {head} does not come")) {
            Err(status) => return Some(status),
            Ok(message) => {
                for event in message.unwrap().events {
                    assert_eq!(event.position, expected, "nothing is passed over");
                    expected += 1;
                }
            }
        }
    }
    None
}

/// F24: the horizon moves on under readers that begin right at it. Each gets all there is from where it began, or is told that
/// this is gone; none misses anything in silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_at_the_horizon_get_all_or_are_told() {
    let fault = Injected::new("F24");
    let mut server = TestServer::start_with(|config| {
        config.feed_retention_secs = 3_600;
        config.upkeep_interval_ms = 20;
    })
    .await;
    let (mut tokens, mut told, mut served) = (Vec::<(String, i64)>::new(), 0, 0);
    for round in 0..count(10, 60) {
        server
            .ok(server.client().advance_clock(Duration::from_secs(1_500)))
            .await;
        queued(&server).await;
        fault.once();
        let mut request = WatchTasksRequest::default();
        request.set_start(WatchStart::Now);
        let mut stream = server.raw().watch_tasks(request).await.unwrap().into_inner();
        let message = stream.message().await.unwrap().unwrap();
        tokens.push((message.resume_token, 2 * i64::try_from(round + 1).unwrap()));
        // Those of the last two hours: around the horizon, which is an hour back.
        let old = tokens.len().saturating_sub(5);
        for (token, position) in &tokens[old..] {
            let head = 2 * i64::try_from(round + 1).unwrap();
            let ended = read_on(&server, token, (*position, head)).await;
            match ended {
                None => served += 1,
                Some(status) => {
                    assert!(is_expired(&status), "{status:?}");
                    told += 1;
                }
            }
        }
    }
    // Upkeep comes when it comes: what is hours old goes, however busy the machine is.
    let (oldest, position) = &tokens[0];
    let mut ended = None;
    while ended.is_none() {
        ended = read_on(&server, oldest, (*position, position + 2)).await;
    }
    assert!(ended.is_some_and(|status| is_expired(&status)));
    assert!(served > 0, "{told} were told and none was served");
    // What is gone cannot be folded: the oracle has nothing to say here.
    server.stop().await;
}
