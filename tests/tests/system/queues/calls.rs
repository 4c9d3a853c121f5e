//! Every call, and what it refuses.

use std::time::Duration;

use baton_client::proto::{Queue, RateLimit, RetryPolicy, TaskState};
use baton_client::{Error, NewQueue, Reason, Refusal, actor};
use baton_tests::harness::TestServer;
use futures::TryStreamExt;

use super::{ask, finish, server, step, steps};
use crate::leases::lease;
use crate::support::{created, get};

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("was to be refused, but: {other:?}"),
    }
}

fn broken_fields(refusal: &Refusal) -> Vec<&str> {
    assert_eq!(refusal.reason, Reason::InvalidField, "{refusal:?}");
    refusal
        .violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect()
}

#[tokio::test]
async fn a_queue_is_created_read_edited_paused_and_deleted() {
    let server = TestServer::start().await;
    let client = server.client();
    let policy = RetryPolicy {
        max_attempts: Some(5),
        ..RetryPolicy::default()
    };
    let new = NewQueue::new("steps")
        .concurrency(5)
        .rate(10, Duration::from_millis(1_000))
        .key_concurrency("tenant", 2)
        .retry_policy(policy.clone())
        .retention(Duration::from_secs(86_400))
        .with(|queue| queue.description = "steps of executions".to_owned());
    let made = client
        .create_queue(new)
        .actor(actor::human("ada"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (made.namespace.as_str(), made.concurrency_limit),
        ("default", Some(5))
    );
    let rate = RateLimit {
        count: 10,
        period: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        burst: 1,
    };
    assert_eq!(
        (&made.rate_limit, &made.retry_policy),
        (&Some(rate), &Some(policy))
    );
    assert_eq!(made.creator.as_ref().map(|by| by.id.as_str()), Some("ada"));
    assert_eq!(client.get_queue("steps").await.unwrap(), made);

    let edit = Queue {
        name: "steps".to_owned(),
        etag: made.etag.clone(),
        concurrency_limit: Some(8),
        ..Queue::default()
    };
    let edited = client.update_queue(edit.clone(), []).await.unwrap().into_inner();
    assert_eq!(
        (edited.concurrency_limit, &edited.rate_limit),
        (Some(8), &made.rate_limit)
    );
    let late = refused(client.update_queue(edit, []).await);
    assert_eq!(late.reason, Reason::EtagMismatch);
    let bare = Queue {
        name: "steps".to_owned(),
        ..Queue::default()
    };
    let fields = [
        "concurrency_limit",
        "rate_limit",
        "key_label",
        "key_concurrency_limit",
        "retention",
    ];
    let cleared = client.update_queue(bare, fields).await.unwrap().into_inner();
    assert_eq!(
        (cleared.concurrency_limit, &cleared.rate_limit, &cleared.retention),
        (None, &None, &None)
    );
    assert_eq!(
        (cleared.key_label.as_str(), cleared.key_concurrency_limit),
        ("", None)
    );
    assert!(cleared.retry_policy.is_some(), "not named, so it stays");
    server.finish().await;
}

#[tokio::test]
async fn a_queue_is_paused_resumed_and_deleted() {
    let server = TestServer::start().await;
    let client = server.client();
    client.create_queue(NewQueue::new("steps")).await.unwrap();
    let paused = client
        .pause_queue("steps")
        .note("the model is down")
        .await
        .unwrap();
    assert!(paused.paused && paused.note == "the model is down");
    let resumed = client.resume_queue("steps").await.unwrap();
    assert!(!resumed.paused && resumed.note.is_empty() && resumed.etag != paused.etag);
    client.delete_queue("steps").etag(&resumed.etag).await.unwrap();
    let gone = refused(client.get_queue("steps").await);
    assert_eq!(gone.reason, Reason::QueueNotFound);
    server.finish().await;
}

#[tokio::test]
async fn queues_are_listed_by_their_names_page_by_page() {
    let server = TestServer::start().await;
    let client = server.client();
    for name in ["c", "a", "b", "d"] {
        client.create_queue(NewQueue::new(name)).await.unwrap();
    }
    let elsewhere = NewQueue::new("e").with(|queue| queue.namespace = "other".to_owned());
    client.create_queue(elsewhere).await.unwrap();
    let page = client.list_queues().page_size(3).await.unwrap();
    assert_eq!((page.queues.len(), page.queues[0].name.as_str()), (3, "a"));
    let all: Vec<Queue> = client
        .list_queues()
        .page_size(3)
        .all()
        .try_collect()
        .await
        .unwrap();
    let names: Vec<_> = all.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let other = client
        .list_queues()
        .namespace("other")
        .page_token(page.next_page_token);
    assert_eq!(refused(other.await).reason, Reason::PageTokenInvalid);
}

#[tokio::test]
async fn what_is_wrong_with_a_queue_is_told_field_by_field() {
    let server = TestServer::start().await;
    let client = server.client();
    let wrong = Queue {
        name: "Steps".to_owned(),
        concurrency_limit: Some(-1),
        rate_limit: Some(RateLimit {
            count: 0,
            period: None,
            burst: 10_001,
        }),
        key_label: "a b".to_owned(),
        key_concurrency_limit: Some(0),
        retention: Some(prost_types::Duration { seconds: 0, nanos: 5 }),
        ..Queue::default()
    };
    let told = refused(client.create_queue(wrong).await);
    for field in [
        "queue.name",
        "queue.concurrency_limit",
        "queue.rate_limit.count",
        "queue.rate_limit.period",
        "queue.rate_limit.burst",
        "queue.key_label",
        "queue.key_concurrency_limit",
        "queue.retention",
    ] {
        assert!(broken_fields(&told).contains(&field), "{field}: {told:?}");
    }
    let fast = NewQueue::new("a").rate(10_001, Duration::from_secs(1));
    assert_eq!(
        broken_fields(&refused(client.create_queue(fast).await)),
        ["queue.rate_limit.count"]
    );
    let half = NewQueue::new("a").with(|queue| queue.key_label = "tenant".to_owned());
    let told = refused(client.create_queue(half).await);
    assert_eq!(broken_fields(&told), ["queue.key_concurrency_limit"]);
    client.create_queue(NewQueue::new("a")).await.unwrap();
    let again = refused(client.create_queue(NewQueue::new("a")).await);
    assert_eq!(again.reason, Reason::QueueExists);
    let nothing = Queue {
        name: "a".to_owned(),
        ..Queue::default()
    };
    assert_eq!(
        broken_fields(&refused(client.update_queue(nothing.clone(), []).await)),
        ["queue"]
    );
    let told = refused(client.update_queue(nothing, ["paused"]).await);
    assert_eq!(broken_fields(&told), ["update_mask.paths[0]"]);
}

#[tokio::test]
async fn a_queue_that_open_tasks_name_stays_until_they_are_ended() {
    let server = TestServer::start().await;
    let client = server.client();
    client.create_queue(NewQueue::new("steps")).await.unwrap();
    let task = created(&server, step()).await;
    let told = refused(client.delete_queue("steps").await);
    assert_eq!(told.reason, Reason::NotEmpty);
    assert_eq!(told.metadata["open_count"], "1");
    server.ok(client.cancel(&task.id)).await;
    client.delete_queue("steps").await.unwrap();
    assert_eq!(get(&server, &task.id).await.queue, "steps");
    server.finish().await;
}

#[tokio::test]
async fn a_purge_cancels_what_is_ready_and_leaves_the_rest() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let missing = refused(client.purge_queue("steps").await);
    assert_eq!(missing.reason, Reason::QueueNotFound);
    let tasks = steps(&server, 5).await;
    let later = created(&server, step().delay(Duration::from_secs(3_600))).await;
    let held = lease(&server, ask("w"))
        .await
        .leased_tasks
        .pop()
        .unwrap()
        .task
        .unwrap();
    let some = client
        .purge_queue("steps")
        .max_count(3)
        .reason("by mistake")
        .await
        .unwrap();
    assert_eq!(
        (some.cancelled_count, some.passed_over_count, some.remaining_count),
        (3, 0, 1)
    );
    let rest = client.purge_queue("steps").await.unwrap();
    assert_eq!((rest.cancelled_count, rest.remaining_count), (1, 0));
    for task in &tasks {
        let now = get(&server, &task.id).await;
        let expected = if task.id == held.id {
            TaskState::Assigned
        } else {
            TaskState::Cancelled
        };
        assert_eq!(now.state(), expected);
    }
    assert_eq!(get(&server, &later.id).await.state(), TaskState::Scheduled);
    server.finish().await;
}

