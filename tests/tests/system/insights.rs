//! Counts and explanations.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_client::proto::{CauseType, RetryPolicy};
use baton_client::{NewTask, Reason, State, actor};
use baton_tests::harness::TestServer;

use crate::lists::ten;
use crate::support::{created, id, queued, started, worker};

#[tokio::test]
async fn stats_count_open_tasks_exactly() {
    let server = TestServer::start().await;
    let client = server.client();
    let tasks = ten(&server).await;
    let stats = server.ok(client.stats()).await;
    assert_eq!(stats.total, 10);
    let mut counted: BTreeMap<(i32, String, String), i64> = BTreeMap::new();
    for task in &tasks {
        *counted
            .entry((task.state, task.queue.clone(), task.r#type.clone()))
            .or_default() += 1;
    }
    let told: BTreeMap<_, _> = stats
        .groups
        .iter()
        .map(|group| {
            (
                (group.state, group.queue.clone(), group.r#type.clone()),
                group.count,
            )
        })
        .collect();
    assert_eq!(told, counted);
    for group in &stats.groups {
        assert_eq!(group.oldest_ready_time.is_some(), group.state() == State::Queued);
        assert!(group.as_of_time.is_some());
    }
    let queue = server
        .ok(client
            .stats()
            .with(|request| "queue = a".clone_into(&mut request.filter)))
        .await;
    assert_eq!(queue.total, 4);
    let wrong = server
        .refused(
            client
                .stats()
                .with(|request| "title = x".clone_into(&mut request.filter)),
        )
        .await;
    assert_eq!(wrong.reason, Reason::InvalidFilter);
    // What settles later is told too, if not at once.
    server.ok(client.cancel(&tasks[9].id)).await;
    let stats = server
        .ok(client
            .stats()
            .with(|request| "state = SCHEDULED".clone_into(&mut request.filter)))
        .await;
    assert_eq!(stats.total, 0);
    server.finish().await;
}

#[tokio::test]
async fn explanations_name_what_keeps_a_task() {
    let server = TestServer::start().await;
    let client = server.client();
    let ready = queued(&server).await;
    let held = created(&server, NewTask::new("test").hold().actor(actor::human("ada"))).await;
    let waiting = created(&server, NewTask::new("test").depends_on(&ready.id)).await;
    let scheduled = created(&server, NewTask::new("test").delay(Duration::from_secs(60))).await;
    let assigned = created(&server, NewTask::new("test").assignee(worker())).await;
    let running = started(&server, NewTask::new("test")).await;
    let asking = started(&server, NewTask::new("test")).await;
    server
        .ok(client.request_input(&asking.id, "?").key("colour"))
        .await;
    let reviewed = started(&server, NewTask::new("test")).await;
    server.ok(client.submit(&reviewed.id)).await;
    let paused = queued(&server).await;
    server
        .ok(client.pause(&paused.id).actor(actor::human("ada")))
        .await;
    let settled = queued(&server).await;
    server.ok(client.cancel(&settled.id)).await;
    let backoff = started(&server, NewTask::new("test").retry_policy(RetryPolicy::default())).await;
    server.ok(client.fail(&backoff.id, "no")).await;
    let cases = [
        (&ready, CauseType::Ready),
        (&held, CauseType::Hold),
        (&waiting, CauseType::Dependency),
        (&scheduled, CauseType::ScheduleTime),
        (&assigned, CauseType::Assigned),
        (&running, CauseType::Running),
        (&asking, CauseType::WaitingForInput),
        (&reviewed, CauseType::WaitingForReview),
        (&paused, CauseType::Paused),
        (&settled, CauseType::Settled),
        (&backoff, CauseType::RetryBackoff),
    ];
    for (task, expected) in cases {
        let told = server.ok(client.explain(&task.id)).await;
        let cause = told.causes.first().expect("there is always a cause");
        assert_eq!(cause.r#type(), expected);
        assert!(!cause.message.is_empty());
        let moves_itself = matches!(expected, CauseType::ScheduleTime | CauseType::RetryBackoff);
        assert_eq!(told.next_change_time.is_some(), moves_itself, "{expected:?}");
        match expected {
            CauseType::Dependency => assert_eq!(
                (cause.task_id.as_str(), cause.task_state()),
                (ready.id.as_str(), State::Queued)
            ),
            CauseType::WaitingForInput => assert_eq!(cause.input_key, "colour"),
            CauseType::Assigned | CauseType::Running => assert_eq!(cause.actor, Some(worker())),
            CauseType::Paused | CauseType::Hold => assert_eq!(cause.actor, Some(actor::human("ada"))),
            _ => {}
        }
    }
    let stranger = server.refused(client.explain(id())).await;
    assert_eq!(stranger.reason, Reason::TaskNotFound);
    server.finish().await;
}
