//! Where a task waits: one rule for create, the timer, queue, settled dependencies and resume.

use crate::task::{Dependency, FailureRule, State, Task};
use crate::time::Timestamp;

/// What a settled or open dependency means for the task that named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not settled yet.
    Wait,
    /// Completed, or its failure does not matter.
    Go,
    /// The task fails with it.
    Fail,
    /// The task is cancelled with it.
    Cancel,
}

/// Judges one dependency by its result and its failure rule.
#[must_use]
pub const fn verdict(dependency: &Dependency) -> Verdict {
    match (dependency.result, dependency.on_failure) {
        (None, _) => Verdict::Wait,
        (Some(State::Completed), _) | (Some(_), FailureRule::Continue) => Verdict::Go,
        (Some(_), FailureRule::Fail) => Verdict::Fail,
        (Some(_), FailureRule::Cancel) => Verdict::Cancel,
    }
}

/// The waiting state of a task that is not held: an open dependency -> BLOCKED; a future time -> SCHEDULED; a
/// direct assignee -> ASSIGNED; else QUEUED.
#[must_use]
pub fn place(task: &Task, now: Timestamp) -> State {
    if task.open_dependency().is_some() {
        State::Blocked
    } else if task.schedule_time.is_some_and(|time| time > now) {
        State::Scheduled
    } else if task.assignee.is_some() {
        State::Assigned
    } else {
        State::Queued
    }
}
