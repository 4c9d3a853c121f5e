//! A server that stands still in the middle of a commit, and a database that loses every connection.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baton_client::NewTask;
use baton_test_database::Shell;
use baton_tests::harness::Process;
use baton_tests::harness::faults::{Injected, count};
use futures::future::join_all;

use super::{created_in_the_end, processes};
use crate::dice::{Caller, Ids};
use crate::support::{id, moment};

/// The session that has held the turn for longer than a server does that runs; 0 where none has.
const HOLDER: &str = "SELECT coalesce((SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid \
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 6447476 AND l.objid = 1869479937 \
     AND a.state = 'idle in transaction' AND clock_timestamp() - a.state_change > interval '100 ms' LIMIT 1), 0)::bigint";
/// Whether any session holds it.
const HELD: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
     AND classid = 6447476 AND objid = 1869479937";

fn signal(process: &Process, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|sent| sent.success()), "the process is there");
}

/// Stops the process at a moment when it holds the turn: whoever holds it for so long is frozen.
async fn freeze(process: &Process, shell: &mut Shell) -> i64 {
    for _ in 0..2_000 {
        signal(process, "STOP");
        if shell.number(HELD).await > 0 {
            moment(Duration::from_millis(150)).await;
            let holder = shell.number(HOLDER).await;
            if holder != 0 {
                return holder;
            }
        }
        signal(process, "CONT");
        moment(Duration::from_millis(7)).await;
    }
    panic!("the process was never stopped within its turn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_while_one_server_is_frozen_within_a_commit() {
    let fault = Injected::new("F6");
    let (database, history, servers) = processes(3);
    let [frozen, second, third] = &servers[..] else {
        panic!("three were started")
    };
    let mut shell = database.shell().await;
    let ids = Ids::default();
    let over = AtomicBool::new(false);
    let client = frozen.client();
    let load = join_all((0..4_u64).map(async |seed| {
        let mut n = seed;
        while !over.load(Ordering::SeqCst) {
            n += 4;
            // A key makes it a turn of several statements. What is under way when the process is frozen has an outcome that nobody
            // is told of.
            let task = NewTask::new("test").dedup_key(id());
            drop(history.send(client.create(task)).await);
        }
        n
    }));
    let freezes = async {
        for _ in 0..count(3, 20) {
            fault.once();
            let holder = freeze(frozen, &mut shell).await;
            let began = Instant::now();
            created_in_the_end(second).await;
            created_in_the_end(third).await;
            println!("others went on after {:?}", began.elapsed());
            assert_ne!(shell.number(HOLDER).await, holder, "its session was ended");
            signal(frozen, "CONT");
            created_in_the_end(frozen).await;
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(load, freezes);
    let mut caller = Caller::new(&client, &history, &ids, 1);
    for _ in 0..20 {
        assert!(caller.call().await, "it is as the others again");
    }
    let [_, second, _] = <[Process; 3]>::try_from(servers).expect("three were started");
    second.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_drops_every_connection_is_reached_again() {
    let (database, history, servers) = processes(2);
    let mut shell = database.shell().await;
    let over = AtomicBool::new(false);
    let load = join_all(servers.iter().map(async |process| {
        let client = process.client();
        while !over.load(Ordering::SeqCst) {
            match history.send(client.create(NewTask::new("test"))).await {
                Ok(_) => {}
                Err(baton_client::Error::Refused(refusal)) => {
                    assert_eq!(refusal.code, baton_client::Code::Unavailable, "{refusal:?}");
                    assert!(refusal.retry_after.is_some(), "{refusal:?}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }));
    let cuts = async {
        for _ in 0..20 {
            let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name = 'baton'";
            assert!(shell.number(ended).await > 0, "there were sessions");
            for process in &servers {
                created_in_the_end(process).await;
            }
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(load, cuts);
    let [first, _] = <[Process; 2]>::try_from(servers).expect("two were started");
    first.finish().await;
}