#[tokio::test]
async fn stats_tell_how_a_queue_stands() {
    let server = server().await;
    let client = server.client();
    let missing = refused(client.queue_stats("steps").await);
    assert_eq!(missing.reason, Reason::QueueNotFound);
    steps(&server, 3).await;
    let bare = client.queue_stats("steps").await.unwrap();
    assert!(bare.queue.is_none());
    let stats = bare.stats.unwrap();
    assert_eq!(
        (stats.ready_count, stats.open_count, stats.leased_count),
        (3, 3, 0)
    );
    let new = NewQueue::new("steps")
        .concurrency(5)
        .rate(1, Duration::from_secs(3_600));
    client
        .create_queue(new.key_concurrency("tenant", 1))
        .await
        .unwrap();
    created(
        &server,
        step()
            .label("tenant", "a")
            .priority(baton_client::Priority::Critical),
    )
    .await;
    let held = lease(&server, ask("w")).await.leased_tasks.pop().unwrap();
    let answer = client.queue_stats("steps").await.unwrap();
    let stats = answer.stats.unwrap();
    assert_eq!((stats.ready_count, stats.leased_count), (3, 1));
    assert_eq!(answer.queue.unwrap().leased_count, 1);
    assert!(stats.oldest_ready_time.is_some() && stats.oldest_ready_age.is_some());
    assert_eq!(
        (stats.rate_available, stats.rate_next_time.is_some()),
        (Some(0), true)
    );
    assert_eq!((stats.keys[0].key.as_str(), stats.keys[0].leased_count), ("a", 1));
    assert!(stats.finished_per_second_1m.abs() < f64::EPSILON);
    finish(&server, &held).await;
    let stats = client.queue_stats("steps").await.unwrap().stats.unwrap();
    assert!(stats.finished_per_second_1m > 0.0 && stats.finished_per_second_5m > 0.0);
    let done = stats
        .states
        .iter()
        .find(|state| state.state() == TaskState::Completed);
    assert_eq!((done.map(|state| state.count), stats.leased_count), (Some(1), 0));
    server.finish().await;
}
