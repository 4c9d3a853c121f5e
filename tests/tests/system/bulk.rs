//! Many tasks in one call, each judged for itself.

use std::collections::BTreeMap;

use baton_client::{BulkOutcome, NewTask, Reason, Refusal, Selection, State};
use baton_tests::harness::TestServer;

use crate::support::{created, get, id, queued, started, worker};

/// Which way each of these states takes into the target; `None`: it is refused.
const WAYS: &[(State, State, Option<State>)] = &[
    (State::Queued, State::Pending, Some(State::Queued)),
    (State::Queued, State::Scheduled, Some(State::Queued)),
    (State::Queued, State::Assigned, Some(State::Queued)),
    (State::Queued, State::InProgress, Some(State::Queued)),
    (State::Queued, State::Paused, Some(State::Queued)),
    (State::Queued, State::Failed, Some(State::Queued)),
    (State::Queued, State::Queued, None),
    (State::Queued, State::Completed, None),
    (State::InProgress, State::Assigned, Some(State::InProgress)),
    (State::InProgress, State::Review, Some(State::InProgress)),
    (State::InProgress, State::Queued, None),
    (State::Review, State::InProgress, Some(State::Review)),
    (State::Review, State::Assigned, None),
    (State::Completed, State::InProgress, Some(State::Completed)),
    (State::Completed, State::Review, Some(State::Completed)),
    (State::Completed, State::Queued, None),
    (State::Paused, State::Pending, Some(State::Paused)),
    (State::Paused, State::InProgress, Some(State::Paused)),
    (State::Paused, State::Paused, None),
    (State::Cancelled, State::Review, Some(State::Cancelled)),
    (State::Cancelled, State::Completed, None),
];

async fn one_in(server: &TestServer, state: State) -> String {
    let client = server.client();
    let new = NewTask::new("test");
    match state {
        State::Pending => created(server, new.hold()).await.id,
        State::Scheduled => {
            created(server, new.delay(std::time::Duration::from_secs(60)))
                .await
                .id
        }
        State::Queued => created(server, new).await.id,
        State::Assigned => created(server, new.assignee(worker())).await.id,
        State::InProgress => started(server, new).await.id,
        other => {
            let id = started(server, new).await.id;
            match other {
                State::Review => drop(server.ok(client.submit(&id)).await),
                State::Completed => drop(server.ok(client.complete(&id)).await),
                State::Failed => drop(server.ok(client.fail(&id, "no")).await),
                State::Paused => {
                    // Of what runs, a resume makes ASSIGNED; pause what is queued.
                    server.ok(client.release(&id)).await;
                    server.ok(client.pause(&id)).await;
                }
                unknown => panic!("no way into {unknown:?} here"),
            }
            id
        }
    }
}

#[tokio::test]
async fn each_state_takes_its_own_way() {
    let server = TestServer::start().await;
    let client = server.client();
    let mut by_target: BTreeMap<i32, Vec<(String, Option<State>)>> = BTreeMap::new();
    for (target, from, expected) in WAYS {
        let id = one_in(&server, *from).await;
        by_target
            .entry(i32::from(*target))
            .or_default()
            .push((id, *expected));
    }
    for (target, tasks) in by_target {
        let target = State::try_from(target).unwrap();
        let ids = Selection::ids(tasks.iter().map(|(id, _)| id));
        let outcome = server.ok(client.bulk_update_state(ids, target)).await;
        let told: BTreeMap<_, _> = outcome
            .results
            .iter()
            .map(|result| (result.id.as_str(), result))
            .collect();
        for (id, expected) in &tasks {
            let moved = told[id.as_str()].task.as_ref().map(baton_proto::v1::Task::state);
            assert_eq!(moved, *expected, "to {target:?}: {:?}", told[id.as_str()]);
        }
        let refused = tasks.iter().filter(|(_, expected)| expected.is_none()).count();
        counts(&outcome, tasks.len() - refused, refused);
        let failures_first = outcome.results.iter().map(|result| result.error.is_none());
        assert!(failures_first.is_sorted(), "failures come first");
    }
    server.finish().await;
}

