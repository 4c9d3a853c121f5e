//! A task to its row, and its lease to the row of that.

use std::sync::Arc;

use baton_domain::{Lease, Payload, Span, Task, TaskId, Timeouts};
use bytes::Bytes;
use prost::Message;

use super::{parts, stored, work};
use crate::store::bulk::{Cell, Default, Table, blob, flag, id, int, text};

/// The columns of a task in the order of [`task_cells`], in groups that change together.
pub(in crate::store) const TASK: Table = Table {
    name: "task",
    groups: &[
        &[
            id("id", Default::None),
            text("namespace", Default::None),
            int("creator_kind", Default::None),
            text("creator_id", Default::None),
            int("create_time", Default::None),
        ],
        &[int("update_time", Default::None), int("revision", Default::None)],
        &[
            text("state", Default::None),
            text("state_reason", Default::None),
            int("edit_revision", Default::None),
            int("queue_time", Default::Null),
        ],
        &[
            text("state_message", Default::EmptyText),
            int("attempt", Default::Int(1)),
            int("fence", Default::Int(0)),
            int("execution_count", Default::Int(0)),
            int("run_count", Default::Int(0)),
            int("start_time", Default::Null),
            int("end_time", Default::Null),
        ],
        &[
            int("schedule_time", Default::Null),
            int("wake_time", Default::Null),
            text("paused_from", Default::Null),
        ],
        &[blob("timers", Default::Null)],
        &[
            text("queue", Default::None),
            text("type", Default::None),
            int("priority", Default::None),
            text("title", Default::None),
            text("labels", Default::None),
            blob("spec", Default::None),
        ],
        &[text("creator_name", Default::EmptyText)],
        &[id("parent_id", Default::Null)],
        &[
            int("assignee_kind", Default::Null),
            text("assignee_id", Default::Null),
            text("assignee_name", Default::Null),
            flag("leased", Default::Int(0)),
        ],
        &[blob("progress", Default::Null)],
        &[blob("error", Default::Null)],
        &[blob("dependencies", Default::Null)],
        &[blob("input_requests", Default::Null)],
        &[blob("input", Default::Null), blob("input_body", Default::Null)],
        &[blob("output", Default::Null), blob("output_body", Default::Null)],
        &[
            blob("checkpoint", Default::Null),
            blob("checkpoint_body", Default::Null),
            int("checkpoint_version", Default::Int(0)),
        ],
        &[blob("receipt", Default::Null)],
        &[
            int("last_call", Default::Null),
            int("handover_call", Default::Null),
            int("output_count", Default::Int(0)),
        ],
        &[int("retry_count", Default::Int(0))],
        &[int("cleared_input", Default::Int(0))],
        &[
            flag("has_dependants", Default::Int(0)),
            flag("has_children", Default::Int(0)),
        ],
        // Of a new row only; see `Plan::insert_tasks`.
        &[int("number", Default::None)],
    ],
};

/// The columns of a live lease in the order of [`lease_cells`].
pub(in crate::store) const LEASE: Table = Table {
    name: "lease",
    groups: &[&[
        id("task_id", Default::None),
        int("duration", Default::None),
        int("expire_time", Default::None),
    ]],
};

/// The cells of the row of a task's lease, in the order of [`LEASE`].
pub(in crate::store) fn lease_cells(task_id: &TaskId, lease: Lease) -> Vec<Cell<'_>> {
    let Lease {
        duration,
        expire_time,
    } = lease;
    vec![
        Cell::Id(task_id.0),
        Cell::Int(duration.as_micros()),
        Cell::Int(expire_time.as_micros()),
    ]
}

/// Which groups of [`TASK`] are encoded that are dear and seldom change.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Dear {
    /// What clients edit.
    edited: bool,
    input: bool,
}

impl Dear {
    /// All of them.
    pub(in crate::store) const ALL: Self = Self {
        edited: true,
        input: true,
    };

    /// Those in which two versions of a task differ.
    pub(in crate::store) fn changed(before: &Task, now: &Task) -> Self {
        Self {
            edited: !is_edited_alike(before, now),
            input: !is_same(before.input.as_ref(), now.input.as_ref()),
        }
    }
}

