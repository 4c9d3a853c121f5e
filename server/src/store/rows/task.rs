//! A task and its row.

use baton_domain::{
    Actor, ActorType, Dependency, Payload, Priority, Span, State, Task, TaskId, Timeouts, Timers, Timestamp,
    Verification,
};
use bytes::Bytes;
use prost::Message;

use super::parts::{self, Why};
use super::payload::read_payload;
use super::stored;
use crate::store::bulk::{Cell, Default, Table, blob, plain};
use crate::store::entity::task::Model;
use crate::store::error::StoreError;

/// The columns of a task in the order of [`task_cells`], in groups that change together.
pub(in crate::store) const TASK: Table = Table {
    name: "task",
    groups: &[
        &[
            blob("id", Default::None),
            plain("namespace", Default::None),
            plain("creator_kind", Default::None),
            plain("creator_id", Default::None),
            plain("create_time", Default::None),
        ],
        &[
            plain("update_time", Default::None),
            plain("revision", Default::None),
        ],
        &[
            plain("state", Default::None),
            plain("state_reason", Default::None),
            plain("edit_revision", Default::None),
            plain("queue_time", Default::Null),
        ],
        &[
            plain("state_message", Default::EmptyText),
            plain("attempt", Default::Int(1)),
            plain("fence", Default::Int(0)),
            plain("execution_count", Default::Int(0)),
            plain("start_time", Default::Null),
            plain("end_time", Default::Null),
        ],
        &[
            plain("schedule_time", Default::Null),
            plain("wake_time", Default::Null),
            plain("paused_from", Default::Null),
        ],
        &[
            plain("queue", Default::None),
            plain("type", Default::None),
            plain("priority", Default::None),
            plain("title", Default::None),
            plain("labels", Default::None),
            blob("spec", Default::None),
        ],
        &[plain("creator_name", Default::EmptyText)],
        &[blob("parent_id", Default::Null)],
        &[
            plain("assignee_kind", Default::Null),
            plain("assignee_id", Default::Null),
            plain("assignee_name", Default::Null),
        ],
        &[blob("progress", Default::Null)],
        &[blob("error", Default::Null)],
        &[blob("dependencies", Default::Null)],
        &[blob("input_requests", Default::Null)],
        &[blob("input", Default::Null), blob("input_body", Default::Null)],
        &[blob("output", Default::Null), blob("output_body", Default::Null)],
        &[plain("retry_count", Default::Int(0))],
        &[plain("cleared_input", Default::Int(0))],
        &[
            plain("has_dependants", Default::Int(0)),
            plain("has_children", Default::Int(0)),
        ],
    ],
};

/// The cells of a task's row, in the order of [`TASK`].
#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
pub(in crate::store) fn task_cells(task: &Task) -> Vec<Cell<'_>> {
    let Task {
        id,
        namespace,
        queue,
        task_type,
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
        labels,
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
    let time = |time| Cell::option(parts::micros(time), Cell::Int);
    let assigned = assignee.as_ref();
    vec![
        Cell::blob(id.0.as_bytes()),
        Cell::text(namespace),
        Cell::Int(creator.kind.number().into()),
        Cell::text(&creator.id),
        Cell::Int(create_time.as_micros()),
        Cell::Int(update_time.as_micros()),
        Cell::Int(*revision),
        Cell::text(state.name()),
        Cell::text(state_reason),
        Cell::Int(*edit_revision),
        time(*queue_time),
        Cell::text(state_message),
        Cell::Int((*attempt).into()),
        Cell::Int(*fence),
        Cell::Int((*execution_count).into()),
        time(*start_time),
        time(*end_time),
        time(*schedule_time),
        time(task.wake_time()),
        Cell::option(*paused_from, |state| Cell::text(state.name())),
        Cell::text(queue),
        Cell::text(task_type),
        Cell::Int(priority.number().into()),
        Cell::text(title),
        Cell::Text(parts::to_labels(labels).into()),
        Cell::owned(Some(to_spec(task).encode_to_vec())),
        Cell::text(&creator.name),
        Cell::option(parent_id.as_ref(), |id| Cell::blob(id.0.as_bytes())),
        Cell::option(assigned, |actor| Cell::Int(actor.kind.number().into())),
        Cell::option(assigned, |actor| Cell::text(&actor.id)),
        Cell::option(assigned, |actor| Cell::text(&actor.name)),
        Cell::owned(
            progress
                .as_ref()
                .map(|progress| parts::to_progress(progress).encode_to_vec()),
        ),
        Cell::owned(error.as_ref().map(|error| parts::to_error(error).encode_to_vec())),
        Cell::owned(list(dependencies, |list| {
            stored::Dependencies {
                dependencies: list.iter().map(parts::to_dependency).collect(),
            }
            .encode_to_vec()
        })),
        Cell::owned(list(input_requests, |list| {
            stored::InputRequests {
                input_requests: list.iter().map(parts::to_input_request).collect(),
            }
            .encode_to_vec()
        })),
        Cell::owned(
            input
                .as_ref()
                .map(|payload| parts::to_reference(payload).encode_to_vec()),
        ),
        body(input.as_ref()),
        Cell::owned(
            output
                .as_ref()
                .map(|payload| parts::to_reference(payload).encode_to_vec()),
        ),
        body(output.as_ref()),
        Cell::Int((*retry_count).into()),
        Cell::Int((*cleared_input).into()),
        Cell::Int((*has_dependants).into()),
        Cell::Int((*has_children).into()),
    ]
}

