//! More than a server can take, and more callers than a task has room for.

use std::time::Duration;

use baton_client::{Error, NewTask, Reason, Selection, State};
use baton_proto::v1::{ReportTasksRequest, ReportedRelease, TaskReport, task_report};
use baton_server::engine::IntakeLimits;
use baton_tests::harness::TestServer;
use baton_tests::harness::faults::{Injected, count};
use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::leases::{begun, reason, renew_all, renewal};
use crate::support::{Holder, get, id, queued};

pub(crate) fn is_overloaded<T>(answer: &Result<T, Error>) -> bool {
    let error = answer.as_ref().err();
    error.is_some_and(|error| error.reason() == Some(&Reason::Overloaded) && error.retry_after().is_some())
}

/// Of twenty places creates may take fourteen and moves eighteen: with creates at their bound, four moves still come in.
#[tokio::test]
async fn creates_are_refused_before_moves() {
    let few = IntakeLimits {
        commands: 20,
        ..IntakeLimits::default()
    };
    let fault = Injected::new("F25");
    fault.add(140);
    let server = TestServer::start_limited(|_| {}, few).await;
    let client = server.client();
    let task = queued(&server).await;
    let holder = Holder::of(&server).await;
    let create = || server.send(client.create(NewTask::new("test").id(id())));
    let mut creates = FuturesUnordered::from_iter([create()]);
    // The committer takes the first one and is stuck with it, unless it is stuck with some upkeep before it: it had its
    // turn long before ten reads are answered.
    for _ in 0..10 {
        tokio::select! {
            biased;
            answer = creates.next() => panic!("nothing can be committed, but {answer:?}"),
            _ = get(&server, &task.id) => {}
        }
    }
    creates.extend((0..99).map(|_| create()));
    for _ in 0..99 - 14 {
        assert!(is_overloaded(&creates.next().await.unwrap()));
    }
    let mut moves: FuturesUnordered<_> = (0..40)
        .map(|number| server.send(client.comment(&task.id, number.to_string())))
        .collect();
    for _ in 0..40 - 4 {
        assert!(is_overloaded(&moves.next().await.unwrap()));
    }
    holder.let_go().await;
    // The first one takes a place where upkeep was before it.
    let let_in = creates.collect::<Vec<_>>().await;
    let refused = let_in.iter().filter(|answer| answer.is_err()).count();
    assert!(refused <= 1, "{let_in:?}");
    assert!(
        let_in
            .iter()
            .all(|answer| answer.is_ok() || is_overloaded(answer))
    );
    for moved in moves.collect::<Vec<_>>().await {
        moved.expect("it was let in");
    }
    assert_eq!(get(&server, &task.id).await.revision, 2 + 4);
    server.finish().await;
}

/// Of twenty places for others, holders have eighty of their own: more renewals and reports than that are refused, to be
/// repeated, and take no place from anybody else.
#[tokio::test]
async fn a_flood_of_renewals_and_reports_is_refused_and_keeps_nobody_out() {
    let few = IntakeLimits {
        commands: 20,
        ..IntakeLimits::default()
    };
    let server = TestServer::start_limited(|_| {}, few).await;
    let task = queued(&server).await;
    let lease = begun(&server, "w").await;
    let holder = Holder::of(&server).await;
    let renew = || renew_all(&server, vec![renewal(&lease)], 0);
    let mut renewals = FuturesUnordered::from_iter([renew()]);
    for _ in 0..10 {
        tokio::select! {
            biased;
            answer = renewals.next() => panic!("nothing can be committed, but {answer:?}"),
            _ = get(&server, &task.id) => {}
        }
    }
    renewals.extend((0..120).map(|_| renew()));
    for _ in 0..120 - 80 {
        let refused = renewals.next().await.unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(&refused), "OVERLOADED");
        assert!(refused.get_error_details().retry_info().is_some(), "{refused:?}");
    }
    let report = TaskReport {
        id: task.id.clone(),
        lease_token: lease.lease_token.clone(),
        result: Some(task_report::Result::Release(ReportedRelease::default())),
        ..TaskReport::default()
    };
    let reports = ReportTasksRequest {
        reports: vec![report],
    };
    let answer = server.report_tasks(reports).await.unwrap();
    let refused = answer.results[0].error.as_ref().unwrap();
    assert_eq!(
        (refused.reason.as_str(), refused.code),
        ("OVERLOADED", i32::from(Code::Unavailable))
    );
    let created = server.send(server.client().create(NewTask::new("test").id(id())));
    let (created, ()) = tokio::join!(created, holder.let_go());
    created.expect("it has a place");
    // The first one takes a place where upkeep was before it.
    let let_in = renewals.collect::<Vec<_>>().await;
    let refused = let_in.iter().filter(|answer| answer.is_err()).count();
    assert!(refused <= 1, "{let_in:?}");
    server.finish().await;
}

/// Rounds of calls on the same tasks that race.
const AT_ONCE: usize = 24;

/// Calls on the same tasks in opposite orders: none waits for another for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_batches_over_the_same_tasks_all_end() {
    let (fault, rounds) = (Injected::new("F21"), count(24, 200));
    fault.add(2 * rounds);
    let server = TestServer::start().await;
    let client = server.client();
    let members = (0..60).map(|_| NewTask::new("test"));
    let made = server.ok(client.batch_create(members)).await.into_inner();
    let there: Vec<_> = made.iter().map(|task| task.id.clone()).collect();
    let back: Vec<_> = there.iter().rev().cloned().collect();
    let rounds = (0..rounds).map(async |round| {
        let ids = if round % 2 == 0 { &there } else { &back };
        let state = if round % 3 == 0 {
            State::Queued
        } else {
            State::Paused
        };
        let bulk = server.send(client.bulk_update_state(Selection::ids(ids), state));
        let depending = ids.iter().map(|id| NewTask::new("test").depends_on(id));
        let batch = server.send(client.batch_create(depending));
        let (bulk, batch) = tokio::join!(bulk, batch);
        let bulk = bulk.unwrap();
        assert_eq!(bulk.done_count + bulk.failed_count, 60);
        assert_eq!(batch.unwrap().len(), 60);
    });
    // No more at once than the service takes in: what it refuses does not race.
    let all = stream::iter(rounds)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>();
    let all = tokio::time::timeout(Duration::from_secs(300), all);
    all.await.expect("every call ends");
    server.finish().await;
}
