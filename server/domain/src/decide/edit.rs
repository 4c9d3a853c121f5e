//! Commands that edit a task, its dependencies or its history.

use super::{invalid, unmet};
use crate::command::CommandName;
use crate::event::{Detail, Edit, EventType, Previous};
use crate::id::TaskId;
use crate::limits::DEPENDENCIES_PER_TASK;
use crate::reason;
use crate::rejection::Rejection;
use crate::steps::Steps;
use crate::task::{Dependency, State, Task};

pub(super) fn comment(s: &mut Steps<'_>, message: &str) {
    s.message(message);
    s.stay(EventType::Comment, Detail::None);
}

pub(super) fn add_dependency(s: &mut Steps<'_>, dependency: Dependency) -> Result<(), Rejection> {
    if s.task
        .dependencies
        .iter()
        .any(|d| d.task_id == dependency.task_id)
    {
        return Err(invalid(
            "dependency.task_id",
            "the task already has this dependency",
        ));
    }
    if s.task.dependencies.len() >= DEPENDENCIES_PER_TASK {
        return Err(invalid(
            "dependency",
            "the task has as many dependencies as a task may have",
        ));
    }
    s.add_dependency(dependency);
    Ok(())
}

pub(super) fn remove_dependency(s: &mut Steps<'_>, task_id: TaskId) -> Result<(), Rejection> {
    let standing = s.task.dependencies.iter().find(|d| d.task_id == task_id).copied();
    let dependency =
        standing.ok_or_else(|| invalid("dependency.task_id", "the task has no such dependency"))?;
    s.remove_dependency(dependency);
    Ok(())
}

pub(super) fn settle_dependency(s: &mut Steps<'_>, task_id: TaskId, result: State) -> Result<(), Rejection> {
    let open = s
        .task
        .dependencies
        .iter()
        .find(|d| d.task_id == task_id && d.result.is_none())
        .copied();
    let dependency = open.ok_or(Rejection::NothingDue)?;
    s.settle(Dependency {
        result: Some(result),
        ..dependency
    });
    Ok(())
}

pub(super) fn update(s: &mut Steps<'_>, edit: &Edit) -> Result<(), Rejection> {
    let fields = forbidden_fields(&s.task, edit);
    if !fields.is_empty() {
        return Err(Rejection::NotEditable {
            fields,
            from: s.task.state,
        });
    }
    let mut edit = edit.clone();
    edit.input = edit.input.map(|new| new.map(|p| p.after(s.task.input_version())));
    let previous = Box::new(Previous {
        queue: s.task.queue.clone(),
        task_type: s.task.task_type.clone(),
        labels: s.task.labels.clone(),
    });
    s.stay(
        EventType::Updated,
        Detail::Updated {
            edit: Box::new(edit),
            previous,
        },
    );
    Ok(())
}

/// The fields of `edit` that may not be changed where the task is.
fn forbidden_fields(task: &Task, edit: &Edit) -> Vec<&'static str> {
    let state = task.paused_from.unwrap_or(task.state);
    let open = task.state.is_open();
    // Whoever holds a lease has the task as it was granted, though it may not have said yet that it started.
    let not_started = task.lease.is_none()
        && matches!(
            state,
            State::Pending | State::Scheduled | State::Queued | State::Blocked | State::Assigned
        );
    let fields = [
        ("title", edit.title.is_some(), open),
        ("description", edit.description.is_some(), open),
        ("priority", edit.priority.is_some(), open),
        ("retry_policy", edit.retry_policy.is_some(), open),
        ("timeouts", edit.timeouts.is_some(), open),
        ("queue", edit.queue.is_some(), not_started),
        ("type", edit.task_type.is_some(), not_started),
        ("function", edit.function.is_some(), not_started),
        ("input", edit.input.is_some(), not_started),
        (
            "verification",
            edit.verification.is_some() || edit.verification_grace.is_some(),
            not_started,
        ),
    ];
    fields
        .iter()
        .filter(|(_, asked, may)| *asked && !*may)
        .map(|(name, _, _)| *name)
        .collect()
}

pub(super) fn delete(s: &mut Steps<'_>, force: bool) -> Result<(), Rejection> {
    if s.task.state.is_open() && !force {
        return Err(if s.task.has_dependants {
            Rejection::HasDependants
        } else {
            unmet(
                s,
                CommandName::Delete,
                "it is open; cancel it first, or use force",
            )
        });
    }
    s.push(EventType::Deleted, s.task.state, reason::DELETED, Detail::None);
    Ok(())
}
