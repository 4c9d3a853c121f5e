//! A row to the task it holds.

use baton_domain::{
    Actor, ActorType, Dependency, Lease, Payload, Priority, Span, State, Task, TaskId, Timestamp,
    Verification,
};
use prost::Message;

use super::model::TaskRow;
use super::parts::{self, Why};
use super::payload::read_payload;
use super::{stored, work};
use crate::store::entity::task::Model;
use crate::store::error::StoreError;

/// The task of a row. Payloads have no body where the row was read without.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_task(row: TaskRow) -> Result<Task, StoreError> {
    let id = row.task.id;
    convert(row).map_err(|why| StoreError::corrupt("task", id, why))
}

#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
fn convert(TaskRow { task, lease }: TaskRow) -> Result<Task, Why> {
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
        run_count,
        start_time,
        end_time,
        schedule_time,
        // Follows from the state, the schedule time and the time limits.
        wake_time: _,
        paused_from,
        timers,
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
        leased,
        progress,
        error,
        dependencies,
        input_requests,
        input,
        input_body,
        output,
        output_body,
        checkpoint,
        checkpoint_body,
        checkpoint_version,
        receipt,
        last_call,
        handover_call,
        output_count,
        retry_count,
        cleared_input,
        has_dependants,
        has_children,
    } = task;
    let stored::Spec {
        description,
        function,
        retry_policy,
        verification,
        metadata,
        spec_hash,
        timeouts,
        verification_grace,
        dedup_key,
    } = parts::decode(spec, "spec")?;
    let timers = timers.map(|bytes| parts::decode(bytes, "timers")).transpose()?;
    let (create_time, update_time) = (
        Timestamp::from_micros(create_time),
        Timestamp::from_micros(update_time),
    );
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
        assignee: parts::assignee(assignee_kind, assignee_id, assignee_name)?,
        progress: progress
            .map(|bytes| parts::decode(bytes, "progress").map(parts::from_progress))
            .transpose()?,
        parent_id: parent_id.map(TaskId),
        dependencies: read_dependencies(dependencies)?,
        schedule_time: parts::time(schedule_time),
        create_time,
        update_time,
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
        receipt: receipt
            .map(|bytes| parts::decode(bytes, "receipt").and_then(work::from_receipt))
            .transpose()?,
        checkpoint: payload(checkpoint, checkpoint_body, "checkpoint")?,
        checkpoint_version,
        leased,
        lease: lease.map(read_lease),
        run_count,
        output_count,
        timeouts: timeouts.as_ref().map(work::from_timeouts).unwrap_or_default(),
        timers: work::from_timers(timers, (create_time, update_time)),
        verification_grace: verification_grace.map(Span::from_micros),
        dedup_key,
        last_call,
        handover_call,
    })
}

fn read_lease((duration, expire_time): (i64, i64)) -> Lease {
    Lease {
        duration: Span::from_micros(duration),
        expire_time: Timestamp::from_micros(expire_time),
    }
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

fn payload(header: Option<Vec<u8>>, body: Option<Vec<u8>>, what: &str) -> Result<Option<Payload>, Why> {
    header.map(|header| read_payload(header, body, what)).transpose()
}
