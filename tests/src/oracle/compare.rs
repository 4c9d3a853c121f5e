//! A task as the server shows it against the fold of its events.

use baton_proto::v1::payload::Kind;
use baton_proto::v1::{Payload, PayloadRef, Task, TaskError, VerificationMode};
use prost::Message;
use sha2::{Digest, Sha256};

use super::fold::{DEPENDENCY_FAILED, Folded};

/// How much of a task is there to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Everything: TASK_VIEW_FULL.
    Whole,
    /// Payloads may be left out; those that are there count.
    Some,
}

/// The fields in which `shown` is not what the fold says, each with both values.
pub(super) fn differences(shown: &Task, folded: &Folded, how: Shown) -> Vec<String> {
    let mut found = Vec::new();
    payload_fields(shown, folded, how, &mut found);
    plain_fields(
        &without_payloads(shown),
        &without_payloads(&folded.task),
        &mut found,
    );
    found
}

/// A task as far as it is compared by value.
fn without_payloads(task: &Task) -> Task {
    let mut task = task.clone();
    task.etag.clear();
    task.input = None;
    task.output = None;
    for request in &mut task.input_requests {
        request.answer = None;
        request.default_input = None;
    }
    if let Some(error) = &mut task.error
        && error.code == DEPENDENCY_FAILED
    {
        error.message.clear();
    }
    // Absent means NONE.
    let verification = task.verification.get_or_insert_default();
    if verification.mode() == VerificationMode::Unspecified {
        verification.set_mode(VerificationMode::None);
    }
    task
}

/// Compares field by field. The pattern names every field, so that a new one breaks the build.
fn plain_fields(shown: &Task, folded: &Task, found: &mut Vec<String>) {
    macro_rules! compare {
        ($($field:ident),+ $(,)?) => {
            let Task { $($field),+, etag: _, input: _, output: _ } = folded;
            $(if shown.$field != *$field {
                found.push(format!("{}: {:?}, not {:?}", stringify!($field), shown.$field, $field));
            })+
        };
    }
    compare!(
        id,
        namespace,
        queue,
        r#type,
        state,
        state_reason,
        state_message,
        priority,
        title,
        error,
        progress,
        revision,
        description,
        labels,
        metadata,
        creator,
        assignee,
        parent_id,
        dependencies,
        schedule_time,
        create_time,
        update_time,
        queue_time,
        start_time,
        end_time,
        duration,
        attempt,
        retry_count,
        execution_count,
        retry_policy,
        timeouts,
        verification,
        receipt,
        dedup_key,
        input_requests,
        function,
    );
    if shown.error.as_ref().is_some_and(wordless) {
        found.push("error: has no message".to_owned());
    }
}

fn wordless(error: &TaskError) -> bool {
    // Of DEPENDENCY_FAILED the words were taken away above: they are the server's own.
    error.message.is_empty() && error.code != DEPENDENCY_FAILED && error.code != "REJECTED"
}

fn payload_fields(shown: &Task, folded: &Folded, how: Shown, found: &mut Vec<String>) {
    one_payload("input", shown.input.as_ref(), folded.input.as_ref(), (how, found));
    one_payload(
        "output",
        shown.output.as_ref(),
        folded.output.as_ref(),
        (how, found),
    );
    let answers = folded.task.input_requests.iter().map(|r| r.answer.as_ref());
    for (request, answer) in shown.input_requests.iter().zip(answers) {
        let differs = match (&request.answer, answer) {
            (None, Some(_)) => how == Shown::Whole,
            (given, known) => given.as_ref() != known && known.is_some(),
        };
        if differs {
            found.push(format!("the answer to {:?} is another one", request.key));
        }
    }
}

fn one_payload(
    field: &str,
    shown: Option<&Payload>,
    named: Option<&PayloadRef>,
    (how, found): (Shown, &mut Vec<String>),
) {
    match (shown, named) {
        (None, None) => {}
        (None, Some(_)) if how == Shown::Some => {}
        (None, Some(_)) => found.push(format!("{field}: is missing")),
        (Some(_), None) => found.push(format!("{field}: is there, but no event brought it")),
        (Some(payload), Some(named)) => {
            if let Err(difference) = is_that(payload, named) {
                found.push(format!("{field}: {difference}"));
            }
        }
    }
}

/// Whether a payload is the one that an event names.
///
/// Errors: what differs.
pub(super) fn is_that(payload: &Payload, named: &PayloadRef) -> Result<(), String> {
    if named.payload.as_ref().is_some_and(|standing| standing != payload) {
        return Err("is not the payload of the event".to_owned());
    }
    let size = i64::try_from(payload.encoded_len()).unwrap_or(i64::MAX);
    if size != named.size {
        return Err(format!("has {size} bytes, the event says {}", named.size));
    }
    match fingerprint(payload) {
        Some(hash) if hash != named.sha256 => {
            Err(format!("hashes to {hash}, the event says {}", named.sha256))
        }
        _ => Ok(()),
    }
}

/// SHA-256 of the value's bytes. `None` for `json`: the same JSON may be encoded in many ways.
fn fingerprint(payload: &Payload) -> Option<String> {
    let bytes = match payload.kind.as_ref()? {
        Kind::Json(_) => return None,
        Kind::JsonText(text) | Kind::Uri(text) => text.as_bytes(),
        Kind::Data(data) => data.as_ref(),
    };
    let digest = Sha256::digest(bytes);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
