//! What the passing of time decides.

use super::{fail, review};
use crate::actor::Actor;
use crate::event::{Detail, EventType};
use crate::limits::EVENTS_PER_TASK;
use crate::place::place;
use crate::reason::{self, Reason};
use crate::receipt::{Finding, finding};
use crate::rejection::Rejection;
use crate::steps::Steps;
use crate::task::{AttemptOutcome, InputRequest, State, TaskError};
use crate::timers::Limit;

/// Does what was due first; the rest is for the next tick.
pub(super) fn tick(s: &mut Steps<'_>, jitter: f64) -> Result<(), Rejection> {
    match s.task.due(s.now).ok_or(Rejection::NothingDue)? {
        Limit::Schedule => s.place(place(&s.task, s.now), reason::DUE),
        Limit::Queue => expire(
            s,
            ("QUEUE_TIMEOUT", "nobody took the task within its queue timeout"),
            reason::EXPIRED,
        ),
        Limit::Total => expire(
            s,
            ("TOTAL_TIMEOUT", "the task did not end within its total timeout"),
            reason::EXPIRED,
        ),
        Limit::Attempt => {
            let error = TaskError::new("ATTEMPT_TIMEOUT", "the attempt did not end within its timeout");
            s.revoke();
            fail(s, (&error, None), AttemptOutcome::Timeout, jitter);
        }
        Limit::Lease => lease_ends(s, jitter),
        Limit::Grace => grace_ends(s),
        Limit::Input => input_is_due(s),
    }
    Ok(())
}

fn expire(s: &mut Steps<'_>, (code, message): (&str, &str), reason: Reason) {
    s.revoke();
    let detail = Detail::Failure {
        outcome: AttemptOutcome::Timeout,
        error: TaskError::new(code, message),
        retry_time: None,
        receipt: None,
    };
    s.push(EventType::Failed, State::Failed, reason, detail);
}

/// Before the start nothing was tried, so the attempt does not count; after it, it does.
fn lease_ends(s: &mut Steps<'_>, jitter: f64) {
    s.revoke();
    // A task that has all the events it may have is given to nobody any more.
    if s.task.state == State::Assigned && s.task.revision < EVENTS_PER_TASK {
        s.push(
            EventType::LeaseExpired,
            State::Queued,
            reason::LEASE_EXPIRED,
            Detail::None,
        );
        return;
    }
    let error = TaskError::new("LEASE_EXPIRED", "the lease ran out: its worker was not heard of");
    fail(s, (&error, None), AttemptOutcome::LeaseExpired, jitter);
}

/// Seed S1-47 and S1-48.
fn grace_ends(s: &mut Steps<'_>) {
    let receipt = s.task.receipt.as_deref();
    let (reason, prompt) = match (finding(receipt), receipt) {
        (Finding::Items | Finding::NothingToVerify, _) => {
            s.push(
                EventType::Approved,
                State::Completed,
                reason::AUTO_VERIFIED,
                Detail::None,
            );
            return;
        }
        (Finding::Silent, Some(_)) => (
            reason::VERIFICATION_UNVERIFIED,
            "the receipt does not say how to verify the work: how should it go on?",
        ),
        (Finding::Silent, None) => (
            reason::VERIFICATION_MISSING_RECEIPT,
            "the work was handed in without a receipt: how should it go on?",
        ),
    };
    let key = format!("verification-{}", s.task.revision + 1);
    let request = InputRequest::new(key, prompt.to_owned());
    s.push(
        EventType::InputRequested,
        State::InputRequired,
        reason,
        Detail::Input(Box::new(request)),
    );
}

/// The default answers for whoever did not; where there is none nobody can go on.
fn input_is_due(s: &mut Steps<'_>) {
    let due = |request: &&InputRequest| request.deadline_time.is_some_and(|time| time <= s.now);
    let Some(request) = s.task.open_input_requests().find(due).cloned() else {
        return;
    };
    match request.default_input.clone() {
        Some(answer) => review::answer(s, request, answer, &Actor::system()),
        None => expire(
            s,
            ("INPUT_EXPIRED", "nobody answered the input request in time"),
            reason::INPUT_EXPIRED,
        ),
    }
}
