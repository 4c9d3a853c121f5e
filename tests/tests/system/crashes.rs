//! Processes that end where they stand, and clients that go away.

use std::sync::Arc;
use std::time::Duration;

use baton_client::{Client, NewTask};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, Process, TestDatabase, TestServer, judge};
use baton_tests::oracle::Outcome;
use futures::future::join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::watch;

use crate::dice::{Caller, Ids};
use crate::support::{id, queued};

/// Callers at once while a process is killed.
const CALLERS: u64 = 16;

/// Random calls until the server is gone; `made` counts them.
async fn callers((client, history): (&Client, &History), ids: &Ids, seed: u64, made: &watch::Sender<u32>) {
    let calls = (0..CALLERS).map(async |caller| {
        let mut caller = Caller::new(client, history, ids, seed * 100 + caller);
        while caller.call().await {
            made.send_modify(|made| *made += 1);
        }
    });
    join_all(calls).await;
}

/// Ends a process while callers are busy with it: after a random number of calls, and a moment that is random too.
async fn end_under_load<T: Send + 'static>(
    process: Process,
    ids: &Ids,
    seed: u64,
    end: fn(Process) -> T,
) -> T {
    let mut random = StdRng::seed_from_u64(seed);
    let (client, history) = (process.client(), Arc::clone(process.history()));
    let enough = random.random_range(5..150);
    let moment = Duration::from_micros(random.random_range(0..10_000));
    let (made, mut seen) = watch::channel(0);
    let ends = async {
        seen.wait_for(|made| *made >= enough)
            .await
            .expect("callers go on until the end");
        let ended = tokio::task::spawn_blocking(move || {
            // The one place where time itself is the test: the moment of the crash is random.
            std::thread::park_timeout(moment);
            end(process)
        });
        ended.await.expect("ending does not panic")
    };
    let ((), ended) = tokio::join!(callers((&client, &history), ids, seed, &made), ends);
    ended
}

/// Kills a process while callers are busy with it.
pub(crate) async fn crash_under_load(process: Process, ids: &Ids, seed: u64) {
    end_under_load(process, ids, seed, Process::kill).await;
}

/// INV-3, INV-7: what was acknowledged is there, every change has its event, every event its change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_under_load_lose_nothing() {
    let (fault, kills) = (Injected::new("F1"), count(50, 100));
    let database = TestDatabase::new();
    let (history, ids) = (Arc::new(History::default()), Ids::default());
    for kill in 0..kills {
        let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        crash_under_load(process, &ids, kill).await;
        fault.once();
    }
    let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
    let evidence = process.evidence().await;
    // Kills without load prove nothing: changes were answered, and some were under way at the moment of a kill.
    let ended = |is: fn(&Outcome) -> bool| evidence.calls.iter().filter(|call| is(&call.outcome)).count();
    let answered = ended(|outcome| matches!(outcome, Outcome::Changed { .. }));
    let cut_off = ended(|outcome| matches!(outcome, Outcome::Unknown));
    assert!(
        answered > 1_000 && cut_off > 100,
        "{answered} answered, {cut_off} cut off"
    );
    judge(&evidence);
}

#[tokio::test]
async fn a_second_process_on_the_same_sqlite_file_is_refused() {
    let database = TestDatabase::new();
    let first = Process::start(&database, |_| {}).unwrap();
    let history = Arc::clone(first.history());
    history
        .send(first.client().create(NewTask::new("test")))
        .await
        .unwrap();
    let told = Process::start(&database, |_| {}).expect_err("the file is taken");
    assert!(told.contains("in use by another baton process"), "{told}");
    assert!(told.contains("baton.db"), "{told}");
    // Refusing the second does not disturb the first; killing the first frees the file.
    history
        .send(first.client().create(NewTask::new("test")))
        .await
        .unwrap();
    first.kill();
    let third = Process::start(&database, |_| {}).unwrap().with_history(&history);
    third.finish().await;
}

#[tokio::test]
async fn a_stop_in_order_exits_well_and_keeps_everything() {
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let (history, ids) = (Arc::clone(process.history()), Ids::default());
    let status = end_under_load(process, &ids, 0, Process::terminate).await;
    assert!(status.success());
    let again = Process::start(&database, |_| {}).unwrap().with_history(&history);
    again.finish().await;
}

/// A caller that hangs up cancels nothing half-way: what it asked for happens whole or not at all.
#[tokio::test]
async fn callers_that_hang_up_leave_nothing_half_done() {
    let fault = Injected::new("F8");
    let server = TestServer::start().await;
    let client = server.client();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..count(300, 2_000) {
        fault.once();
        let task = queued(&server).await;
        let member = |name: &str| NewTask::new("test").id(id()).reference(name);
        let batch = client.batch_create([member("a"), member("b").depends_on_sibling("a")]);
        let patience = Duration::from_micros(random.random_range(1..2_000));
        let calls = async { tokio::join!(server.send(client.start(&task.id)), server.send(batch)) };
        // Either is good: an answer, or none in this short time.
        drop(tokio::time::timeout(patience, calls).await);
    }
    server.finish().await;
}
