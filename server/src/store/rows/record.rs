//! The small rows: requests, keys, edges, follow-ups.

use baton_domain::dedup::Hold;
use baton_domain::{State, TaskId, Timestamp};

use super::parts::{self, Why};
use crate::store::batch::{Edge, FollowUp, FollowUpKind, HeldKey, NewFollowUp, RequestRecord};
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::{dedup, follow_up, request};
use crate::store::error::StoreError;

/// The columns of a request in the order of [`request_cells`].
pub(in crate::store) const REQUEST: Table = Table {
    name: "request",
    groups: &[&[
        id("request_id", Default::None),
        text("namespace", Default::None),
        text("method", Default::None),
        blob("hash", Default::None),
        blob("task_ids", Default::None),
        int("revision", Default::None),
        int("expire_time", Default::None),
    ]],
};

/// The cells of a request's row, in the order of [`REQUEST`].
pub(in crate::store) fn request_cells(record: &RequestRecord) -> Vec<Cell<'_>> {
    let RequestRecord {
        namespace,
        request_id,
        method,
        hash,
        task_ids,
        revision,
        expire_time,
    } = record;
    vec![
        Cell::Id(*request_id),
        Cell::text(namespace),
        Cell::text(method),
        Cell::blob(hash),
        Cell::owned(Some(task_ids.iter().flat_map(|id| *id.0.as_bytes()).collect())),
        Cell::Int(*revision),
        Cell::Int(expire_time.as_micros()),
    ]
}

/// The request of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_request(row: request::Model) -> Result<RequestRecord, StoreError> {
    let key = row.request_id;
    convert_request(row).map_err(|why| StoreError::corrupt("request", key, why))
}

fn convert_request(row: request::Model) -> Result<RequestRecord, Why> {
    let request::Model {
        request_id,
        namespace,
        method,
        hash,
        task_ids,
        revision,
        expire_time,
    } = row;
    Ok(RequestRecord {
        namespace,
        request_id,
        method,
        hash: parts::hash(&hash)?,
        task_ids: task_ids.chunks(16).map(parts::id).collect::<Result<_, _>>()?,
        revision,
        expire_time: Timestamp::from_micros(expire_time),
    })
}

/// The columns of a held key in the order of [`key_cells`].
pub(in crate::store) const KEY: Table = Table {
    name: "dedup",
    groups: &[&[
        text("namespace", Default::None),
        text("key", Default::None),
        id("task_id", Default::None),
        int("expire_time", Default::None),
    ]],
};

/// The cells of a held key's row, in the order of [`KEY`].
pub(in crate::store) fn key_cells(held: &HeldKey) -> Vec<Cell<'_>> {
    let HeldKey {
        namespace,
        key,
        hold: Hold { task_id, expire_time },
    } = held;
    vec![
        Cell::text(namespace),
        Cell::text(key),
        Cell::Id(task_id.0),
        Cell::option(parts::micros(*expire_time), Cell::Int),
    ]
}

/// The held key of a row.
pub(in crate::store) fn read_key(row: dedup::Model) -> HeldKey {
    let dedup::Model {
        namespace,
        key,
        task_id,
        expire_time,
    } = row;
    HeldKey {
        namespace,
        key,
        hold: Hold {
            task_id: TaskId(task_id),
            expire_time: parts::time(expire_time),
        },
    }
}

/// The columns of an edge in the order of [`edge_cells`].
pub(in crate::store) const EDGE: Table = Table {
    name: "edge",
    groups: &[&[
        id("depends_on", Default::None),
        id("task_id", Default::None),
        int("revision", Default::None),
    ]],
};

/// The cells of an edge's row, in the order of [`EDGE`].
pub(in crate::store) fn edge_cells(edge: &Edge) -> Vec<Cell<'_>> {
    let Edge {
        task_id,
        depends_on,
        revision,
    } = edge;
    vec![Cell::Id(depends_on.0), Cell::Id(task_id.0), Cell::Int(*revision)]
}

/// The columns of a follow-up in the order of [`follow_up_cells`]; its id is the database's to give.
pub(in crate::store) const FOLLOW_UP: Table = Table {
    name: "follow_up",
    groups: &[&[
        text("namespace", Default::None),
        text("kind", Default::None),
        id("task_id", Default::None),
        text("result", Default::None),
        int("revision", Default::None),
    ]],
};

/// The cells of a follow-up's row, in the order of [`FOLLOW_UP`].
pub(in crate::store) fn follow_up_cells(follow_up: &NewFollowUp) -> Vec<Cell<'_>> {
    let NewFollowUp {
        namespace,
        kind,
        task_id,
        result,
        revision,
    } = follow_up;
    vec![
        Cell::text(namespace),
        Cell::text(kind.name()),
        Cell::Id(task_id.0),
        Cell::text(result.name()),
        Cell::Int(*revision),
    ]
}

/// The follow-up of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_follow_up(row: follow_up::Model) -> Result<FollowUp, StoreError> {
    let follow_up::Model {
        id,
        namespace,
        kind,
        task_id,
        result,
        revision,
    } = row;
    let kind_of = |name: &str| FollowUpKind::ALL.into_iter().find(|kind| kind.name() == name);
    let read = || -> Result<_, Why> {
        Ok((
            parts::name(&kind, kind_of, "follow-up")?,
            parts::name(&result, State::from_name, "state")?,
        ))
    };
    let (kind, result) = read().map_err(|why| StoreError::corrupt("follow_up", id, why))?;
    Ok(FollowUp {
        id,
        namespace,
        kind,
        task_id: TaskId(task_id),
        result,
        revision,
    })
}
