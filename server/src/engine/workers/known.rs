//! What is known of a worker, and what it is told.

use baton_domain::{Actor, Directive, TaskId, Timestamp};

use crate::store::Demand;

/// Names a worker: its namespace and its id there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerKey {
    /// Where it takes tasks from.
    pub namespace: String,
    /// Its id.
    pub id: String,
}

impl WorkerKey {
    /// The worker that `actor` is in `namespace`.
    #[must_use]
    pub fn of(namespace: &str, actor: &Actor) -> Self {
        Self {
            namespace: namespace.to_owned(),
            id: actor.id.clone(),
        }
    }
}

/// What a worker's call tells about it.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// It asks for tasks.
    Asks(&'a Demand),
    /// It renews, or its call ended.
    Speaks,
}

/// What became of a lease, not by its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Which task.
    pub task_id: TaskId,
    /// Of the lease.
    pub fence: i64,
    /// What its holder is to do.
    pub directive: Directive,
}

/// What an open call of a worker hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Of one lease.
    News(News),
    /// It is to drain, or no more.
    Drain,
    /// So much that it has to look for itself.
    Much,
}

/// A worker as it is shown.
#[derive(Clone, Debug)]
pub struct WorkerView {
    /// Its namespace.
    pub namespace: String,
    /// Who it is.
    pub actor: Actor,
    /// What it asked for last; `None` where it only holds.
    pub asks: Option<Demand>,
    /// It is to take nothing new.
    pub draining: bool,
    /// Since the service started.
    pub first_seen: Timestamp,
    /// An open call counts as now.
    pub last_seen: Timestamp,
    /// What it holds, by task: fence and end.
    pub leases: Vec<(TaskId, i64, Timestamp)>,
}
