//! Tasks that are held by lease.

use std::time::Duration;

use baton_domain::{EventType, Rejection, Span, Terms, Token};

use super::workers::WorkerKey;
use super::*;

const TERMS: Terms = Terms {
    duration: Span::from_secs(30),
    acknowledge: Span::from_secs(10),
};

pub(super) const fn renew() -> Action {
    Action::Renew {
        duration: None,
        progress: None,
    }
}

impl Bench {
    async fn leased(&self) -> Done {
        let created = self.create(self.new_task("a")).await.expect("created");
        let assignee = Actor::anonymous();
        let grant = Action::Assign {
            assignee,
            lease: Some(TERMS),
        };
        self.give(created.task.id, grant).await.expect("leased")
    }

    /// As the holder of that grant.
    pub(super) async fn hold(&self, granted: &Done, call: i64, action: Action) -> Result<Done, Error> {
        let fence = granted.task.fence;
        let mut asked = command(granted.task.id, action);
        asked.command.token = Some(Token { fence, call });
        self.engine.execute(asked).await
    }

    /// Lets time pass, and what is due with it happen, as the timers do.
    pub(super) async fn pass(&self, seconds: u64) {
        let passed = self.engine.clock().advance(Duration::from_secs(seconds));
        let now = Timestamp::from_micros(passed.expect("the clock moves"));
        for id in self
            .engine
            .store()
            .due((crate::store::BEGINNING, now), 10)
            .await
            .expect("the rows read")
        {
            let tick = Action::Tick { jitter: 0.0 };
            self.engine.advance(id, tick).await.expect("what is due is done");
        }
    }

    /// As after a stop of the service.
    pub(super) async fn restart(self) -> Self {
        let Self {
            engine,
            committer,
            database,
        } = self;
        engine.close();
        committer.await.expect("the committer ends");
        drop(engine);
        Self::open(database).await
    }

    /// When the lease ends, once the engine has begun.
    async fn stored_lease(&self, granted: &Done) -> Timestamp {
        // Whatever is asked of it comes after its beginning.
        self.create(self.new_task("another")).await.expect("created");
        self.stored(granted).await.lease_end().expect("it is leased")
    }

    async fn stored(&self, granted: &Done) -> Task {
        let found = self.engine.store().task(granted.task.id).await;
        found.expect("the row reads").expect("it is there")
    }
}

#[tokio::test]
async fn a_renewed_lease_outlives_its_first_end_and_the_log_says_nothing_of_it() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    let started = bench.hold(&granted, 1, start()).await.expect("started");
    bench.pass(20).await;
    let renewed = bench.hold(&granted, 2, renew()).await.expect("renewed");
    assert!(renewed.events.is_empty() && !renewed.replayed);
    assert_eq!(renewed.revision, started.revision);
    assert!(renewed.task.lease_end() > started.task.lease_end());
    assert_eq!(bench.stored(&granted).await, *renewed.task);
    bench.pass(20).await;
    assert_eq!(bench.stored(&granted).await.state, State::InProgress);
    // The second end is one: the attempt counts, and another follows.
    bench.pass(10).await;
    let expired = bench.stored(&granted).await;
    assert_eq!((expired.lease, expired.attempt), (None, 2));
    let late = bench.hold(&granted, 3, renew()).await;
    assert!(matches!(late, Err(Error::Rejected(Rejection::LeaseLost))));
    bench.finish().await;
}

#[tokio::test]
async fn a_lease_that_is_not_taken_up_goes_back() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    bench.pass(9).await;
    assert_eq!(bench.stored(&granted).await.state, State::Assigned);
    bench.pass(1).await;
    let back = bench.stored(&granted).await;
    assert_eq!((back.state, back.attempt, back.lease), (State::Queued, 1, None));
    let log = bench
        .engine
        .store()
        .log("default", 0, 100)
        .await
        .expect("the log reads");
    assert_eq!(log.last().map(|event| event.kind), Some(EventType::LeaseExpired));
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_by_token_is_answered_and_nothing_happens() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    let started = bench.hold(&granted, 1, start()).await.expect("started");
    let again = bench.hold(&granted, 1, start()).await.expect("answered");
    assert!(again.replayed && again.events.is_empty());
    assert_eq!(again.task, started.task);
    bench.finish().await;
}

#[tokio::test]
async fn a_lease_that_ended_while_the_service_was_away_is_spared_for_half_of_its_duration() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    bench.hold(&granted, 1, start()).await.expect("started");
    bench.sql("UPDATE lease SET expire_time = 1").await;
    let bench = bench.restart().await;
    // Nothing is decided before the leases are spared.
    let renewed = bench.hold(&granted, 2, renew()).await.expect("renewed");
    assert_eq!(renewed.task.state, State::InProgress);
    bench.sql("UPDATE lease SET expire_time = 1").await;
    let bench = bench.restart().await;
    let spared = bench.stored_lease(&granted).await;
    let now = Timestamp::from_micros(bench.engine.clock().now_micros());
    let left = spared.since(now).as_micros();
    assert!((14_000_000..=15_000_000).contains(&left), "{left} us are left");
    bench.pass(14).await;
    assert_eq!(bench.stored(&granted).await.state, State::InProgress);
    bench.pass(1).await;
    assert_eq!(bench.stored(&granted).await.state, State::Scheduled);
    bench.finish().await;
}

#[tokio::test]
async fn a_lease_that_was_not_taken_up_before_a_restart_goes_back_as_soon_as_a_new_one() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    bench
        .sql("UPDATE lease SET expire_time = 1, duration = 3600000000")
        .await;
    let bench = bench.restart().await;
    bench.stored_lease(&granted).await;
    bench.pass(9).await;
    assert_eq!(bench.stored(&granted).await.state, State::Assigned);
    bench.pass(1).await;
    assert_eq!(bench.stored(&granted).await.state, State::Queued);
    bench.finish().await;
}

#[tokio::test]
async fn what_workers_hold_is_known_again_after_a_restart() {
    let bench = Bench::new().await;
    let granted = bench.leased().await;
    let bench = bench.restart().await;
    bench.stored_lease(&granted).await;
    let key = WorkerKey::of("default", &Actor::anonymous());
    let now = Timestamp::from_micros(bench.engine.clock().now_micros());
    let worker = bench
        .engine
        .workers()
        .registry
        .get(&key, now)
        .expect("it holds a task");
    let held: Vec<_> = worker.leases.iter().map(|(id, fence, _)| (*id, *fence)).collect();
    assert_eq!(held, [(granted.task.id, granted.task.fence)]);
    bench.finish().await;
}
