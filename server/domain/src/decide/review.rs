//! Commands of holders and reviewers: hand in, ask, answer, approve, send back.

use super::invalid;
use crate::actor::Actor;
use crate::event::{Detail, EventType};
use crate::payload::Payload;
use crate::reason;
use crate::rejection::Rejection;
use crate::steps::Steps;
use crate::task::{AttemptOutcome, InputRequest, State, Task, TaskError, Verification};

pub(super) fn complete(s: &mut Steps<'_>, output: Option<&Payload>) {
    match s.task.verification {
        Verification::Manual => submit(s, output, reason::VERIFICATION_REQUIRED),
        Verification::None => {
            let output = next_output(&s.task, output);
            s.push(
                EventType::Completed,
                State::Completed,
                reason::COMPLETED,
                Detail::Result { output },
            );
        }
    }
}

pub(super) fn submit(s: &mut Steps<'_>, output: Option<&Payload>, reason: reason::Reason) {
    let output = next_output(&s.task, output);
    s.push(
        EventType::Submitted,
        State::Review,
        reason,
        Detail::Result { output },
    );
}

fn next_output(task: &Task, output: Option<&Payload>) -> Option<Payload> {
    output.map(|p| {
        p.clone()
            .after(task.output.as_ref().map_or(0, |standing| standing.version))
    })
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
        Detail::Input(request.clone()),
    );
    Ok(())
}

pub(super) fn provide_input(
    s: &mut Steps<'_>,
    (key, text): (&str, Option<&str>),
    input: &Payload,
    actor: &Actor,
) -> Result<(), Rejection> {
    let open = s
        .task
        .open_input_request()
        .filter(|r| key.is_empty() || r.key == key)
        .cloned();
    let mut request = open.ok_or_else(|| invalid("key", "no open input request has this key"))?;
    let fits = request.choices.is_empty() || text.is_some_and(|t| request.choices.iter().any(|c| c == t));
    if !fits {
        let why = format!(
            "the answer must be one of the choices: {}",
            request.choices.join(", ")
        );
        return Err(Rejection::InvalidField { field: "input", why });
    }
    request.answer = Some(input.clone().after(0));
    request.answerer = Some(actor.clone());
    let to = if s.task.assignee.is_some() {
        State::InProgress
    } else {
        State::Queued
    };
    s.push(
        EventType::InputProvided,
        to,
        reason::INPUT_PROVIDED,
        Detail::Input(request),
    );
    Ok(())
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
    let to = if s.task.assignee.is_some() {
        State::InProgress
    } else {
        State::Queued
    };
    s.push(
        EventType::ReworkRequested,
        to,
        reason::REWORK_REQUESTED,
        Detail::None,
    );
}

pub(super) fn reject(s: &mut Steps<'_>, message: &str) {
    s.message(message);
    let error = TaskError {
        code: "REJECTED".to_owned(),
        message: message.to_owned(),
        ..TaskError::default()
    };
    let detail = Detail::Failure {
        outcome: AttemptOutcome::Error,
        error,
        retry_time: None,
    };
    s.push(EventType::Rejected, State::Failed, reason::REJECTED, detail);
}
