//! Watch messages: many events in one, bounded, each with the token that resumes right behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use baton_domain::{Event, Task, TaskId};
use baton_proto::raw::v1 as raw;
use bytes::Bytes;
use prost::Message as _;
use uuid::Uuid;

use crate::api::convert::{event, task};
use crate::feed::{Logged, Update};
use crate::token::{Digest, Keyring, ResumeToken, SnapshotCursor};

/// Bytes of one message, unless a single task or event is larger. Source: research on clients that stop reading
/// (h2 counts small frames), and the default receive limit of 4 MiB.
const MESSAGE_BYTES: usize = 256 * 1024;

/// What both watches answer; they have the same fields.
#[derive(Default)]
pub(super) struct Message {
    pub(super) tasks: Vec<raw::Task>,
    /// Encoded.
    pub(super) events: Vec<Bytes>,
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
        events: VecDeque<(Arc<Logged>, bool)>,
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

fn take_events(events: &mut VecDeque<(Arc<Logged>, bool)>, full: bool) -> (Message, i64) {
    let (mut message, mut bytes, mut last) = (Message::default(), 0, 0);
    while let Some((next, left)) = events.front() {
        let written = write_event(next, *left, full);
        bytes += written.len();
        if bytes > MESSAGE_BYTES && !message.events.is_empty() {
            break;
        }
        last = next.position;
        message.events.push(written);
        events.pop_front();
    }
    (message, last)
}

/// An event as it stands in a message. All who watch without payloads are told in the same bytes.
fn write_event(logged: &Logged, left: bool, full: bool) -> Bytes {
    let encode = |event: &Event| Bytes::from(event::write(event, full).encode_to_vec());
    let shared = if full {
        encode(logged)
    } else {
        logged.message(encode)
    };
    if left {
        // What stands behind a message is merged into it. Source: protobuf encoding, "Last One Wins".
        let left = raw::TaskEvent {
            left,
            ..raw::TaskEvent::default()
        };
        return [shared, left.encode_to_vec().into()].concat().into();
    }
    shared
}

#[cfg(test)]
mod tests {
    use baton_domain::{Actor, Detail, EventType, InputRequest, Payload, PayloadKind, State, Timestamp};

    use super::*;

    /// An event of which a watch with payloads is told more.
    fn answered() -> Logged {
        let answer = Payload {
            kind: PayloadKind::Data,
            media_type: "text/plain".to_owned(),
            version: 1,
            size: 4,
            sha256: [7; 32],
            body: Some(Bytes::from_static(b"\x22\x02ja")),
        };
        let request = InputRequest {
            key: "sure".to_owned(),
            prompt: "Are you sure?".to_owned(),
            schema: None,
            choices: Vec::new(),
            deadline_time: None,
            default_input: None,
            answer: Some(answer),
            answerer: Some(Actor::anonymous()),
        };
        Logged::new(Arc::new(Event {
            task_id: TaskId(Uuid::from_u128(1)),
            namespace: "default".to_owned(),
            sequence: 3,
            position: 9,
            kind: EventType::InputProvided,
            time: Timestamp::from_micros(1),
            actor: Actor::anonymous(),
            message: String::new(),
            from_state: Some(State::InputRequired),
            to_state: State::Queued,
            state_reason: "".into(),
            attempt: 1,
            fence: 1,
            queue: "default".to_owned(),
            task_type: "report".to_owned(),
            labels: Arc::new([("run".to_owned(), "7".to_owned())].into()),
            imported: false,
            detail: Detail::Input(Box::new(request)),
        }))
    }

    fn told(logged: &Logged, left: bool, full: bool) -> raw::TaskEvent {
        raw::TaskEvent::decode(write_event(logged, left, full)).expect("an event")
    }

    #[test]
    fn what_watches_share_tells_what_each_would_be_told() {
        let logged = answered();
        let (brief, full) = (event::write(&logged, false), event::write(&logged, true));
        assert_ne!(brief, full);
        // In an order in which one could take what another left behind.
        assert_eq!(told(&logged, false, true), full);
        assert_eq!(told(&logged, false, false), brief);
        let left = raw::TaskEvent {
            left: true,
            ..brief.clone()
        };
        assert_eq!(told(&logged, true, false), left);
        assert_eq!(told(&logged, false, false), brief);
        assert_eq!(told(&logged, true, true), raw::TaskEvent { left: true, ..full });
    }
}
