//! Queues: what limits the tasks that name them, and what they share.
//!
//! Reading order: [`QueueSpec`] (what is said of a queue), [`Usage`] (what is in use of its limits), [`Hold`] (what keeps a
//! ready task from being given out, and until when), [`RateLimit`] (how fast tasks go).
//!
//! A task takes its place in a queue's limits by its lease alone: [`takes_place`] says whether it does, before a change and
//! after it, and whoever writes a task counts by that and nothing else.

mod edit;
mod hold;
mod rate;

use uuid::Uuid;

use crate::actor::Actor;
use crate::policy::RetryPolicy;
use crate::task::{Labels, Task};
use crate::time::{Span, Timestamp};

pub use edit::QueueEdit;
pub use hold::{Hold, Usage};
pub use rate::{Bucket, RateLimit};

/// The most that may be leased at once, of a queue and of a key: more limits nothing.
pub const PLACES: i32 = 1_000_000;
/// Tasks that a rate limit gives out at once.
pub const BURST: i32 = 10_000;
/// Tasks a second that a rate limit may give out on average.
pub const RATE: i32 = 10_000;
/// The shortest period of a rate limit: the unit in which clocks of workers are right.
pub const PERIOD_MIN: Span = Span::from_millis(1);
/// The longest period of a rate limit: a month.
pub const PERIOD_MAX: Span = Span::from_secs(31 * 24 * 3_600);
/// The shortest retention: what is kept for less is not kept.
pub const RETENTION_MIN: Span = Span::from_secs(1);
/// Queues that may be created in a namespace: all of them are held in memory.
pub const QUEUES: usize = 10_000;

/// Names one queue for ever; its name may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub Uuid);

/// A limit of tasks that share a value of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLimit {
    /// The label.
    pub label: String,
    /// Tasks of one value that may be leased at once.
    pub limit: i32,
}

/// What is said of a queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSpec {
    /// For people.
    pub description: String,
    /// Tasks that may be leased at once.
    pub concurrency: Option<i32>,
    /// How fast tasks are given out.
    pub rate: Option<RateLimit>,
    /// Tasks of one key that may be leased at once.
    pub keys: Option<KeyLimit>,
    /// Of tasks that have no policy of their own.
    pub retry_policy: Option<RetryPolicy>,
    /// How long settled tasks are kept; `None`: for ever.
    pub retention: Option<Span>,
}

/// A queue to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewQueue {
    /// Drawn.
    pub id: QueueId,
    /// Where its tasks live.
    pub namespace: String,
    /// As its tasks name it; unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: QueueSpec,
    /// It gives out nothing until it is resumed.
    pub paused: bool,
    /// For people: why it is paused, or not.
    pub note: String,
    /// Who creates it.
    pub creator: Actor,
}

/// A queue that was created.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Names it for ever.
    pub id: QueueId,
    /// Where its tasks live.
    pub namespace: String,
    /// As its tasks name it; unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: QueueSpec,
    /// It gives out nothing.
    pub paused: bool,
    /// For people: why it is paused, or not.
    pub note: String,
    /// Who created it.
    pub creator: Actor,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last edited, paused or resumed.
    pub update_time: Timestamp,
    /// Rises with each edit, pause and resume: what happens to its tasks leaves it.
    pub edit_revision: i64,
}

impl Queue {
    /// A queue that begins at `now`.
    #[must_use]
    pub fn create(new: NewQueue, now: Timestamp) -> Self {
        let NewQueue {
            id,
            namespace,
            name,
            spec,
            paused,
            note,
            creator,
        } = new;
        Self {
            id,
            namespace,
            name,
            spec,
            paused,
            note,
            creator,
            create_time: now,
            update_time: now,
            edit_revision: 1,
        }
    }

    /// Stops it for now.
    #[must_use]
    pub fn pause(&self, note: String, now: Timestamp) -> Self {
        Self {
            paused: true,
            note,
            ..self.edited(now)
        }
    }

    /// Lets it go on.
    #[must_use]
    pub fn resume(&self, note: String, now: Timestamp) -> Self {
        Self {
            paused: false,
            note,
            ..self.edited(now)
        }
    }

    /// The key of a task with these labels; `None` where no limit asks for it, or the task has none.
    #[must_use]
    pub fn key_of<'a>(&self, labels: &'a Labels) -> Option<&'a str> {
        let keys = self.spec.keys.as_ref()?;
        labels.get(&keys.label).map(String::as_str)
    }

    /// Whether anything may keep its tasks from being given out.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        let QueueSpec {
            description: _,
            concurrency,
            rate,
            keys,
            retry_policy: _,
            retention: _,
        } = &self.spec;
        self.paused || concurrency.is_some() || rate.is_some() || keys.is_some()
    }

    fn edited(&self, now: Timestamp) -> Self {
        Self {
            update_time: now,
            edit_revision: self.edit_revision + 1,
            ..self.clone()
        }
    }
}

/// Whether a task takes a place in the limits of its queue: from the grant of a lease to its end.
#[must_use]
pub const fn takes_place(task: &Task) -> bool {
    task.lease.is_some()
}
