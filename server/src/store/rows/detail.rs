//! The detail of an event: the one part of the log whose form may change, so it carries a version.

use std::collections::BTreeMap;

use baton_domain::{
    Detail, Edit, Event, Labels, Previous, Priority, Span, State, Task, Timeouts, Timers, Timestamp,
    Verification,
};
use bytes::Bytes;
use prost::Message;

use super::parts::{self, Why};
use super::stored::{self, DetailKind};
use super::task::to_spec;

/// The form that this version writes. Older ones are still read.
pub(super) const DETAIL_VERSION: i32 = 1;

/// The stored form of `event`'s detail; `None` where it has none.
pub(super) fn to_detail(event: &Event) -> Option<Vec<u8>> {
    let kind = match &event.detail {
        // Not stored yet.
        Detail::None | Detail::Started { .. } | Detail::Checkpoint(_) | Detail::Output { .. } => return None,
        Detail::Created(task) => DetailKind::Created(Box::new(to_created(task, event))),
        Detail::Updated { edit, previous } => DetailKind::Updated(Box::new(to_updated(edit, previous))),
        Detail::Assigned { assignee, lease: _ } => DetailKind::Assigned(parts::to_actor(assignee)),
        Detail::Progress(progress) => DetailKind::Progress(parts::to_progress(progress)),
        Detail::Result { output, receipt: _ } => DetailKind::Result(stored::ResultDetail {
            output: output.as_ref().map(parts::to_reference),
        }),
        Detail::Failure {
            outcome,
            error,
            retry_time,
            receipt: _,
        } => DetailKind::Failure(stored::Failure {
            outcome: outcome.number(),
            error: Some(parts::to_error(error)),
            retry_time: parts::micros(*retry_time),
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
        DetailKind::Progress(progress) => Detail::Progress(parts::from_progress(progress)),
        DetailKind::Result(stored::ResultDetail { output }) => Detail::Result {
            output: output.map(parts::from_payload).transpose()?,
            receipt: None,
        },
        DetailKind::Failure(stored::Failure {
            outcome,
            error,
            retry_time,
        }) => Detail::Failure {
            outcome: parts::outcome(outcome)?,
            error: error.map(parts::from_error).ok_or("a failure has no error")?,
            retry_time: parts::time(retry_time),
            receipt: None,
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
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
fn to_created(task: &Task, event: &Event) -> stored::Created {
    let Task {
        id: _,
        namespace: _,
        queue: _,
        task_type: _,
        function: _,
        title,
        description: _,
        input,
        output,
        receipt: _,
        checkpoint: _,
        error,
        state,
        state_reason,
        state_message,
        priority,
        labels: _,
        metadata: _,
        creator,
        assignee,
        leased: _,
        lease: _,
        progress,
        parent_id,
        dependencies,
        schedule_time,
        create_time,
        update_time,
        queue_time,
        start_time,
        end_time,
        attempt,
        retry_count,
        cleared_input,
        checkpoint_version: _,
        execution_count,
        run_count: _,
        output_count: _,
        retry_policy: _,
        timeouts: _,
        timers: _,
        verification: _,
        verification_grace: _,
        dedup_key: _,
        input_requests,
        fence,
        paused_from,
        revision,
        edit_revision,
        spec_hash: _,
        last_call: _,
        has_dependants,
        has_children,
    } = task;
    let other_time = |time: Timestamp| (time != event.time).then_some(time.as_micros());
    stored::Created {
        title: title.clone(),
        spec: Some(to_spec(task)),
        input: input.as_ref().map(parts::to_reference),
        output: output.as_ref().map(parts::to_reference),
        error: error.as_ref().map(parts::to_error),
        state: state.number(),
        state_reason: state_reason.to_string(),
        state_message: state_message.clone(),
        priority: priority.number(),
        creator: (*creator != event.actor).then(|| parts::to_actor(creator)),
        assignee: assignee.as_ref().map(parts::to_actor),
        progress: progress.as_ref().map(parts::to_progress),
        parent_id: parent_id.map(|id| Bytes::copy_from_slice(id.0.as_bytes())),
        dependencies: dependencies.iter().map(parts::to_dependency).collect(),
        schedule_time: parts::micros(*schedule_time),
        create_time: other_time(*create_time),
        update_time: other_time(*update_time),
        queue_time: parts::micros(*queue_time),
        start_time: parts::micros(*start_time),
        end_time: parts::micros(*end_time),
        attempt: *attempt,
        retry_count: *retry_count,
        cleared_input: *cleared_input,
        execution_count: *execution_count,
        input_requests: input_requests.iter().map(parts::to_input_request).collect(),
        fence: *fence,
        paused_from: paused_from.map(State::number),
        revision: *revision,
        edit_revision: *edit_revision,
        has_dependants: *has_dependants,
        has_children: *has_children,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
fn from_created(created: stored::Created, event: &Event) -> Result<Task, Why> {
    let stored::Created {
        title,
        spec,
        input,
        output,
        error,
        state,
        state_reason,
        state_message,
        priority,
        creator,
        assignee,
        progress,
        parent_id,
        dependencies,
        schedule_time,
        create_time,
        update_time,
        queue_time,
        start_time,
        end_time,
        attempt,
        retry_count,
        cleared_input,
        execution_count,
        input_requests,
        fence,
        paused_from,
        revision,
        edit_revision,
        has_dependants,
        has_children,
    } = created;
    let stored::Spec {
        description,
        function,
        retry_policy,
        verification,
        metadata,
        spec_hash,
    } = spec.ok_or("a created task has no spec")?;
    Ok(Task {
        id: event.task_id,
        namespace: event.namespace.clone(),
        queue: event.queue.clone(),
        task_type: event.task_type.clone(),
        function: function.map(parts::from_function).transpose()?,
        title,
        description,
        input: input.map(parts::from_payload).transpose()?,
        output: output.map(parts::from_payload).transpose()?,
        error: error.map(parts::from_error),
        state: parts::state(state)?,
        state_reason: state_reason.into(),
        state_message,
        priority: parts::number(priority, Priority::from_number, "priority")?,
        labels: event.labels.clone(),
        metadata,
        creator: creator.map_or_else(|| Ok(event.actor.clone()), parts::from_actor)?,
        assignee: assignee.map(parts::from_actor).transpose()?,
        progress: progress.map(parts::from_progress),
        parent_id: parent_id.map(|bytes| parts::id(&bytes)).transpose()?,
        dependencies: parts::all(dependencies, parts::from_dependency)?,
        schedule_time: parts::time(schedule_time),
        create_time: parts::time(create_time).unwrap_or(event.time),
        update_time: parts::time(update_time).unwrap_or(event.time),
        queue_time: parts::time(queue_time),
        start_time: parts::time(start_time),
        end_time: parts::time(end_time),
        attempt,
        retry_count,
        cleared_input,
        execution_count,
        retry_policy: retry_policy.map(parts::from_retry_policy).transpose()?,
        verification: parts::number(verification, Verification::from_number, "verification")?,
        input_requests: parts::all(input_requests, parts::from_input_request)?,
        fence,
        paused_from: paused_from.map(parts::state).transpose()?,
        revision,
        edit_revision,
        spec_hash: parts::hash(&spec_hash)?,
        has_dependants,
        has_children,
        // No columns yet: what a task has that nobody leased, that has no limits and no checkpoint.
        receipt: None,
        checkpoint: None,
        leased: false,
        lease: None,
        checkpoint_version: 0,
        run_count: 0,
        output_count: 0,
        timeouts: Timeouts::default(),
        timers: Timers {
            since: parts::time(update_time).unwrap_or(event.time),
            spent: Span::ZERO,
            total_since: parts::time(create_time).unwrap_or(event.time),
        },
        verification_grace: None,
        dedup_key: String::new(),
        last_call: None,
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
        timeouts: _,
        verification,
        verification_grace: _,
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
        timeouts: None,
        verification_grace: None,
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