fn counts(outcome: &BulkOutcome, done: usize, failed: usize) {
    let counted = (outcome.done_count, outcome.failed_count);
    assert_eq!(
        counted,
        (i32::try_from(done).unwrap(), i32::try_from(failed).unwrap())
    );
}

#[tokio::test]
async fn by_filter_in_pages_and_for_validation() {
    let server = TestServer::start().await;
    let client = server.client();
    let members = (0..250).map(|_| NewTask::new("test").queue("season"));
    server.ok(client.batch_create(members)).await;
    let stays = queued(&server).await;
    let season = || Selection::filter("queue = season AND state = QUEUED");
    let dry = server.ok(client.bulk_cancel(season()).validate_only()).await;
    counts(&dry, 250, 0);
    let first = server
        .ok(client.bulk_cancel(season()).max_count(100).reason("over"))
        .await;
    counts(&first, 100, 0);
    let mut done = 100;
    let mut token = first.next_page_token.clone();
    while !token.is_empty() {
        let next = server
            .ok(client
                .bulk_cancel(season())
                .max_count(100)
                .reason("over")
                .page_token(&token))
            .await;
        done += next.done_count;
        token.clone_from(&next.next_page_token);
    }
    assert_eq!(done, 250);
    assert_eq!(get(&server, &stays.id).await.state(), State::Queued);
    server.finish().await;
}

#[tokio::test]
async fn failed_tasks_are_retried_or_given_up_together() {
    let server = TestServer::start().await;
    let client = server.client();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let task = started(&server, NewTask::new("test")).await;
        server.ok(client.fail(&task.id, "no")).await;
        ids.push(task.id);
    }
    let open = queued(&server).await;
    let all = || Selection::ids(ids.iter().chain([&open.id]));
    counts(&*server.ok(client.bulk_retry(all())).await, 3, 1);
    for id in &ids {
        server.ok(client.start(id)).await;
        server.ok(client.fail(id, "no")).await;
    }
    let given_up = server.ok(client.bulk_discard(all())).await;
    counts(&given_up, 3, 1);
    let error = given_up.results[0].error.as_ref().expect("failures come first");
    assert_eq!(Refusal::from(error).reason, Reason::InvalidStateTransition);
    server.finish().await;
}

#[tokio::test]
async fn what_is_asked_for_must_be_clear() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let ids = || Selection::ids([&task.id]);
    let both = client
        .bulk_cancel(ids())
        .with(|request| "state = QUEUED".clone_into(&mut request.filter));
    assert_eq!(server.refused(both).await.reason, Reason::InvalidField);
    let neither = client.bulk_cancel(ids()).with(|request| request.ids.clear());
    assert_eq!(server.refused(neither).await.reason, Reason::InvalidField);
    let twice = client.bulk_cancel(Selection::ids([&task.id, &task.id]));
    assert_eq!(server.refused(twice).await.reason, Reason::InvalidField);
    let many = client.bulk_cancel(Selection::ids((0..1_001).map(|_| id())));
    assert_eq!(server.refused(many).await.reason, Reason::BatchTooLarge);
    let wrong = client.bulk_cancel(Selection::filter("state ="));
    assert_eq!(server.refused(wrong).await.reason, Reason::InvalidFilter);
    let too_many = client
        .bulk_cancel(Selection::filter("state = QUEUED"))
        .max_count(10_001);
    assert_eq!(server.refused(too_many).await.reason, Reason::InvalidField);
    let unknown = server.ok(client.bulk_cancel(Selection::ids([id()]))).await;
    let error = unknown.results[0].error.as_ref().unwrap();
    assert_eq!(Refusal::from(error).reason, Reason::TaskNotFound);
    server.finish().await;
}
