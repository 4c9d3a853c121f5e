//! What is refused because of a task's type.

use baton_domain::task_type::TYPES;

use crate::api::status::{Reason, Refusal};
use crate::engine::{Error, Misfit, Role};
use crate::schema::{Fault, Flaw, Flaws};

/// `prefix`: the path of the member of a batch that failed.
pub(super) fn refuse(error: &Error, prefix: &str) -> Refusal {
    match error {
        Error::TypeNotFound { name } => {
            let message = format!("task type {name:?} is not registered in this namespace");
            Refusal::new(Reason::TaskTypeNotFound, message)
                .with("name", name)
                .resource("task_type", name)
        }
        Error::TypeExists { name } => {
            let message =
                format!("task type {name:?} is registered with another content: UpdateTaskType changes it");
            Refusal::new(Reason::TaskTypeExists, message)
                .with("name", name)
                .resource("task_type", name)
        }
        Error::TooManyTypes => {
            let message = format!("{TYPES} task types are registered, no more may be: delete some");
            Refusal::new(Reason::QuotaExceeded, &message).quota("task_types", &message)
        }
        Error::TypeUnknown { field, name } => {
            let path = format!("{prefix}{field}.type");
            let what = "must be registered: the server refuses tasks of other types";
            let message =
                format!("{path}: {name:?} is not registered in this namespace: RegisterTaskType does");
            Refusal::new(Reason::TaskTypeUnknown, message)
                .with("type", name)
                .field(path, what)
        }
        Error::TypeInternal { field, name } => {
            let message = format!(
                "{prefix}{field}.type: tasks of type {name:?} are internal: schedules make them, and the service itself"
            );
            Refusal::new(Reason::TypeInternal, message).with("type", name)
        }
        Error::Misfit(misfit) => refuse_misfit(misfit, prefix),
        // Whoever is asked to check does so; all else is refused elsewhere.
        error => Refusal::bug(error),
    }
}

fn refuse_misfit(misfit: &Misfit, prefix: &str) -> Refusal {
    let Misfit { field, role, flaws } = misfit;
    let Flaws {
        field: kind,
        told,
        beyond,
    } = flaws;
    let dot = if kind.is_empty() { "" } else { "." };
    let at = format!("{prefix}{field}{dot}{kind}");
    let mut fields = told
        .iter()
        .map(|Flaw { path, fault }| (format!("{at}{path}"), words(*role, fault)));
    let more = told.len().saturating_sub(1) + beyond;
    let first = fields.next().unwrap_or_default();
    let message = match more {
        0 => format!("{}: {}", first.0, first.1),
        more => format!("{}: {}, and {more} more", first.0, first.1),
    };
    let refusal = Refusal::new(Reason::SchemaViolation, message).field(first.0, first.1);
    let refusal = fields.fold(refusal, |refusal, (path, what)| refusal.field(path, what));
    refusal.more_fields(*beyond)
}

/// What is missing in an input is missing in the configuration of whoever works on it (seed S0-3).
fn words(role: Role, fault: &Fault) -> String {
    match (role, fault) {
        (Role::Input, Fault::Missing(name)) => format!("Config missing: {name}"),
        (Role::Output, Fault::Missing(name)) => format!("Output missing: {name}"),
        (Role::Input | Role::Output, Fault::Wrong(what)) => what.clone(),
    }
}
