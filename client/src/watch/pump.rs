//! The task behind a watch: reads messages into a bounded queue, and finds the way back when the stream breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::ExponentialBackoff;
use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::{
    Task, TaskEvent, WatchStart, WatchTaskRequest, WatchTaskResponse, WatchTasksRequest, WatchTasksResponse,
};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tonic::Status;

use crate::client::leave_if_failing;
use crate::retry::{Repeats, Verdict, verdict};
use crate::settings::Defaults;
use crate::{Client, Error};

/// What is watched: the request that opens the stream, and opens it again.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Task(WatchTaskRequest),
    Tasks(WatchTasksRequest),
}

/// A message of either watch; they have the same fields.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tasks: Vec<Task>,
    pub(super) events: Vec<TaskEvent>,
    pub(super) resume_token: String,
    pub(super) time: Option<Timestamp>,
    pub(super) snapshot_complete: bool,
}

impl From<WatchTaskResponse> for Message {
    fn from(response: WatchTaskResponse) -> Self {
        let WatchTaskResponse {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        } = response;
        Message {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        }
    }
}

impl From<WatchTasksResponse> for Message {
    fn from(response: WatchTasksResponse) -> Self {
        let WatchTasksResponse {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        } = response;
        Message {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        }
    }
}

impl Target {
    pub(super) fn fill_in(&mut self, defaults: &Defaults) {
        if let Target::Tasks(request) = self
            && request.namespace.is_empty()
        {
            request.namespace.clone_from(&defaults.namespace);
        }
    }

    /// From now on the request goes on from this token.
    pub(super) fn resume(&mut self, token: String) {
        match self {
            Target::Task(request) => {
                request.resume_token = token;
                request.start = 0;
            }
            Target::Tasks(request) => {
                request.resume_token = token;
                request.start = 0;
            }
        }
    }

    fn begins_now(&self) -> bool {
        let (start, token) = match self {
            Target::Task(request) => (request.start(), &request.resume_token),
            Target::Tasks(request) => (request.start(), &request.resume_token),
        };
        token.is_empty() && matches!(start, WatchStart::Unspecified | WatchStart::Now)
    }

    fn method(&self) -> &'static str {
        match self {
            Target::Task(_) => "WatchTask",
            Target::Tasks(_) => "WatchTasks",
        }
    }

    /// Whether the server may end the stream because there is nothing more to tell.
    fn has_an_end(&self) -> bool {
        match self {
            Target::Task(_) => true,
            Target::Tasks(_) => false,
        }
    }
}

type Messages = BoxStream<'static, Result<Message, Status>>;

/// Why a stream is over.
enum Over {
    /// Nobody reads any more.
    Unread,
    /// The server has told all there is.
    Done,
    /// It broke.
    Broken(Error),
}

pub(super) struct Pump {
    client: Client,
    target: Target,
    queue: mpsc::Sender<Result<Message, Error>>,
    reconnects: Arc<AtomicU64>,
    /// The pauses before the next attempts to open the stream; they grow until a message has come.
    pauses: ExponentialBackoff,
    paused: bool,
}

impl Pump {
    pub(super) fn new(
        client: Client,
        target: Target,
        queue: mpsc::Sender<Result<Message, Error>>,
        reconnects: Arc<AtomicU64>,
    ) -> Self {
        Pump {
            pauses: client.inner.retry.endless_waits(),
            client,
            target,
            queue,
            reconnects,
            paused: false,
        }
    }

