//! Everything at once: random calls of every kind, by many clients, under watch, with the clock leaping and the server
//! restarting in between. Nobody can say what comes of it but the oracle.
//!
//! `BATON_STORM_SEEDS=100` runs as many seeds; a seed that fails is printed.

use std::sync::Mutex;

use baton_client::State;
use baton_client::proto::{WatchStart, WatchTasksRequest};
use baton_tests::harness::TestServer;
use baton_tests::oracle::Scope;
use futures::future::join_all;

use crate::dice::{Caller, Ids};
use crate::support::from_oldest;

const SEEDS: u64 = 4;
const CLIENTS: u64 = 6;
const CALLS: u64 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_oracle_finds_it_in_order() {
    let seeds = std::env::var("BATON_STORM_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok());
    for seed in 0..seeds.unwrap_or(SEEDS) {
        println!("SEED={seed}");
        storm(seed).await;
    }
}

async fn storm(seed: u64) {
    let mut server = TestServer::start().await;
    let ids = Mutex::new(Vec::new());
    let mut watches = Vec::new();
    for (filter, scope) in scopes() {
        let opening = filtered(filter, WatchStart::Oldest);
        watches.push((server.watch(opening.clone(), scope.clone()).await, opening, scope));
    }
    for phase in 0..3 {
        let base = seed * 1_000 + phase * 100;
        join_all((0..CLIENTS).map(|client| calls(&server, &ids, base + client))).await;
        let (filter, scope) = scopes().swap_remove(usize::try_from(seed % 3).unwrap());
        let opening = filtered(filter, WatchStart::Snapshot);
        watches.push((server.watch(opening.clone(), scope.clone()).await, opening, scope));
        if phase == 1 {
            server.restart().await;
            let mut resumed = Vec::new();
            for (stream, opening, scope) in &mut watches {
                drop(stream.ended().await);
                if stream.messages().is_empty() {
                    continue; // It was opened a moment before the stop, and has no token yet.
                }
                let next = server.resume(opening.clone(), scope.clone(), stream).await;
                resumed.push((next, opening.clone(), scope.clone()));
            }
            watches = resumed;
        }
    }
    let streams = watches.into_iter().map(|(stream, ..)| stream).collect();
    server.finish_with(streams).await;
}

fn filtered(filter: &str, start: WatchStart) -> WatchTasksRequest {
    let mut request = WatchTasksRequest {
        filter: filter.to_owned(),
        ..from_oldest()
    };
    request.set_start(start);
    request
}

fn scopes() -> Vec<(&'static str, Scope)> {
    let of = |change: fn(&mut Scope)| {
        let mut scope = Scope::all();
        change(&mut scope);
        scope
    };
    vec![
        ("", Scope::all()),
        ("queue = a", of(|scope| scope.queue = Some("a".to_owned()))),
        (
            "state = QUEUED OR state = FAILED OR state = BLOCKED",
            of(|scope| scope.states = vec![State::Queued, State::Failed, State::Blocked]),
        ),
        (
            "labels.n = \"1\"",
            of(|scope| drop(scope.labels.insert("n".to_owned(), "1".to_owned()))),
        ),
    ]
}

async fn calls(server: &TestServer, ids: &Ids, seed: u64) {
    let mut caller = Caller::new(server.client(), server.history(), ids, seed);
    for _ in 0..CALLS {
        assert!(caller.call().await, "the server is there");
    }
}
