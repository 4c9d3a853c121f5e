//! What tells the committer that the store is there again.

use std::time::Duration;

use super::claims::claim;
use super::*;
use crate::engine::lookout::Asking;
use crate::seams::monotonic_now;

/// A committer whose leases were read a moment ago.
pub(super) async fn committer(database: &TestDatabase) -> Committer {
    let opened = opened(database).await;
    let mut committer = Committer {
        feed: Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES),
        loader: Loader::new(opened.store, Arc::default()),
        lookout: Asking::new().1,
        writer: opened.writer,
        clock: Clock::movable(),
        signals: Arc::new(Signals::new()),
        last_time: opened.heads.last_time(),
        heads: Arc::new(opened.heads),
        in_doubt: false,
        not_alone: 0,
        absence: Absence::new(),
        queues: Arc::default(),
        finished: Arc::new(Finished::new(0)),
        handed_over: false,
        types: Arc::new(Types::new(Vec::new(), UnknownTypes::Allow)),
        webhooks: std::sync::Arc::new(crate::engine::webhooks::Webhooks::new(Vec::new())),
    };
    assert!(committer.resume().await.is_ok());
    committer
}

async fn run(committer: &mut Committer, work: Work, request: Option<RequestKey>) {
    let (job, answer) = Job::new(Class::Move, work, request);
    committer.run_all(vec![job]).await;
    let answer = answer.await.expect("it is answered");
    assert!(answer.is_ok(), "{answer:?}");
}

/// A batch that writes what no task hears of.
pub(super) async fn remember(committer: &mut Committer, request: u128) {
    let remember = Work::Remember {
        namespace: "default".to_owned(),
        ids: Vec::new(),
    };
    run(committer, remember, request_key(request)).await;
}

#[tokio::test]
async fn a_poll_that_finds_nothing_does_not_end_an_absence_and_a_write_does() {
    let database = TestDatabase::new();
    let mut committer = committer(&database).await;
    let start = monotonic_now();
    let later = start + Duration::from_secs(60);
    committer.absence.begin(start);
    run(&mut committer, Work::Claim(Box::new(claim())), None).await;
    assert!(committer.absence.is_long(later), "nothing was written");
    remember(&mut committer, 1).await;
    assert!(!committer.absence.is_long(later));
}