fn list<T>(items: &[T], encode: impl FnOnce(&[T]) -> Vec<u8>) -> Option<Vec<u8>> {
    (!items.is_empty()).then(|| encode(items))
}

fn body(payload: Option<&Payload>) -> Cell<'_> {
    Cell::option(payload.and_then(|payload| payload.body.as_deref()), Cell::blob)
}

pub(super) fn to_spec(task: &Task) -> stored::Spec {
    stored::Spec {
        description: task.description.clone(),
        function: task.function.as_ref().map(parts::to_function),
        retry_policy: task.retry_policy.as_ref().map(parts::to_retry_policy),
        verification: task.verification.number(),
        metadata: task.metadata.clone(),
        spec_hash: Bytes::copy_from_slice(&task.spec_hash),
    }
}

/// The task of a row. Payloads have no body where the row was read without.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_task(row: Model) -> Result<Task, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("task", id, why))
}

#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
fn convert(row: Model) -> Result<Task, Why> {
    let Model {
        id,
        namespace,
        creator_kind,
        creator_id,
        creator_name,
        create_time,
        update_time,
        revision,
        state,
        state_reason,
        edit_revision,
        queue_time,
        state_message,
        attempt,
        fence,
        execution_count,
        start_time,
        end_time,
        schedule_time,
        // Follows from the state and the schedule time.
        wake_time: _,
        paused_from,
        queue,
        r#type,
        priority,
        title,
        labels,
        spec,
        parent_id,
        assignee_kind,
        assignee_id,
        assignee_name,
        progress,
        error,
        dependencies,
        input_requests,
        input,
        input_body,
        output,
        output_body,
        retry_count,
        cleared_input,
        has_dependants,
        has_children,
    } = row;
    let stored::Spec {
        description,
        function,
        retry_policy,
        verification,
        metadata,
        spec_hash,
    } = parts::decode(spec, "spec")?;
    let creator_kind = parts::number(creator_kind, ActorType::from_number, "actor type")?;
    Ok(Task {
        id: TaskId(id),
        namespace,
        queue,
        task_type: r#type,
        function: function.map(parts::from_function).transpose()?,
        title,
        description,
        input: payload(input, input_body, "input")?,
        output: payload(output, output_body, "output")?,
        error: error
            .map(|bytes| parts::decode(bytes, "error").map(parts::from_error))
            .transpose()?,
        state: parts::name(&state, State::from_name, "state")?,
        state_reason: state_reason.into(),
        state_message,
        priority: parts::number(priority, Priority::from_number, "priority")?,
        labels: parts::from_labels(&labels)?,
        metadata,
        creator: Actor {
            kind: creator_kind,
            id: creator_id,
            name: creator_name,
        },
        assignee: assignee(assignee_kind, assignee_id, assignee_name)?,
        progress: progress
            .map(|bytes| parts::decode(bytes, "progress").map(parts::from_progress))
            .transpose()?,
        parent_id: parent_id.map(TaskId),
        dependencies: read_dependencies(dependencies)?,
        schedule_time: parts::time(schedule_time),
        create_time: Timestamp::from_micros(create_time),
        update_time: Timestamp::from_micros(update_time),
        queue_time: parts::time(queue_time),
        start_time: parts::time(start_time),
        end_time: parts::time(end_time),
        attempt,
        retry_count,
        cleared_input,
        execution_count,
        retry_policy: retry_policy.map(parts::from_retry_policy).transpose()?,
        verification: parts::number(verification, Verification::from_number, "verification")?,
        input_requests: stored_list(input_requests, "input requests", |list: stored::InputRequests| {
            parts::all(list.input_requests, parts::from_input_request)
        })?,
        fence,
        paused_from: paused_from
            .map(|state| parts::name(&state, State::from_name, "state"))
            .transpose()?,
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
            since: Timestamp::from_micros(update_time),
            spent: Span::ZERO,
            total_since: Timestamp::from_micros(create_time),
        },
        verification_grace: None,
        dedup_key: String::new(),
        last_call: None,
    })
}

/// The column `dependencies`.
pub(in crate::store) fn read_dependencies(bytes: Option<Vec<u8>>) -> Result<Vec<Dependency>, Why> {
    stored_list(bytes, "dependencies", |list: stored::Dependencies| {
        parts::all(list.dependencies, parts::from_dependency)
    })
}

fn stored_list<M: Message + std::default::Default, T>(
    bytes: Option<Vec<u8>>,
    what: &str,
    read: impl FnOnce(M) -> Result<Vec<T>, Why>,
) -> Result<Vec<T>, Why> {
    bytes.map_or_else(|| Ok(Vec::new()), |bytes| read(parts::decode(bytes, what)?))
}

fn assignee(kind: Option<i32>, id: Option<String>, name: Option<String>) -> Result<Option<Actor>, Why> {
    match (kind, id, name) {
        (None, None, None) => Ok(None),
        (Some(kind), Some(id), Some(name)) => {
            let kind = parts::number(kind, ActorType::from_number, "actor type")?;
            Ok(Some(Actor { kind, id, name }))
        }
        (_, _, _) => Err("only a part of the assignee is there".to_owned()),
    }
}

fn payload(header: Option<Vec<u8>>, body: Option<Vec<u8>>, what: &str) -> Result<Option<Payload>, Why> {
    header.map(|header| read_payload(header, body, what)).transpose()
}
