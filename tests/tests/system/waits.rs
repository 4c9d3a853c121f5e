//! Waiting for a task: woken by what was waited for, and answered in time otherwise.

use std::time::Duration;

use baton_client::{NewTask, State};
use baton_proto::v1::WaitTaskRequest;
use baton_tests::harness::TestServer;
use futures::future::join_all;
use tonic::Request;

use crate::support::{get, queued, started};

fn wait(id: &str, seconds: i64) -> WaitTaskRequest {
    WaitTaskRequest {
        id: id.to_owned(),
        timeout: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..WaitTaskRequest::default()
    }
}

/// A wait that is longer than the time of its call is an answer, not an error.
#[tokio::test]
async fn a_wait_is_answered_before_its_own_deadline() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let mut request = Request::new(wait(&task.id, 60));
    request.set_timeout(Duration::from_secs(2));
    let answer = server.raw().wait_task(request).await.unwrap().into_inner();
    assert!(answer.timed_out);
    assert_eq!(answer.task.unwrap().state(), State::Queued);
    server.finish().await;
}

/// Two moves in one commit: who waited for the first is woken, though the task has gone on.
#[tokio::test]
async fn a_state_that_is_passed_through_is_not_missed() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let mut request = wait(&task.id, 60);
    request.until_states = vec![State::Assigned.into()];
    let starts = async {
        // Other calls are answered meanwhile: the wait has begun.
        for _ in 0..10 {
            get(&server, &task.id).await;
        }
        server.ok(client.start(&task.id)).await;
    };
    let mut raw = server.raw();
    let (answer, ()) = tokio::join!(raw.wait_task(request), starts);
    let answer = answer.unwrap().into_inner();
    assert!(!answer.timed_out);
    assert_eq!(answer.task.unwrap().state(), State::InProgress);
    server.finish().await;
}

/// One end wakes everybody who waits for it, as one state on the way wakes those who wait for that.
#[tokio::test]
async fn everybody_who_waits_is_woken() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let mut for_review = wait(&task.id, 60);
    for_review.until_states = vec![State::Review.into()];
    let mut requests = vec![wait(&task.id, 60); 100];
    requests.extend(vec![for_review; 100]);
    let waits = requests
        .into_iter()
        .map(async |request| server.raw().wait_task(request).await.unwrap().into_inner());
    let moves = async {
        // Other calls are answered meanwhile: the waits have begun.
        for _ in 0..10 {
            get(&server, &task.id).await;
        }
        server.ok(client.submit(&task.id)).await;
        server.ok(client.approve(&task.id)).await;
    };
    let (answers, ()) = tokio::join!(join_all(waits), moves);
    for answer in answers {
        assert!(!answer.timed_out);
        let state = answer.task.unwrap().state();
        assert!([State::Review, State::Completed].contains(&state), "{state:?}");
    }
    server.finish().await;
}
