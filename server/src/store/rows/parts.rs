//! The parts of tasks and events: domain to stored message and back. Whatever a stored message says that the domain
//! has no word for is an error, never a default.

use std::sync::Arc;

use baton_domain::{
    Actor, ActorType, AttemptOutcome, Dependency, FailureRule, Function, FunctionKind, InputRequest, Labels,
    Payload, PayloadKind, Progress, RetryPolicy, Span, State, TaskError, TaskId, Timestamp,
};
use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use super::stored;

/// Why a stored value means nothing.
pub(super) type Why = String;

/// Reads the number of an enum.
pub(super) fn number<T>(number: i32, from: impl FnOnce(i32) -> Option<T>, what: &str) -> Result<T, Why> {
    from(number).ok_or_else(|| format!("{what} {number} is not known"))
}

/// Reads the name of an enum.
pub(super) fn name<T>(name: &str, from: impl FnOnce(&str) -> Option<T>, what: &str) -> Result<T, Why> {
    from(name).ok_or_else(|| format!("{what} {name:?} is not known"))
}

pub(super) fn decode<M: Message + Default>(bytes: impl Into<Bytes>, what: &str) -> Result<M, Why> {
    M::decode(bytes.into()).map_err(|error| format!("{what} cannot be read: {error}"))
}

pub(super) fn id(bytes: &[u8]) -> Result<TaskId, Why> {
    Uuid::from_slice(bytes)
        .map(TaskId)
        .map_err(|error| format!("an id cannot be read: {error}"))
}

pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32], Why> {
    bytes
        .try_into()
        .map_err(|_| format!("a hash has {} bytes, not 32", bytes.len()))
}

/// All of `items` or the first error.
pub(super) fn all<S, T>(items: Vec<S>, read: impl Fn(S) -> Result<T, Why>) -> Result<Vec<T>, Why> {
    items.into_iter().map(read).collect()
}

pub(super) fn to_actor(actor: &Actor) -> stored::Actor {
    let Actor { kind, id, name } = actor;
    stored::Actor {
        kind: kind.number(),
        id: id.clone(),
        name: name.clone(),
    }
}

pub(super) fn from_actor(actor: stored::Actor) -> Result<Actor, Why> {
    let stored::Actor { kind, id, name } = actor;
    Ok(Actor {
        kind: number(kind, ActorType::from_number, "actor type")?,
        id,
        name,
    })
}

/// The three columns of an assignee.
pub(super) fn assignee(
    kind: Option<i32>,
    id: Option<String>,
    name: Option<String>,
) -> Result<Option<Actor>, Why> {
    match (kind, id, name) {
        (None, None, None) => Ok(None),
        (Some(kind), Some(id), Some(name)) => {
            let kind = number(kind, ActorType::from_number, "actor type")?;
            Ok(Some(Actor { kind, id, name }))
        }
        (_, _, _) => Err("only a part of the assignee is there".to_owned()),
    }
}

/// The payload without its bytes.
pub(super) fn to_reference(payload: &Payload) -> stored::Payload {
    let Payload {
        kind,
        media_type,
        version,
        size,
        sha256,
        body: _,
    } = payload;
    stored::Payload {
        kind: kind.number(),
        media_type: media_type.clone(),
        version: *version,
        size: *size,
        sha256: Bytes::copy_from_slice(sha256),
        body: None,
    }
}

/// The payload with its bytes, where they stand nowhere else.
pub(super) fn to_payload(payload: &Payload) -> stored::Payload {
    stored::Payload {
        body: payload.body.clone(),
        ..to_reference(payload)
    }
}

pub(super) fn from_payload(payload: stored::Payload) -> Result<Payload, Why> {
    let stored::Payload {
        kind,
        media_type,
        version,
        size,
        sha256,
        body,
    } = payload;
    Ok(Payload {
        kind: number(kind, PayloadKind::from_number, "payload kind")?,
        media_type,
        version,
        size,
        sha256: hash(&sha256)?,
        body,
    })
}

pub(super) fn to_function(function: &Function) -> stored::Function {
    let Function {
        kind,
        name,
        description,
        args,
        output,
        prompt_template,
    } = function;
    stored::Function {
        kind: kind.number(),
        name: name.clone(),
        description: description.clone(),
        args: args.clone(),
        output: output.clone(),
        prompt_template: prompt_template.clone(),
    }
}

pub(super) fn from_function(function: stored::Function) -> Result<Function, Why> {
    let stored::Function {
        kind,
        name,
        description,
        args,
        output,
        prompt_template,
    } = function;
    let kind = number(kind, FunctionKind::from_number, "function kind")?;
    Ok(Function {
        kind,
        name,
        description,
        args,
        output,
        prompt_template,
    })
}

pub(super) fn to_retry_policy(policy: &RetryPolicy) -> stored::RetryPolicy {
    let RetryPolicy {
        max_attempts,
        initial_backoff,
        max_backoff,
        backoff_multiplier,
        jitter,
        retry_outcomes,
        non_retryable_codes,
    } = policy;
    stored::RetryPolicy {
        max_attempts: *max_attempts,
        initial_backoff: initial_backoff.map(Span::as_micros),
        max_backoff: max_backoff.map(Span::as_micros),
        backoff_multiplier: *backoff_multiplier,
        jitter: *jitter,
        retry_outcomes: retry_outcomes.iter().map(|outcome| outcome.number()).collect(),
        non_retryable_codes: non_retryable_codes.clone(),
    }
}

