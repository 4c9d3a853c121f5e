//! The detail of an event: the one part of the log whose form may change, so it carries a version.

use std::collections::BTreeMap;

use baton_domain::{Detail, Edit, Event, Labels, Previous, Priority, Span, Timestamp, Verification};
use prost::Message;

use super::created::{from_created, to_created};
use super::parts::{self, Why};
use super::stored::{self, DetailKind};
use super::work;

/// The form that this version writes. Older ones are still read.
pub(super) const DETAIL_VERSION: i32 = 1;

/// The stored form of `event`'s detail; `None` where it has none.
pub(super) fn to_detail(event: &Event) -> Option<Vec<u8>> {
    let kind = match &event.detail {
        Detail::None => return None,
        Detail::Created(task) => DetailKind::Created(Box::new(to_created(task, event))),
        Detail::Updated { edit, previous } => DetailKind::Updated(Box::new(to_updated(edit, previous))),
        Detail::Assigned {
            assignee,
            lease: None,
        } => DetailKind::Assigned(parts::to_actor(assignee)),
        Detail::Assigned {
            assignee,
            lease: Some(lease),
        } => DetailKind::Granted(work::to_granted(assignee, lease)),
        Detail::Started { start_time } => DetailKind::Started(stored::Started {
            start_time: start_time.as_micros(),
        }),
        Detail::Progress(progress) => DetailKind::Progress(parts::to_progress(progress)),
        Detail::Result { output, receipt } => DetailKind::Result(stored::ResultDetail {
            output: output.as_ref().map(parts::to_reference),
            receipt: receipt.as_deref().map(work::to_receipt),
        }),
        Detail::Failure {
            outcome,
            error,
            retry_time,
            receipt,
        } => DetailKind::Failure(stored::Failure {
            outcome: outcome.number(),
            error: Some(parts::to_error(error)),
            retry_time: parts::micros(*retry_time),
            receipt: receipt.as_deref().map(work::to_receipt),
        }),
        Detail::Scheduled { schedule_time } => DetailKind::Scheduled(stored::Scheduled {
            schedule_time: schedule_time.as_micros(),
        }),
        Detail::Input(request) => DetailKind::Input(parts::to_input_request(request)),
        Detail::Retried {
            retry_count,
            input,
            schedule_time,
        } => DetailKind::Retried(stored::Retried {
            retry_count: *retry_count,
            input: input.as_ref().map(parts::to_reference),
            schedule_time: parts::micros(*schedule_time),
        }),
        Detail::Dependency(dependency) => DetailKind::Dependency(parts::to_dependency(dependency)),
        Detail::Checkpoint(checkpoint) => DetailKind::Checkpoint(parts::to_reference(checkpoint)),
        Detail::Output { index, chunk } => DetailKind::Output(stored::Output {
            index: *index,
            chunk: Some(parts::to_payload(chunk)),
        }),
    };
    Some(stored::Detail { kind: Some(kind) }.encode_to_vec())
}

/// Reads the detail of an event whose other fields stand in `event`.
pub(super) fn read_detail(bytes: Option<Vec<u8>>, version: i32, event: &Event) -> Result<Detail, Why> {
    let Some(bytes) = bytes else {
        return Ok(Detail::None);
    };
    if version != DETAIL_VERSION {
        return Err(format!("detail version {version} is not known"));
    }
    let stored::Detail { kind } = parts::decode(bytes, "detail")?;
    Ok(match kind.ok_or("the detail is of an unknown kind")? {
        DetailKind::Created(created) => Detail::Created(Box::new(from_created(*created, event)?)),
        DetailKind::Updated(updated) => from_updated(*updated, &event.labels)?,
        DetailKind::Assigned(actor) => Detail::Assigned {
            assignee: parts::from_actor(actor)?,
            lease: None,
        },
        DetailKind::Granted(granted) => {
            let (assignee, lease) = work::from_granted(granted)?;
            Detail::Assigned {
                assignee,
                lease: Some(lease),
            }
        }
        DetailKind::Started(stored::Started { start_time }) => Detail::Started {
            start_time: Timestamp::from_micros(start_time),
        },
        DetailKind::Progress(progress) => Detail::Progress(parts::from_progress(progress)),
        DetailKind::Result(stored::ResultDetail { output, receipt }) => Detail::Result {
            output: output.map(parts::from_payload).transpose()?,
            receipt: receipt.map(work::from_receipt).transpose()?,
        },
        DetailKind::Failure(stored::Failure {
            outcome,
            error,
            retry_time,
            receipt,
        }) => Detail::Failure {
            outcome: parts::outcome(outcome)?,
            error: error.map(parts::from_error).ok_or("a failure has no error")?,
            retry_time: parts::time(retry_time),
            receipt: receipt.map(work::from_receipt).transpose()?,
        },
        DetailKind::Scheduled(stored::Scheduled { schedule_time }) => Detail::Scheduled {
            schedule_time: Timestamp::from_micros(schedule_time),
        },
        DetailKind::Input(request) => Detail::Input(Box::new(parts::from_input_request(request)?)),
        DetailKind::Retried(stored::Retried {
            retry_count,
            input,
            schedule_time,
        }) => Detail::Retried {
            retry_count,
            input: input.map(parts::from_payload).transpose()?,
            schedule_time: parts::time(schedule_time),
        },
        DetailKind::Dependency(dependency) => Detail::Dependency(parts::from_dependency(dependency)?),
        DetailKind::Checkpoint(checkpoint) => Detail::Checkpoint(parts::from_payload(checkpoint)?),
        DetailKind::Output(stored::Output { index, chunk }) => Detail::Output {
            index,
            chunk: parts::from_payload(chunk.ok_or("a part of the output has no payload")?)?,
        },
    })
}

