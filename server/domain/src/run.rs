//! Runs: what became of each time that somebody worked on a task.
//!
//! A run lasts while its task is IN_PROGRESS. A late receipt, after the work was handed over, still says how the last
//! run ended.

use crate::actor::Actor;
use crate::apply::start_time;
use crate::event::{Detail, Event, EventType};
use crate::id::TaskId;
use crate::payload::Payload;
use crate::reason;
use crate::task::{AttemptOutcome, State, Task, TaskError};
use crate::time::{Span, Timestamp};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Whose.
    pub task_id: TaskId,
    /// 1, 2, 3 ... within the task.
    pub number: i32,
    /// The attempt it belongs to; runs that were given back share theirs with the next.
    pub attempt: i32,
    /// Of its grant.
    pub fence: i64,
    /// Where the task lives.
    pub namespace: String,
    /// The task's queue when it began.
    pub queue: String,
    /// The task's type when it began.
    pub task_type: String,
    /// Who worked.
    pub assignee: Option<Actor>,
    /// When it began.
    pub start_time: Timestamp,
    /// `None` while it lasts.
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// How.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub error: Option<TaskError>,
    /// What it made.
    pub output: Option<Payload>,
    /// When.
    pub end_time: Timestamp,
}

/// What an event does to the runs of its task.
#[derive(Clone, Debug, PartialEq)]
pub enum RunChange {
    /// One more; ended already where the task failed before its start.
    Begin(Box<Run>),
    /// The run of that number ended, or a late receipt says how it did.
    End {
        /// Whose.
        task_id: TaskId,
        /// Which.
        number: i32,
        /// How.
        end: Box<RunEnd>,
    },
}

impl Run {
    /// How long it lasted.
    #[must_use]
    pub fn duration(&self) -> Option<Span> {
        Some(self.end.as_ref()?.end_time.since(self.start_time))
    }
}

/// What `events`, the next of a task that stood as `before`, do to its runs.
#[must_use]
pub fn changes(before: &Task, events: &[Event]) -> Vec<RunChange> {
    let mut fold = Fold {
        holder: before.assignee.as_ref(),
        attempt: before.attempt,
        number: before.run_count,
    };
    events.iter().filter_map(|event| fold.push(event)).collect()
}

/// The runs of a task, from all of its events, oldest first.
#[must_use]
pub fn runs<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Run> {
    let mut fold = Fold {
        holder: None,
        attempt: 1,
        number: 0,
    };
    let mut runs: Vec<Run> = Vec::new();
    for change in events.into_iter().filter_map(|event| fold.push(event)) {
        match change {
            RunChange::Begin(run) => runs.push(*run),
            RunChange::End { number, end, .. } => {
                if let Some(run) = runs.iter_mut().find(|run| run.number == number) {
                    run.end = Some(*end);
                }
            }
        }
    }
    runs
}

/// Whether `event` begins a run.
pub(crate) fn begins(event: &Event) -> bool {
    let enters = event.to_state == State::InProgress && event.from_state != Some(State::InProgress);
    enters || fails_unstarted(event)
}

/// A holder reported a failure before it said that it started: the attempt counts, so it is a run.
fn fails_unstarted(event: &Event) -> bool {
    event.from_state == Some(State::Assigned) && is_failure(event) && event.state_reason != reason::EXPIRED
}

const fn is_failure(event: &Event) -> bool {
    matches!(
        event.kind,
        EventType::RetryScheduled | EventType::Failed | EventType::Dead
    )
}

struct Fold<'a> {
    holder: Option<&'a Actor>,
    attempt: i32,
    number: i32,
}

impl<'a> Fold<'a> {
    fn push(&mut self, event: &'a Event) -> Option<RunChange> {
        match &event.detail {
            Detail::Created(task) => self.holder = task.assignee.as_ref(),
            Detail::Assigned { assignee, .. } => self.holder = Some(assignee),
            _ => {}
        }
        // A failure names the attempt to come.
        let attempt = if is_failure(event) {
            self.attempt
        } else {
            event.attempt
        };
        self.attempt = event.attempt;
        let end = end(event);
        if begins(event) {
            self.number += 1;
            return Some(RunChange::Begin(Box::new(self.begun(event, attempt, end))));
        }
        let end = end?;
        Some(RunChange::End {
            task_id: event.task_id,
            number: self.number,
            end: Box::new(end),
        })
    }

    fn begun(&self, event: &Event, attempt: i32, end: Option<RunEnd>) -> Run {
        Run {
            task_id: event.task_id,
            number: self.number,
            attempt,
            fence: event.fence,
            namespace: event.namespace.clone(),
            queue: event.queue.clone(),
            task_type: event.task_type.clone(),
            assignee: self.holder.cloned(),
            start_time: start_time(event),
            end,
        }
    }
}

fn end(event: &Event) -> Option<RunEnd> {
    let outcome = outcome(event)?;
    let (error, output) = match &event.detail {
        Detail::Failure { error, .. } => (Some(error.clone()), None),
        Detail::Result { output, .. } => (None, output.clone()),
        _ => (None, None),
    };
    Some(RunEnd {
        outcome,
        error,
        output,
        end_time: event.time,
    })
}

/// How the run ended that `event` ends; `None` where it ends none.
fn outcome(event: &Event) -> Option<AttemptOutcome> {
    let runs = event.from_state == Some(State::InProgress) && event.to_state != State::InProgress;
    let handed_over = matches!(event.from_state, Some(State::InputRequired | State::Review));
    let by_time = event.state_reason == reason::EXPIRED || event.state_reason == reason::INPUT_EXPIRED;
    match (event.kind, &event.detail) {
        (EventType::Completed | EventType::Submitted, _) if runs || handed_over => Some(AttemptOutcome::Ok),
        (
            EventType::RetryScheduled | EventType::Failed | EventType::Dead,
            Detail::Failure { outcome, .. },
        ) if runs || fails_unstarted(event) || (handed_over && !by_time) => Some(*outcome),
        (EventType::Cancelled, _) if runs => Some(AttemptOutcome::Cancelled),
        _ if runs => Some(AttemptOutcome::Released),
        _ => None,
    }
}
