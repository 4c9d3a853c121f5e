//! Claims that are decided together.

use std::time::Duration;

use baton_domain::{Span, Terms};
use futures::FutureExt as _;

use super::*;
use crate::store::Demand;

fn demand() -> Demand {
    Demand {
        namespace: "default".to_owned(),
        queues: vec!["default".to_owned()],
        types: None,
    }
}

pub(super) fn claim() -> ClaimRequest {
    ClaimRequest {
        demand: demand(),
        worker: Actor::anonymous(),
        terms: Terms {
            duration: Span::from_secs(30),
            acknowledge: Span::from_secs(10),
        },
        max_tasks: 1,
        max_bytes: 1 << 20,
    }
}

impl Bench {
    async fn ready(&self, title: &str, priority: Priority) -> TaskId {
        let mut new = self.new_task(title);
        new.priority = Some(priority);
        self.create(new).await.expect("created").task.id
    }
}

#[tokio::test]
async fn no_claim_is_answered_with_nothing_because_more_than_one_task_waits_for_too_long() {
    let bench = Bench::new().await;
    let oldest = bench.ready("a", Priority::Low).await;
    bench.ready("b", Priority::Low).await;
    let passed = bench.engine.clock().advance(Duration::from_secs(360));
    passed.expect("the clock moves");
    let mut urgent = Vec::new();
    for title in ["c", "d", "e"] {
        urgent.push(bench.ready(title, Priority::Critical).await);
    }
    let (first, second) = tokio::join!(bench.engine.claim(claim()), bench.engine.claim(claim()));
    let (first, second) = (first.expect("answered"), second.expect("answered"));
    let ids = |done: &[Done]| done.iter().map(|done| done.task.id).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second)), (vec![oldest], vec![urgent[0]]));
    assert_eq!(first[0].task.update_time, second[0].task.update_time, "one batch");
    bench.finish().await;
}

#[tokio::test]
async fn a_task_behind_those_that_the_batch_took_away_is_left_to_who_waits() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for title in ["a", "b", "c"] {
        ids.push(bench.ready(title, Priority::Normal).await);
    }
    let place = bench.engine.workers().parked.place(demand(), 1);
    place.stand();
    let (_, _, granted) = tokio::join!(
        bench.give(ids[0], cancel()),
        bench.give(ids[1], cancel()),
        bench.engine.claim(claim())
    );
    assert!(granted.expect("answered").is_empty(), "it looked at two");
    assert!(place.woken().now_or_never().is_some(), "there is a third");
    // Where nothing is behind, nobody is woken in vain.
    place.stand();
    let (granted, none) = tokio::join!(bench.engine.claim(claim()), bench.engine.claim(claim()));
    let granted = granted.expect("answered");
    assert_eq!((granted[0].task.id, none.expect("answered").len()), (ids[2], 0));
    assert!(place.woken().now_or_never().is_none());
    bench.finish().await;
}
