//! What an event does to a task. The only code that changes one: `decide` uses it, and so does whoever folds a log.

use crate::event::{Detail, Edit, Event, EventType};
use crate::lease::Lease;
use crate::limits::INPUT_REQUESTS_KEPT;
use crate::place::{Verdict, verdict};
use crate::run;
use crate::task::{Dependency, InputRequest, State, Task, TaskError};
use crate::time::Timestamp;
use crate::timers;

/// Folds a task's events, oldest first. `None` for no events, a log that does not begin with CREATED, or one
/// that ends with DELETED.
#[must_use]
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Task> {
    let mut task = None;
    for event in events {
        task = match (&event.detail, task) {
            (Detail::Created(created), _) => Some((**created).clone()),
            (_, Some(_)) if event.kind == EventType::Deleted => None,
            (_, Some(mut task)) => {
                apply(&mut task, event);
                Some(task)
            }
            (_, None) => None,
        };
    }
    task
}

/// Changes `task` as `event` says. The event must be the next of that task: it is a fact and is not judged.
pub fn apply(task: &mut Task, event: &Event) {
    // A new time for a scheduled task is a move too, and so is work that is handed in once more, though the state is
    // the same.
    let moved = event.to_state != task.state
        || matches!(
            event.kind,
            EventType::Scheduled | EventType::Submitted | EventType::InputRequested
        );
    task.revision = event.sequence;
    task.update_time = event.time;
    task.attempt = event.attempt;
    task.fence = event.fence;
    let telling = matches!(
        event.kind,
        EventType::Progress | EventType::Comment | EventType::Checkpoint | EventType::Output
    );
    if !telling {
        task.edit_revision = event.sequence;
    }
    if moved {
        timers::turn(task, event);
    }
    apply_kind(task, event);
    apply_detail(task, event);
    if run::begins(event) {
        task.run_count += 1;
        task.output_count = 0;
    }
    if moved {
        enter(task, event);
    }
}

fn enter(task: &mut Task, event: &Event) {
    task.state = event.to_state;
    if !matches!(task.state, State::Assigned | State::InProgress) {
        end_lease(task);
    }
    task.state_reason = event.state_reason.clone();
    task.state_message.clone_from(&event.message);
    if task.state.is_settled() {
        // A failed task that is discarded has settled before.
        task.end_time = task.end_time.or(Some(event.time));
    }
    if task.state == State::Queued {
        task.queue_time = Some(event.time);
    }
    let ready = matches!(task.state, State::Queued | State::Assigned);
    if ready && task.schedule_time.is_some_and(|time| time > event.time) {
        // Asked to run before its time: the time no longer holds, or a later pause would bring it back.
        task.schedule_time = None;
    }
}

/// A holder by lease goes where the task waits for the next one; where its work is judged, or settled, it is still
/// known who did it.
fn end_lease(task: &mut Task) {
    task.lease = None;
    let waits = match task.state {
        State::Pending | State::Scheduled | State::Queued | State::Blocked => true,
        State::Paused => !matches!(task.paused_from, Some(State::InputRequired | State::Review)),
        State::Assigned
        | State::InProgress
        | State::InputRequired
        | State::Review
        | State::Completed
        | State::Failed
        | State::Dead
        | State::Cancelled => false,
    };
    if waits && task.leased {
        drop_holder(task);
    }
}

fn apply_kind(task: &mut Task, event: &Event) {
    match event.kind {
        EventType::Started => {
            task.execution_count += 1;
            task.lease = task.lease.map(|lease| Lease {
                expire_time: event.time.plus(lease.duration),
                ..lease
            });
            task.start_time = task.start_time.or(Some(start_time(event)));
            task.progress = None;
        }
        EventType::Completed | EventType::Submitted | EventType::Approved => task.error = None,
        EventType::Released => drop_holder(task),
        EventType::InputRequested => {
            // A question that nobody answered before the next one is void.
            task.input_requests.retain(|r| r.answer.is_some());
        }
        EventType::Retried => {
            drop_holder(task);
            task.error = None;
            task.progress = None;
            task.start_time = None;
            task.end_time = None;
        }
        EventType::Paused => task.paused_from = event.from_state,
        EventType::Resumed => task.paused_from = None,
        EventType::Created
        | EventType::Queued
        | EventType::Scheduled
        | EventType::Blocked
        | EventType::Assigned
        | EventType::Progress
        | EventType::Comment
        | EventType::Updated
        | EventType::Snoozed
        | EventType::InputProvided
        | EventType::ReworkRequested
        | EventType::RetryScheduled
        | EventType::Failed
        | EventType::Dead
        | EventType::Cancelled
        | EventType::Deleted
        | EventType::Rejected
        | EventType::Discarded
        | EventType::DependencyAdded
        | EventType::DependencyRemoved
        | EventType::DependencySettled
        | EventType::LeaseExpired
        | EventType::Checkpoint
        | EventType::Output => {}
    }
    if event.to_state.is_settled() {
        task.paused_from = None;
    }
}

