//! The way between clients and a server: cut, silent, one-way, slow, torn.

use std::sync::Arc;
use std::time::Duration;

use baton_client::{NewTask, Selection, State};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{Process, Proxy, TestDatabase, Wire};
use futures::future::join_all;

use super::{Follower, Workers, finish, hasty, insisted, through};
use crate::support::{LOOK, id, moment};

const SOON: Duration = Duration::from_millis(500);

/// F9: nothing that was asked is lost or done twice, and who follows the feed misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_is_cut_or_silent_or_one_way_costs_nothing() {
    let fault = Injected::new("F9");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let proxy = Proxy::to(process.address(), "").await;
    let follower = Follower::at(proxy.address()).await;
    let client = hasty(proxy.address(), SOON);
    let workers = Arc::new(Workers::new());
    let faults = async {
        let kinds = [
            Wire::Good,
            Wire::Dead,
            Wire::AnswersLost,
            Wire::RequestsLost,
            Wire::Closed,
        ];
        for n in 0..count(5, 100) {
            proxy.set(kinds[usize::try_from(n).unwrap() % kinds.len()]);
            moment(LOOK * 15).await;
            proxy.cut();
            proxy.set(Wire::Good);
            fault.once();
            workers.more(10).await;
        }
    };
    through(&workers, (&[client], process.history()), faults).await;
    process.history().others_act_too();
    follower.assert_whole(&process.client()).await;
    finish(process, &workers).await;
}

/// F9: a way that is silent and never cut: the client's own pings find out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_notices_by_itself_that_nobody_is_there() {
    let fault = Injected::new("F9");
    for _ in 0..count(0, 1) {
        let database = TestDatabase::new();
        let process = Process::start(&database, |_| {}).unwrap();
        let (dead, good) = (Proxy::to(process.address(), "").await, process.client());
        let follower = Follower::at(dead.address()).await;
        process
            .history()
            .send(good.create(NewTask::new("test")))
            .await
            .unwrap();
        dead.set(Wire::Dead);
        fault.once();
        // New connections are good again; the old one is silent for ever.
        moment(Duration::from_millis(100)).await;
        dead.bury();
        dead.set(Wire::Good);
        process.history().others_act_too();
        follower.assert_whole(&good).await;
        process.finish().await;
    }
}

/// F12: a fifth of a second each way, and one piece in a hundred tears its connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_is_slow_or_torn_costs_nothing_but_time() {
    let fault = Injected::new("F12");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let proxy = Proxy::to(process.address(), "").await;
    let follower = Follower::at(proxy.address()).await;
    let client = hasty(proxy.address(), Duration::from_secs(5));
    let workers = Arc::new(Workers::new());
    let faults = async {
        for _ in 0..count(1, 10) {
            proxy.set(Wire::Slow(Duration::from_millis(200)));
            workers.more(8).await;
            fault.add(8);
            proxy.set(Wire::Torn(100));
            workers.more(count(100, 500)).await;
            fault.add(count(100, 500));
            proxy.set(Wire::Good);
        }
    };
    through(&workers, (&[client], process.history()), faults).await;
    process.history().others_act_too();
    follower.assert_whole(&process.client()).await;
    finish(process, &workers).await;
}

/// F8: callers that go away by themselves and with their connections, in the middle of changes, lists and waits. No session
/// of the database is left within a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_vanish_leave_nothing_open() {
    let fault = Injected::new("F8");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let proxy = Proxy::to(process.address(), "").await;
    let (client, history) = (hasty(proxy.address(), Duration::from_secs(5)), process.history());
    let calls = count(400, 4_000);
    join_all((0..8).map(async |caller| {
        for call in 0..calls / 8 {
            let patience = Duration::from_micros(100 * (1 + (call * 7 + caller * 3) % 60));
            let task = id();
            let all = async {
                let made = history.send(client.create(NewTask::new("test").id(&task))).await;
                drop(
                    history
                        .send(client.list().filter("state = QUEUED").page_size(50))
                        .await,
                );
                drop(
                    history
                        .send(client.bulk_update_state(Selection::ids([&task]), State::Paused))
                        .await,
                );
                made
            };
            drop(tokio::time::timeout(patience, all).await);
            fault.once();
            if call % 40 == 0 {
                proxy.cut();
            }
        }
    }))
    .await;
    let client = process.client();
    let last = insisted(history, || client.create(NewTask::new("test").id(id()))).await;
    history.send(client.start(&last.id)).await.unwrap();
    if database.kind() == "postgres" {
        super::postgres::assert_nothing_is_open(&database).await;
    }
    process.finish().await;
}
