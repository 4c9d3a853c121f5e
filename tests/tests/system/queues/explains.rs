//! ExplainTask names the limit that holds a task, and when that can change.

use std::time::Duration;

use baton_client::NewQueue;
use baton_client::proto::{Cause, CauseType, Queue};
use baton_tests::harness::TestServer;

use super::{ask, step};
use crate::leases::lease;
use crate::support::created;

async fn causes(server: &TestServer, id: &str) -> Vec<Cause> {
    server.ok(server.client().explain(id)).await.causes
}

#[tokio::test]
async fn every_limit_that_holds_a_task_is_named() {
    let server = TestServer::start().await;
    let client = server.client();
    client.create_queue(NewQueue::new("steps")).await.unwrap();
    created(&server, step().label("tenant", "a")).await;
    let held = created(&server, step().label("tenant", "a")).await.id;
    let [ready] = causes(&server, &held).await.try_into().unwrap();
    assert_eq!(ready.r#type(), CauseType::Ready);
    let hour = prost_types::Duration {
        seconds: 3_600,
        nanos: 0,
    };
    let edit = Queue {
        name: "steps".to_owned(),
        concurrency_limit: Some(1),
        rate_limit: Some(baton_client::proto::RateLimit {
            count: 1,
            period: Some(hour),
            burst: 0,
        }),
        key_label: "tenant".to_owned(),
        key_concurrency_limit: Some(1),
        ..Queue::default()
    };
    client.update_queue(edit, []).await.unwrap();
    assert_eq!(lease(&server, ask("w")).await.leased_tasks.len(), 1);
    client.pause_queue("steps").await.unwrap();
    let answer = server.ok(client.explain(&held)).await;
    let types: Vec<_> = answer.causes.iter().map(Cause::r#type).collect();
    assert_eq!(
        types,
        [
            CauseType::QueuePaused,
            CauseType::ConcurrencyLimit,
            CauseType::RateLimit,
            CauseType::KeyLimit
        ]
    );
    let [_, places, turn, key] = &answer.causes[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (places.limit, places.leased_count, places.queue.as_str()),
        (1, 1, "steps")
    );
    assert!(places.message.contains("1 of 1"), "{}", places.message);
    assert!(key.message.contains("\"a\"") && key.change_time == places.change_time);
    let (turn, end) = (turn.change_time.unwrap(), places.change_time.unwrap());
    assert!(
        turn.seconds > end.seconds + 3_000,
        "a lease that nobody starts ends after 10 s"
    );
    assert_eq!(answer.next_change_time, Some(end));
    client.resume_queue("steps").await.unwrap();
    server.ok(client.advance_clock(Duration::from_secs(30))).await;
    let [turn] = causes(&server, &held).await.try_into().unwrap();
    assert_eq!(turn.r#type(), CauseType::RateLimit);
    server.finish().await;
}
