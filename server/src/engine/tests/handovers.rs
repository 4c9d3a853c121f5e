//! Calls that wait, and what a commit hands to them.

use futures::FutureExt as _;
use tokio::sync::oneshot::Receiver;

use super::claims::claim;
use super::*;
use crate::engine::workers::{Place, Seen, WorkerKey};

impl Bench {
    /// A call that stands in line and found nothing.
    pub(super) async fn rests(&self, claim: &ClaimRequest) -> (Place, Receiver<Vec<Done>>) {
        // The first batch wakes everybody.
        let granted = self.engine.claim(claim.clone()).await;
        assert!(granted.expect("answered").is_empty());
        let parked = &self.engine.workers().parked;
        let place = parked.place(claim.demand.clone(), claim.max_tasks);
        place.stand();
        let handed = place.rest(claim.clone());
        (place, handed)
    }

    async fn in_store(&self, id: TaskId) -> Arc<Task> {
        let found = self.engine.store().task(id).await;
        Arc::new(found.expect("the store reads").expect("it is there"))
    }
}

#[tokio::test]
async fn what_a_create_makes_ready_is_leased_by_the_same_commit() {
    let bench = Bench::new().await;
    let (place, handed) = bench.rests(&claim()).await;
    let created = bench.create(bench.new_task("a")).await.expect("created").task;
    let granted = handed.await.expect("handed over");
    let [done] = &*granted else { panic!("{granted:?}") };
    assert_eq!((done.task.id, done.task.state), (created.id, State::Assigned));
    assert_eq!(created.state, State::Queued, "its creator is told what it did");
    assert_eq!(done.task.update_time, created.update_time, "one commit");
    assert_eq!(bench.in_store(created.id).await, done.task);
    // It is woken for nothing more, and what comes next is left to others.
    assert!(!place.rise());
    let next = bench.create(bench.new_task("b")).await.expect("created").task;
    assert_eq!(bench.in_store(next.id).await.state, State::Queued);
    let key = WorkerKey::of("default", &claim().worker);
    let worker = bench.engine.workers().registry.get(&key, done.task.update_time);
    assert_eq!(worker.expect("it is known").leases.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn the_most_urgent_goes_to_who_waits_longest_and_no_call_gets_more_than_it_asked_for() {
    let bench = Bench::new().await;
    let one = claim();
    let two = ClaimRequest {
        max_tasks: 2,
        ..claim()
    };
    let (first, second) = (bench.rests(&one).await, bench.rests(&two).await);
    let members = [Priority::Low, Priority::High, Priority::Low, Priority::Critical].map(|priority| {
        let mut new = bench.new_task("a");
        new.priority = Some(priority);
        member(new)
    });
    let created = bench.engine.create_batch(Vec::from(members), None).await;
    let created: Vec<TaskId> = created
        .expect("created")
        .iter()
        .map(|done| done.task.id)
        .collect();
    let ids = |granted: Vec<Done>| granted.iter().map(|done| done.task.id).collect::<Vec<_>>();
    assert_eq!(ids(first.1.await.expect("handed over")), [created[3]]);
    let others = ids(second.1.await.expect("handed over"));
    assert_eq!(others.len(), 2);
    assert_eq!(others[0], created[1]);
    let left = bench.engine.claim(two).await.expect("answered");
    assert_eq!(left.len(), 1, "nobody waited for the fourth");
    bench.finish().await;
}

#[tokio::test]
async fn only_a_call_that_rests_and_may_have_it_is_given_anything() {
    let bench = Bench::new().await;
    // The first batch wakes everybody.
    drop(bench.rests(&claim()).await);
    let workers = bench.engine.workers();
    let looking = workers.parked.place(claim().demand, 1);
    looking.stand();
    let first = bench.create(bench.new_task("a")).await.expect("created").task;
    assert_eq!(
        bench.in_store(first.id).await.state,
        State::Queued,
        "it looks just now"
    );
    assert!(looking.woken().now_or_never().is_some());
    drop(looking);
    bench.give(first.id, cancel()).await.expect("cancelled");
    // Its caller hung up.
    let (_place, handed) = bench.rests(&claim()).await;
    drop(handed);
    let second = bench.create(bench.new_task("b")).await.expect("created").task;
    assert_eq!(bench.in_store(second.id).await.state, State::Queued);
    bench.finish().await;
}

#[tokio::test]
async fn a_worker_that_drains_is_given_nothing() {
    let bench = Bench::new().await;
    let workers = bench.engine.workers();
    let now = Timestamp::from_micros(bench.engine.clock().now_micros());
    let key = WorkerKey::of("default", &claim().worker);
    workers.registry.seen(&key, &claim().worker, (Seen::Speaks, now));
    workers.registry.drain(&key, true, now).expect("it is known");
    let (_place, handed) = bench.rests(&claim()).await;
    let task = bench.create(bench.new_task("a")).await.expect("created").task;
    assert_eq!(bench.in_store(task.id).await.state, State::Queued);
    assert!(handed.now_or_never().is_none());
    bench.finish().await;
}

#[tokio::test]
async fn a_lease_that_cannot_be_written_does_not_spoil_the_create() {
    let bench = Bench::new().await;
    let mut shell = bench.shell().await;
    shell.poison("BEFORE INSERT", "lease", None).await;
    let (place, handed) = bench.rests(&claim()).await;
    let created = bench.create(bench.new_task("a")).await.expect("created").task;
    assert_eq!(bench.in_store(created.id).await.state, State::Queued);
    assert!(handed.await.is_err(), "the call is to look again");
    assert!(!place.rise());
    shell.cure("lease").await;
    bench.finish().await;
}
