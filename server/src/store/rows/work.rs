//! Leases, time limits and receipts: domain to stored message and back.

use baton_domain::{
    Actor, Artifact, Blocker, Lease, Receipt, ReceiptStatus, Span, Task, Timeouts, Timers, Timestamp,
    VerificationItem,
};

use super::parts::{self, Why};
use super::stored;

pub(super) fn to_lease(lease: &Lease) -> stored::Lease {
    let Lease {
        duration,
        expire_time,
    } = lease;
    stored::Lease {
        duration: duration.as_micros(),
        expire_time: expire_time.as_micros(),
    }
}

pub(super) fn from_lease(lease: &stored::Lease) -> Lease {
    let stored::Lease {
        duration,
        expire_time,
    } = lease;
    Lease {
        duration: Span::from_micros(*duration),
        expire_time: Timestamp::from_micros(*expire_time),
    }
}

pub(super) fn to_granted(assignee: &Actor, lease: &Lease) -> stored::Granted {
    stored::Granted {
        assignee: Some(parts::to_actor(assignee)),
        lease: Some(to_lease(lease)),
    }
}

pub(super) fn from_granted(granted: stored::Granted) -> Result<(Actor, Lease), Why> {
    let stored::Granted { assignee, lease } = granted;
    let assignee = assignee.ok_or("a grant has no assignee")?;
    let lease = lease.ok_or("a grant has no lease")?;
    Ok((parts::from_actor(assignee)?, from_lease(&lease)))
}

/// The timers of `task`; `None` where they say nothing beside its times, as after most moves.
pub(super) fn to_timers(task: &Task) -> Option<stored::Timers> {
    let Timers {
        since,
        spent,
        total_since,
    } = task.timers;
    let timers = stored::Timers {
        since: (since != task.update_time).then_some(since.as_micros()),
        spent: spent.as_micros(),
        total_since: (total_since != task.create_time).then_some(total_since.as_micros()),
    };
    (timers != stored::Timers::default()).then_some(timers)
}

pub(super) fn from_timers(
    timers: Option<stored::Timers>,
    (create_time, update_time): (Timestamp, Timestamp),
) -> Timers {
    let stored::Timers {
        since,
        spent,
        total_since,
    } = timers.unwrap_or_default();
    Timers {
        since: parts::time(since).unwrap_or(update_time),
        spent: Span::from_micros(spent),
        total_since: parts::time(total_since).unwrap_or(create_time),
    }
}

pub(super) fn to_timeouts(timeouts: &Timeouts) -> stored::Timeouts {
    let Timeouts {
        queue,
        attempt,
        total,
    } = timeouts;
    stored::Timeouts {
        queue: queue.map(Span::as_micros),
        attempt: attempt.map(Span::as_micros),
        total: total.map(Span::as_micros),
    }
}

pub(super) fn from_timeouts(timeouts: &stored::Timeouts) -> Timeouts {
    let stored::Timeouts {
        queue,
        attempt,
        total,
    } = timeouts;
    Timeouts {
        queue: queue.map(Span::from_micros),
        attempt: attempt.map(Span::from_micros),
        total: total.map(Span::from_micros),
    }
}

pub(super) fn to_receipt(receipt: &Receipt) -> stored::Receipt {
    let Receipt {
        status,
        blockers,
        artifacts,
        verification,
        no_verification,
        summary,
    } = receipt;
    stored::Receipt {
        status: status.number(),
        blockers: blockers.iter().map(to_blocker).collect(),
        artifacts: artifacts.iter().map(to_artifact).collect(),
        verification: verification.iter().map(to_item).collect(),
        no_verification: *no_verification,
        summary: summary.clone(),
    }
}

pub(super) fn from_receipt(receipt: stored::Receipt) -> Result<Box<Receipt>, Why> {
    let stored::Receipt {
        status,
        blockers,
        artifacts,
        verification,
        no_verification,
        summary,
    } = receipt;
    Ok(Box::new(Receipt {
        status: parts::number(status, ReceiptStatus::from_number, "receipt status")?,
        blockers: blockers.into_iter().map(from_blocker).collect(),
        artifacts: artifacts.into_iter().map(from_artifact).collect(),
        verification: verification.into_iter().map(from_item).collect(),
        no_verification,
        summary,
    }))
}

fn to_blocker(blocker: &Blocker) -> stored::Blocker {
    let Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user,
    } = blocker;
    stored::Blocker {
        kind: kind.clone(),
        message: message.clone(),
        suggested_fix: suggested_fix.clone(),
        required_from_user: *required_from_user,
    }
}

fn from_blocker(blocker: stored::Blocker) -> Blocker {
    let stored::Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user,
    } = blocker;
    Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user,
    }
}

fn to_artifact(artifact: &Artifact) -> stored::Artifact {
    let Artifact {
        kind,
        uri,
        description,
    } = artifact;
    stored::Artifact {
        kind: kind.clone(),
        uri: uri.clone(),
        description: description.clone(),
    }
}

fn from_artifact(artifact: stored::Artifact) -> Artifact {
    let stored::Artifact {
        kind,
        uri,
        description,
    } = artifact;
    Artifact {
        kind,
        uri,
        description,
    }
}

fn to_item(item: &VerificationItem) -> stored::VerificationItem {
    let VerificationItem {
        kind,
        value,
        expected,
    } = item;
    stored::VerificationItem {
        kind: kind.clone(),
        value: value.clone(),
        expected: expected.clone(),
    }
}

fn from_item(item: stored::VerificationItem) -> VerificationItem {
    let stored::VerificationItem {
        kind,
        value,
        expected,
    } = item;
    VerificationItem {
        kind,
        value,
        expected,
    }
}
