//! WaitTask: answers when the task is where the caller waits for it to be, or when the time is over.

use std::time::Duration;

use baton_domain::{State, Task, TaskId};
use baton_proto::raw::v1 as raw;
use tokio::time::timeout;

use super::convert::task::{self, Shown};
use super::failed::{read_failed, store_failed, task_not_found};
use super::judge::read;
use super::requests::watch::{Wait, read_wait};
use super::status::Refusal;
use crate::engine::Engine;
use crate::net::Shutdown;

/// The answer leaves so long before the call's own deadline, so that it arrives before it.
pub(super) const BEFORE_DEADLINE: Duration = Duration::from_millis(100);
/// Events read at once while waiting.
const EVENTS_READ: usize = 256;

/// Answers WaitTask. `left`: until the call's own deadline.
pub(super) async fn wait_task(
    engine: &Engine,
    shutdown: &Shutdown,
    request: raw::WaitTaskRequest,
    left: Option<Duration>,
) -> Result<raw::WaitTaskResponse, Refusal> {
    let Wait {
        id,
        timeout: wanted,
        until,
    } = read(|v| read_wait(v, request))?;
    let wanted = left.map_or(wanted, |left| wanted.min(left.saturating_sub(BEFORE_DEADLINE)));
    let draining = shutdown.draining();
    let waited = tokio::select! {
        biased;
        () = draining.cancelled() => return Err(Shutdown::refusal()),
        waited = timeout(wanted, reached(engine, id, &until)) => waited,
    };
    let (found, timed_out) = match waited {
        Ok(found) => (found?, false),
        Err(_elapsed) => (current(engine, id).await?, true),
    };
    Ok(raw::WaitTaskResponse {
        task: Some(Box::new(task::write(&found, Shown::FULL))),
        timed_out,
    })
}

/// The task once it is in one of `until`, or has been since the wait began; in any settled state where that is empty.
async fn reached(engine: &Engine, id: TaskId, until: &[State]) -> Result<Task, Refusal> {
    let first = current(engine, id).await?;
    let head = engine.feed().head(&first.namespace);
    let mut reader = engine.feed().reader(&first.namespace, head);
    loop {
        // Read after the reader began, so that nothing falls in between.
        let task = current(engine, id).await?;
        let there = match until {
            [] => task.state.is_settled(),
            states => states.contains(&task.state),
        };
        if there {
            return Ok(task);
        }
        loop {
            let events = reader.next(EVENTS_READ).await.map_err(|e| read_failed(&e))?;
            let own: Vec<State> = events
                .iter()
                .filter(|event| event.task_id == id)
                .map(|event| event.to_state)
                .collect();
            // Two moves may have come since: nobody else would tell of the first.
            if own.iter().any(|state| until.contains(state)) {
                return current(engine, id).await;
            }
            if !own.is_empty() {
                break;
            }
        }
    }
}

async fn current(engine: &Engine, id: TaskId) -> Result<Task, Refusal> {
    let found = engine.store().task(id).await.map_err(|e| store_failed(&e))?;
    found.ok_or_else(|| task_not_found(id))
}
