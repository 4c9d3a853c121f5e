//! Waiting for a task, for as long as the caller likes: WaitTask, again and again.

use std::future::IntoFuture;
use std::time::Duration;

use baton_proto::v1::{Task, TaskState, WaitTaskRequest, WaitTaskResponse};
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::client::moment_after;
use crate::retry::{Verdict, verdict};
use crate::value::span;
use crate::{Client, Error};

/// How long one WaitTask waits at most; the server allows 60 s.
const SLICE: Duration = Duration::from_secs(30);

/// A wait in the making; `.await` begins it.
#[derive(Clone, Debug)]
#[must_use = "a wait begins by .await"]
pub struct Wait {
    client: Client,
    id: String,
    within: Duration,
    until: Vec<TaskState>,
}

/// The task when the wait was over.
#[derive(Clone, Debug, PartialEq)]
pub struct Waited {
    /// The task as it was then, with its payloads.
    pub task: Task,
    /// True where the time ran out first.
    pub timed_out: bool,
}

impl Client {
    /// Waits until a task settles (COMPLETED, FAILED, DEAD or CANCELLED), or the time is over.
    ///
    /// It goes on over restarts of the server; what is refused, such as an unknown id, ends it.
    pub fn wait(&self, id: impl Into<String>, within: Duration) -> Wait {
        Wait {
            client: self.clone(),
            id: id.into(),
            within,
            until: Vec::new(),
        }
    }
}

impl Wait {
    /// Waits for one of these states instead.
    pub fn until(mut self, states: impl IntoIterator<Item = TaskState>) -> Self {
        self.until = states.into_iter().collect();
        self
    }

    async fn go(self) -> Result<Waited, Error> {
        let end = moment_after(self.within);
        let mut pauses = self.client.inner.retry.endless_waits();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let error = match self.once(left.min(SLICE)).await {
                Ok(response) => {
                    let WaitTaskResponse { task, timed_out } = response;
                    let task = task.ok_or(Error::Malformed {
                        method: "WaitTask",
                        field: "task",
                    })?;
                    if !timed_out || left <= SLICE {
                        return Ok(Waited { task, timed_out });
                    }
                    pauses = self.client.inner.retry.endless_waits();
                    continue;
                }
                Err(error) => error,
            };
            let pause = pauses.next().unwrap_or(SLICE);
            if verdict(&error, true) == Verdict::GiveUp || Instant::now() + pause >= end {
                return Err(error);
            }
            sleep(pause).await;
        }
    }

    async fn once(&self, within: Duration) -> Result<WaitTaskResponse, Error> {
        let request = WaitTaskRequest {
            id: self.id.clone(),
            timeout: Some(span(within)),
            until_states: self.until.iter().copied().map(i32::from).collect(),
        };
        self.client.call(request).await
    }
}

impl IntoFuture for Wait {
    type Output = Result<Waited, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.go())
    }
}
