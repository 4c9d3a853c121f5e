//! The disk of SQLite: full, read-only, gone; and a process that ends around a flush.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use baton_client::{Code, Error, NewTask};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, Process, TestDatabase};

use super::{Disk, Workers, finish, insisted, through};
use crate::support::id;

fn file_on(disk: &Disk) -> String {
    format!("sqlite:{}", disk.0.join("baton.db").display())
}

/// What a change may be told while the disk takes nothing.
fn is_refused_for_now(answer: &Result<impl Sized, Error>) -> bool {
    let error = answer.as_ref().err();
    error.is_some_and(|error| error.code() == Some(Code::Unavailable) && error.retry_after().is_some())
}

mod sqlite {
    use super::*;

    /// F14: a disk that is really full, and has room again: changes are refused, reads go on, nothing is lost, and no restart
    /// is needed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_disk_refuses_changes_until_there_is_room() {
        let fault = Injected::new("F14");
        let database = TestDatabase::new();
        let Some(disk) = Disk::new(database.folder(), 8, "the test of a full disk") else {
            return;
        };
        let process = Process::start_at(&database, &file_on(&disk), |_| {}).unwrap();
        let (client, history) = (process.client(), Arc::clone(process.history()));
        let first = insisted(&history, || client.create(NewTask::new("test").id(id()))).await;
        let workers = Arc::new(Workers::new());
        let faults = async {
            for _ in 0..count(3, 50) {
                let ballast = disk.fill();
                let text = "x".repeat(4_000);
                loop {
                    // What is refused is asked again later by others; this only finds out when the disk is full.
                    let call = client.create(NewTask::new("filler").id(id()).description(&text));
                    let answer = history.send(call).await;
                    if is_refused_for_now(&answer) {
                        break;
                    }
                    answer.unwrap();
                }
                fault.once();
                assert_eq!(client.get(&first.id).await.unwrap().task.id, first.id);
                std::fs::remove_file(ballast).unwrap();
                disk.again("size=256m");
                workers.more(20).await;
            }
        };
        through(&workers, (&[process.client()], &history), faults).await;
        finish(process, &workers).await;
        drop(disk);
    }

    /// F16: a file that cannot be written is refused at the start, in words, and stays as it is.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_disk_that_cannot_be_written_is_refused_in_words() {
        let fault = Injected::new("F16");
        let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
        let Some(disk) = Disk::new(database.folder(), 64, "the test of a read-only disk") else {
            return;
        };
        for _ in 0..count(2, 20) {
            let process = Process::start_at(&database, &file_on(&disk), |_| {}).unwrap();
            let process = process.with_history(&history);
            let client = process.client();
            insisted(&history, || client.create(NewTask::new("test").id(id()))).await;
            process.kill();
            disk.again("ro");
            fault.once();
            let told = Process::start_at(&database, &file_on(&disk), |_| {}).expect_err("nobody can write");
            assert!(!told.contains("panicked"), "{told}");
            assert!(
                told.contains("not available") || told.contains("Read-only"),
                "{told}"
            );
            disk.again("rw");
        }
        let process = Process::start_at(&database, &file_on(&disk), |_| {}).unwrap();
        process.with_history(&history).finish().await;
        drop(disk);
    }

    /// F16: the file is taken away under the server. It goes on or refuses, and never panics; what is there after a restart is
    /// another log, which knows no token of the old one.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_that_is_taken_away_ends_no_server() {
        let fault = Injected::new("F16");
        for _ in 0..count(1, 10) {
            let database = TestDatabase::new();
            let process = Process::start(&database, |_| {}).unwrap();
            let client = process.client();
            client.create(NewTask::new("test")).await.unwrap();
            for suffix in ["", "-wal", "-shm"] {
                let file = format!("{}{suffix}", database.file().display());
                std::fs::remove_file(file).unwrap();
            }
            fault.once();
            for _ in 0..20 {
                let answer = client.create(NewTask::new("test")).await;
                assert!(answer.is_ok() || is_refused_for_now(&answer), "{answer:?}");
            }
            let log = process.stop_and_read();
            assert!(!log.contains("panicked"), "{log}");
            let again = Process::start(&database, |_| {}).unwrap();
            let created = again.client().create(NewTask::new("test"));
            again.history().send(created).await.unwrap();
            again.finish().await;
        }
    }

    /// F23: somebody reads the file for long. Work goes on, and when he has left, the log beside the file goes back to its
    /// bound: it is written from its beginning again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reader_that_stays_stops_no_work_and_bounds_no_log() {
        let fault = Injected::new("F23");
        let database = TestDatabase::new();
        let process = Process::start(&database, |_| {}).unwrap();
        let (client, history) = (process.client(), Arc::clone(process.history()));
        insisted(&history, || client.create(NewTask::new("test").id(id()))).await;
        let text = "x".repeat(8_000);
        let grow = async |rounds: u64| {
            for _ in 0..rounds {
                let tasks = (0..300).map(|_| NewTask::new("big").description(&text));
                history
                    .send(client.batch_create(tasks).timeout(Duration::from_secs(60)))
                    .await
                    .unwrap();
            }
        };
        let length = || {
            let log = format!("{}-wal", database.file().display());
            std::fs::metadata(log).unwrap().len()
        };
        let mut reader = database.shell().await;
        reader.run("BEGIN; SELECT count(*) FROM task").await;
        fault.once();
        grow(count(10, 60)).await;
        let stretched = length();
        assert!(
            stretched > 20 << 20,
            "the log is {stretched} bytes: nobody stood in the way"
        );
        reader.run("ROLLBACK").await;
        reader.close().await;
        // What it has grown to is used again; it does not grow on.
        grow(count(10, 60)).await;
        assert!(
            length() <= stretched + (20 << 20),
            "{} after {stretched}",
            length()
        );
        process.finish().await;
    }

    /// F2: the process ends right before a flush, and right after one: before the commit stands, and before it is answered.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_killed_around_a_flush_leaves_all_or_nothing() {
        let fault = Injected::new("F2");
        let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
        let library = crate::sqlite_disk::disk(database.folder());
        for n in 0..count(8, 100) {
            let moment = ["BATON_DISK_KILL_BEFORE", "BATON_DISK_KILL_AFTER"][usize::from(n % 2 == 0)];
            let mut command = Command::new(env!("CARGO_BIN_EXE_baton-under-test"));
            command
                .arg(database.url())
                .env("LD_PRELOAD", &library)
                .env("BATON_DISK_WATCH", database.file())
                .env(moment, (40 + 13 * (n % 11)).to_string());
            let process = Process::run(command).unwrap().with_history(&history);
            let client = process.client();
            loop {
                let (task, calls) = (id(), client.create(NewTask::new("test").id(id())));
                if history.send(calls).await.is_err() {
                    break;
                }
                let made = history.send(client.create(NewTask::new("test").id(&task))).await;
                if made.is_err() || history.send(client.start(&task)).await.is_err() {
                    break;
                }
            }
            fault.once();
            drop(process);
        }
        let process = Process::start(&database, |_| {}).unwrap();
        process.with_history(&history).finish().await;
    }
}
