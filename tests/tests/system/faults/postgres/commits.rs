//! A commit of which the server does not learn what became of it, and one that it did not live to see.

use std::sync::Arc;
use std::time::Duration;

use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, TestDatabase, Trap};

use super::super::{Workers, finish, hasty, through};
use super::{Way, assert_nothing_is_open};

/// What ends a turn of several statements.
const COMMIT: &str = "COMMIT";
/// What is written where a task is completed; with several servers by one statement of the turn, and by who is alone as a turn that is
/// one statement.
const WRITTEN: &str = "COMPLETED";

/// F10: COMMIT goes through, and its answer is lost with the connection. What was committed is answered, or its outcome is
/// unknown; nothing that was answered is missing, and repeats find what was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_cut_off_is_never_lost_or_repeated() {
    let fault = Injected::new("F10");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let way = Way::to(&database, "").await;
    let process = way.serve(&database, &history);
    let workers = Arc::new(Workers::new());
    let faults = async {
        for n in 0..count(12, 200) {
            let trap = if n % 3 == 0 { Trap::Before } else { Trap::After };
            let words = if n % 2 == 0 { COMMIT } else { WRITTEN };
            way.proxy.trap(trap, words).await;
            way.proxy.cut();
            fault.once();
            workers.more(10).await;
        }
    };
    through(&workers, (&[process.client()], &history), faults).await;
    assert_nothing_is_open(&database).await;
    finish(process, &workers).await;
}

/// F10: as above, and nobody tells the server that the connection is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_never_answered_does_not_hold_up_the_server_for_ever() {
    let fault = Injected::new("F10");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let way = Way::to(&database, "").await;
    let process = way.serve(&database, &history);
    let workers = Arc::new(Workers::new());
    let faults = async {
        for n in 0..count(2, 6) {
            let words = if n % 2 == 0 { WRITTEN } else { COMMIT };
            way.proxy.trap(Trap::After, words).await;
            fault.once();
            workers.more(10).await;
        }
    };
    let patient = hasty(process.address(), Duration::from_secs(30));
    through(&workers, (&[patient], &history), faults).await;
    finish(process, &workers).await;
}

/// F2: the server is killed when COMMIT is on its way and does not arrive, and when it arrived and the answer did not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_before_or_after_its_commit_leaves_all_or_nothing() {
    let fault = Injected::new("F2");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let mut all = Vec::new();
    for n in 0..count(6, 60) {
        let way = Way::to(&database, "").await;
        let process = way.serve(&database, &history);
        let client = process.client();
        let workers = Arc::new(Workers::new());
        let kill = async {
            workers.more(10).await;
            let trap = if n % 2 == 0 { Trap::Before } else { Trap::After };
            let words = if n % 3 == 0 { COMMIT } else { WRITTEN };
            way.proxy.trap(trap, words).await;
            process.kill();
            fault.once();
            workers.stop();
        };
        // Whoever still insists then is left alone.
        let clients = [client];
        tokio::select! {
            () = async { workers.work(&clients, &history, 8).await; std::future::pending().await } => {}
            () = kill => {}
        }
        drop(way);
        all.push(workers);
    }
    let way = Way::to(&database, "").await;
    let process = way.serve(&database, &history);
    process.finish().await;
}
