//! Tasks that wait for tasks, and tasks that are parts of tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_client::proto::DependencyFailureRule as Rule;
use baton_client::{NewTask, Reason, State};
use baton_proto::v1::{Dependency, Task};
use baton_tests::harness::TestServer;
use futures::future::join_all;

use crate::support::{created, get, id, queued, start, started, until};

fn on(task: &Task) -> NewTask {
    NewTask::new("test").depends_on(&task.id)
}

#[tokio::test]
async fn a_task_waits_for_all_it_depends_on() {
    let server = TestServer::start().await;
    let client = server.client();
    let (one, two) = (
        started(&server, NewTask::new("test")).await,
        queued(&server).await,
    );
    let waiting = created(&server, on(&one).depends_on(&two.id)).await;
    assert_eq!(
        (waiting.state(), waiting.state_reason.as_str()),
        (State::Blocked, "dependencies_open")
    );
    server.ok(client.complete(&one.id)).await;
    // The first result is recorded; the task still waits for the second.
    let events = server.watch_task(&waiting.id).await;
    events.until_events(3).await;
    assert_eq!(get(&server, &waiting.id).await.state(), State::Blocked);
    start(&server, &two.id).await;
    server.ok(client.complete(&two.id)).await;
    let ready = until(&server, &waiting.id, State::Queued).await;
    assert_eq!(ready.state_reason, "dependencies_settled");
    let results: Vec<_> = ready.dependencies.iter().map(Dependency::result).collect();
    assert_eq!(results, [State::Completed, State::Completed]);
    server.finish().await;
}

#[tokio::test]
async fn a_failed_dependency_acts_by_its_rule() {
    let server = TestServer::start().await;
    let client = server.client();
    let failing = started(&server, NewTask::new("test")).await;
    let with = |rule| NewTask::new("test").depends_on_with(&failing.id, rule);
    let fails = created(&server, on(&failing)).await;
    let is_cancelled = created(&server, with(Rule::Cancel)).await;
    let goes_on = created(&server, with(Rule::Continue)).await;
    let held = created(&server, on(&failing).hold()).await;
    let paused = created(&server, on(&failing)).await;
    server.ok(client.pause(&paused.id)).await;
    server.ok(client.fail(&failing.id, "no")).await;
    for doomed in [&fails, &held, &paused] {
        let failed = until(&server, &doomed.id, State::Failed).await;
        assert_eq!(failed.state_reason, "dependency_failed");
        assert_eq!(failed.error.unwrap().code, "DEPENDENCY_FAILED");
    }
    let cancelled = until(&server, &is_cancelled.id, State::Cancelled).await;
    assert_eq!(cancelled.state_reason, "dependency_cancelled");
    let going = until(&server, &goes_on.id, State::Queued).await;
    assert_eq!(going.dependencies[0].result(), State::Failed);
    // What has settled already acts at once.
    assert_eq!(created(&server, on(&failing)).await.state(), State::Failed);
    assert_eq!(
        created(&server, with(Rule::Cancel)).await.state(),
        State::Cancelled
    );
    assert_eq!(
        created(&server, with(Rule::Continue)).await.state(),
        State::Queued
    );
    server.finish().await;
}

#[tokio::test]
async fn dependencies_come_and_go_while_a_task_waits() {
    let server = TestServer::start().await;
    let client = server.client();
    let (one, other) = (queued(&server).await, queued(&server).await);
    let task = queued(&server).await;
    let blocked = server.ok(client.add_dependency(&task.id, &one.id)).await;
    assert_eq!(blocked.state(), State::Blocked);
    let twice = server.refused(client.add_dependency(&task.id, &one.id)).await;
    assert_eq!(
        (twice.reason, twice.violations[0].field.as_str()),
        (Reason::InvalidField, "dependency.task_id")
    );
    server.ok(client.add_dependency(&task.id, &other.id)).await;
    let still = server.ok(client.remove_dependency(&task.id, &one.id)).await;
    assert_eq!(still.state(), State::Blocked);
    let free = server.ok(client.remove_dependency(&task.id, &other.id)).await;
    assert_eq!(
        (free.state(), free.state_reason.as_str()),
        (State::Queued, "dependency_removed")
    );
    let missing = server
        .refused(client.remove_dependency(&task.id, &other.id))
        .await;
    assert_eq!(missing.reason, Reason::InvalidField);
    // A held task stays held; queueing it finds the open dependency.
    let held = created(&server, NewTask::new("test").hold()).await;
    let held = server.ok(client.add_dependency(&held.id, &one.id)).await;
    assert_eq!(held.state(), State::Pending);
    assert_eq!(server.ok(client.queue(&held.id)).await.state(), State::Blocked);
    // Of a task that runs, nothing can be made to wait.
    let running = started(&server, NewTask::new("test")).await;
    let refusal = server.refused(client.add_dependency(&running.id, &one.id)).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    server.finish().await;
}

