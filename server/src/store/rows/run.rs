//! A run to its row and back.

use baton_domain::{AttemptOutcome, Run, RunEnd, TaskId, Timestamp};
use prost::Message as _;

use super::parts::{self, Why};
use crate::store::batch::EndedRun;
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::run::Model;
use crate::store::error::StoreError;

/// The columns of a run in the order of [`run_cells`]; its id is the database's to give.
pub(in crate::store) const RUN: Table = Table {
    name: "run",
    groups: &[
        &[
            id("task_id", Default::None),
            int("number", Default::None),
            int("attempt", Default::None),
            int("fence", Default::None),
            text("namespace", Default::None),
            text("queue", Default::None),
            text("type", Default::None),
            int("assignee_kind", Default::Null),
            text("assignee_id", Default::Null),
            text("assignee_name", Default::Null),
            int("start_time", Default::None),
        ],
        &[
            int("end_time", Default::Null),
            text("outcome", Default::Null),
            blob("error", Default::Null),
            blob("output", Default::Null),
        ],
    ],
};

/// The cells of a run's row, in the order of [`RUN`].
pub(in crate::store) fn run_cells(run: &Run) -> Vec<Cell<'_>> {
    let Run {
        task_id,
        number,
        attempt,
        fence,
        namespace,
        queue,
        task_type,
        assignee,
        start_time,
        end,
    } = run;
    let assigned = assignee.as_ref();
    let mut cells = vec![
        Cell::Id(task_id.0),
        Cell::Int((*number).into()),
        Cell::Int((*attempt).into()),
        Cell::Int(*fence),
        Cell::text(namespace),
        Cell::text(queue),
        Cell::text(task_type),
        Cell::option(assigned, |actor| Cell::Int(actor.kind.number().into())),
        Cell::option(assigned, |actor| Cell::text(&actor.id)),
        Cell::option(assigned, |actor| Cell::text(&actor.name)),
        Cell::Int(start_time.as_micros()),
    ];
    cells.extend(end_cells(end.as_ref()));
    cells
}

/// The cells of a run that ended: its task, its number, and how it ended in the order of [`RUN`].
pub(in crate::store) fn ended_cells(ended: &EndedRun) -> Vec<Cell<'_>> {
    let EndedRun { task_id, number, end } = ended;
    let mut cells = vec![Cell::Id(task_id.0), Cell::Int((*number).into())];
    cells.extend(end_cells(Some(end)));
    cells
}

fn end_cells(end: Option<&RunEnd>) -> [Cell<'_>; 4] {
    let Some(RunEnd {
        outcome,
        error,
        output,
        end_time,
    }) = end
    else {
        return [Cell::Null, Cell::Null, Cell::Null, Cell::Null];
    };
    let error = error.as_ref().map(|error| parts::to_error(error).encode_to_vec());
    let output = output
        .as_ref()
        .map(|output| parts::to_reference(output).encode_to_vec());
    [
        Cell::Int(end_time.as_micros()),
        Cell::text(outcome.name()),
        Cell::owned(error),
        Cell::owned(output),
    ]
}

/// The run of a row, its output without bytes.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_run(row: Model) -> Result<Run, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("run", id, why))
}

pub(super) fn convert(row: Model) -> Result<Run, Why> {
    let Model {
        id: _,
        task_id,
        number,
        attempt,
        fence,
        namespace,
        queue,
        r#type,
        assignee_kind,
        assignee_id,
        assignee_name,
        start_time,
        end_time,
        outcome,
        error,
        output,
    } = row;
    let end = match (end_time, outcome) {
        (None, None) => None,
        (Some(end_time), Some(outcome)) => Some(RunEnd {
            outcome: parts::name(&outcome, AttemptOutcome::from_name, "attempt outcome")?,
            error: error
                .map(|bytes| parts::decode(bytes, "error").map(parts::from_error))
                .transpose()?,
            output: output
                .map(|bytes| parts::decode(bytes, "output").and_then(parts::from_payload))
                .transpose()?,
            end_time: Timestamp::from_micros(end_time),
        }),
        (_, _) => return Err("only a part of its end is there".to_owned()),
    };
    Ok(Run {
        task_id: TaskId(task_id),
        number,
        attempt,
        fence,
        namespace,
        queue,
        task_type: r#type,
        assignee: parts::assignee(assignee_kind, assignee_id, assignee_name)?,
        start_time: Timestamp::from_micros(start_time),
        end,
    })
}