    /// Opens the stream, with the usual repeats.
    pub(super) async fn open(&self) -> Result<Messages, Error> {
        let inner = &self.client.inner;
        let mut repeats = Repeats::new(&inner.retry, &inner.budget);
        loop {
            let error = match self.begin().await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            match repeats.wait_after(&error, true) {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Opens the stream so far that it can be resumed. A watch from now on has no place to go back to before its first
    /// token, which the server sends at once; the other beginnings can be had again.
    async fn begin(&self) -> Result<Messages, Error> {
        let mut stream = self.open_once().await?;
        if !self.target.begins_now() {
            return Ok(stream);
        }
        let within = self.client.inner.timeout;
        match timeout(within, stream.next()).await {
            Ok(Some(Ok(first))) => Ok(stream::iter([Ok(first)]).chain(stream).boxed()),
            Ok(Some(Err(status))) => Err(self.error(status)),
            Ok(None) => Ok(stream::empty().boxed()),
            Err(_) => Err(slow_opening(self.target.method(), within)),
        }
    }

    /// Forwards messages until the watch is over.
    pub(super) async fn run(mut self, mut stream: Messages) {
        loop {
            let error = match self.forward(stream).await {
                Over::Unread | Over::Done => return,
                Over::Broken(error) => error,
            };
            stream = match self.reopen(error).await {
                Some(stream) => stream,
                None => return,
            };
            self.reconnects.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts messages in the queue. A message is there whole or not at all, so the last one's token says exactly what
    /// the reader gets.
    async fn forward(&mut self, mut stream: Messages) -> Over {
        loop {
            let message = match stream.next().await {
                Some(Ok(message)) => message,
                Some(Err(status)) => return Over::Broken(self.error(status)),
                None if self.target.has_an_end() => return Over::Done,
                None => return Over::Broken(self.error(Status::unavailable("the stream ended early"))),
            };
            if std::mem::take(&mut self.paused) {
                self.pauses = self.client.inner.retry.endless_waits();
            }
            let token = message.resume_token.clone();
            if self.queue.send(Ok(message)).await.is_err() {
                return Over::Unread;
            }
            if !token.is_empty() {
                self.target.resume(token);
            }
        }
    }

    /// Opens the stream again where it broke; nothing where that is refused (the reader is told) or nobody reads.
    async fn reopen(&mut self, mut error: Error) -> Option<Messages> {
        loop {
            if verdict(&error, true) == Verdict::GiveUp && !is_slow_opening(&error) {
                // A reader that is gone does not miss it.
                drop(self.queue.send(Err(error)).await);
                return None;
            }
            self.paused = true;
            let pause = self.pauses.next().unwrap_or_default();
            let pause = pause.max(error.retry_after().unwrap_or_default());
            tracing::debug!(method = self.target.method(), pause_ms = pause.as_millis(), %error, "reopening a watch");
            tokio::select! {
                () = sleep(pause) => {}
                () = self.queue.closed() => return None,
            }
            match self.open_once().await {
                Ok(stream) => return Some(stream),
                Err(failed) => error = failed,
            }
        }
    }

    async fn open_once(&self) -> Result<Messages, Error> {
        let channels = &self.client.inner.streams;
        let (channel, slot) = channels.pick();
        let within = self.client.inner.timeout;
        let mut service = TaskServiceClient::new(channel);
        let opening = async {
            match self.target.clone() {
                Target::Task(request) => {
                    let request = self.client.inner.outgoing(request, None);
                    let stream = service.watch_task(request).await?.into_inner();
                    Ok(stream.map(|message| message.map(Message::from)).boxed())
                }
                Target::Tasks(request) => {
                    let request = self.client.inner.outgoing(request, None);
                    let stream = service.watch_tasks(request).await?.into_inner();
                    Ok(stream.map(|message| message.map(Message::from)).boxed())
                }
            }
        };
        match timeout(within, opening).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(status)) => {
                let error = self.error(status);
                leave_if_failing(channels, slot, &error);
                Err(error)
            }
            Err(_) => Err(slow_opening(self.target.method(), within)),
        }
    }

    fn error(&self, status: Status) -> Error {
        Error::from_status(self.target.method(), self.client.inner.timeout, status)
    }
}

fn slow_opening(method: &'static str, within: Duration) -> Error {
    Error::DeadlineExceeded { method, within }
}

/// A server that does not answer in time ends a call, but not a watch that is finding its way back.
fn is_slow_opening(error: &Error) -> bool {
    matches!(error, Error::DeadlineExceeded { .. })
}
