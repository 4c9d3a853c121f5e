//! What a bad hour of the world around does to tasks: a dependency that is away, a clock that jumps.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_client::proto::{RetryPolicy, TaskState};
use baton_client::{Context, Failure, NewTask, State};
use baton_proto::v1::LeaseDirective;
use baton_tests::harness::TestServer;
use baton_tests::harness::faults::Injected;
use futures::TryStreamExt as _;

use crate::leases::{begun, complete, id, pass, renew};
use crate::support::{created, get, queued, until};
use crate::workers::{Running, server, worker};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn span(seconds: u64) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(Duration::from_secs(seconds)).ok()
}

/// Waits until nothing is ready and nothing is under way; how many tasks are in `state` then.
async fn settled(server: &TestServer, state: TaskState) -> i64 {
    loop {
        let groups = server.ok(server.client().stats()).await.groups;
        let is = |wanted: &[State]| {
            let groups = groups.iter().filter(|group| wanted.contains(&group.state()));
            groups.map(|group| group.count).sum::<i64>()
        };
        if is(&[State::Queued, State::Assigned, State::InProgress]) == 0 {
            return is(&[state]);
        }
        tokio::task::yield_now().await;
    }
}

/// F36: five thousand tasks that are due in the same second meet a dependency that is away for a minute. Each is tried a few
/// times, waits longer each time, and succeeds once.
#[tokio::test]
async fn a_dependency_that_is_away_for_a_minute_costs_no_task() {
    const TASKS: usize = 5_000;
    let fault = Injected::new("F36");
    fault.add(5_000);
    let server = server().await;
    let policy = RetryPolicy {
        max_attempts: Some(10),
        initial_backoff: span(20),
        max_backoff: span(MINUTE),
        backoff_multiplier: Some(2.0),
        jitter: Some(0.1),
        ..RetryPolicy::default()
    };
    for _ in 0..TASKS / 1_000 {
        let new = || {
            NewTask::new("call")
                .delay(Duration::from_secs(HOUR))
                .retry_policy(policy.clone())
        };
        server
            .ok(server.client().batch_create((0..1_000).map(|_| new())))
            .await;
    }
    let is_away = Arc::new(AtomicBool::new(true));
    let succeeded: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let (away, done) = (Arc::clone(&is_away), Arc::clone(&succeeded));
    let handler = move |context: Context, ()| {
        let (away, done) = (Arc::clone(&away), Arc::clone(&done));
        async move {
            if away.load(Ordering::SeqCst) {
                return Err(Failure::new("connection refused").code("UPSTREAM_DOWN"));
            }
            *done.lock().unwrap().entry(context.id().to_owned()).or_default() += 1;
            Ok(())
        }
    };
    let worker = Running::start(worker(&server, "w").concurrency(200).handler("call", handler));
    pass(&server, HOUR).await;
    let all = i64::try_from(TASKS).unwrap();
    for _ in 0..6 {
        assert_eq!(
            settled(&server, State::Scheduled).await,
            all,
            "all wait for another attempt"
        );
        pass(&server, 10).await;
    }
    is_away.store(false, Ordering::SeqCst);
    while settled(&server, State::Completed).await < all {
        pass(&server, MINUTE).await;
    }
    worker.stop().await;
    let tasks: Vec<_> = server
        .client()
        .list()
        .page_size(1_000)
        .all()
        .try_collect()
        .await
        .unwrap();
    let most = tasks.iter().map(|task| task.attempt).max();
    assert!(most <= Some(4), "tried {most:?} times in a minute");
    let succeeded = succeeded.lock().unwrap().clone();
    assert_eq!(succeeded.len(), TASKS);
    assert!(succeeded.values().all(|times| *times == 1), "each succeeded once");
    server.finish().await;
}

/// F17: the clock jumps ahead by an hour and by a day, and steps back by as much (a restart forgets the shift). What is due
/// comes once; a lease ends by a jump ahead, as time is all that tells it from a worker that died, and never by a step back.
#[tokio::test]
async fn a_clock_that_jumps_runs_nothing_twice_and_forgets_nothing() {
    let fault = Injected::new("F17");
    let mut server = server().await;
    // By how much the clock is ahead of where a restart puts it.
    let mut ahead = 0;
    for jump in [HOUR, DAY] {
        // Ahead, and back by the restart.
        fault.add(2);
        let delayed = created(
            &server,
            NewTask::new("later")
                .queue("later")
                .delay(Duration::from_secs(jump)),
        )
        .await;
        queued(&server).await;
        let lost = begun(&server, "gone").await;
        pass(&server, jump).await;
        until(&server, &delayed.id, State::Queued).await;
        let failed = until(&server, id(&lost), State::Scheduled).await;
        assert_eq!(
            (failed.attempt, failed.error.unwrap().code.as_str()),
            (2, "LEASE_EXPIRED")
        );
        assert_eq!(renew(&server, &lost).await.directive(), LeaseDirective::Lost);
        pass(&server, MINUTE).await;
        ahead += jump + MINUTE;
        let held = begun(&server, "stays").await;
        assert_eq!(id(&held), id(&lost));
        server.restart().await;
        assert_eq!(renew(&server, &held).await.directive(), LeaseDirective::Continue);
        let after = get(&server, id(&held)).await;
        assert_eq!((after.state(), after.attempt), (State::InProgress, 2));
        assert_eq!(
            get(&server, &delayed.id).await.state(),
            State::Queued,
            "what was due stays due"
        );
        // Time goes on from where it was, not from where the clock is.
        let soon = created(
            &server,
            NewTask::new("later").queue("later").delay(Duration::from_secs(5)),
        )
        .await;
        assert!(soon.create_time.unwrap().seconds >= after.start_time.unwrap().seconds);
        complete(&server, &held).await.unwrap();
        ahead += MINUTE;
        pass(&server, ahead).await;
        until(&server, &soon.id, State::Queued).await;
        for task in [delayed, soon] {
            let events = server.ok(server.client().list_events(&task.id)).await.events;
            assert_eq!(events.len(), 3, "created, scheduled, queued: {events:?}");
        }
    }
    server.finish().await;
}
