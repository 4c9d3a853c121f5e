//! A way to the database that is deaf or gone, for one server of two.

use std::sync::Arc;
use std::time::Duration;

use baton_client::NewTask;
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, TestDatabase, Wire};

use super::super::{Follower, Workers, finish, hasty, insisted, through};
use super::{Way, assert_nothing_is_open};
use crate::support::{LOOK, id, moment};

/// F11: a server that hears nothing of the others. Who follows it sees everything all the same, for it looks by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hears_nothing_looks_by_itself() {
    let fault = Injected::new("F11");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let way = Way::to(&database, "LISTEN").await;
    let good = Way::to(&database, "").await;
    let deaf = way.serve(&database, &history);
    let other = good.serve(&database, &history);
    let follower = Follower::at(deaf.address()).await;
    way.proxy.set_marked(Some(Wire::AnswersLost));
    let mut positions = follower.positions.clone();
    for _ in 0..count(5, 100) {
        let had = positions.borrow_and_update().len();
        insisted(&history, || other.client().create(NewTask::new("test").id(id()))).await;
        let seen = positions.wait_for(|positions| positions.len() >= had + 2);
        let seen = tokio::time::timeout(Duration::from_secs(30), seen).await;
        seen.expect("the deaf one sees it too").unwrap();
        fault.once();
    }
    history.others_act_too();
    follower.assert_whole(&other.client()).await;
    drop(deaf);
    other.finish().await;
}

/// F13: nothing comes through between one server and the database, and nobody says so. The other one goes on; the one that
/// was cut off answers nothing that is not so, and works again when the way is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_comes_back_and_the_other_goes_on() {
    let fault = Injected::new("F13");
    let (database, history) = (TestDatabase::new(), Arc::new(History::default()));
    let (way, good) = (Way::to(&database, "").await, Way::to(&database, "").await);
    let lonely = way.serve(&database, &history);
    let other = good.serve(&database, &history);
    let follower = Follower::at(lonely.address()).await;
    let (here, there) = (Arc::new(Workers::new()), Arc::new(Workers::new()));
    let faults = async {
        for n in 0..count(1, 8) {
            // What stands is silent from now on and for ever; new connections are too, until the way is back.
            way.proxy.bury();
            way.proxy.set(if n % 2 == 0 { Wire::Dead } else { Wire::Closed });
            there.more(20).await;
            moment(LOOK * 20).await;
            way.proxy.set(Wire::Good);
            fault.once();
            here.more(10).await;
        }
        there.stop();
    };
    let near = [hasty(lonely.address(), Duration::from_secs(5))];
    let far = [other.client()];
    tokio::join!(
        there.work(&far, &history, 4),
        through(&here, (&near, &history), faults),
    );
    history.others_act_too();
    follower.assert_whole(&lonely.client()).await;
    assert_nothing_is_open(&database).await;
    here.assert_done_once(&other.client()).await;
    there.assert_done_once(&lonely.client()).await;
    drop(lonely);
    finish(other, &there).await;
}
