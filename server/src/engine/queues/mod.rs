//! Queues in a batch: what callers change of them, and what their limits let through.
//!
//! Limits are rows. What is in use of them is written in the transaction that gives a task out or takes it back, and is
//! counted in one place, by the task as it was and as it is ([`Limits::moved`]); so it cannot leak, whatever ends a lease.
//! The committer holds all queues that were created in memory as the store has them ([`Queues`]): it is the only one who
//! writes them, and what nobody created costs one look into an empty map.
//!
//! Who waits for tasks of a queue that gives out none rests like any other, and is woken by the commit that makes room,
//! or when the next turn of a rate limit comes ([`Turns`]).

mod change;
mod committed;
mod finished;
mod known;
mod limits;
mod load;
mod look;
mod turns;

use baton_domain::queue::NewQueue;
use baton_domain::{HeapBytes as _, Queue, QueueEdit};

pub(super) use self::finished::Finished;
pub use self::finished::Pace;
pub(super) use self::known::Queues;
pub(super) use self::limits::{Changes, Limits};
pub(super) use self::load::QueueReads;
pub(super) use self::look::{HeldBack, Look};
pub(crate) use self::turns::Turns;
use super::job::{RequestKey, Told, Work};
use super::{Class, Engine, Error};
use crate::store::StandingQueue;

/// What is asked of one queue.
#[derive(Clone, Debug)]
pub struct QueueChange {
    /// Where its tasks live.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Must match where given.
    pub etag: Option<String>,
    /// What for.
    pub action: QueueAction,
}

/// What may be asked of a queue.
#[derive(Clone, Debug)]
pub enum QueueAction {
    /// Let it be, under the name of the change.
    Create(Box<NewQueue>),
    /// Edit fields.
    Update(Box<QueueEdit>),
    /// Forget what is said of it.
    Delete,
    /// Stop it for now.
    Pause {
        /// For people.
        note: String,
    },
    /// Let it go on.
    Resume {
        /// For people.
        note: String,
    },
}

/// What a change did.
#[derive(Clone, Debug)]
pub struct QueueDone {
    /// The queue after it; `None` once it is gone.
    pub queue: Option<StandingQueue>,
    /// This call was made before: the queue is as it stands now.
    pub replayed: bool,
}

/// The queue's etag: changes with every edit, pause and resume, and not with what happens to its tasks.
#[must_use]
pub fn queue_etag(queue: &Queue) -> String {
    format!("\"{}\"", queue.edit_revision)
}

impl QueueAction {
    /// Its place in line: what makes something new is the first to be refused.
    const fn class(&self) -> Class {
        match self {
            Self::Create(_) => Class::Create,
            Self::Update(_) | Self::Delete | Self::Pause { .. } | Self::Resume { .. } => Class::Move,
        }
    }

    /// What it brings along.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Create(new) => {
                new.spec.description.len() + new.spec.retry_policy.heap_bytes() + new.note.len()
            }
            Self::Update(edit) => {
                let policy = edit.retry_policy.as_ref().map_or(0, |policy| policy.heap_bytes());
                edit.description.heap_bytes() + policy
            }
            Self::Pause { note } | Self::Resume { note } => note.len(),
            Self::Delete => 0,
        }
    }
}

impl Engine {
    /// Creates, changes or deletes one queue.
    ///
    /// # Errors
    /// [`Error::QueueNotFound`], [`Error::QueueExists`], [`Error::QueueNotEmpty`], [`Error::TooManyQueues`],
    /// [`Error::EtagMismatch`], [`Error::Rejected`], [`Error::RequestIdReused`], and what the intake and the store may do.
    pub async fn change_queue(
        &self,
        change: QueueChange,
        request: Option<RequestKey>,
    ) -> Result<QueueDone, Error> {
        let name = change.name.clone();
        let class = change.action.class();
        match self.ask(class, Work::Queue(Box::new(change)), request).await? {
            Told::Queue(done) => Ok(*done),
            // No job of this kind is answered with anything else.
            Told::Tasks(_) | Told::Schedule(_) | Told::Type(_) | Told::Webhook(_) => {
                Err(Error::QueueNotFound { name })
            }
        }
    }

    /// How fast the tasks of a queue settle by their work, as far as this process has seen it.
    #[must_use]
    pub fn pace(&self, namespace: &str, queue: &str) -> Pace {
        self.shared
            .finished
            .pace((namespace, queue), self.clock().now_micros())
    }
}