/// The cells of a task's row, in the order of [`TASK`], without its number. Groups that `dear` leaves out are NULL, and not to
/// be written.
#[expect(
    clippy::too_many_lines,
    reason = "names every field of a task, so that none is forgotten"
)]
pub(in crate::store) fn task_cells(task: &Task, dear: Dear) -> Vec<Cell<'_>> {
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
        receipt,
        checkpoint,
        error,
        state,
        state_reason,
        state_message,
        priority,
        labels: _,
        metadata: _,
        creator,
        assignee,
        leased,
        // Has a row of its own.
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
        checkpoint_version,
        execution_count,
        run_count,
        output_count,
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
        last_call,
        handover_call,
        has_dependants,
        has_children,
    } = task;
    let time = |time| Cell::option(parts::micros(time), Cell::Int);
    let assigned = assignee.as_ref();
    let edited = dear.edited.then_some(task);
    let input = input.as_ref().filter(|_| dear.input);
    vec![
        Cell::Id(id.0),
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
        Cell::Int((*run_count).into()),
        time(*start_time),
        time(*end_time),
        time(*schedule_time),
        time(task.wake_time()),
        Cell::option(*paused_from, |state| Cell::text(state.name())),
        message(work::to_timers(task)),
        Cell::text(queue),
        Cell::text(task_type),
        Cell::Int(priority.number().into()),
        Cell::text(title),
        Cell::option(edited, |task| Cell::Text(parts::to_labels(&task.labels).into())),
        message(edited.map(to_spec)),
        Cell::text(&creator.name),
        Cell::option(parent_id.as_ref(), |id| Cell::Id(id.0)),
        Cell::option(assigned, |actor| Cell::Int(actor.kind.number().into())),
        Cell::option(assigned, |actor| Cell::text(&actor.id)),
        Cell::option(assigned, |actor| Cell::text(&actor.name)),
        Cell::Int((*leased).into()),
        message(progress.as_ref().map(parts::to_progress)),
        message(error.as_ref().map(parts::to_error)),
        message(list(dependencies, |list| stored::Dependencies {
            dependencies: list.iter().map(parts::to_dependency).collect(),
        })),
        message(list(input_requests, |list| stored::InputRequests {
            input_requests: list.iter().map(parts::to_input_request).collect(),
        })),
        header(input),
        body(input),
        header(output.as_ref()),
        body(output.as_ref()),
        header(checkpoint.as_ref()),
        body(checkpoint.as_ref()),
        Cell::Int((*checkpoint_version).into()),
        message(receipt.as_deref().map(work::to_receipt)),
        Cell::option(*last_call, Cell::Int),
        Cell::option(*handover_call, Cell::Int),
        Cell::Int((*output_count).into()),
        Cell::Int((*retry_count).into()),
        Cell::Int((*cleared_input).into()),
        Cell::Int((*has_dependants).into()),
        Cell::Int((*has_children).into()),
    ]
}

fn message<'a>(stored: Option<impl Message>) -> Cell<'a> {
    Cell::owned(stored.map(|stored| stored.encode_to_vec()))
}

fn list<T, M>(items: &[T], stored: impl FnOnce(&[T]) -> M) -> Option<M> {
    (!items.is_empty()).then(|| stored(items))
}

fn header(payload: Option<&Payload>) -> Cell<'_> {
    message(payload.map(parts::to_reference))
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
        timeouts: (task.timeouts != Timeouts::default()).then(|| work::to_timeouts(&task.timeouts)),
        verification_grace: task.verification_grace.map(Span::as_micros),
        dedup_key: task.dedup_key.clone(),
    }
}

/// Whether the columns that clients edit are the same: those beside the specification, and what [`to_spec`] takes.
fn is_edited_alike(a: &Task, b: &Task) -> bool {
    let same_columns = a.queue == b.queue
        && a.task_type == b.task_type
        && a.priority == b.priority
        && a.title == b.title
        && (Arc::ptr_eq(&a.labels, &b.labels) || a.labels == b.labels);
    same_columns
        && a.description == b.description
        && a.function == b.function
        && a.retry_policy == b.retry_policy
        && a.verification == b.verification
        && a.metadata == b.metadata
        && a.spec_hash == b.spec_hash
        && a.timeouts == b.timeouts
        && a.verification_grace == b.verification_grace
        && a.dedup_key == b.dedup_key
}

fn is_same(a: Option<&Payload>, b: Option<&Payload>) -> bool {
    let (Some(first), Some(second)) = (a, b) else {
        return a.is_none() && b.is_none();
    };
    let numbers = |payload: &Payload| (payload.kind, payload.version, payload.size, payload.sha256);
    numbers(first) == numbers(second) && first.media_type == second.media_type && body(a) == body(b)
}
