//! Recorded streams: read in the background, message by message as they come over the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::{
    TaskEvent, WatchStart, WatchTaskRequest, WatchTaskResponse, WatchTasksRequest, WatchTasksResponse,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;

use super::History;
use crate::oracle::{Message, Scope, Start, Watch};

/// The longest that a test waits for a message that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream that is read and recorded in the background.
#[derive(Debug)]
pub struct Stream {
    history: Arc<History>,
    index: usize,
    over: Arc<AtomicBool>,
    reader: JoinHandle<Option<Status>>,
}

/// What opens a stream.
#[derive(Clone, Debug)]
pub enum Opening {
    /// WatchTask.
    One(WatchTaskRequest),
    /// WatchTasks.
    Many(WatchTasksRequest),
}

impl From<WatchTaskRequest> for Opening {
    fn from(request: WatchTaskRequest) -> Self {
        Opening::One(request)
    }
}

impl From<WatchTasksRequest> for Opening {
    fn from(request: WatchTasksRequest) -> Self {
        Opening::Many(request)
    }
}

impl Opening {
    fn namespace(&self) -> &str {
        match self {
            Opening::One(_) => "",
            Opening::Many(request) if request.namespace.is_empty() => "default",
            Opening::Many(request) => &request.namespace,
        }
    }

    fn start(&self) -> Start {
        let start = match self {
            Opening::One(request) => request.start(),
            Opening::Many(request) => request.start(),
        };
        match start {
            WatchStart::Unspecified | WatchStart::Now => Start::Now,
            WatchStart::Oldest => Start::Oldest,
            WatchStart::Snapshot => Start::Snapshot,
        }
    }

    /// The same stream, from this token on.
    #[must_use]
    pub fn resumed(&self, token: &str) -> Self {
        let mut opening = self.clone();
        match &mut opening {
            Opening::One(request) => {
                request.start = 0;
                token.clone_into(&mut request.resume_token);
            }
            Opening::Many(request) => {
                request.start = 0;
                token.clone_into(&mut request.resume_token);
            }
        }
        opening
    }

    async fn open(self, channel: Channel) -> Result<BoxStream<'static, Result<Wire, Status>>, Status> {
        let mut client = TaskServiceClient::new(channel);
        Ok(match self {
            Opening::One(request) => {
                let stream = client.watch_task(request).await?.into_inner();
                stream.map(|message| message.map(Wire::from)).boxed()
            }
            Opening::Many(request) => {
                let stream = client.watch_tasks(request).await?.into_inner();
                stream.map(|message| message.map(Wire::from)).boxed()
            }
        })
    }
}

/// A message of either stream; they have the same fields.
struct Wire(WatchTasksResponse);

impl From<WatchTasksResponse> for Wire {
    fn from(response: WatchTasksResponse) -> Self {
        Wire(response)
    }
}

impl From<WatchTaskResponse> for Wire {
    fn from(response: WatchTaskResponse) -> Self {
        let WatchTaskResponse {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        } = response;
        Wire(WatchTasksResponse {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        })
    }
}

impl Stream {
    /// Opens a stream and begins to read it. `from` says of which stream and message the opening's token is.
    ///
    /// Errors: the server refused it.
    pub async fn open(
        (history, channel): (&Arc<History>, Channel),
        opening: Opening,
        scope: Scope,
        from: Option<(usize, usize)>,
    ) -> Result<Self, Status> {
        let start = match from {
            Some((watch, message)) => Start::Resume { watch, message },
            None => opening.start(),
        };
        let namespace = opening.namespace().to_owned();
        let messages = opening.open(channel).await?;
        let index = history.open_watch(Watch {
            namespace,
            scope,
            start,
            messages: Vec::new(),
            caught_up: false,
        });
        let over = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read(Arc::clone(history), index, Arc::clone(&over), messages));
        Ok(Stream {
            history: Arc::clone(history),
            index,
            over,
            reader,
        })
    }

    /// Its place among the recorded streams.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Everything received so far.
    pub fn messages(&self) -> Vec<Message> {
        self.history
            .with_watch(self.index, |watch| watch.messages.clone())
    }

    /// Every event received so far.
    pub fn events(&self) -> Vec<TaskEvent> {
        self.messages()
            .into_iter()
            .flat_map(|message| message.events)
            .collect()
    }

    /// The newest token, and the place of the message that brought it.
    pub fn token(&self) -> (String, usize) {
        self.history.with_watch(self.index, |watch| {
            let newest = watch
                .messages
                .last()
                .expect("a stream was waited for before its token is used");
            (newest.token.clone(), watch.messages.len() - 1)
        })
    }

    /// Waits until what was received is as it should be; gives up when nothing comes any more.
    pub async fn until(&self, mut enough: impl FnMut(&[Message]) -> bool) {
        let mut received = self.history.received.subscribe();
        let mut events = 0;
        let mut patience = tokio::time::Instant::now() + PATIENCE;
        loop {
            received.mark_unchanged();
            let (done, count) = self.history.with_watch(self.index, |watch| {
                let count: usize = watch.messages.iter().map(|message| message.events.len()).sum();
                (enough(&watch.messages), count)
            });
            if done {
                return;
            }
            if count > events {
                (events, patience) = (count, tokio::time::Instant::now() + PATIENCE);
            }
            let next = tokio::time::timeout_at(patience, received.changed()).await;
            if next.is_err() {
                let (over, messages) = (self.is_over(), self.messages());
                let newest: Vec<_> = messages.iter().rev().take(3).collect();
                panic!(
                    "watch {} (over: {over}) has {} messages, the newest: {newest:#?}",
                    self.index,
                    messages.len()
                );
            }
        }
    }

    /// Waits for so many events.
    pub async fn until_events(&self, count: usize) {
        self.until(|messages| messages.iter().map(|message| message.events.len()).sum::<usize>() >= count)
            .await;
    }

    /// Waits for two bookmarks: after the second, everything that had happened when the wait began has come.
    pub async fn until_quiet(&self) {
        let from = self.messages().len();
        let bookmark = |message: &Message| message.events.is_empty() && message.tasks.is_empty();
        self.until(|messages| self.is_over() || messages[from..].iter().filter(|m| bookmark(m)).count() >= 2)
            .await;
    }

    /// Whether the server has ended it.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits for the server to end it: `None` is a good end.
    pub async fn ended(&mut self) -> Option<Status> {
        let ended = tokio::time::timeout(PATIENCE, &mut self.reader).await;
        ended
            .unwrap_or_else(|_| panic!("watch {} did not end", self.index))
            .expect("reading does not panic")
    }

    /// Stops reading: the client goes away.
    pub fn stop(&self) {
        self.reader.abort();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn read(
    history: Arc<History>,
    index: usize,
    over: Arc<AtomicBool>,
    mut messages: BoxStream<'static, Result<Wire, Status>>,
) -> Option<Status> {
    let ended = loop {
        match messages.next().await {
            Some(Ok(Wire(response))) => {
                let message = Message {
                    tick: history.tick(),
                    tasks: response.tasks,
                    events: response.events,
                    token: response.resume_token,
                    snapshot_complete: response.snapshot_complete,
                };
                history.receive(index, message);
            }
            Some(Err(status)) => break Some(status),
            None => break None,
        }
    };
    over.store(true, Ordering::SeqCst);
    history.received.send_modify(|count| *count += 1);
    ended
}
