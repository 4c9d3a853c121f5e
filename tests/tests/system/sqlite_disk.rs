//! SQLite on a disk that loses what was not flushed, fills up or goes bad.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use baton_client::{Client, Error, NewTask, Reason};
use baton_tests::harness::faults::Injected;
use baton_tests::harness::{History, Process, TestDatabase};
use baton_tests::oracle::{Finding, Rule};

use crate::crashes::crash_under_load;
use crate::dice::Ids;
use crate::support::id;

/// Compiles the disk that loses what was not flushed.
pub(crate) fn disk(folder: &Path) -> PathBuf {
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
fn on_losing_disk(database: &TestDatabase, library: &Path, flushes: &str) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton-under-test"));
    command
        .arg(database.url())
        .env("LD_PRELOAD", library)
        .env("BATON_DISK_WATCH", database.file())
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
    let database = TestDatabase::new();
    let library = disk(database.folder());
    let (history, ids) = (Arc::new(History::default()), Ids::default());
    for cut in 0..cuts {
        let process = on_losing_disk(&database, &library, flushes).with_history(&history);
        crash_under_load(process, &ids, cut).await;
        cut_power(&database.file());
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
fn on_bad_disk(database: &TestDatabase, faults: &[(&str, &str)]) -> Process {
    let library = disk(database.folder());
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton-under-test"));
    command
        .arg(database.url())
        .env("LD_PRELOAD", &library)
        .env("BATON_DISK_WATCH", database.file())
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
    let database = TestDatabase::new();
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
    let database = TestDatabase::new();
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
    let fault = Injected::new("F14");
    fault.once();
    refuses_on_bad_disk("BATON_DISK_FULL_AFTER", Reason::StoreUnavailable).await;
}

/// A flush that fails leaves in doubt whether the change will be there after a crash, and the answer says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_flush_leaves_the_outcome_unknown() {
    refuses_on_bad_disk("BATON_DISK_FAIL_AFTER", Reason::OutcomeUnknown).await;
}
