//! What the engine knows of workers: who waits for tasks, who holds what, and what they are to be told.
//!
//! All of it is in memory and follows from what is committed and from the calls of workers themselves: hints and
//! views, never the truth about a task. See [`Registry`] for why none of it is stored.

mod known;
mod parked;
mod registry;

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{Event, State, Task, TaskId, is_leasable};

pub(crate) use known::Told;
pub use known::{News, Seen, WorkerKey, WorkerView};
pub(crate) use parked::{Parked, Place, Resting};
pub(crate) use registry::OpenCall;
pub use registry::Registry;

use super::claim::{ClaimRequest, Left};
use super::queues::Turns;
use crate::store::WriteBatch;

/// What the committer tells of each commit.
#[derive(Default)]
pub(crate) struct Workers {
    /// Who waits for tasks.
    pub(crate) parked: Parked,
    /// Who holds what.
    pub(crate) registry: Registry,
    /// When rate limits let the next task go.
    pub(crate) turns: Turns,
}

impl Workers {
    /// Takes in a batch that was committed. `is_shut`: whether limits keep a task, so that nobody is woken for it; who waits is
    /// woken when there is room.
    pub(super) fn committed(&self, write: &WriteBatch, is_shut: impl Fn(&Task) -> bool) {
        self.registry.committed(write);
        // A ready task that an edit puts elsewhere is new to those who wait there.
        let moved = write
            .updated
            .iter()
            .filter(|(before, now)| !is_leasable(before) || kind(before) != kind(now));
        let now = write.inserted.iter().chain(moved.map(|(_, now)| now));
        let ready = now.filter(|task| is_leasable(task) && !is_shut(task));
        self.parked.ready(ready.map(kind));
    }

    /// Whether what others committed changes anything for a worker that is known here: a task that somebody may be waiting
    /// for, or that is held.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        is_worked_on(event.to_state)
            || event.from_state.is_some_and(is_worked_on)
            || (event.to_state == State::Queued && !self.parked.is_empty())
            || self.registry.is_held(event.task_id)
    }

    /// Takes in what others committed: the events that concern workers, and their tasks as they stand now.
    pub(super) fn learned(
        &self,
        events: &[Arc<Event>],
        tasks: &HashMap<TaskId, Arc<Task>>,
        is_shut: impl Fn(&Task) -> bool,
    ) {
        self.registry.learned(events, tasks);
        let ready = tasks.values().filter(|task| is_leasable(task) && !is_shut(task));
        self.parked.ready(ready.map(kind));
        // A lease that ended may have made room in its queue.
        for event in events.iter().filter(|event| gives_back(event)) {
            self.parked.freed((&event.namespace, &event.queue), 1);
        }
    }

    /// Who rests in line for such a task, and may have it.
    pub(super) fn rouse(&self, task: (&str, &str, &str)) -> Option<Resting> {
        let may = |claim: &ClaimRequest| {
            let key = WorkerKey::of(&claim.demand.namespace, &claim.worker);
            !self.registry.is_draining(&key)
        };
        self.parked.rouse(task, may)
    }

    /// What the claims of a batch did not come to.
    pub(super) fn left(&self, left: &[Left]) {
        for Left {
            demand,
            kind: (queue, task_type),
        } in left
        {
            self.parked.again(demand, (&demand.namespace, queue, task_type));
        }
    }
}

/// Whether a task that may have been leased is no more.
fn gives_back(event: &Event) -> bool {
    event.from_state.is_some_and(is_worked_on) && !is_worked_on(event.to_state)
}

const fn is_worked_on(state: State) -> bool {
    matches!(state, State::Assigned | State::InProgress)
}

/// Where a ready task waits, and what it is.
pub(crate) fn kind(task: &Arc<Task>) -> (&str, &str, &str) {
    (&task.namespace, &task.queue, &task.task_type)
}
