//! Commands of holders and reviewers: hand in, ask, answer, approve, send back.

use super::{fail, invalid};
use crate::actor::Actor;
use crate::event::{Detail, EventType};
use crate::payload::Payload;
use crate::reason::{self, Reason};
use crate::receipt::{Finding, Receipt, ReceiptStatus, finding};
use crate::rejection::Rejection;
use crate::steps::Steps;
use crate::task::{AttemptOutcome, InputRequest, State, Task, TaskError, Verification};

pub(super) fn complete(s: &mut Steps<'_>, output: Option<&Payload>, receipt: Option<&Receipt>, jitter: f64) {
    let done = match (s.task.verification, finding(receipt)) {
        (Verification::None, _) => (EventType::Completed, reason::COMPLETED),
        (Verification::Receipt, Finding::NothingToVerify) => (EventType::Completed, reason::NO_VERIFICATION),
        (Verification::Receipt, Finding::Items) => (EventType::Submitted, reason::AWAITING_VERIFICATION),
        (Verification::Receipt, Finding::Silent) => (EventType::Submitted, reason::MISSING_VERIFICATION),
        (Verification::Manual, _) => (EventType::Submitted, reason::VERIFICATION_REQUIRED),
    };
    hand_in(s, done, (output, receipt), jitter);
}

pub(super) fn submit(s: &mut Steps<'_>, output: Option<&Payload>, receipt: Option<&Receipt>, jitter: f64) {
    hand_in(
        s,
        (EventType::Submitted, reason::SUBMITTED),
        (output, receipt),
        jitter,
    );
}

/// `done`: what follows unless the receipt says that the work is not done at all.
fn hand_in(
    s: &mut Steps<'_>,
    done: (EventType, Reason),
    (output, receipt): (Option<&Payload>, Option<&Receipt>),
    jitter: f64,
) {
    let status = receipt.map_or(ReceiptStatus::Completed, |receipt| receipt.status);
    let (kind, to, reason) = match (status, receipt) {
        (ReceiptStatus::Failed, Some(receipt)) => {
            fail(
                s,
                (&receipt.failure(), Some(receipt)),
                AttemptOutcome::Error,
                jitter,
            );
            return;
        }
        (ReceiptStatus::Blocked, _) => (
            EventType::InputRequested,
            State::InputRequired,
            reason::REPORTED_BLOCKED,
        ),
        (ReceiptStatus::Completed | ReceiptStatus::Failed, _) if done.0 == EventType::Completed => {
            (done.0, State::Completed, done.1)
        }
        (ReceiptStatus::Completed | ReceiptStatus::Failed, _) => (done.0, State::Review, done.1),
    };
    let output = output.map(|p| {
        let standing = s.task.output.as_ref();
        p.clone().after(standing.map_or(0, |known| known.version))
    });
    let receipt = receipt.cloned().map(Box::new);
    s.push(kind, to, reason, Detail::Result { output, receipt });
}

pub(super) fn request_input(s: &mut Steps<'_>, request: &InputRequest) -> Result<(), Rejection> {
    if s.task.input_requests.iter().any(|r| r.key == request.key) {
        return Err(invalid(
            "input_request.key",
            "the task already has a request with this key",
        ));
    }
    s.push(
        EventType::InputRequested,
        State::InputRequired,
        reason::INPUT_REQUESTED,
        Detail::Input(Box::new(request.clone())),
    );
    Ok(())
}

pub(super) fn provide_input(
    s: &mut Steps<'_>,
    (key, text): (&str, Option<&str>),
    input: &Payload,
    actor: &Actor,
) -> Result<(), Rejection> {
    let open: Vec<_> = s.task.open_input_requests().collect();
    let named = match open.as_slice() {
        [only] if key.is_empty() => Some(*only),
        several => several.iter().copied().find(|r| r.key == key),
    };
    let Some(request) = named.cloned() else {
        let why = if key.is_empty() && open.len() > 1 {
            "several input requests are open: name one"
        } else {
            "no open input request has this key"
        };
        return Err(invalid("key", why));
    };
    let fits = request.choices.is_empty() || text.is_some_and(|t| request.choices.iter().any(|c| c == t));
    if !fits {
        let why = format!(
            "the answer must be one of the choices: {}",
            request.choices.join(", ")
        );
        return Err(Rejection::InvalidField { field: "input", why });
    }
    answer(s, request, input.clone(), actor);
    Ok(())
}

/// The task goes on with the last answer it waits for.
pub(super) fn answer(s: &mut Steps<'_>, mut request: InputRequest, input: Payload, actor: &Actor) {
    let waits = s.task.open_input_requests().any(|r| r.key != request.key);
    request.answer = Some(input.after(0));
    request.answerer = Some(actor.clone());
    let detail = Detail::Input(Box::new(request));
    if waits {
        s.stay(EventType::InputProvided, detail);
        return;
    }
    let to = resumed_by(&s.task);
    s.push(EventType::InputProvided, to, reason::INPUT_PROVIDED, detail);
}

/// Where a task goes whose holder handed it over: back to a direct assignee, to the queue after a lease.
const fn resumed_by(task: &Task) -> State {
    if task.assignee.is_some() && !task.leased {
        State::InProgress
    } else {
        State::Queued
    }
}

pub(super) fn approve(s: &mut Steps<'_>, message: &str, actor: &Actor) -> Result<(), Rejection> {
    let own = s.task.assignee.as_ref().is_some_and(|a| a.is(actor));
    if own && s.task.verification == Verification::Manual {
        return Err(Rejection::SelfApproval);
    }
    s.message(message);
    s.push(
        EventType::Approved,
        State::Completed,
        reason::APPROVED,
        Detail::None,
    );
    Ok(())
}

pub(super) fn rework(s: &mut Steps<'_>, message: &str) {
    s.message(message);
    s.next_attempt();
    let to = resumed_by(&s.task);
    s.push(
        EventType::ReworkRequested,
        to,
        reason::REWORK_REQUESTED,
        Detail::None,
    );
}

pub(super) fn reject(s: &mut Steps<'_>, message: &str) {
    s.message(message);
    let detail = Detail::Failure {
        outcome: AttemptOutcome::Error,
        error: TaskError::new("REJECTED", message),
        retry_time: None,
        receipt: None,
    };
    s.push(EventType::Rejected, State::Failed, reason::REJECTED, detail);
}
