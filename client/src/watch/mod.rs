//! The feed: a stream of what happens to tasks, which goes on by itself when its connection or its server breaks.

mod pump;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use baton_proto::v1::{
    Task, TaskEvent, TaskEventType, TaskView, WatchStart, WatchTaskRequest, WatchTasksRequest,
};
use futures::Stream;
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::{Client, Error};
use pump::{Message, Pump, Target};

/// Which tasks to watch, from where, and how much of them.
#[derive(Clone, Debug)]
#[must_use]
pub struct WatchOptions {
    target: Target,
    buffer: usize,
}

impl WatchOptions {
    /// Watches one task. The watch ends by itself when the task has settled or is deleted.
    pub fn task(id: impl Into<String>) -> Self {
        Self::of(Target::Task(WatchTaskRequest {
            id: id.into(),
            ..WatchTaskRequest::default()
        }))
    }

    /// Watches all tasks of the namespace, or those that [`filter`](WatchOptions::filter) says. It never ends by itself.
    pub fn tasks() -> Self {
        Self::of(Target::Tasks(WatchTasksRequest::default()))
    }

    fn of(target: Target) -> Self {
        WatchOptions { target, buffer: 32 }
    }

    /// The namespace, in place of the client's. A watch of one task needs none.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        if let Target::Tasks(request) = &mut self.target {
            request.namespace = namespace.into();
        }
        self
    }

    /// Which tasks, over `id`, `queue`, `type`, `state` and `labels` only. A watch of one task needs none.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        if let Target::Tasks(request) = &mut self.target {
            request.filter = filter.into();
        }
        self
    }

    /// Only events of these types; DELETED and [`WatchItem::Left`] come in any case. Default all.
    pub fn event_types(mut self, types: impl IntoIterator<Item = TaskEventType>) -> Self {
        let types = types.into_iter().map(i32::from).collect();
        match &mut self.target {
            Target::Task(request) => request.event_types = types,
            Target::Tasks(request) => request.event_types = types,
        }
        self
    }

    /// With payloads. Default without.
    pub fn full(mut self) -> Self {
        match &mut self.target {
            Target::Task(request) => request.set_view(TaskView::Full),
            Target::Tasks(request) => request.set_view(TaskView::Full),
        }
        self
    }

    /// Begins with the tasks as they are, then [`WatchItem::SnapshotComplete`], then what happens to them.
    pub fn from_snapshot(self) -> Self {
        self.start(WatchStart::Snapshot)
    }

    /// Begins with the oldest event that is still kept. Default: with the first one after the watch is open.
    pub fn from_oldest(self) -> Self {
        self.start(WatchStart::Oldest)
    }

    fn start(mut self, start: WatchStart) -> Self {
        match &mut self.target {
            Target::Task(request) => request.set_start(start),
            Target::Tasks(request) => request.set_start(start),
        }
        self
    }

    /// Goes on where another watch stopped: a [`resume_token`](Watch::resume_token) of a watch with the same options.
    pub fn resume(mut self, token: impl Into<String>) -> Self {
        self.target.resume(token.into());
        self
    }

    /// How many messages of the server, of many events each, wait for a slow reader before the server is slowed down.
    /// Default 32, at least 1.
    pub fn buffer(mut self, messages: usize) -> Self {
        self.buffer = messages.max(1);
        self
    }
}

/// One thing that a watch tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WatchItem {
    /// A task as it is, in a watch that begins with a snapshot.
    Snapshot(Box<Task>),
    /// The snapshot is whole; events follow.
    SnapshotComplete,
    /// Something happened to a task. After a snapshot: apply it only if its sequence is above the revision you hold.
    Event(Box<TaskEvent>),
    /// As `Event`, and the task no longer matches the filter: nothing more of it comes until it matches again.
    Left(Box<TaskEvent>),
    /// Nothing happened, up to this time of the server's clock.
    Bookmark(Option<Timestamp>),
}

/// An open watch: a stream of [`WatchItem`]s.
///
/// When the connection breaks or the server restarts it reconnects, with growing pauses and for as long as it takes,
/// and goes on where it was: no event is lost and none comes twice. What the server refuses, for example a token that
/// is too old ([`Reason::ResumeTokenExpired`](crate::Reason::ResumeTokenExpired)), comes as an error and ends it.
///
/// Messages are read ahead by a task of their own, which ends when the watch is dropped.
#[derive(Debug)]
pub struct Watch {
    messages: mpsc::Receiver<Result<Message, Error>>,
    waiting: VecDeque<WatchItem>,
    arriving_token: Option<String>,
    token: Option<String>,
    reconnects: Arc<AtomicU64>,
    _pump: AbortOnDropHandle<()>,
}

impl Client {
    /// Opens a watch. When this returns the watch stands: what happens from now on will be told.
    ///
    /// Errors: what the server refuses at once, such as a malformed filter; and failing to reach it, after the usual
    /// repeats. Once open, a watch outlives outages.
    pub async fn watch(&self, options: WatchOptions) -> Result<Watch, Error> {
        let WatchOptions { mut target, buffer } = options;
        target.fill_in(&self.inner.defaults);
        let (sender, messages) = mpsc::channel(buffer);
        let reconnects = Arc::new(AtomicU64::new(0));
        let pump = Pump::new(self.clone(), target, sender, Arc::clone(&reconnects));
        let stream = pump.open().await?;
        Ok(Watch {
            messages,
            waiting: VecDeque::new(),
            arriving_token: None,
            token: None,
            reconnects,
            _pump: AbortOnDropHandle::new(tokio::spawn(pump.run(stream))),
        })
    }
}

impl Watch {
    /// The next item; nothing once the watch has ended.
    pub async fn next(&mut self) -> Option<Result<WatchItem, Error>> {
        std::future::poll_fn(|context| self.poll_item(context)).await
    }

    /// Stands for every item told so far: keep it where a restart of this program finds it, and
    /// [`resume`](WatchOptions::resume) from there. Items are told in groups with one token each, so after a resume the
    /// items since the last change of this token come again. Nothing before the first group.
    pub fn resume_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// How many times the watch has lost its stream and found it again.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Relaxed)
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<WatchItem, Error>>> {
        loop {
            let item = self.waiting.pop_front();
            if self.waiting.is_empty()
                && let Some(token) = self.arriving_token.take()
            {
                self.token = Some(token);
            }
            if let Some(item) = item {
                return Poll::Ready(Some(Ok(item)));
            }
            match std::task::ready!(self.messages.poll_recv(context)) {
                Some(Ok(message)) => self.take_apart(message),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn take_apart(&mut self, message: Message) {
        let Message {
            tasks,
            events,
            resume_token,
            time,
            snapshot_complete,
        } = message;
        let bookmark = tasks.is_empty() && events.is_empty() && !snapshot_complete;
        let tasks = tasks.into_iter().map(|task| WatchItem::Snapshot(Box::new(task)));
        self.waiting.extend(tasks);
        if snapshot_complete {
            self.waiting.push_back(WatchItem::SnapshotComplete);
        }
        let events = events.into_iter().map(Box::new);
        self.waiting.extend(events.map(|event| {
            if event.left {
                WatchItem::Left(event)
            } else {
                WatchItem::Event(event)
            }
        }));
        if bookmark {
            self.waiting.push_back(WatchItem::Bookmark(time));
        }
        self.arriving_token = Some(resume_token).filter(|token| !token.is_empty());
    }
}

impl Stream for Watch {
    type Item = Result<WatchItem, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}