#[tokio::test]
async fn circles_are_refused_with_their_path() {
    let server = TestServer::start().await;
    let client = server.client();
    let one = queued(&server).await;
    let two = created(&server, on(&one)).await;
    let three = created(&server, on(&two)).await;
    let refusal = server.refused(client.add_dependency(&one.id, &three.id)).await;
    assert_eq!(refusal.reason, Reason::DependencyCycle);
    let path = &refusal.metadata["path"];
    for task in [&one, &two, &three] {
        assert!(path.contains(&task.id), "{path}");
    }
    let itself = server.refused(client.add_dependency(&one.id, &one.id)).await;
    assert_eq!(itself.reason, Reason::DependencyCycle);
    let stranger = server.refused(client.add_dependency(&one.id, id())).await;
    assert_eq!(stranger.reason, Reason::TaskNotFound);
    server.finish().await;
}

#[tokio::test]
async fn children_follow_a_parent_that_is_cancelled_or_deleted() {
    let server = TestServer::start().await;
    let client = server.client();
    for delete in [false, true] {
        let parent = queued(&server).await;
        let child = created(&server, NewTask::new("test").parent(&parent.id)).await;
        let grandchild = created(&server, NewTask::new("test").parent(&child.id)).await;
        let done = started(&server, NewTask::new("test").parent(&parent.id)).await;
        server.ok(client.complete(&done.id)).await;
        if delete {
            server.ok(client.delete(&parent.id).force()).await;
        } else {
            server.ok(client.cancel(&parent.id)).await;
        }
        for below in [&child, &grandchild] {
            let cancelled = until(&server, &below.id, State::Cancelled).await;
            assert_eq!(cancelled.state_reason, "parent_cancelled");
        }
        assert_eq!(get(&server, &done.id).await.state(), State::Completed);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_deleted_task_counts_as_cancelled() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let waiting = created(&server, on(&task)).await;
    let refusal = server.refused(client.delete(&task.id)).await;
    assert_eq!(refusal.reason, Reason::TaskHasDependants);
    server.ok(client.delete(&task.id).force()).await;
    let failed = until(&server, &waiting.id, State::Failed).await;
    assert_eq!(failed.dependencies[0].result(), State::Cancelled);
    assert!(server.refused(client.get(&task.id)).await.reason == Reason::TaskNotFound);
    server.finish().await;
}

/// The race that leaves a task blocked for ever, if the insert does not read what it waits for in its own batch.
#[tokio::test]
async fn a_dependency_that_settles_while_its_dependant_is_inserted_blocks_nobody() {
    let server = TestServer::start().await;
    let client = server.client();
    let mut dependants = Vec::new();
    for _ in 0..200 {
        let task = started(&server, NewTask::new("test")).await;
        let completes = server.send(client.complete(&task.id));
        let creates = server.send(client.create(on(&task)));
        let (completed, made) = tokio::join!(completes, creates);
        completed.unwrap();
        dependants.push(made.unwrap().into_inner());
    }
    for dependant in &dependants {
        until(&server, &dependant.id, State::Queued).await;
    }
    server.finish().await;
}

/// The same with AddDependency, and with a target that fails.
#[tokio::test]
async fn a_dependency_that_fails_while_it_is_added_is_not_missed() {
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..50 {
        let (target, task) = (
            started(&server, NewTask::new("test")).await,
            queued(&server).await,
        );
        let fails = server.send(client.fail(&target.id, "no"));
        let adds = server.send(client.add_dependency(&task.id, &target.id));
        let (failed, added) = tokio::join!(fails, adds);
        failed.unwrap();
        added.unwrap();
        until(&server, &task.id, State::Failed).await;
    }
    server.finish().await;
}

/// A child that is created while its parent is cancelled is not left behind.
#[tokio::test]
async fn a_child_that_comes_while_its_parent_is_cancelled_follows() {
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..50 {
        let parent = queued(&server).await;
        let cancels = server.send(client.cancel(&parent.id));
        let creates = server.send(client.create(NewTask::new("test").parent(&parent.id)));
        let (cancelled, child) = tokio::join!(cancels, creates);
        cancelled.unwrap();
        until(&server, &child.unwrap().id, State::Cancelled).await;
    }
    server.finish().await;
}

#[tokio::test]
async fn ten_thousand_failing_dependants_settle_while_others_work() {
    const DEPENDANTS: usize = 10_000;
    let server = TestServer::start().await;
    let client = server.client();
    let target = started(&server, NewTask::new("test")).await;
    for _ in 0..DEPENDANTS / 1_000 {
        let members = (0..1_000).map(|_| on(&target));
        server.ok(client.batch_create(members)).await;
    }
    let failed = server.watch_state(State::Failed).await;
    server.ok(client.fail(&target.id, "no")).await;
    // In between, others are served at once.
    let mut between = Vec::new();
    for _ in 0..20 {
        let call = client
            .create(NewTask::new("test"))
            .timeout(Duration::from_secs(5));
        between.push(server.ok(call).await.id.clone());
    }
    failed.until_events(DEPENDANTS + 1).await;
    // What is committed together has one time: never more than a batch may have.
    let mut chunks: BTreeMap<_, usize> = BTreeMap::new();
    for event in &failed.events()[1..] {
        let time = event.time.expect("an event has its time");
        *chunks.entry((time.seconds, time.nanos)).or_default() += 1;
    }
    let largest = chunks.values().max().copied().unwrap_or_default();
    assert!(chunks.len() >= DEPENDANTS / 512 && largest <= 512, "{chunks:?}");
    let end = failed.events().last().expect("they failed").position;
    let first = server.ok(client.list_events(&between[0])).await;
    assert!(first.events[0].position < end, "nobody was served in between");
    server.finish().await;
}

#[tokio::test]
async fn a_chain_of_ten_thousand_settles_link_by_link() {
    const LINKS: usize = 10_000;
    let server = TestServer::start().await;
    let client = server.client();
    let first = started(&server, NewTask::new("test")).await;
    let mut last = first.clone();
    for _ in 0..LINKS / 1_000 {
        let members = (0..1_000).map(|link| {
            let new = NewTask::new("test").reference(format!("link-{link}"));
            if link == 0 {
                new.depends_on(&last.id)
            } else {
                new.depends_on_sibling(format!("link-{}", link - 1))
            }
        });
        let made = server.ok(client.batch_create(members)).await.into_inner();
        last = made.last().expect("a batch answers its members").clone();
    }
    let failed = server.watch_state(State::Failed).await;
    server.ok(client.fail(&first.id, "no")).await;
    failed.until_events(LINKS + 1).await;
    assert_eq!(get(&server, &last.id).await.state(), State::Failed);
    server.finish().await;
}

/// What a task waited for settles while the task rests; a retry must not make it wait for ever.
#[tokio::test]
async fn a_retried_task_does_not_wait_for_what_settled_while_it_rested() {
    let server = TestServer::start().await;
    let client = server.client();
    let (fails, completes) = (
        started(&server, NewTask::new("test")).await,
        started(&server, NewTask::new("test")).await,
    );
    let task = created(&server, on(&fails).depends_on(&completes.id)).await;
    server.ok(client.fail(&fails.id, "no")).await;
    until(&server, &task.id, State::Failed).await;
    server.ok(client.complete(&completes.id)).await;
    server
        .ok(client.retry(&task.id).delay(Duration::from_secs(5)))
        .await;
    server.ok(client.advance_clock(Duration::from_secs(6))).await;
    until(&server, &task.id, State::Queued).await;
    server.finish().await;
}

/// A task that was retried while something was open runs all the same; also after a pause.
#[tokio::test]
async fn a_retried_task_comes_back_from_a_pause_to_its_holder() {
    let server = TestServer::start().await;
    let client = server.client();
    let (fails, open) = (
        started(&server, NewTask::new("test")).await,
        queued(&server).await,
    );
    let task = created(&server, on(&fails).depends_on(&open.id)).await;
    server.ok(client.fail(&fails.id, "no")).await;
    until(&server, &task.id, State::Failed).await;
    let retried = server.ok(client.retry(&task.id)).await;
    assert_eq!(retried.state(), State::Queued);
    let held = start(&server, &task.id).await;
    server.ok(client.pause(&task.id)).await;
    let resumed = server.ok(client.resume(&task.id)).await;
    assert_eq!(
        (resumed.state(), resumed.assignee.clone()),
        (State::Assigned, held.assignee)
    );
    server.finish().await;
}

/// Nor does it wait again because of what has nothing to do with it.
#[tokio::test]
async fn a_retried_task_stays_ready_when_another_dependency_is_removed() {
    let server = TestServer::start().await;
    let client = server.client();
    let (fails, open, done) = (
        started(&server, NewTask::new("test")).await,
        queued(&server).await,
        started(&server, NewTask::new("test")).await,
    );
    let new = on(&fails).depends_on(&open.id).depends_on(&done.id);
    let task = created(&server, new).await;
    server.ok(client.complete(&done.id)).await;
    server.ok(client.fail(&fails.id, "no")).await;
    until(&server, &task.id, State::Failed).await;
    server.ok(client.retry(&task.id)).await;
    let still = server.ok(client.remove_dependency(&task.id, &done.id)).await;
    assert_eq!(still.state(), State::Queued);
    server.finish().await;
}

/// Many that wait for the same, in a race with each other.
#[tokio::test]
async fn racing_commands_on_waiting_tasks_stay_consistent() {
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..20 {
        let target = started(&server, NewTask::new("test")).await;
        let waiting = created(&server, on(&target)).await;
        let calls = join_all([
            drop_answer(server.send(client.complete(&target.id))),
            drop_answer(server.send(client.pause(&waiting.id))),
            drop_answer(server.send(client.remove_dependency(&waiting.id, &target.id))),
            drop_answer(server.send(client.cancel(&waiting.id))),
            drop_answer(server.send(client.resume(&waiting.id))),
        ]);
        calls.await;
    }
    server.finish().await;
}

/// Calls of different kinds in one list; the oracle judges their answers.
fn drop_answer<'a, T: 'a>(call: impl Future<Output = T> + Send + 'a) -> futures::future::BoxFuture<'a, ()> {
    Box::pin(async move { drop(call.await) })
}
