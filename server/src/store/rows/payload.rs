//! Replaced payloads, and where events name payloads.

use baton_domain::{Detail, Payload, PayloadRole, TaskId};
use prost::Message;

use super::parts;
use crate::store::bulk::{Cell, Default, Table, blob, id, int};
use crate::store::entity::payload::Model;
use crate::store::error::StoreError;

/// The columns of a payload in the order of [`payload_cells`].
pub(in crate::store) const PAYLOAD: Table = Table {
    name: "payload",
    groups: &[&[
        id("task_id", Default::None),
        int("role", Default::None),
        int("version", Default::None),
        blob("header", Default::None),
        blob("body", Default::None),
    ]],
};

/// The cells of a payload's row, in the order of [`PAYLOAD`].
pub(in crate::store) fn payload_cells(
    task_id: TaskId,
    role: PayloadRole,
    payload: &Payload,
) -> Vec<Cell<'_>> {
    vec![
        Cell::Id(task_id.0),
        Cell::Int(role.number().into()),
        Cell::Int(payload.version.into()),
        Cell::owned(Some(parts::to_reference(payload).encode_to_vec())),
        Cell::option(payload.body.as_deref(), Cell::blob),
    ]
}

/// The payload of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_replaced(row: Model) -> Result<Payload, StoreError> {
    let Model {
        task_id,
        role,
        version,
        header,
        body,
    } = row;
    read_payload(header, Some(body), "payload")
        .map_err(|why| StoreError::corrupt("payload", format!("{task_id} {role} {version}"), why))
}

/// The payload of a header and its body.
pub(in crate::store) fn read_payload(
    header: Vec<u8>,
    body: Option<Vec<u8>>,
    what: &str,
) -> Result<Payload, parts::Why> {
    let reference = parts::from_payload(parts::decode(header, what)?)?;
    Ok(Payload {
        body: body.map(Into::into),
        ..reference
    })
}

/// The payloads that `detail` names and that stand in rows of their own; answers and chunks of output do not.
pub(in crate::store) fn payloads(detail: &Detail) -> impl Iterator<Item = (PayloadRole, &Payload)> {
    let (input, output, checkpoint) = match detail {
        Detail::Created(task) => (
            task.input.as_ref(),
            task.output.as_ref(),
            task.checkpoint.as_ref(),
        ),
        Detail::Updated { edit, .. } => (edit.input.as_ref().and_then(Option::as_ref), None, None),
        Detail::Result { output, .. } => (None, output.as_ref(), None),
        Detail::Retried { input, .. } => (input.as_ref(), None, None),
        Detail::Checkpoint(checkpoint) => (None, None, Some(checkpoint)),
        Detail::None
        | Detail::Started { .. }
        | Detail::Output { .. }
        | Detail::Assigned { .. }
        | Detail::Progress(_)
        | Detail::Failure { .. }
        | Detail::Scheduled { .. }
        | Detail::Input(_)
        | Detail::Dependency(_) => (None, None, None),
    };
    by_role([input, output, checkpoint])
}

/// As [`payloads`], to be filled.
pub(in crate::store) fn payloads_mut(
    detail: &mut Detail,
) -> impl Iterator<Item = (PayloadRole, &mut Payload)> {
    let (input, output, checkpoint) = match detail {
        Detail::Created(task) => {
            let task = task.as_mut();
            (
                task.input.as_mut(),
                task.output.as_mut(),
                task.checkpoint.as_mut(),
            )
        }
        Detail::Updated { edit, .. } => (edit.input.as_mut().and_then(Option::as_mut), None, None),
        Detail::Result { output, .. } => (None, output.as_mut(), None),
        Detail::Retried { input, .. } => (input.as_mut(), None, None),
        Detail::Checkpoint(checkpoint) => (None, None, Some(checkpoint)),
        Detail::None
        | Detail::Started { .. }
        | Detail::Output { .. }
        | Detail::Assigned { .. }
        | Detail::Progress(_)
        | Detail::Failure { .. }
        | Detail::Scheduled { .. }
        | Detail::Input(_)
        | Detail::Dependency(_) => (None, None, None),
    };
    by_role([input, output, checkpoint])
}

fn by_role<T>(payloads: [Option<T>; 3]) -> impl Iterator<Item = (PayloadRole, T)> {
    let roles = [PayloadRole::Input, PayloadRole::Output, PayloadRole::Checkpoint];
    let named = roles.into_iter().zip(payloads);
    named.filter_map(|(role, payload)| Some((role, payload?)))
}
