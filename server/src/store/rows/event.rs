//! An event and its row.

use baton_domain::{Actor, ActorType, Detail, Event, EventType, State, TaskId, Timestamp};

use super::detail::{DETAIL_VERSION, read_detail, to_detail};
use super::parts::{self, Why};
use crate::store::bulk::{Cell, Default, Table, blob, plain};
use crate::store::entity::event::Model;
use crate::store::error::StoreError;

/// The columns of an event in the order of [`event_cells`].
pub(in crate::store) const EVENT: Table = Table {
    name: "event",
    groups: &[
        &[
            plain("namespace", Default::None),
            plain("position", Default::None),
            blob("task_id", Default::None),
            plain("sequence", Default::None),
            plain("kind", Default::None),
            plain("time", Default::None),
            plain("actor_kind", Default::None),
            plain("actor_id", Default::None),
            plain("from_state", Default::Null),
            plain("to_state", Default::None),
            plain("state_reason", Default::None),
            plain("queue", Default::None),
            plain("type", Default::None),
            plain("labels", Default::None),
        ],
        &[blob("detail", Default::Null)],
        &[plain("detail_version", Default::Int(1))],
        &[plain("actor_name", Default::EmptyText)],
        &[plain("message", Default::EmptyText)],
        &[plain("attempt", Default::Int(1)), plain("fence", Default::Int(0))],
    ],
};

/// The cells of an event's row, in the order of [`EVENT`].
pub(in crate::store) fn event_cells(event: &Event) -> Vec<Cell<'_>> {
    let Event {
        task_id,
        namespace,
        sequence,
        position,
        kind,
        time,
        actor,
        message,
        from_state,
        to_state,
        state_reason,
        attempt,
        fence,
        queue,
        task_type,
        labels,
        detail: _,
    } = event;
    vec![
        Cell::text(namespace),
        Cell::Int(*position),
        Cell::blob(task_id.0.as_bytes()),
        Cell::Int(*sequence),
        Cell::Int(kind.number().into()),
        Cell::Int(time.as_micros()),
        Cell::Int(actor.kind.number().into()),
        Cell::text(&actor.id),
        Cell::option(*from_state, |state| Cell::text(state.name())),
        Cell::text(to_state.name()),
        Cell::text(state_reason),
        Cell::text(queue),
        Cell::text(task_type),
        Cell::Text(parts::to_labels(labels).into()),
        Cell::owned(to_detail(event)),
        Cell::Int(DETAIL_VERSION.into()),
        Cell::text(&actor.name),
        Cell::text(message),
        Cell::Int((*attempt).into()),
        Cell::Int(*fence),
    ]
}

/// The event of a row. Of its payloads only answers have bodies.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_event(row: Model) -> Result<Event, StoreError> {
    let id = format!("{} {}", row.namespace, row.position);
    convert(row).map_err(|why| StoreError::corrupt("event", id, why))
}

fn convert(row: Model) -> Result<Event, Why> {
    let Model {
        namespace,
        position,
        task_id,
        sequence,
        kind,
        time,
        actor_kind,
        actor_id,
        actor_name,
        from_state,
        to_state,
        state_reason,
        message,
        attempt,
        fence,
        queue,
        r#type,
        labels,
        detail,
        detail_version,
    } = row;
    let actor_kind = parts::number(actor_kind, ActorType::from_number, "actor type")?;
    let event = Event {
        task_id: TaskId(task_id),
        namespace,
        sequence,
        position,
        kind: parts::number(kind, EventType::from_number, "event type")?,
        time: Timestamp::from_micros(time),
        actor: Actor {
            kind: actor_kind,
            id: actor_id,
            name: actor_name,
        },
        message,
        from_state: from_state
            .map(|state| parts::name(&state, State::from_name, "state"))
            .transpose()?,
        to_state: parts::name(&to_state, State::from_name, "state")?,
        state_reason: state_reason.into(),
        attempt,
        fence,
        queue,
        task_type: r#type,
        labels: parts::from_labels(&labels)?,
        detail: Detail::None,
    };
    let detail = read_detail(detail, detail_version, &event)?;
    Ok(Event { detail, ..event })
}
