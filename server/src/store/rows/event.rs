//! Events and their rows.

use std::sync::Arc;

use baton_domain::{Actor, ActorType, Detail, Event, EventType, State, TaskId, Timestamp};

use super::detail::{DETAIL_VERSION, read_detail, to_detail};
use super::parts::{self, Why};
use crate::store::bulk::{Cell, Default, Table, blob, flag, id, int, text};
use crate::store::entity::event::Model;
use crate::store::error::StoreError;

/// The columns of an event in the order of [`event_cells`].
pub(in crate::store) const EVENT: Table = Table {
    name: "event",
    groups: &[
        &[
            int("id", Default::None),
            text("namespace", Default::None),
            int("position", Default::None),
            id("task_id", Default::None),
            int("sequence", Default::None),
            int("kind", Default::None),
            int("time", Default::None),
            int("actor_kind", Default::None),
            text("actor_id", Default::None),
            text("from_state", Default::Null),
            text("to_state", Default::None),
            text("state_reason", Default::None),
            text("queue", Default::None),
            text("type", Default::None),
            text("labels", Default::None),
        ],
        &[blob("detail", Default::Null)],
        &[int("detail_version", Default::Int(1))],
        &[text("actor_name", Default::EmptyText)],
        &[text("message", Default::EmptyText)],
        &[int("attempt", Default::Int(1)), int("fence", Default::Int(0))],
        &[
            int("next_kind", Default::Null),
            text("next_to_state", Default::Null),
            text("next_state_reason", Default::Null),
        ],
        &[flag("imported", Default::Int(0))],
    ],
};

/// Positions of one namespace: what the key of an event leaves room for.
const POSITIONS: i64 = 1 << 40;

/// The key of what stands at a position of the namespace with that number.
pub(in crate::store) const fn log_key(number: i64, position: i64) -> i64 {
    number * POSITIONS + position
}

/// One row of the log.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct EventRow<'a> {
    pub(in crate::store) first: &'a Event,
    /// The event that followed at once, where a row can hold both.
    pub(in crate::store) next: Option<&'a Event>,
}

/// The rows of events that are in the order of the log.
pub(in crate::store) fn event_rows(events: &[Arc<Event>]) -> Vec<EventRow<'_>> {
    let mut rows: Vec<EventRow<'_>> = Vec::with_capacity(events.len());
    for event in events {
        match rows.last_mut() {
            Some(row) if row.next.is_none() && follows_at_once(row.first, event) => row.next = Some(event),
            Some(_) | None => rows.push(EventRow {
                first: event,
                next: None,
            }),
        }
    }
    rows
}

/// Whether `next` differs from `first` in no more than a row has room for.
fn follows_at_once(first: &Event, next: &Event) -> bool {
    let Event {
        task_id,
        namespace,
        sequence,
        position,
        kind: _,
        time,
        actor,
        message,
        from_state,
        to_state: _,
        state_reason: _,
        attempt,
        fence,
        queue,
        task_type,
        labels,
        imported,
        detail,
    } = next;
    *task_id == first.task_id
        && (*sequence, *position) == (first.sequence + 1, first.position + 1)
        && *from_state == Some(first.to_state)
        && message.is_empty()
        && matches!(detail, Detail::None)
        && (*time, *attempt, *fence) == (first.time, first.attempt, first.fence)
        && (namespace, queue, task_type) == (&first.namespace, &first.queue, &first.task_type)
        && (actor, labels, *imported) == (&first.actor, &first.labels, first.imported)
}

/// The cells of a row of the log of the namespace with that number, in the order of [`EVENT`].
pub(in crate::store) fn event_cells(number: i64, EventRow { first, next }: EventRow<'_>) -> Vec<Cell<'_>> {
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
        imported,
        detail: _,
    } = first;
    vec![
        Cell::Int(log_key(number, *position)),
        Cell::text(namespace),
        Cell::Int(*position),
        Cell::Id(task_id.0),
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
        Cell::owned(to_detail(first)),
        Cell::Int(DETAIL_VERSION.into()),
        Cell::text(&actor.name),
        Cell::text(message),
        Cell::Int((*attempt).into()),
        Cell::Int(*fence),
        Cell::option(next, |next| Cell::Int(next.kind.number().into())),
        Cell::option(next, |next| Cell::text(next.to_state.name())),
        Cell::option(next, |next| Cell::text(&next.state_reason)),
        Cell::Int((*imported).into()),
    ]
}

/// The events of rows, in their order. Of their payloads only answers have bodies.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_events(rows: Vec<Model>) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::with_capacity(rows.len() * 2);
    for row in rows {
        let id = format!("{} {}", row.namespace, row.position);
        let (first, next) = convert(row).map_err(|why| StoreError::corrupt("event", id, why))?;
        events.push(first);
        events.extend(next);
    }
    Ok(events)
}

pub(super) fn convert(row: Model) -> Result<(Event, Option<Event>), Why> {
    let Model {
        // Namespace and position, once more.
        id: _,
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
        next_kind,
        next_to_state,
        next_state_reason,
        imported,
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
        imported,
        detail: Detail::None,
    };
    let next = next_kind
        .zip(next_to_state.zip(next_state_reason))
        .map(|next| read_next(&event, next))
        .transpose()?;
    let detail = read_detail(detail, detail_version, &event)?;
    Ok((Event { detail, ..event }, next))
}

/// The event that followed `first`, which has no detail yet, by its kind, state and reason.
fn read_next(first: &Event, (kind, (state, reason)): (i32, (String, String))) -> Result<Event, Why> {
    Ok(Event {
        sequence: first.sequence + 1,
        position: first.position + 1,
        kind: parts::number(kind, EventType::from_number, "event type")?,
        message: String::new(),
        from_state: Some(first.to_state),
        to_state: parts::name(&state, State::from_name, "state")?,
        state_reason: reason.into(),
        ..first.clone()
    })
}
