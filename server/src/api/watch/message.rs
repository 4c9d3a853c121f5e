//! Watch messages: many events in one, bounded, each with the token that resumes right behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use baton_domain::{Event, Task, TaskId};
use baton_proto::raw::v1 as raw;
use prost::Message as _;
use uuid::Uuid;

use crate::api::convert::{event, task};
use crate::feed::Update;
use crate::token::{Digest, Keyring, ResumeToken, SnapshotCursor};

/// Bytes of one message, unless a single task or event is larger. Source: research on clients that stop reading
/// (h2 counts small frames), and the default receive limit of 4 MiB.
const MESSAGE_BYTES: usize = 256 * 1024;

/// What both watches answer; they have the same fields.
#[derive(Default)]
pub(super) struct Message {
    pub(super) tasks: Vec<raw::Task>,
    pub(super) events: Vec<raw::TaskEvent>,
    pub(super) resume_token: String,
    pub(super) snapshot_complete: bool,
}

/// What every token of a watch says beside its position.
pub(super) struct Tokens {
    pub(super) epoch: Uuid,
    pub(super) namespace: String,
    pub(super) filter_hash: Digest,
}

impl Tokens {
    fn encode(&self, keys: &Keyring, position: i64, snapshot: Option<SnapshotCursor>) -> String {
        keys.encode(&ResumeToken {
            epoch: self.epoch,
            namespace: self.namespace.clone(),
            position,
            filter_hash: self.filter_hash,
            snapshot,
        })
    }
}

/// An update that may take several messages.
pub(super) enum Pending {
    Tasks {
        tasks: VecDeque<Task>,
        next: Option<TaskId>,
        position: i64,
    },
    Events {
        events: VecDeque<(Arc<Event>, bool)>,
        through: i64,
    },
    Bookmark {
        through: i64,
    },
}

impl From<Update> for Pending {
    fn from(update: Update) -> Self {
        match update {
            Update::Tasks {
                tasks,
                next,
                position,
            } => Self::Tasks {
                tasks: tasks.into(),
                next,
                position,
            },
            Update::Events { events, through } => Self::Events {
                events: events.into(),
                through,
            },
            Update::Bookmark { through } => Self::Bookmark { through },
        }
    }
}

impl Pending {
    /// The next message of it, and whether that was the last.
    pub(super) fn message(&mut self, tokens: &Tokens, keys: &Keyring, full: bool) -> (Message, bool) {
        match self {
            Self::Tasks {
                tasks,
                next,
                position,
            } => {
                let (message, last_id) = take_tasks(tasks, full);
                let whole = tasks.is_empty();
                let complete = whole && next.is_none();
                let last_task = if whole { *next } else { last_id };
                let cursor = last_task.map(|last_task| SnapshotCursor {
                    last_task,
                    position: *position,
                });
                let resume_token = tokens.encode(keys, *position, cursor);
                (
                    Message {
                        resume_token,
                        snapshot_complete: complete,
                        ..message
                    },
                    whole,
                )
            }
            Self::Events { events, through } => {
                let (message, last) = take_events(events, full);
                let whole = events.is_empty();
                let position = if whole { *through } else { last };
                (
                    Message {
                        resume_token: tokens.encode(keys, position, None),
                        ..message
                    },
                    whole,
                )
            }
            Self::Bookmark { through } => (
                Message {
                    resume_token: tokens.encode(keys, *through, None),
                    ..Message::default()
                },
                true,
            ),
        }
    }
}

fn take_tasks(tasks: &mut VecDeque<Task>, full: bool) -> (Message, Option<TaskId>) {
    let shown = if full {
        task::Shown::FULL
    } else {
        task::Shown::BASIC
    };
    let (mut message, mut bytes, mut last) = (Message::default(), 0, None);
    while let Some(next) = tasks.front() {
        let written = task::write(next, shown);
        bytes += written.encoded_len();
        if bytes > MESSAGE_BYTES && !message.tasks.is_empty() {
            break;
        }
        last = Some(next.id);
        message.tasks.push(written);
        tasks.pop_front();
    }
    (message, last)
}

fn take_events(events: &mut VecDeque<(Arc<Event>, bool)>, full: bool) -> (Message, i64) {
    let (mut message, mut bytes, mut last) = (Message::default(), 0, 0);
    while let Some((next, left)) = events.front() {
        let written = raw::TaskEvent {
            left: *left,
            ..event::write(next, full)
        };
        bytes += written.encoded_len();
        if bytes > MESSAGE_BYTES && !message.events.is_empty() {
            break;
        }
        last = next.position;
        message.events.push(written);
        events.pop_front();
    }
    (message, last)
}
