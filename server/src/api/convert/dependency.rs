//! What a task waits for.

use std::collections::HashMap;

use baton_domain::limits::DEPENDENCIES_PER_TASK;
use baton_domain::{Dependency, FailureRule, State, TaskId};
use baton_proto::raw::v1 as raw;

use crate::api::check;
use crate::api::violations::{Path, Violations};

/// The tasks of one batch by the names that they gave each other.
pub(crate) type Siblings = HashMap<String, TaskId>;

/// Reads one dependency. `siblings`: the batch it stands in, if any. How it settled is not the caller's to say.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    dependency: raw::Dependency,
    siblings: Option<&Siblings>,
) -> Option<Dependency> {
    let raw::Dependency {
        task_id,
        r#ref,
        on_failure,
        result: _,
    } = dependency;
    let rule_at = at.field("on_failure");
    let on_failure = check::member(
        v,
        &rule_at,
        on_failure,
        FailureRule::from_number,
        FailureRule::Fail,
    );
    let task_id = match (task_id.is_empty(), r#ref.is_empty()) {
        (false, true) => check::task_id(v, &at.field("task_id"), &task_id),
        (true, false) => read_ref(v, &at.field("ref"), &r#ref, siblings),
        (true, true) => {
            let or = if siblings.is_some() { ", or ref" } else { "" };
            v.add(&at.field("task_id"), format!("must be given{or}"));
            None
        }
        (false, false) => {
            v.add(&at.field("task_id"), "must not be given together with ref");
            None
        }
    };
    Some(Dependency {
        task_id: task_id?,
        on_failure: on_failure?,
        result: None,
    })
}

fn read_ref(v: &mut Violations, at: &Path<'_>, name: &str, siblings: Option<&Siblings>) -> Option<TaskId> {
    let Some(siblings) = siblings else {
        v.add(
            at,
            "must be empty outside BatchCreateTasks; name the task by task_id",
        );
        return None;
    };
    let sibling = siblings.get(name).copied();
    if sibling.is_none() {
        v.add(at, "must be the ref of a sibling");
    }
    sibling
}

/// Reads what a new task waits for; no task twice.
pub(crate) fn read_all(
    v: &mut Violations,
    at: &Path<'_>,
    dependencies: Vec<raw::Dependency>,
    siblings: Option<&Siblings>,
) -> Option<Vec<Dependency>> {
    if dependencies.len() > DEPENDENCIES_PER_TASK {
        v.add(at, format!("must have at most {DEPENDENCIES_PER_TASK} entries"));
        return None;
    }
    let mut all: Vec<Dependency> = Vec::with_capacity(dependencies.len());
    let mut fine = true;
    for (index, dependency) in dependencies.into_iter().enumerate() {
        let at = at.index(index);
        match read(v, &at, dependency, siblings) {
            Some(new) if all.iter().any(|known| known.task_id == new.task_id) => {
                v.add(&at, "must not name a task that stands here already");
                fine = false;
            }
            Some(new) => all.push(new),
            None => fine = false,
        }
    }
    fine.then_some(all)
}

pub(crate) fn write(dependency: &Dependency) -> raw::Dependency {
    let Dependency {
        task_id,
        on_failure,
        result,
    } = dependency;
    raw::Dependency {
        task_id: task_id.to_string(),
        r#ref: String::new(),
        on_failure: on_failure.number(),
        result: result.map_or(0, State::number),
    }
}
