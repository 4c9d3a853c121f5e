//! Leases: how long they are asked for, and how their holders show them.

use baton_domain::limits::{ACKNOWLEDGE, LEASE_MAX, LEASE_MIN};
use baton_domain::{Actor, Span, Task, TaskId, Terms};

use super::time;
use crate::api::check;
use crate::api::violations::{Path, Violations};
use crate::token::{HOLDER_ID_BYTES, Keyring, LeaseToken};

/// Reads how long a lease is to last; nothing where it is absent.
pub(crate) fn read_duration(
    v: &mut Violations,
    at: &Path<'_>,
    duration: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    let Some(duration) = duration else {
        return Some(None);
    };
    let span = check::span(v, at, duration, LEASE_MAX)?;
    if span < LEASE_MIN {
        let seconds = LEASE_MIN.as_micros() / 1_000_000;
        v.add(at, format!("must be at least {seconds} s"));
        return None;
    }
    Some(Some(span))
}

/// What a lease of that length is granted for.
pub(crate) const fn terms(duration: Span) -> Terms {
    Terms {
        duration,
        acknowledge: ACKNOWLEDGE,
    }
}

/// Notes that somebody cannot hold a lease: its token would be too long.
pub(crate) fn check_holder(v: &mut Violations, at: &Path<'_>, holder: &Actor) -> Option<()> {
    if holder.id.len() > HOLDER_ID_BYTES {
        v.add(
            &at.field("id"),
            format!("must have at most {HOLDER_ID_BYTES} bytes where it holds a lease"),
        );
        return None;
    }
    Some(())
}

/// Reads the token of a lease on the task `id`.
pub(crate) fn read_token(
    v: &mut Violations,
    at: &Path<'_>,
    (token, id): (&str, TaskId),
    keys: &Keyring,
) -> Option<LeaseToken> {
    match keys.decode::<LeaseToken>(token) {
        Ok(lease) if lease.task_id == id => return Some(lease),
        Ok(_) => v.add(at, "must be the token of a lease on this task, it is of another"),
        Err(error) => v.add(at, format!("must be the token of a lease: {error}")),
    }
    None
}

/// What the holder of a lease is answered.
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) expire_time: prost_types::Timestamp,
}

/// The grant of a task that is held by lease.
pub(crate) fn grant(task: &Task, keys: &Keyring) -> Option<Grant> {
    let (lease, holder) = (task.lease?, task.assignee.as_ref()?);
    let token = keys.encode(&LeaseToken {
        task_id: task.id,
        fence: task.fence,
        holder: holder.clone(),
    });
    Some(Grant {
        token,
        expire_time: time::write(lease.expire_time),
    })
}
