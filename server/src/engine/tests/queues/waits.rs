//! Whom a commit wakes that makes room.

use futures::FutureExt as _;

use super::*;
use crate::engine::workers::Place;

impl Bench {
    /// A call on a queue that looked and found nothing.
    async fn waits(&self, claim: &ClaimRequest) -> Place {
        let granted = self.engine.claim(claim.clone()).await.expect("answered");
        assert!(granted.is_empty(), "{granted:?}");
        let place = self
            .engine
            .workers()
            .parked
            .place(claim.demand.clone(), claim.max_tasks);
        place.stand();
        place
    }
}

fn is_woken(place: &Place) -> bool {
    place.woken().now_or_never().is_some()
}

#[tokio::test]
async fn a_place_that_becomes_free_wakes_one_and_a_task_that_is_kept_wakes_nobody() {
    let bench = Bench::new().await;
    bench.queue("default", places(1)).await;
    bench.ready_in("default", 3, |_| "a".to_owned()).await;
    let one = claim_of(&["default"], 1);
    let granted = bench.engine.claim(one.clone()).await.expect("answered");
    let (first, second) = (bench.waits(&one).await, bench.waits(&one).await);
    bench.ready_in("default", 2, |_| "a".to_owned()).await;
    assert!(!is_woken(&first) && !is_woken(&second));
    bench.hold(&granted[0], 1, start()).await.expect("started");
    bench.hold(&granted[0], 2, complete()).await.expect("completed");
    assert!(is_woken(&first) && !is_woken(&second));
    // It leaves without having looked: whoever is next is woken in its place.
    drop(first);
    assert!(is_woken(&second));
    bench.finish().await;
}

#[tokio::test]
async fn who_takes_other_types_is_woken_too() {
    let bench = Bench::new().await;
    bench.queue("default", places(1)).await;
    bench.ready_in("default", 2, |_| "a".to_owned()).await;
    let granted = bench
        .engine
        .claim(claim_of(&["default"], 1))
        .await
        .expect("answered");
    let of_type = |name: &str| {
        let mut claim = claim_of(&["default"], 1);
        claim.demand.types = Some(vec![name.to_owned()]);
        claim
    };
    let (other, same) = (
        bench.waits(&of_type("other")).await,
        bench.waits(&of_type("report")).await,
    );
    bench
        .hold(&granted[0], 1, Action::Release)
        .await
        .expect("released");
    assert!(is_woken(&other) && is_woken(&same));
    bench.finish().await;
}

#[tokio::test]
async fn what_is_raised_or_resumed_wakes_as_many_as_it_lets_go_on() {
    let bench = Bench::new().await;
    bench.queue("default", places(0)).await;
    bench.ready_in("default", 9, |_| "a".to_owned()).await;
    let one = claim_of(&["default"], 1);
    let waiting = [
        bench.waits(&one).await,
        bench.waits(&one).await,
        bench.waits(&one).await,
    ];
    let raise = QueueEdit {
        concurrency: Some(Some(2)),
        ..QueueEdit::default()
    };
    bench.update_queue("default", raise).await;
    assert_eq!(
        waiting.iter().map(is_woken).collect::<Vec<_>>(),
        [true, true, false]
    );
    let pause = QueueAction::Pause { note: String::new() };
    bench.change_queue("default", pause).await.expect("paused");
    waiting[0].stand();
    let resume = QueueAction::Resume { note: String::new() };
    bench.change_queue("default", resume).await.expect("resumed");
    assert!(is_woken(&waiting[0]) && is_woken(&waiting[2]));
    waiting[1].stand();
    let clear = QueueEdit {
        concurrency: Some(None),
        ..QueueEdit::default()
    };
    bench.update_queue("default", clear).await;
    assert!(is_woken(&waiting[1]));
    bench.finish().await;
}

#[tokio::test]
async fn the_next_turn_of_a_rate_is_told_of_also_after_a_restart() {
    let bench = Bench::new().await;
    bench.queue("default", rate(1, Span::from_secs(3_600))).await;
    bench.ready_in("default", 3, |_| "a".to_owned()).await;
    let one = claim_of(&["default"], 1);
    let granted = bench.engine.claim(one.clone()).await.expect("answered");
    let turn = granted[0].task.update_time.plus(Span::from_secs(3_600));
    assert_eq!(bench.engine.workers().turns.first(), Some(turn));
    let bench = bench.restart().await;
    let place = bench.waits(&one).await;
    let workers = bench.engine.workers();
    assert_eq!(workers.turns.first(), Some(turn));
    assert!(workers.turns.take(turn.minus(Span::from_micros(1))).is_empty());
    for ((namespace, queue), tasks) in workers.turns.take(turn) {
        workers.parked.freed((&namespace, &queue), tasks);
    }
    assert!(is_woken(&place));
    bench.finish().await;
}

#[tokio::test]
async fn claims_of_one_batch_that_met_one_key_look_again_for_others() {
    let bench = Bench::new().await;
    bench.queue("default", by_tenant(1)).await;
    bench.ready_in("default", 400, |_| "a".to_owned()).await;
    bench.ready_in("default", 3, |n| format!("b{n}")).await;
    let one = claim_of(&["default"], 1);
    // As calls that wait do it: in line first, then a look, and again where they are woken.
    let call = async || {
        let place = bench.engine.workers().parked.place(one.demand.clone(), 1);
        loop {
            place.stand();
            let granted = bench.engine.claim(one.clone()).await.expect("answered");
            place.looked(
                granted
                    .iter()
                    .map(|done| crate::engine::workers::kind(&done.task)),
            );
            if !granted.is_empty() {
                return;
            }
            place.woken().await;
        }
    };
    let four = join_all((0..4).map(|_| call()));
    tokio::time::timeout(std::time::Duration::from_secs(20), four)
        .await
        .expect("four keys are free");
    bench.finish().await;
}
