//! What an event does to a task. The only code that changes one: `decide` uses it, and so does whoever folds a log.

use crate::event::{Detail, Edit, Event, EventType};
use crate::limits::INPUT_REQUESTS_KEPT;
use crate::place::{Verdict, verdict};
use crate::task::{Dependency, State, Task, TaskError};

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
    // A new time for a scheduled task is a move too, though the state is the same.
    let moved = event.to_state != task.state || event.kind == EventType::Scheduled;
    task.revision = event.sequence;
    task.update_time = event.time;
    task.attempt = event.attempt;
    task.fence = event.fence;
    if !matches!(event.kind, EventType::Progress | EventType::Comment) {
        task.edit_revision = event.sequence;
    }
    apply_kind(task, event);
    apply_detail(task, event);
    if moved {
        enter(task, event);
    }
}

fn enter(task: &mut Task, event: &Event) {
    task.state = event.to_state;
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

fn apply_kind(task: &mut Task, event: &Event) {
    match event.kind {
        EventType::Started => {
            task.execution_count += 1;
            task.start_time = task.start_time.or(Some(event.time));
            task.progress = None;
        }
        EventType::Completed | EventType::Submitted | EventType::Approved => task.error = None,
        EventType::Released => task.assignee = None,
        EventType::Retried => {
            task.assignee = None;
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
        | EventType::InputRequested
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
        | EventType::DependencySettled => {}
    }
    if event.to_state == State::Cancelled {
        task.paused_from = None;
    }
}

fn apply_detail(task: &mut Task, event: &Event) {
    match &event.detail {
        Detail::None | Detail::Created(_) => {}
        Detail::Updated { edit, .. } => apply_edit(task, edit),
        Detail::Assigned { assignee } => task.assignee = Some(assignee.clone()),
        Detail::Progress(progress) => task.progress = Some(progress.clone()),
        Detail::Result { output } => {
            if output.is_some() {
                task.output.clone_from(output);
            }
        }
        Detail::Failure {
            error, retry_time, ..
        } => {
            task.error = Some(error.clone());
            task.schedule_time = retry_time.or(task.schedule_time);
        }
        Detail::Scheduled { schedule_time } => task.schedule_time = Some(*schedule_time),
        Detail::Input(request) => {
            match task.input_requests.iter_mut().find(|r| r.key == request.key) {
                Some(standing) => standing.clone_from(request),
                None => task.input_requests.push(request.clone()),
            }
            let surplus = task.input_requests.len().saturating_sub(INPUT_REQUESTS_KEPT);
            task.input_requests.drain(..surplus);
        }
        Detail::Retried {
            retry_count,
            input,
            schedule_time,
        } => {
            task.retry_count = *retry_count;
            task.schedule_time = *schedule_time;
            if input.is_some() {
                task.input.clone_from(input);
            }
        }
        Detail::Dependency(dependency) => apply_dependency(task, event, dependency),
    }
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
        task.error = Some(TaskError {
            code: "DEPENDENCY_FAILED".to_owned(),
            message: format!("dependency {} ended {result}", dependency.task_id),
            ..TaskError::default()
        });
    }
    if event.to_state.is_settled() {
        task.paused_from = None;
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
        verification,
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
    set(&mut task.verification, verification);
}

fn set<T: Clone>(field: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}
