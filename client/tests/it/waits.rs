//! Waiting for longer than one WaitTask lasts, and over breaks.

use std::time::Duration;

use baton_client::proto::{Task, TaskState, WaitTaskRequest, WaitTaskResponse};
use baton_client::{Code, Reason};

use crate::scripted::{Scripted, Seen, Step, answer_with, refusal};

fn waited(state: TaskState, timed_out: bool) -> Step {
    let task = Some(Task {
        state: state.into(),
        ..Task::default()
    });
    answer_with(&WaitTaskResponse { task, timed_out })
}

#[tokio::test]
async fn a_long_wait_is_many_short_ones() {
    let running = || waited(TaskState::InProgress, true);
    let server = Scripted::start([running(), running(), waited(TaskState::Completed, false)]).await;
    let waited = server.client().wait("1", Duration::MAX).await.unwrap();
    assert_eq!(waited.task.state(), TaskState::Completed);
    assert!(!waited.timed_out);
    let asked: Vec<WaitTaskRequest> = server.seen().iter().map(Seen::read).collect();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|request| request.timeout.unwrap().seconds == 30),
        "{asked:?}"
    );
}

#[tokio::test]
async fn the_last_wait_is_as_long_as_the_time_that_is_left() {
    let server = Scripted::start([waited(TaskState::Queued, true)]).await;
    let wait = server
        .client()
        .wait("1", Duration::from_secs(3))
        .until([TaskState::InProgress]);
    let waited = wait.await.unwrap();
    assert!(waited.timed_out);
    let request: WaitTaskRequest = server.seen()[0].read();
    let asked = Duration::try_from(request.timeout.unwrap()).unwrap();
    assert!(
        asked > Duration::from_secs(2) && asked <= Duration::from_secs(3),
        "{asked:?}"
    );
    assert_eq!(request.until_states, [i32::from(TaskState::InProgress)]);
}

#[tokio::test]
async fn a_wait_goes_on_over_more_breaks_than_a_call_is_repeated() {
    let down = || Step::Refuse(refusal(Code::Unavailable, "DRAINING"));
    let mut script: Vec<Step> = std::iter::repeat_with(down).take(20).collect();
    script.push(waited(TaskState::Completed, false));
    let server = Scripted::start(script).await;
    let waited = server.client().wait("1", Duration::from_secs(600)).await.unwrap();
    assert_eq!(waited.task.state(), TaskState::Completed);
}

#[tokio::test]
async fn a_wait_for_an_unknown_task_ends_at_once() {
    let server = Scripted::start([Step::Refuse(refusal(Code::NotFound, "TASK_NOT_FOUND"))]).await;
    let error = server
        .client()
        .wait("1", Duration::from_secs(600))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::TaskNotFound));
    assert!(error.is_not_found());
}
