//! Limits of queues: never exceeded, nothing leaks, and nobody waits who could go on.

mod counts;
mod waits;

use std::collections::BTreeMap;

use baton_domain::queue::{KeyLimit, NewQueue, RateLimit};
use baton_domain::{EventType, QueueEdit, QueueId, QueueSpec, RetryPolicy, Span};
use futures::future::join_all;

use super::claims::claim;
use super::*;
use crate::store::StandingQueue;

pub(super) fn places(limit: i32) -> QueueSpec {
    QueueSpec {
        concurrency: Some(limit),
        ..QueueSpec::default()
    }
}

pub(super) fn by_tenant(limit: i32) -> QueueSpec {
    QueueSpec {
        keys: Some(KeyLimit {
            label: "tenant".to_owned(),
            limit,
        }),
        ..QueueSpec::default()
    }
}

pub(super) fn rate(count: i32, period: Span) -> QueueSpec {
    QueueSpec {
        rate: Some(RateLimit {
            count,
            period,
            burst: 1,
        }),
        ..QueueSpec::default()
    }
}

impl Bench {
    pub(super) async fn change_queue(&self, name: &str, action: QueueAction) -> Result<QueueDone, Error> {
        let change = QueueChange {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            etag: None,
            action,
        };
        self.engine.change_queue(change, None).await
    }

    pub(super) fn new_queue(&self, name: &str, spec: QueueSpec) -> QueueAction {
        QueueAction::Create(Box::new(NewQueue {
            id: QueueId(self.engine.ids().uuid_v7(self.engine.clock().now_micros())),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            spec,
            paused: false,
            note: String::new(),
            creator: Actor::anonymous(),
        }))
    }

    pub(super) async fn queue(&self, name: &str, spec: QueueSpec) {
        let made = self.change_queue(name, self.new_queue(name, spec)).await;
        made.expect("created");
    }

    pub(super) async fn update_queue(&self, name: &str, edit: QueueEdit) {
        let done = self.change_queue(name, QueueAction::Update(Box::new(edit))).await;
        done.expect("updated");
    }

    /// So many ready tasks of a queue, each of the tenant that `tenant` says.
    pub(super) async fn ready_in(
        &self,
        queue: &str,
        count: usize,
        tenant: impl Fn(usize) -> String,
    ) -> Vec<TaskId> {
        let members = (0..count).map(|n| {
            let mut new = self.new_task(&format!("{queue} {n}"));
            new.queue = queue.to_owned();
            new.labels = Arc::new(BTreeMap::from([("tenant".to_owned(), tenant(n))]));
            member(new)
        });
        let created = self.engine.create_batch(members.collect(), None).await;
        let created = created.expect("created");
        created.iter().map(|done| done.task.id).collect()
    }

    pub(super) async fn stored_queue(&self, name: &str) -> StandingQueue {
        let found = self.engine.store().queue("default", name).await;
        found.expect("the store reads").expect("it is there")
    }
}

/// A claim on these queues of up to `max_tasks`.
pub(super) fn claim_of(queues: &[&str], max_tasks: usize) -> ClaimRequest {
    let mut claim = claim();
    claim.demand.queues = queues.iter().map(|&name| name.to_owned()).collect();
    claim.demand.types = None;
    claim.max_tasks = max_tasks;
    claim
}

