//! Claims that are decided together.

use std::time::Duration;

use baton_domain::{Span, Terms};

use super::*;
use crate::store::Demand;

fn demand() -> Demand {
    Demand {
        namespace: "default".to_owned(),
        queues: vec!["default".to_owned()],
        types: None,
    }
}

fn claim() -> ClaimRequest {
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
        new.priority = priority;
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
