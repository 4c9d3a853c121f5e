//! Builds the events of one decision: each is applied at once, so that the next one sees what it did.

use crate::actor::Actor;
use crate::apply::apply;
use crate::event::{Detail, Event, EventType};
use crate::lease::Lease;
use crate::place::{Verdict, place, verdict};
use crate::reason::{self, Reason};
use crate::task::{Dependency, RetryPolicy, State, Task};
use crate::time::Timestamp;

/// What a command did: the events, and the task after them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Their positions are 0 until the engine numbers them. None for a renewal, which changes the lease alone, and
    /// for a repeat.
    pub events: Vec<Event>,
    /// The task after the last of them.
    pub task: Task,
    /// A holder's call that was made before: nothing changed, and nothing is to be written.
    pub replayed: bool,
}

impl Outcome {
    /// Whether the task is gone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.events.last().is_some_and(|e| e.kind == EventType::Deleted)
    }
}

pub(crate) struct Steps<'a> {
    pub(crate) task: Task,
    pub(crate) now: Timestamp,
    /// When a failed attempt is tried again where the task does not say.
    pub(crate) policy: Option<&'a RetryPolicy>,
    actor: &'a Actor,
    message: String,
    attempt: i32,
    fence: i64,
    events: Vec<Event>,
    replayed: bool,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(task: Task, actor: &'a Actor, now: Timestamp) -> Self {
        let (attempt, fence) = (task.attempt, task.fence);
        Self {
            task,
            now,
            policy: None,
            actor,
            message: String::new(),
            attempt,
            fence,
            events: Vec::new(),
            replayed: false,
        }
    }

    /// Nothing is to be done: it was done before.
    pub(crate) fn replay(&mut self) {
        self.replayed = true;
    }

    /// Starts with the CREATED event of a task that is in its first row.
    pub(crate) fn begin(task: Task, actor: &'a Actor, now: Timestamp) -> Self {
        let mut steps = Self::new(task, actor, now);
        let task = &steps.task;
        let created = Event {
            sequence: 1,
            from_state: None,
            detail: Detail::Created(Box::new(task.clone())),
            ..steps.event(EventType::Created, task.state, task.state_reason.clone())
        };
        steps.events.push(created);
        steps
    }

    /// What the actor says with the next event.
    pub(crate) fn message(&mut self, message: &str) {
        message.clone_into(&mut self.message);
    }

    /// The next event belongs to another attempt.
    pub(crate) fn next_attempt(&mut self) {
        self.attempt += 1;
    }

    /// The next event begins a fresh budget.
    pub(crate) fn first_attempt(&mut self) {
        self.attempt = 1;
    }

    /// The next event grants or revokes the task.
    pub(crate) fn raise_fence(&mut self) {
        self.fence += 1;
    }

    /// The next event takes the task from whoever holds it.
    pub(crate) fn revoke(&mut self) {
        if self.task.assignee.is_some() {
            self.raise_fence();
        }
    }

    pub(crate) fn stay(&mut self, kind: EventType, detail: Detail) {
        self.push(kind, self.task.state, self.task.state_reason.clone(), detail);
    }

    pub(crate) fn push(&mut self, kind: EventType, to: State, reason: Reason, detail: Detail) {
        let mut event = Event {
            detail,
            ..self.event(kind, to, reason)
        };
        apply(&mut self.task, &event);
        // Filters see queue, type and labels as they are after the event.
        event.queue.clone_from(&self.task.queue);
        event.task_type.clone_from(&self.task.task_type);
        event.labels.clone_from(&self.task.labels);
        self.events.push(event);
    }

    /// Moves the task to its waiting place by the event of that place.
    pub(crate) fn place(&mut self, to: State, ready: Reason) {
        match (to, self.task.schedule_time) {
            (State::Blocked, _) => self.push(EventType::Blocked, to, reason::DEPENDENCIES_OPEN, Detail::None),
            (State::Scheduled, Some(schedule_time)) => {
                self.push(
                    EventType::Scheduled,
                    to,
                    reason::SCHEDULED,
                    Detail::Scheduled { schedule_time },
                );
            }
            (State::Assigned, _) => match self.task.assignee.clone() {
                Some(assignee) => self.assign(assignee, None),
                None => self.push(EventType::Queued, State::Queued, ready, Detail::None),
            },
            _ => self.push(EventType::Queued, State::Queued, ready, Detail::None),
        }
    }

    pub(crate) fn assign(&mut self, assignee: Actor, lease: Option<Lease>) {
        self.raise_fence();
        self.push(
            EventType::Assigned,
            State::Assigned,
            reason::ASSIGNED,
            Detail::Assigned { assignee, lease },
        );
    }

    /// Records how a dependency settled and moves the task as its rule and the other dependencies say.
    pub(crate) fn settle(&mut self, dependency: Dependency) {
        self.settle_as(EventType::DependencySettled, dependency);
    }

    /// As [`Self::settle`], for a dependency that is added: it may still be open.
    pub(crate) fn add_dependency(&mut self, dependency: Dependency) {
        self.settle_as(EventType::DependencyAdded, dependency);
    }

    fn settle_as(&mut self, kind: EventType, dependency: Dependency) {
        let waits = matches!(
            self.task.paused_from.unwrap_or(self.task.state),
            State::Pending | State::Blocked
        );
        let (to, reason) = match verdict(&dependency) {
            // Retried before this dependency settled: it was asked to run all the same.
            _ if kind == EventType::DependencySettled && !waits && self.task.revision > 1 => {
                (self.task.state, self.task.state_reason.clone())
            }
            Verdict::Fail => (State::Failed, reason::DEPENDENCY_FAILED),
            Verdict::Cancel => (State::Cancelled, reason::DEPENDENCY_CANCELLED),
            Verdict::Wait | Verdict::Go => self.waiting_place(reason::DEPENDENCIES_SETTLED, |task| {
                task.dependencies.retain(|d| d.task_id != dependency.task_id);
                task.dependencies.push(dependency);
            }),
        };
        self.enter_place(kind, to, reason, dependency);
    }

    pub(crate) fn remove_dependency(&mut self, dependency: Dependency) {
        // Only a task that waits is moved: one that was retried runs although a dependency is open.
        let (to, reason) = if self.task.state == State::Blocked {
            self.waiting_place(reason::DEPENDENCY_REMOVED, |task| {
                task.dependencies.retain(|d| d.task_id != dependency.task_id)
            })
        } else {
            (self.task.state, self.task.state_reason.clone())
        };
        self.enter_place(EventType::DependencyRemoved, to, reason, dependency);
    }

    fn enter_place(&mut self, kind: EventType, to: State, reason: Reason, dependency: Dependency) {
        if to == State::Assigned && self.task.state != State::Assigned {
            self.raise_fence();
        }
        self.push(kind, to, reason, Detail::Dependency(dependency));
    }

    /// Where a waiting task belongs after `change` of its dependencies. A held or paused one stays where it is.
    fn waiting_place(&self, ready: Reason, change: impl FnOnce(&mut Task)) -> (State, Reason) {
        let mut after = self.task.clone();
        change(&mut after);
        let stays = matches!(self.task.state, State::Pending | State::Paused);
        let to = if stays {
            self.task.state
        } else {
            place(&after, self.now)
        };
        if to == self.task.state {
            return (to, self.task.state_reason.clone());
        }
        let reason = match to {
            State::Blocked => reason::DEPENDENCIES_OPEN,
            State::Scheduled => reason::SCHEDULED,
            _ => ready,
        };
        (to, reason)
    }

    fn event(&self, kind: EventType, to: State, reason: Reason) -> Event {
        Event {
            task_id: self.task.id,
            namespace: self.task.namespace.clone(),
            sequence: self.task.revision + 1,
            position: 0,
            kind,
            time: self.now,
            actor: self.actor.clone(),
            message: self.message.clone(),
            from_state: Some(self.task.state),
            to_state: to,
            state_reason: reason,
            attempt: self.attempt,
            fence: self.fence,
            queue: self.task.queue.clone(),
            task_type: self.task.task_type.clone(),
            labels: self.task.labels.clone(),
            imported: false,
            detail: Detail::None,
        }
    }

    pub(crate) fn finish(self) -> Outcome {
        Outcome {
            events: self.events,
            task: self.task,
            replayed: self.replayed,
        }
    }
}
