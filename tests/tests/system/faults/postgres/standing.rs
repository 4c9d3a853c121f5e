//! Transactions of somebody else that stand for long.

use std::sync::Arc;

use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, TestDatabase};

use super::super::{Follower, Workers, finish};
use super::{Way, assert_nothing_is_open};

/// F22: somebody's write transaction stands open in the same database and in another one, and three servers go on: who
/// follows any of them has everything before that ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_write_of_somebody_else_stops_no_feed() {
    let fault = Injected::new("F22");
    let (database, elsewhere) = (TestDatabase::new(), TestDatabase::new());
    let history = Arc::new(History::default());
    let way = Way::to(&database, "").await;
    let servers = [0; 3].map(|_| way.serve(&database, &history));
    let mut held = Vec::new();
    for of in [&database, &elsewhere] {
        let mut shell = of.shell().await;
        shell.run("CREATE TABLE somebody (n bigint)").await;
        shell.run("BEGIN; INSERT INTO somebody VALUES (1)").await;
        held.push(shell);
        fault.once();
    }
    let mut followers = Vec::new();
    for server in &servers {
        followers.push(Follower::at(server.address()).await);
    }
    let workers = Workers::new();
    let clients: Vec<_> = servers.iter().map(|server| server.client()).collect();
    let end = async {
        workers.more(count(60, 2_000)).await;
        workers.stop();
    };
    tokio::join!(workers.work(&clients, &history, 9), end);
    history.others_act_too();
    for follower in followers {
        follower.assert_whole(&clients[0]).await;
    }
    for mut shell in held {
        shell.run("ROLLBACK").await;
        shell.close().await;
    }
    let [first, second, third] = servers;
    drop((second, third));
    finish(first, &workers).await;
}

/// F23: somebody's snapshot stands while tasks are worked on. Work goes on, and once it is gone a vacuum leaves no more dead
/// rows than it should.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_stands_stops_no_work_and_leaves_no_dead_rows() {
    let fault = Injected::new("F23");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let way = Way::to(&database, "").await;
    let process = way.serve(&database, &history);
    let mut holder = database.shell().await;
    holder
        .run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM task")
        .await;
    fault.once();
    let workers = Workers::new();
    let end = async {
        workers.more(count(80, 2_000)).await;
        workers.stop();
    };
    let clients = [process.client()];
    tokio::join!(workers.work(&clients, &history, 8), end);
    holder.run("ROLLBACK").await;
    holder.close().await;
    let mut shell = database.shell().await;
    // What each of these tasks was before is of no use to anybody.
    shell.run("VACUUM task").await;
    let dead = "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables WHERE relname = 'task'";
    for _ in 0..100 {
        if shell.number(dead).await < 50 {
            break;
        }
        super::moment(super::LOOK).await;
    }
    assert!(shell.number(dead).await < 50, "dead rows stay");
    shell.close().await;
    assert_nothing_is_open(&database).await;
    finish(process, &workers).await;
}