/// When the work began that `event` tells of.
pub(crate) const fn start_time(event: &Event) -> Timestamp {
    match event.detail {
        Detail::Started { start_time } => start_time,
        _ => event.time,
    }
}

fn drop_holder(task: &mut Task) {
    task.assignee = None;
    task.leased = false;
}

fn apply_detail(task: &mut Task, event: &Event) {
    match &event.detail {
        Detail::None | Detail::Created(_) | Detail::Started { .. } => {}
        Detail::Updated { edit, .. } => apply_edit(task, edit),
        Detail::Assigned { assignee, lease } => {
            task.assignee = Some(assignee.clone());
            task.leased = lease.is_some();
            task.lease = *lease;
        }
        Detail::Progress(progress) => task.progress = Some(progress.clone()),
        Detail::Result { output, receipt } => {
            if output.is_some() {
                task.output.clone_from(output);
            }
            task.receipt.clone_from(receipt);
            if let (EventType::InputRequested, Some(receipt)) = (event.kind, receipt) {
                for question in receipt.questions(event.sequence) {
                    ask(task, &question);
                }
            }
        }
        Detail::Failure {
            outcome: _,
            error,
            retry_time,
            receipt,
        } => {
            task.error = Some(error.clone());
            task.schedule_time = retry_time.or(task.schedule_time);
            if receipt.is_some() {
                task.receipt.clone_from(receipt);
            }
        }
        Detail::Scheduled { schedule_time } => task.schedule_time = Some(*schedule_time),
        Detail::Input(request) => ask(task, request),
        Detail::Retried {
            retry_count,
            input,
            schedule_time,
        } => {
            task.retry_count = *retry_count;
            task.schedule_time = *schedule_time;
            if input.is_some() {
                task.input.clone_from(input);
                // It tells of work on another input.
                task.checkpoint = None;
            }
        }
        Detail::Dependency(dependency) => apply_dependency(task, event, dependency),
        Detail::Checkpoint(checkpoint) => {
            task.checkpoint_version = checkpoint.version;
            task.checkpoint = Some(checkpoint.clone());
        }
        Detail::Output { index, chunk: _ } => task.output_count = index + 1,
    }
}

/// A question, or the question with its answer.
fn ask(task: &mut Task, request: &InputRequest) {
    match task.input_requests.iter_mut().find(|r| r.key == request.key) {
        Some(standing) => standing.clone_from(request),
        None => task.input_requests.push(request.clone()),
    }
    let surplus = task.input_requests.len().saturating_sub(INPUT_REQUESTS_KEPT);
    task.input_requests.drain(..surplus);
}

fn apply_dependency(task: &mut Task, event: &Event, dependency: &Dependency) {
    task.dependencies
        .retain(|d| event.kind != EventType::DependencyRemoved || d.task_id != dependency.task_id);
    if event.kind != EventType::DependencyRemoved {
        match task
            .dependencies
            .iter_mut()
            .find(|d| d.task_id == dependency.task_id)
        {
            Some(standing) => *standing = *dependency,
            None => task.dependencies.push(*dependency),
        }
    }
    let moved = event.from_state != Some(event.to_state);
    if moved && event.to_state == State::Failed && verdict(dependency) == Verdict::Fail {
        let result = dependency.result.map_or("open", State::name);
        let message = format!("dependency {} ended {result}", dependency.task_id);
        task.error = Some(TaskError::new("DEPENDENCY_FAILED", message));
    }
}

fn apply_edit(task: &mut Task, edit: &Edit) {
    let Edit {
        queue,
        task_type,
        function,
        title,
        description,
        input,
        priority,
        labels,
        metadata,
        retry_policy,
        timeouts,
        verification,
        verification_grace,
    } = edit;
    set(&mut task.queue, queue);
    set(&mut task.task_type, task_type);
    set(&mut task.function, function);
    set(&mut task.title, title);
    set(&mut task.description, description);
    if input == &Some(None) {
        task.cleared_input = task.input_version();
    }
    set(&mut task.input, input);
    set(&mut task.priority, priority);
    set(&mut task.labels, labels);
    set(&mut task.metadata, metadata);
    set(&mut task.retry_policy, retry_policy);
    set(&mut task.timeouts, timeouts);
    set(&mut task.verification, verification);
    set(&mut task.verification_grace, verification_grace);
}

fn set<T: Clone>(field: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}