pub(super) fn from_retry_policy(policy: stored::RetryPolicy) -> Result<RetryPolicy, Why> {
    let stored::RetryPolicy {
        max_attempts,
        initial_backoff,
        max_backoff,
        backoff_multiplier,
        jitter,
        retry_outcomes,
        non_retryable_codes,
    } = policy;
    Ok(RetryPolicy {
        max_attempts,
        initial_backoff: initial_backoff.map(Span::from_micros),
        max_backoff: max_backoff.map(Span::from_micros),
        backoff_multiplier,
        jitter,
        retry_outcomes: all(retry_outcomes, outcome)?,
        non_retryable_codes,
    })
}

pub(super) fn outcome(stored: i32) -> Result<AttemptOutcome, Why> {
    number(stored, AttemptOutcome::from_number, "attempt outcome")
}

pub(super) fn to_progress(progress: &Progress) -> stored::Progress {
    let Progress {
        percent,
        current_step,
        message,
        estimated_time_remaining,
    } = progress;
    stored::Progress {
        percent: *percent,
        current_step: current_step.clone(),
        message: message.clone(),
        estimated_time_remaining: estimated_time_remaining.map(Span::as_micros),
    }
}

pub(super) fn from_progress(progress: stored::Progress) -> Progress {
    let stored::Progress {
        percent,
        current_step,
        message,
        estimated_time_remaining,
    } = progress;
    let estimated_time_remaining = estimated_time_remaining.map(Span::from_micros);
    Progress {
        percent,
        current_step,
        message,
        estimated_time_remaining,
    }
}

pub(super) fn to_error(error: &TaskError) -> stored::TaskError {
    let TaskError {
        code,
        message,
        details,
        retry_after,
        non_retryable,
    } = error;
    stored::TaskError {
        code: code.clone(),
        message: message.clone(),
        details: details.clone(),
        retry_after: retry_after.map(Span::as_micros),
        non_retryable: *non_retryable,
    }
}

pub(super) fn from_error(error: stored::TaskError) -> TaskError {
    let stored::TaskError {
        code,
        message,
        details,
        retry_after,
        non_retryable,
    } = error;
    TaskError {
        code,
        message,
        details,
        retry_after: retry_after.map(Span::from_micros),
        non_retryable,
    }
}

pub(super) fn to_dependency(dependency: &Dependency) -> stored::Dependency {
    let Dependency {
        task_id,
        on_failure,
        result,
    } = dependency;
    stored::Dependency {
        task_id: Bytes::copy_from_slice(task_id.0.as_bytes()),
        on_failure: on_failure.number(),
        result: result.map(State::number),
    }
}

pub(super) fn from_dependency(dependency: stored::Dependency) -> Result<Dependency, Why> {
    let stored::Dependency {
        task_id,
        on_failure,
        result,
    } = dependency;
    Ok(Dependency {
        task_id: id(&task_id)?,
        on_failure: number(on_failure, FailureRule::from_number, "failure rule")?,
        result: result.map(state).transpose()?,
    })
}

pub(super) fn state(stored: i32) -> Result<State, Why> {
    number(stored, State::from_number, "state")
}

/// With the bytes of the answers: they stand nowhere else once newer requests have pushed this one off its task.
pub(super) fn to_input_request(request: &InputRequest) -> stored::InputRequest {
    let InputRequest {
        key,
        prompt,
        schema,
        choices,
        deadline_time,
        default_input,
        answer,
        answerer,
    } = request;
    stored::InputRequest {
        key: key.clone(),
        prompt: prompt.clone(),
        choices: choices.clone(),
        answer: answer.as_ref().map(to_payload),
        answerer: answerer.as_ref().map(to_actor),
        schema: schema.clone(),
        deadline_time: micros(*deadline_time),
        default_input: default_input.as_ref().map(to_payload),
    }
}

pub(super) fn from_input_request(request: stored::InputRequest) -> Result<InputRequest, Why> {
    let stored::InputRequest {
        key,
        prompt,
        choices,
        answer,
        answerer,
        schema,
        deadline_time,
        default_input,
    } = request;
    Ok(InputRequest {
        key,
        prompt,
        schema,
        choices,
        deadline_time: time(deadline_time),
        default_input: default_input.map(from_payload).transpose()?,
        answer: answer.map(from_payload).transpose()?,
        answerer: answerer.map(from_actor).transpose()?,
    })
}

pub(super) fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

pub(super) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

/// Labels as the columns hold them: a JSON object, its keys in order.
pub(super) fn to_labels(labels: &Labels) -> String {
    // A map of strings has no key or value that JSON cannot say.
    serde_json::to_string(labels.as_ref()).expect("a map of strings is JSON")
}

pub(super) fn from_labels(text: &str) -> Result<Labels, Why> {
    let labels = serde_json::from_str(text);
    labels
        .map(Arc::new)
        .map_err(|error| format!("labels cannot be read: {error}"))
}
