//! WatchTask and WatchTasks: reads the request, checks the token, and turns the updates of a watch into messages.

mod message;
mod read;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use baton_proto::raw::v1 as raw;
use futures::Stream;
use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use self::message::{Message, Pending, Tokens};
use super::convert::time;
use super::failed::{read_failed, refuse_error};
use super::status::Refusal;
use crate::engine::Engine;
use crate::feed::{Plan, Watch};
use crate::metrics;
use crate::net::Shutdown;
use crate::token::Keyring;

/// What every watch needs.
#[derive(Clone)]
pub(crate) struct Watches {
    pub(crate) engine: Engine,
    pub(crate) shutdown: Shutdown,
    /// Signs the tokens.
    pub(crate) keys: Arc<Keyring>,
    pub(crate) bookmark_every: Duration,
}

/// A stream of answers.
pub(crate) type Answers<T> = BoxStream<'static, Result<T, Status>>;

impl Watches {
    /// Answers WatchTask.
    pub(crate) async fn watch_task(
        &self,
        request: raw::WatchTaskRequest,
    ) -> Result<Answers<raw::WatchTaskResponse>, Status> {
        self.look_out().await?;
        let (plan, tokens) = read::task(self, request).await?;
        let messages = self.run(plan, tokens);
        let answer = |Stamped { message, time }: Stamped| raw::WatchTaskResponse {
            tasks: message.tasks,
            events: message.events,
            resume_token: message.resume_token,
            time: Some(time),
            snapshot_complete: message.snapshot_complete,
        };
        Ok(messages.map(move |m| m.map(answer)).boxed())
    }

    /// Answers WatchTasks.
    pub(crate) async fn watch_tasks(
        &self,
        request: raw::WatchTasksRequest,
    ) -> Result<Answers<raw::WatchTasksResponse>, Status> {
        self.look_out().await?;
        let (plan, tokens) = read::tasks(self, request)?;
        let messages = self.run(plan, tokens);
        let answer = |Stamped { message, time }: Stamped| raw::WatchTasksResponse {
            tasks: message.tasks,
            events: message.events,
            resume_token: message.resume_token,
            time: Some(time),
            snapshot_complete: message.snapshot_complete,
        };
        Ok(messages.map(move |m| m.map(answer)).boxed())
    }

    /// A token of another server may name what this one has not heard of yet.
    async fn look_out(&self) -> Result<(), Refusal> {
        let looked = self.engine.look_out().await;
        looked.map_err(|error| refuse_error(&error))
    }

    fn run(&self, plan: Plan, tokens: Tokens) -> impl Stream<Item = Result<Stamped, Status>> + Send + use<> {
        metrics::watch_began();
        let full = plan.payloads;
        let watch = Watch::new(self.engine.feed(), plan);
        let running = Running {
            watches: self.clone(),
            watch,
            tokens,
            full,
            pending: None,
            draining: Box::pin(self.shutdown.draining().clone().cancelled_owned()),
            ended: false,
        };
        stream::unfold(running, |mut running| async move {
            running.next().await.map(|item| (item, running))
        })
    }
}

struct Stamped {
    message: Message,
    time: prost_types::Timestamp,
}

/// One stream.
struct Running {
    watches: Watches,
    watch: Watch,
    tokens: Tokens,
    full: bool,
    pending: Option<Pending>,
    /// Held, for to begin and to end waiting takes a lock that all watches share.
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl Running {
    async fn next(&mut self) -> Option<Result<Stamped, Status>> {
        if self.ended {
            return None;
        }
        if self.pending.is_none() {
            let update = tokio::select! {
                biased;
                () = self.draining.as_mut() => Err(Shutdown::refusal()),
                update = self.watch.next() => update.map_err(|e| read_failed(&e)),
            };
            match update {
                Ok(Some(update)) => self.pending = Some(Pending::from(update)),
                Ok(None) => return None,
                Err(refusal) => {
                    self.ended = true;
                    return Some(Err(refusal.into()));
                }
            }
        }
        let keys = &self.watches.keys;
        let (message, last) = self.pending.as_mut()?.message(&self.tokens, keys, self.full);
        if last {
            self.pending = None;
        }
        if !message.events.is_empty() {
            metrics::watch_told(self.watch.lag());
        }
        let now = baton_domain::Timestamp::from_micros(self.watches.engine.clock().now_micros());
        Some(Ok(Stamped {
            message,
            time: time::write(now),
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::watch_ended();
    }
}