fn to_updated(edit: &Edit, previous: &Previous) -> stored::Updated {
    let Edit {
        queue,
        task_type,
        function,
        title,
        description,
        input,
        priority,
        labels,
        metadata,
        retry_policy,
        timeouts,
        verification,
        verification_grace,
    } = edit;
    let Previous {
        queue: previous_queue,
        task_type: previous_type,
        labels: previous_labels,
    } = previous;
    stored::Updated {
        queue: queue.clone(),
        task_type: task_type.clone(),
        function_set: function.is_some(),
        function: function.iter().flatten().map(parts::to_function).next(),
        title: title.clone(),
        description: description.clone(),
        input_set: input.is_some(),
        input: input.iter().flatten().map(parts::to_reference).next(),
        priority: priority.map(Priority::number),
        labels_set: labels.is_some(),
        metadata_set: metadata.is_some(),
        metadata: metadata.clone().flatten(),
        retry_policy_set: retry_policy.is_some(),
        retry_policy: retry_policy.iter().flatten().map(parts::to_retry_policy).next(),
        verification: verification.map(Verification::number),
        previous_queue: previous_queue.clone(),
        previous_type: previous_type.clone(),
        previous_labels: BTreeMap::clone(previous_labels),
        timeouts: timeouts.as_ref().map(work::to_timeouts),
        verification_grace_set: verification_grace.is_some(),
        verification_grace: verification_grace.flatten().map(Span::as_micros),
    }
}

fn from_updated(updated: stored::Updated, labels: &Labels) -> Result<Detail, Why> {
    let stored::Updated {
        queue,
        task_type,
        function_set,
        function,
        title,
        description,
        input_set,
        input,
        priority,
        labels_set,
        metadata_set,
        metadata,
        retry_policy_set,
        retry_policy,
        verification,
        previous_queue,
        previous_type,
        previous_labels,
        timeouts,
        verification_grace_set,
        verification_grace,
    } = updated;
    let edit = Edit {
        queue,
        task_type,
        function: named(function_set, function.map(parts::from_function).transpose()?),
        title,
        description,
        input: named(input_set, input.map(parts::from_payload).transpose()?),
        priority: priority
            .map(|n| parts::number(n, Priority::from_number, "priority"))
            .transpose()?,
        labels: labels_set.then(|| labels.clone()),
        metadata: named(metadata_set, metadata),
        retry_policy: named(
            retry_policy_set,
            retry_policy.map(parts::from_retry_policy).transpose()?,
        ),
        verification: verification
            .map(|n| parts::number(n, Verification::from_number, "verification"))
            .transpose()?,
        timeouts: timeouts.as_ref().map(work::from_timeouts),
        verification_grace: named(verification_grace_set, verification_grace.map(Span::from_micros)),
    };
    let previous = Previous {
        queue: previous_queue,
        task_type: previous_type,
        labels: previous_labels.into(),
    };
    Ok(Detail::Updated {
        edit: Box::new(edit),
        previous: Box::new(previous),
    })
}

/// An optional field of an edit: not named, named and cleared, or named with a value.
fn named<T>(is_named: bool, value: Option<T>) -> Option<Option<T>> {
    is_named.then_some(value)
}
