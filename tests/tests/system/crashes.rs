//! Processes that end where they stand, and clients that go away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use baton_client::{Client, Error, NewTask, Reason};
use baton_tests::harness::{History, Process, TestServer, judge};
use baton_tests::oracle::{Finding, Outcome, Rule};
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
async fn crash_under_load(process: Process, ids: &Ids, seed: u64) {
    end_under_load(process, ids, seed, Process::kill).await;
}

/// INV-3, INV-7: what was acknowledged is there, every change has its event, every event its change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_under_load_lose_nothing() {
    const KILLS: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let (history, ids) = (Arc::new(History::default()), Ids::default());
    for kill in 0..KILLS {
        let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        crash_under_load(process, &ids, kill).await;
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
async fn a_second_process_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
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
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
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
    let server = TestServer::start().await;
    let client = server.client();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..300 {
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

/// Compiles the disk that loses what was not flushed.
fn disk(folder: &Path) -> PathBuf {
    let library = folder.join("disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/disk.c");
    let compiled = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status()
        .expect("a C compiler is there: the server's own build needs one");
    assert!(compiled.success());
    library
}

/// A server on the disk that loses what was not flushed.
fn on_losing_disk(database: &Path, library: &Path, flushes: &str) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton-under-test"));
    command
        .arg(database)
        .env("LD_PRELOAD", library)
        .env("BATON_DISK_WATCH", database)
        .env("BATON_DISK_DELAY_US", "3000")
        .env("BATON_TEST_FLUSHES", flushes);
    Process::run(command).unwrap_or_else(|log| panic!("the server did not start: {log}"))
}

/// What is on the disk after the power was cut: only what was flushed.
fn cut_power(database: &Path) {
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", database.display()));
    for file in ["", "-wal"] {
        let durable = beside(&format!("{file}.durable"));
        if durable.exists() {
            std::fs::rename(durable, beside(file)).unwrap();
        } else {
            drop(std::fs::remove_file(beside(file)));
        }
    }
    drop(std::fs::remove_file(beside("-shm")));
}

/// Crashes with power loss; answers what the oracle finds in the end.
async fn power_cuts(flushes: &str, cuts: u64) -> Result<Vec<Finding>, String> {
    let folder = tempfile::tempdir().unwrap();
    let library = disk(folder.path());
    let database = folder.path().join("baton.db");
    let (history, ids) = (Arc::new(History::default()), Ids::default());
    for cut in 0..cuts {
        let process = on_losing_disk(&database, &library, flushes).with_history(&history);
        crash_under_load(process, &ids, cut).await;
        cut_power(&database);
    }
    let process = on_losing_disk(&database, &library, "on").with_history(&history);
    let evidence = process.evidence().await;
    Ok(baton_tests::oracle::check(&evidence))
}

/// No answer comes before its flush: with the power cut at any moment, what was acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_precedes_its_flush() {
    let findings = power_cuts("on", 15).await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The proof that the test above can fail: without flushes acknowledged writes are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_flushes_acknowledged_writes_are_lost() {
    let findings = power_cuts("off", 4).await.unwrap();
    let lost = findings.iter().any(|finding| finding.rule == Rule::Answer);
    assert!(lost, "the test above proves nothing: {findings:#?}");
}

/// A server on a disk that goes bad.
fn on_bad_disk(database: &Path, faults: &[(&str, &str)]) -> Process {
    let library = disk(database.parent().expect("the file is in a folder"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton-under-test"));
    command
        .arg(database)
        .env("LD_PRELOAD", &library)
        .env("BATON_DISK_WATCH", database)
        .envs(faults.iter().copied());
    Process::run(command).unwrap_or_else(|log| panic!("the server did not start: {log}"))
}

/// Creates until a create is refused; answers the last task and the refusal.
async fn until_refused(client: &Client, history: &History) -> (String, Error) {
    let mut last = None;
    loop {
        match history.send(client.create(NewTask::new("test").id(id()))).await {
            Ok(task) => last = Some(task.id.clone()),
            Err(error) => return (last.expect("sixty flushes are enough for a task"), error),
        }
    }
}

/// Asks a server on a disk that goes bad until it refuses; then reads go on, and nothing is half-written.
async fn refuses_on_bad_disk(fault: &str, expected: Reason) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let process = on_bad_disk(&database, &[(fault, "60")]);
    let (client, history) = (process.client(), Arc::clone(process.history()));
    let (last, refused) = until_refused(&client, &history).await;
    assert_eq!(refused.reason(), Some(&expected), "{refused:?}");
    assert!(refused.retry_after().is_some());
    assert_eq!(client.get(&last).await.unwrap().task.id, last);
    process.kill();
    let again = Process::start(&database, |_| {}).unwrap().with_history(&history);
    again.finish().await;
}

/// A disk that failed once: the one outcome stays unknown, and everything after it is as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_that_failed_the_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let faults = [("BATON_DISK_FAIL_AFTER", "60"), ("BATON_DISK_FAIL_TIMES", "1")];
    let process = on_bad_disk(&database, &faults);
    let (client, history) = (process.client(), Arc::clone(process.history()));
    let (last, refused) = until_refused(&client, &history).await;
    assert_eq!(refused.reason(), Some(&Reason::OutcomeUnknown), "{refused:?}");
    for _ in 0..20 {
        let task = history.send(client.create(NewTask::new("test").id(id()))).await;
        history.send(client.start(&task.unwrap().id)).await.unwrap();
    }
    history.send(client.cancel(&last)).await.unwrap();
    let evidence = process.evidence().await;
    let findings = baton_tests::oracle::check(&evidence);
    assert!(findings.is_empty(), "{findings:#?}");
    process.kill();
    let again = Process::start(&database, |_| {}).unwrap().with_history(&history);
    again.finish().await;
}

/// A full disk takes nothing: the change did not happen, not even after a crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_changes_and_answers_reads() {
    refuses_on_bad_disk("BATON_DISK_FULL_AFTER", Reason::StoreUnavailable).await;
}

/// A flush that fails leaves in doubt whether the change will be there after a crash, and the answer says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_flush_leaves_the_outcome_unknown() {
    refuses_on_bad_disk("BATON_DISK_FAIL_AFTER", Reason::OutcomeUnknown).await;
}