#[tokio::test]
async fn claims_of_one_batch_and_of_many_take_no_more_than_the_limit() {
    let bench = Bench::new().await;
    bench.queue("default", places(3)).await;
    bench.ready_in("default", 20, |_| "a".to_owned()).await;
    let one = claim_of(&["default"], 1);
    let many = join_all((0..20).map(|_| bench.engine.claim(one.clone()))).await;
    let granted: Vec<Done> = many
        .into_iter()
        .flat_map(|granted| granted.expect("answered"))
        .collect();
    assert_eq!(granted.len(), 3);
    let all = claim_of(&["default"], 10);
    assert!(
        bench
            .engine
            .claim(all.clone())
            .await
            .expect("answered")
            .is_empty()
    );
    assert_eq!(bench.stored_queue("default").await.usage.leased, 3);
    bench
        .hold(&granted[0], 1, Action::Release)
        .await
        .expect("released");
    assert_eq!(bench.engine.claim(all).await.expect("answered").len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_full_queue_stands_before_no_other_of_the_same_call() {
    let bench = Bench::new().await;
    bench.queue("full", places(0)).await;
    for _ in 0..3 {
        bench.ready_in("full", 600, |_| "a".to_owned()).await;
    }
    let other = bench.ready_in("other", 1, |_| "a".to_owned()).await;
    let granted = bench.engine.claim(claim_of(&["full", "other"], 2)).await;
    let granted: Vec<TaskId> = granted
        .expect("answered")
        .iter()
        .map(|done| done.task.id)
        .collect();
    assert_eq!(granted, other);
    bench.finish().await;
}

#[tokio::test]
async fn a_key_that_is_full_stands_before_no_other_key() {
    let bench = Bench::new().await;
    bench.queue("default", by_tenant(1)).await;
    bench.ready_in("default", 500, |_| "a".to_owned()).await;
    bench.ready_in("default", 6, |n| format!("b{}", n % 3)).await;
    let granted = bench
        .engine
        .claim(claim_of(&["default"], 10))
        .await
        .expect("answered");
    let mut tenants: Vec<_> = granted
        .iter()
        .map(|done| done.task.labels["tenant"].clone())
        .collect();
    tenants.sort_unstable();
    assert_eq!(tenants, ["a", "b0", "b1", "b2"]);
    bench
        .hold(&granted[0], 1, Action::Release)
        .await
        .expect("released");
    let again = bench
        .engine
        .claim(claim_of(&["default"], 10))
        .await
        .expect("answered");
    assert_eq!(again.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_rate_gives_out_one_task_a_turn() {
    let bench = Bench::new().await;
    bench.queue("default", rate(1, Span::from_secs(3_600))).await;
    bench.ready_in("default", 5, |_| "a".to_owned()).await;
    let all = claim_of(&["default"], 5);
    for _ in 0..2 {
        assert_eq!(bench.engine.claim(all.clone()).await.expect("answered").len(), 1);
        assert!(
            bench
                .engine
                .claim(all.clone())
                .await
                .expect("answered")
                .is_empty()
        );
        bench
            .engine
            .clock()
            .advance(std::time::Duration::from_secs(3_600));
    }
    bench.finish().await;
}

#[tokio::test]
async fn somebody_s_own_decision_is_no_claim() {
    let bench = Bench::new().await;
    bench.queue("default", places(0)).await;
    let ids = bench.ready_in("default", 2, |_| "a".to_owned()).await;
    bench.give(ids[0], start()).await.expect("started directly");
    assert_eq!(bench.stored_queue("default").await.usage.leased, 0, "by no lease");
    let lease = Action::Assign {
        assignee: Actor::anonymous(),
        lease: Some(claim().terms),
    };
    bench.give(ids[1], lease).await.expect("assigned by lease");
    assert_eq!(bench.stored_queue("default").await.usage.leased, 1);
    bench.finish().await;
}

#[tokio::test]
async fn the_policy_of_the_queue_tries_again_what_no_task_says() {
    let bench = Bench::new().await;
    let spec = QueueSpec {
        retry_policy: Some(RetryPolicy::default()),
        ..QueueSpec::default()
    };
    let before = bench.ready_in("default", 1, |_| "a".to_owned()).await;
    bench.queue("default", spec).await;
    bench.give(before[0], start()).await.expect("started");
    let failed = bench.give(before[0], fail()).await.expect("failed").task;
    assert_eq!((failed.state, &failed.retry_policy), (State::Scheduled, &None));
    bench.finish().await;
}

#[tokio::test]
async fn a_queue_that_open_tasks_name_stays() {
    let bench = Bench::new().await;
    bench.queue("default", places(1)).await;
    let ids = bench.ready_in("default", 2, |_| "a".to_owned()).await;
    let (refused, _) = tokio::join!(
        bench.change_queue("default", QueueAction::Delete),
        bench.give(ids[0], cancel())
    );
    let open = |error| match error {
        Err(Error::QueueNotEmpty { open, .. }) => open,
        other => panic!("{other:?}"),
    };
    assert!((1..=2).contains(&open(refused)));
    bench.give(ids[1], cancel()).await.expect("cancelled");
    let gone = bench.change_queue("default", QueueAction::Delete).await;
    assert!(gone.expect("deleted").queue.is_none());
    let again = bench.change_queue("default", QueueAction::Delete).await;
    assert!(matches!(again, Err(Error::QueueNotFound { .. })));
    bench.finish().await;
}

#[tokio::test]
async fn what_is_said_of_a_queue_survives_a_restart() {
    let bench = Bench::new().await;
    bench.queue("default", places(2)).await;
    bench.ready_in("default", 5, |_| "a".to_owned()).await;
    let all = claim_of(&["default"], 5);
    let granted = bench.engine.claim(all.clone()).await.expect("answered");
    assert_eq!(granted.len(), 2);
    let bench = bench.restart().await;
    assert!(
        bench
            .engine
            .claim(all.clone())
            .await
            .expect("answered")
            .is_empty()
    );
    // Nobody renews, so both leases end.
    bench.pass(60).await;
    let again = bench.engine.claim(all).await.expect("answered");
    assert_eq!(again.len(), 2);
    let log = bench
        .engine
        .store()
        .log("default", 0, 1_000)
        .await
        .expect("the log reads");
    let ended = log.iter().filter(|event| event.kind == EventType::LeaseExpired);
    assert_eq!(ended.count(), 2);
    bench.finish().await;
}
