//! Turns what the engine, the store and the feed refuse or fail with into refusals in the words of the contract.

mod types;
mod webhooks;

use std::time::Duration;

use baton_domain::queue::QUEUES;
use baton_domain::{CommandName, Rejection, State, TaskId};
use tonic::Status;

use super::status::{Reason, Refusal};
use crate::engine::Error;
use crate::feed::ReadError;
use crate::net::Shutdown;
use crate::store::StoreError;

/// When a caller should try again after the store failed: long enough for a lock or a disk to come back.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The refusal of a call on a task that is not there.
pub(super) fn task_not_found(id: TaskId) -> Refusal {
    let id = id.to_string();
    Refusal::new(Reason::TaskNotFound, format!("task {id} does not exist"))
        .with("id", &id)
        .resource("task", &id)
}

/// The refusal of a call that the store could not serve.
pub(super) fn store_failed(error: &StoreError) -> Refusal {
    match error {
        StoreError::Busy(_) => {
            tracing::warn!(%error, "the store is busy");
            Refusal::new(Reason::StoreBusy, "the store is busy").retry_after(STORE_RETRY_AFTER)
        }
        StoreError::Unavailable(source) => {
            tracing::error!(%error, %source, "the store is not available");
            Refusal::new(Reason::StoreUnavailable, "the store is not available")
                .retry_after(STORE_RETRY_AFTER)
        }
        // While this server had no connection, the schema was changed without it.
        StoreError::SchemaTooNew { .. } => {
            tracing::error!(%error, "the store is not for this server any more");
            Refusal::new(Reason::StoreUnavailable, "the store is not available")
                .retry_after(STORE_RETRY_AFTER)
        }
        StoreError::Url(_)
        | StoreError::InUse { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Refused(_)
        | StoreError::Constraint(_)
        | StoreError::VersionTooOld { .. }
        | StoreError::OldServers { .. }
        | StoreError::Statement(_) => Refusal::bug(error),
    }
}

/// The refusal of a reader that cannot go on.
pub(super) fn read_failed(error: &ReadError) -> Refusal {
    match error {
        ReadError::Expired { oldest } => expired(*oldest),
        ReadError::Store(error) => store_failed(error),
    }
}

/// The refusal of a position below the horizon.
pub(super) fn expired(oldest: i64) -> Refusal {
    let text = "events behind the token are no longer kept: begin with a snapshot or with the oldest";
    Refusal::new(Reason::ResumeTokenExpired, text).with("oldest_position", oldest.to_string())
}

/// The status of a failed call.
pub(super) fn failed(error: Error) -> Status {
    refuse_error(&error).into()
}

/// The status of a failed read.
pub(super) fn unread(error: StoreError) -> Status {
    store_failed(&error).into()
}

/// The refusal of a call on one task.
pub(super) fn refuse_error(error: &Error) -> Refusal {
    refuse_at(error, "", &|id| id.to_string())
}

/// The refusal of a batch whose members the caller knows by other names than their ids.
pub(super) fn refuse_batch(error: &Error, name: &dyn Fn(TaskId) -> String) -> Refusal {
    refuse_at(error, "", name)
}

/// `prefix`: the path of the member of a batch that failed. `name`: what the caller calls a task.
fn refuse_at(error: &Error, prefix: &str, name: &dyn Fn(TaskId) -> String) -> Refusal {
    match error {
        Error::NotFound { id } => task_not_found(*id),
        Error::ReferenceNotFound { field, id } => {
            let path = format!("{prefix}{field}");
            let message = format!("{path}: task {id} does not exist in this namespace");
            Refusal::new(Reason::TaskNotFound, message)
                .with("id", id.to_string())
                .with("field", path)
                .resource("task", id.to_string())
        }
        // Who imports says itself what came of it.
        Error::NotImported(error) => Refusal::bug(error),
        Error::Rejected(rejection) => refuse_rejection(rejection, prefix, name),
        Error::EtagMismatch { current } => {
            let message = "it was moved or edited since the etag was read: read it again";
            Refusal::new(Reason::EtagMismatch, message).with("etag", current)
        }
        Error::TaskIdReused { id } => {
            let message = format!("task_id {id} belongs to another task");
            Refusal::new(Reason::TaskIdReused, message)
                .with("id", id.to_string())
                .resource("task", id.to_string())
        }
        Error::Duplicate { id, key } => {
            let id = id.to_string();
            let message = format!("task {id} holds the key {key}: ask for that task in place of another one");
            Refusal::new(Reason::DuplicateTask, message)
                .with("id", &id)
                .with("dedup_key", key)
                .resource("task", id)
        }
        Error::ScheduleNotFound { name } => missing(Reason::ScheduleNotFound, ("schedule", name)),
        Error::ScheduleExists { name } => exists(Reason::ScheduleExists, ("schedule", name)),
        Error::QueueNotFound { name } => missing(Reason::QueueNotFound, ("queue", name)),
        Error::QueueExists { name } => exists(Reason::QueueExists, ("queue", name)),
        Error::QueueNotEmpty { name, open } => not_empty(name, *open),
        Error::TooManyQueues => {
            let message = format!("a namespace has at most {QUEUES} queues");
            Refusal::new(Reason::QuotaExceeded, &message).quota("queues", &message)
        }
        Error::TypeNotFound { .. }
        | Error::TypeExists { .. }
        | Error::TooManyTypes
        | Error::TypeUnknown { .. }
        | Error::TypeInternal { .. }
        | Error::Misfit(_)
        | Error::Unchecked(_) => types::refuse(error, prefix),
        Error::WebhookNotFound { .. } | Error::WebhookExists { .. } | Error::TooManyWebhooks => {
            webhooks::refuse(error)
        }
        Error::RequestIdReused => {
            let message = "the request_id was used for another call or with other content: draw a new one";
            Refusal::new(Reason::RequestIdReused, message)
        }
        Error::Overloaded { retry_after } => {
            let message = "more requests wait than the service can work off soon";
            Refusal::new(Reason::Overloaded, message).retry_after(*retry_after)
        }
        Error::Draining => Shutdown::refusal(),
        Error::OutcomeUnknown => {
            let message = "the store failed while it committed: the change stands whole or not at all";
            Refusal::new(Reason::OutcomeUnknown, message).retry_after(STORE_RETRY_AFTER)
        }
        Error::Store(error) => store_failed(error),
        Error::InBatch { index, source } => {
            refuse_at(source, &format!("{prefix}requests[{index}]."), name).with("index", index.to_string())
        }
    }
}

/// The refusal of a call on something of a name that nothing has.
fn missing(reason: Reason, (kind, name): (&str, &str)) -> Refusal {
    Refusal::new(
        reason,
        format!("{kind} {name:?} does not exist in this namespace"),
    )
    .with("name", name)
    .resource(kind, name)
}

/// The refusal of a name that something has.
fn exists(reason: Reason, (kind, name): (&str, &str)) -> Refusal {
    let message = format!("{kind} {name:?} exists: update it, or choose another name");
    Refusal::new(reason, message)
        .with("name", name)
        .resource(kind, name)
}

fn not_empty(name: &str, open: i64) -> Refusal {
    let message = format!("{open} open tasks name queue {name:?}: end them, or let them name another");
    Refusal::new(Reason::NotEmpty, &message)
        .with("name", name)
        .with("open_count", open.to_string())
        .precondition("queue", &message)
}

fn refuse_rejection(rejection: &Rejection, prefix: &str, name: &dyn Fn(TaskId) -> String) -> Refusal {
    match rejection {
        Rejection::IllegalMove {
            command,
            from,
            allowed,
        } => illegal_move(*command, *from, allowed),
        Rejection::Unmet { command, from, why } => {
            let message = format!("cannot {command} this task in state {from}: {why}");
            transition(&message, *command, *from)
        }
        Rejection::NotEditable { fields, from } => {
            let names = fields.join(", ");
            let message = format!("cannot edit {names} of a task in state {from}");
            transition(&message, CommandName::Update, *from).with("fields", names)
        }
        Rejection::SelfApproval => {
            let message = "whoever did the work may not approve it: somebody else must";
            Refusal::new(Reason::SelfApproval, message).precondition("task", message)
        }
        Rejection::EventLimit => {
            let message = "the task has as many events as a task may have; it can still be ended";
            Refusal::new(Reason::EventLimit, message).quota("events", message)
        }
        Rejection::InvalidField { field, why } => {
            let path = format!("{prefix}{field}");
            Refusal::new(Reason::InvalidField, format!("{path}: {why}")).field(path, why)
        }
        Rejection::DependencyCycle { path } => {
            let path: Vec<_> = path.iter().map(|id| name(*id)).collect();
            let path = path.join(" -> ");
            let message = format!("the dependencies would form a ring: {path}");
            Refusal::new(Reason::DependencyCycle, message).with("path", path)
        }
        Rejection::HasDependants => {
            let message = "other tasks wait for this one: settle it, or delete it with force";
            Refusal::new(Reason::TaskHasDependants, message).precondition("task", message)
        }
        Rejection::LeaseLost => {
            let message = "the lease is lost: stop, nothing of this work counts any more";
            Refusal::new(Reason::LeaseLost, message).precondition("lease", message)
        }
        Rejection::LeaseRequired { command } => {
            let message = format!("the task is held by lease: to {command} it, show the lease's token");
            Refusal::new(Reason::LeaseRequired, &message)
                .with("command", command.name())
                .precondition("lease", &message)
        }
        // Only Baton's own commands are answered so, and those have no caller.
        Rejection::NothingDue => Refusal::bug(rejection),
    }
}

fn illegal_move(command: CommandName, from: State, allowed: &[CommandName]) -> Refusal {
    let allowed: Vec<_> = allowed.iter().map(|command| command.name()).collect();
    let allowed = allowed.join(", ");
    let message = format!("cannot {command} a task in state {from}; it may be asked to: {allowed}");
    transition(&message, command, from).with("allowed", allowed)
}

fn transition(message: &str, command: CommandName, from: State) -> Refusal {
    Refusal::new(Reason::InvalidStateTransition, message)
        .with("from", from.name())
        .with("command", command.name())
        .precondition("task", message)
}
