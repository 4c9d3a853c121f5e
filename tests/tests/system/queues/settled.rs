//! What a queue says of tasks that failed, and of tasks that have settled.

use std::time::Duration;

use baton_client::proto::{RetryPolicy, TaskEventType, TaskState};
use baton_client::{NewQueue, NewTask};
use baton_tests::harness::TestServer;
use baton_tests::oracle::Scope;

use super::{limited, step};
use crate::support::{created, from_oldest, get, start};

#[tokio::test]
async fn the_policy_of_the_queue_counts_where_a_task_has_none() {
    let server = TestServer::start().await;
    let client = server.client();
    let policy = RetryPolicy {
        max_attempts: Some(2),
        ..RetryPolicy::default()
    };
    limited(&server, NewQueue::new("steps").retry_policy(policy.clone())).await;
    let own = RetryPolicy {
        max_attempts: Some(1),
        ..policy
    };
    let (bare, with_own) = (
        created(&server, step()).await.id,
        created(&server, step().retry_policy(own)).await.id,
    );
    for (id, expected) in [(&bare, TaskState::Scheduled), (&with_own, TaskState::Dead)] {
        start(&server, id).await;
        let failed = server.ok(client.fail(id, "no")).await.into_inner();
        assert_eq!(failed.state(), expected);
    }
    server.ok(client.advance_clock(Duration::from_secs(60))).await;
    start(&server, &bare).await;
    let failed = server.ok(client.fail(&bare, "no")).await.into_inner();
    assert_eq!((failed.state(), failed.attempt), (TaskState::Dead, 2));
    assert!(failed.retry_policy.is_none(), "it is the queue's");
    server.finish().await;
}

#[tokio::test]
async fn settled_tasks_are_deleted_when_their_queue_keeps_them_no_longer() {
    let server = TestServer::start_with(|config| config.upkeep_interval_ms = 1_000).await;
    server.history().others_act_too();
    let client = server.client();
    let new = NewQueue::new("steps").retention(Duration::from_secs(60));
    client.create_queue(new).await.unwrap();
    let old = created(&server, step()).await.id;
    let open = created(&server, step()).await.id;
    let elsewhere = created(&server, NewTask::new("step")).await.id;
    for id in [&old, &elsewhere] {
        start(&server, id).await;
        server.ok(client.complete(id)).await;
    }
    let watch = server.watch(from_oldest(), Scope::all()).await;
    server.ok(client.advance_clock(Duration::from_secs(50))).await;
    let young = created(&server, step()).await.id;
    server.ok(client.cancel(&young)).await;
    server.ok(client.advance_clock(Duration::from_secs(20))).await;
    let deleted = |events: &[baton_client::proto::TaskEvent]| {
        let deleted = events
            .iter()
            .filter(|event| event.r#type() == TaskEventType::Deleted);
        deleted.map(|event| event.task_id.clone()).collect::<Vec<_>>()
    };
    while deleted(&watch.events()).is_empty() {
        watch.until_quiet().await;
    }
    assert_eq!(deleted(&watch.events()), std::slice::from_ref(&old));
    let gone = server.refused(client.get(&old)).await;
    assert_eq!(gone.reason, baton_client::Reason::TaskNotFound);
    for (id, state) in [
        (&open, TaskState::Queued),
        (&elsewhere, TaskState::Completed),
        (&young, TaskState::Cancelled),
    ] {
        assert_eq!(get(&server, id).await.state(), state);
    }
    server.finish().await;
}
