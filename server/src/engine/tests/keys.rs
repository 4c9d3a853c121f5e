//! Creates that mean the same task.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_domain::{Dedup, DedupPolicy, Event, EventType, Rejection, Span};
use futures::future::join_all;

use super::*;

pub(super) fn only(policy: DedupPolicy) -> Option<Dedup> {
    Some(Dedup {
        key: "k".to_owned(),
        window: None,
        policy,
    })
}

fn within(seconds: i64, policy: DedupPolicy) -> Option<Dedup> {
    only(policy).map(|dedup| Dedup {
        window: Some(Span::from_secs(seconds)),
        ..dedup
    })
}

impl Bench {
    fn keyed(&self, title: &str, dedup: Option<Dedup>) -> Box<NewTask> {
        Box::new(NewTask {
            dedup,
            ..*self.new_task(title)
        })
    }

    /// The task that the store says holds the key.
    async fn holder(&self) -> Option<TaskId> {
        let held = self.engine.store().held_keys(&[("default", "k")]).await;
        held.expect("the keys read").pop().map(|held| held.hold.task_id)
    }
}

fn refused(answer: Result<Done, Error>) -> TaskId {
    match answer {
        Err(Error::Duplicate { id, .. }) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_hundred_creates_at_once_give_one_task() {
    let bench = Bench::new().await;
    for (title, chosen_id) in [("a", true), ("b", false)] {
        let creates = (0..200).map(|_| {
            let new = bench.keyed(title, only(DedupPolicy::ReturnExisting));
            let request = CreateRequest {
                chosen_id,
                ..member(new)
            };
            bench.engine.create(request, None)
        });
        let done: Vec<_> = join_all(creates)
            .await
            .into_iter()
            .map(|done| done.expect("answered"))
            .collect();
        let ids: BTreeSet<_> = done.iter().map(|done| done.task.id).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(done.iter().filter(|done| !done.deduplicated).count(), 1);
        let id = done[0].task.id;
        assert_eq!(bench.holder().await, Some(id));
        bench.give(id, cancel()).await.expect("cancelled");
        assert_eq!(bench.holder().await, None);
    }
    assert_eq!(bench.engine.feed().head("default"), 6);
    bench.finish().await;
}

#[tokio::test]
async fn a_second_create_gets_what_its_policy_says() {
    let bench = Bench::new().await;
    let create = async |policy| bench.create(bench.keyed("again", only(policy))).await;
    let first = create(DedupPolicy::Reject)
        .await
        .expect("nobody held the key")
        .task;
    assert_eq!(refused(create(DedupPolicy::Reject).await), first.id);
    let existing = create(DedupPolicy::ReturnExisting).await.expect("answered");
    assert!(existing.deduplicated && existing.events.is_empty() && !existing.replayed);
    assert_eq!(existing.task.id, first.id);
    let second = create(DedupPolicy::ReplacePending)
        .await
        .expect("not started yet");
    assert!(!second.deduplicated && second.task.id != first.id);
    let old = bench.engine.store().task(first.id).await.expect("the row reads");
    let old = old.expect("it is there");
    assert_eq!((old.state, &*old.state_reason), (State::Cancelled, "superseded"));
    assert_eq!(bench.holder().await, Some(second.task.id));
    bench.give(second.task.id, start()).await.expect("started");
    let third = create(DedupPolicy::ReplacePending).await.expect("answered");
    assert!(third.deduplicated && third.task.id == second.task.id);
    bench.give(second.task.id, complete()).await.expect("completed");
    let fresh = create(DedupPolicy::Reject).await.expect("the key is free");
    assert!(!fresh.deduplicated);
    let mut elsewhere = bench.keyed("there", only(DedupPolicy::Reject));
    "elsewhere".clone_into(&mut elsewhere.namespace);
    bench
        .create(elsewhere)
        .await
        .expect("another namespace has its own keys");
    bench.finish().await;
}

#[tokio::test]
async fn a_window_holds_the_key_whatever_becomes_of_the_task() {
    let bench = Bench::new().await;
    let create = async || {
        bench
            .create(bench.keyed("a", within(60, DedupPolicy::Reject)))
            .await
    };
    let pass = |seconds| {
        bench
            .engine
            .clock()
            .advance(Duration::from_secs(seconds))
            .expect("the clock moves")
    };
    let first = create().await.expect("created").task.id;
    bench.give(first, cancel()).await.expect("cancelled");
    pass(59);
    assert_eq!(refused(create().await), first);
    pass(1);
    let second = create().await.expect("the window is over").task.id;
    // It stays open for longer than its window.
    pass(60);
    let third = create().await.expect("the window is over").task.id;
    assert_eq!(bench.holder().await, Some(third));
    bench.give(second, cancel()).await.expect("cancelled");
    assert_eq!(bench.holder().await, Some(third));
    let delete = command(third, Action::Delete { force: true });
    bench.engine.delete(delete).await.expect("deleted");
    create().await.expect("who held the key is gone");
    pass(61);
    let now = Timestamp::from_micros(bench.engine.clock().now_micros());
    let more = bench.engine.keep_up(Upkeep::ExpireKeys(now)).await;
    assert!(!more.expect("kept up"));
    assert_eq!(bench.holder().await, None);
    bench.finish().await;
}

#[tokio::test]
async fn a_retry_needs_the_key_again() {
    let bench = Bench::new().await;
    let create = async || bench.create(bench.keyed("a", only(DedupPolicy::Reject))).await;
    let first = create().await.expect("created").task.id;
    bench.give(first, start()).await.expect("started");
    bench.give(first, fail()).await.expect("failed");
    let second = create().await.expect("the key is free").task.id;
    assert_eq!(refused(bench.give(first, retry()).await), second);
    // The holder goes, and the key changes hands, in one batch.
    let comment = Action::Comment {
        message: "first".to_owned(),
    };
    let (_, cancelled, retried, refusal) = tokio::join!(
        bench.give(first, comment),
        bench.give(second, cancel()),
        bench.give(first, retry()),
        create(),
    );
    cancelled.expect("cancelled");
    retried.expect("the key is free");
    assert_eq!(refused(refusal), first);
    assert_eq!(bench.holder().await, Some(first));
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_by_id_is_its_own_task_whoever_holds_the_key() {
    let bench = Bench::new().await;
    let new = bench.keyed("a", only(DedupPolicy::ReplacePending));
    let first = bench.create(new.clone()).await.expect("created").task.id;
    let again = bench.create(new.clone()).await.expect("answered");
    assert!(again.replayed && !again.deduplicated);
    bench.give(first, cancel()).await.expect("cancelled");
    for policy in [
        DedupPolicy::ReturnExisting,
        DedupPolicy::Reject,
        DedupPolicy::ReplacePending,
    ] {
        let mut repeat = new.clone();
        repeat.dedup = only(policy);
        let other = bench.keyed("b", only(DedupPolicy::ReplacePending));
        let other = bench.create(other).await.expect("created").task;
        let again = bench.create(repeat).await.expect("answered");
        assert!(again.replayed && again.task.id == first, "{policy}");
        let standing = bench.engine.store().task(other.id).await.expect("the row reads");
        assert_eq!(standing.map(|task| task.state), Some(State::Queued), "{policy}");
    }
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_of_a_create_that_found_another_task_says_so_again() {
    let bench = Bench::new().await;
    let keyed = |chosen_id| CreateRequest {
        chosen_id,
        ..member(bench.keyed("a", only(DedupPolicy::ReturnExisting)))
    };
    let first = bench.engine.create(keyed(false), request_key(1)).await;
    let holder = first.expect("created").task.id;
    for (n, chosen_id) in [(2, true), (3, false)] {
        let once = bench.engine.create(keyed(chosen_id), request_key(n)).await;
        let again = bench.engine.create(keyed(chosen_id), request_key(n)).await;
        for (done, replayed) in [(once, false), (again, true)] {
            let done = done.expect("answered");
            let told = (done.task.id, done.deduplicated, done.replayed);
            assert_eq!(told, (holder, true, replayed));
        }
    }
    let again = bench.engine.create(keyed(false), request_key(1)).await;
    let again = again.expect("answered");
    assert!(again.replayed && !again.deduplicated);
    bench.finish().await;
}

#[tokio::test]
async fn members_of_a_batch_refer_to_the_task_that_stands_for_their_sibling() {
    let bench = Bench::new().await;
    let keyed = || bench.keyed("a", only(DedupPolicy::ReturnExisting));
    let holder = bench.create(keyed()).await.expect("created").task.id;
    let (first, second) = (keyed(), keyed());
    let mut waits = bench.new_task("waits");
    waits.dependencies = vec![on(first.id), on(second.id), on(holder)];
    let mut child = bench.new_task("child");
    child.parent_id = Some(first.id);
    let members = [waits, child, first, second].map(member).to_vec();
    let done = bench.engine.create_batch(members, None).await.expect("created");
    let waits = &done[0].task;
    let named: Vec<_> = waits.dependencies.iter().map(|d| d.task_id).collect();
    assert_eq!((waits.state, named), (State::Blocked, vec![holder]));
    assert_eq!(done[1].task.parent_id, Some(holder));
    for done in &done[2..] {
        assert!(done.deduplicated && done.task.id == holder);
    }
    // Two that each want to be the only one: neither is created, nor anything beside them.
    let both = ["b", "c"].map(|title| member(bench.keyed(title, within(5, DedupPolicy::Reject))));
    bench.give(holder, cancel()).await.expect("cancelled");
    let head = bench.engine.feed().head("default");
    let refused = bench.engine.create_batch(both.to_vec(), None).await;
    let Err(Error::InBatch { index: 1, source }) = refused else {
        panic!("{refused:?}")
    };
    let invalid = Error::Rejected(Rejection::InvalidField {
        field: "dedup",
        why: "another task of this call has the same key".to_owned(),
    });
    assert_eq!(source.to_string(), invalid.to_string());
    assert_eq!(bench.engine.feed().head("default"), head);
    bench.finish().await;
}

#[tokio::test]
async fn a_preview_tells_whom_the_create_would_meet() {
    let bench = Bench::new().await;
    let keyed = |policy| member(bench.keyed("a", only(policy)));
    let fresh = bench.engine.preview(keyed(DedupPolicy::Reject)).await;
    assert!(!fresh.expect("nobody holds the key").deduplicated);
    let first = bench.engine.create(keyed(DedupPolicy::Reject), None).await;
    let first = first.expect("the preview took nothing").task.id;
    assert_eq!(
        refused(bench.engine.preview(keyed(DedupPolicy::Reject)).await),
        first
    );
    let met = bench.engine.preview(keyed(DedupPolicy::ReturnExisting)).await;
    assert!(met.expect("answered").deduplicated);
    bench.finish().await;
}

/// The table is not even looked at.
#[tokio::test]
async fn tasks_without_a_key_do_not_pay_for_those_that_have_one() {
    let bench = Bench::new().await;
    bench.sql("DROP TABLE dedup").await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    for action in [start(), fail(), retry(), cancel()] {
        bench.give(id, action).await.expect("done");
    }
    bench.finish().await;
}

/// Whatever happens at the same time: of the tasks that share a key at most one is open, and the store names it.
#[tokio::test]
async fn one_open_task_a_key_whatever_happens_at_once() {
    let bench = Bench::new().await;
    let mut dice = dice(7);
    let mut known: Vec<TaskId> = Vec::new();
    for _ in 0..60 {
        let mut calls = Vec::new();
        for _ in 0..12 {
            let policy = DedupPolicy::ALL[dice(3)];
            if known.is_empty() || dice(3) == 0 {
                let new = bench.keyed("a", only(policy));
                calls.push(futures::future::Either::Left(bench.create(new)));
            } else {
                // The newest are where things happen.
                let id = known[known.len() - 1 - dice(known.len().min(4))];
                let action = [start(), fail(), retry(), cancel(), complete(), retry()][dice(6)].clone();
                calls.push(futures::future::Either::Right(bench.give(id, action)));
            }
        }
        // Of what was made lately, what still can be moved.
        for done in join_all(calls).await.into_iter().flatten() {
            known.retain(|id| *id != done.task.id);
            known.push(done.task.id);
        }
    }
    let log = bench
        .engine
        .store()
        .log("default", 0, 100_000)
        .await
        .expect("the log reads");
    let mut open: BTreeSet<TaskId> = BTreeSet::new();
    let (mut most, mut replaced, mut retried) = (0, 0, 0);
    for event in &log {
        count(&mut open, event);
        most = most.max(open.len());
        replaced += usize::from(&*event.state_reason == "superseded");
        retried += usize::from(event.kind == EventType::Retried);
    }
    assert_eq!(most, 1, "two open tasks have one key");
    assert!(
        replaced > 3 && retried > 3,
        "{replaced} replaced, {retried} retried"
    );
    assert_eq!(bench.holder().await, open.pop_first());
    bench.finish().await;
}

fn count(open: &mut BTreeSet<TaskId>, event: &Event) {
    if event.to_state.is_open() {
        open.insert(event.task_id);
    } else {
        open.remove(&event.task_id);
    }
}

/// The same numbers below `n` with every run of the test.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |n| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % n
    }
}
