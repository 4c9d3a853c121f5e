//! Reads of the log: by namespace for the feed, by task for its history.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{Event, EventType, Payload, PayloadRole, TaskId, Timestamp};
use bytes::Bytes;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::dialect::{self, Dialect};
use super::entity::{event, payload, task};
use super::read::id_in;
use super::rows::{payloads, payloads_mut, read_events, read_payload, read_replaced};
use super::{Store, StoreError};

/// No log has a position beyond: the keys of its events have no room for it.
const LAST_POSITION: i64 = (1 << 40) - 1;

pub(super) type Bodies = BTreeMap<(TaskId, PayloadRole, i32), Bytes>;
/// Id, then header and body of the input, then of the output.
type Columns = (
    Uuid,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

/// Which part of a task's history is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsOfQuery {
    /// Where to look.
    pub window: Window,
    /// Only these; empty means all.
    pub types: Vec<EventType>,
    /// At most so many.
    pub limit: u32,
    /// With the bytes of inputs and outputs; answers always have theirs.
    pub payloads: bool,
}

/// One side of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The oldest events with a greater sequence.
    After(i64),
    /// The newest events with a smaller sequence; `i64::MAX` for the newest of all.
    Before(i64),
}

impl Window {
    const fn contains(self, sequence: i64) -> bool {
        match self {
            Self::After(last) => sequence > last,
            Self::Before(first) => sequence < first,
        }
    }

    /// Leaves the `limit` of `events`, which are in order, that are nearest to where it begins.
    fn cut(self, events: &mut Vec<Event>, limit: usize) {
        match self {
            Self::After(_) => events.truncate(limit),
            Self::Before(_) => drop(events.drain(..events.len().saturating_sub(limit))),
        }
    }
}

/// Bytes that [`Store::fill_payloads`] would put into this event.
#[must_use]
pub fn named_bytes(event: &Event) -> usize {
    payloads(&event.detail)
        .filter(|(_, payload)| payload.body.is_none())
        .map(|(_, payload)| usize::try_from(payload.size).unwrap_or_default())
        .sum()
}

impl Store {
    /// At most `limit` events of `namespace` with positions above `after_position`, in order. Inputs and outputs have
    /// no bytes, see [`Store::fill_payloads`]; answers have theirs, for they stand nowhere else.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn log(
        &self,
        namespace: &str,
        after_position: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        // The row at that position may hold the event after it.
        let found = event::Entity::find()
            .filter(from(self.dialect(), namespace, after_position))
            .order_by_asc(event::Column::Id)
            .limit(u64::from(limit) + 1);
        let mut events = read_events(found.all(self.readers()).await?)?;
        events.retain(|event| event.position > after_position);
        events.truncate(limit as usize);
        Ok(events)
    }

    /// Events of one task as `query` asks, oldest first.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn events_of(&self, id: TaskId, query: &EventsOfQuery) -> Result<Vec<Event>, StoreError> {
        let EventsOfQuery {
            window,
            types,
            limit,
            payloads,
        } = query;
        let mut found = event::Entity::find().filter(event::Column::TaskId.eq(id.0));
        if !types.is_empty() {
            let kinds = || types.iter().map(|kind| kind.number());
            let wanted = event::Column::Kind
                .is_in(kinds())
                .or(event::Column::NextKind.is_in(kinds()));
            found = found.filter(wanted);
        }
        found = match window {
            // The row at that sequence may hold the event after it.
            Window::After(sequence) => found
                .filter(event::Column::Sequence.gte(*sequence))
                .order_by_asc(event::Column::Sequence),
            Window::Before(sequence) => found
                .filter(event::Column::Sequence.lt(*sequence))
                .order_by_desc(event::Column::Sequence),
        };
        let mut rows = found.limit(u64::from(*limit) + 1).all(self.readers()).await?;
        rows.sort_unstable_by_key(|row| row.sequence);
        let mut events = read_events(rows)?;
        events.retain(|event| {
            window.contains(event.sequence) && (types.is_empty() || types.contains(&event.kind))
        });
        window.cut(&mut events, *limit as usize);
        if *payloads {
            self.fill_payloads(&mut events).await?;
        }
        Ok(events)
    }

    /// Puts the bytes of payloads into events that only name them. What is gone, because its task was deleted, stays
    /// a reference.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn fill_payloads(&self, events: &mut [Event]) -> Result<(), StoreError> {
        let mut named: BTreeSet<(TaskId, PayloadRole, i32)> = BTreeSet::new();
        for event in events.iter() {
            let missing = payloads(&event.detail).filter(|(_, payload)| payload.body.is_none());
            named.extend(missing.map(|(role, payload)| (event.task_id, role, payload.version)));
        }
        if named.is_empty() {
            return Ok(());
        }
        let bodies = self.bodies(&named).await?;
        for event in events {
            for (role, payload) in payloads_mut(&mut event.detail) {
                if let Some(body) = bodies.get(&(event.task_id, role, payload.version)) {
                    payload.body = Some(body.clone());
                }
            }
        }
        Ok(())
    }

    /// The bytes of those payloads, standing or replaced, and of whatever else stands on their tasks.
    pub(super) async fn bodies(
        &self,
        named: &BTreeSet<(TaskId, PayloadRole, i32)>,
    ) -> Result<Bodies, StoreError> {
        let mut bodies = BTreeMap::new();
        let mut keep = |id, role, payload: Payload| {
            if let Some(body) = payload.body {
                bodies.insert((id, role, payload.version), body);
            }
        };
        let ids: BTreeSet<TaskId> = named.iter().map(|(id, _, _)| *id).collect();
        let ids: Vec<TaskId> = ids.into_iter().collect();
        for id in &ids {
            let of_task = named.iter().filter(|(named, _, _)| named == id);
            let rows = payload::Entity::find()
                .filter(payload::Column::TaskId.eq(id.0))
                .filter(payload::Column::Version.is_in(of_task.map(|(_, _, version)| *version)))
                .all(self.readers())
                .await?;
            for row in rows {
                let role = PayloadRole::from_number(row.role);
                let role = role.ok_or_else(|| StoreError::corrupt("payload", id, "its role is not known"))?;
                keep(*id, role, read_replaced(row)?);
            }
        }
        let rows: Vec<Columns> = task::Entity::find()
            .select_only()
            .columns([task::Column::Id, task::Column::Input, task::Column::InputBody])
            .columns([task::Column::Output, task::Column::OutputBody])
            .columns([task::Column::Checkpoint, task::Column::CheckpointBody])
            .filter(id_in(self.dialect(), &ids))
            .into_tuple()
            .all(self.readers())
            .await?;
        for (id, input, input_body, output, output_body, checkpoint, checkpoint_body) in rows {
            let standing = [
                (PayloadRole::Input, input, input_body),
                (PayloadRole::Output, output, output_body),
                (PayloadRole::Checkpoint, checkpoint, checkpoint_body),
            ];
            for (role, header, body) in standing {
                let Some(header) = header else { continue };
                let payload = read_payload(header, body, "payload");
                keep(
                    TaskId(id),
                    role,
                    payload.map_err(|why| StoreError::corrupt("task", id, why))?,
                );
            }
        }
        Ok(bodies)
    }

    /// The position of the first event of `namespace` at `time` or later; one more than the last position where
    /// there is none.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn first_position_since(&self, namespace: &str, time: Timestamp) -> Result<i64, StoreError> {
        let Some((last, last_time)) = self.last_event(namespace).await? else {
            return Ok(1);
        };
        if last_time < time.as_micros() {
            return Ok(last + 1);
        }
        // Times never fall along the log: halve the range. Positions of deleted tasks may be missing in it.
        let (mut low, mut high) = (1, last);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.event_from(namespace, middle).await? {
                Some((position, at)) if at < time.as_micros() => low = position + 1,
                Some((_, _)) | None => high = middle,
            }
        }
        Ok(self
            .event_from(namespace, low)
            .await?
            .map_or(last + 1, |(position, _)| position))
    }
}

impl Store {
    /// Position and time of the newest event.
    async fn last_event(&self, namespace: &str) -> Result<Option<(i64, i64)>, StoreError> {
        let newest = event::Entity::find()
            .select_only()
            .expr(Expr::cust(dialect::LAST_POSITION))
            .column(event::Column::Time)
            .filter(from(self.dialect(), namespace, 0))
            .order_by_desc(event::Column::Id)
            .limit(1);
        Ok(newest.into_tuple().one(self.readers()).await?)
    }

    /// Position and time of the first event at a position or behind it.
    async fn event_from(&self, namespace: &str, position: i64) -> Result<Option<(i64, i64)>, StoreError> {
        let next = event::Entity::find()
            .select_only()
            .columns([event::Column::Position, event::Column::Time])
            .filter(from(self.dialect(), namespace, position))
            .order_by_asc(event::Column::Id)
            .limit(1);
        Ok(next.into_tuple().one(self.readers()).await?)
    }
}

/// The condition that a row is of that namespace, at that position or later.
pub(super) fn from(dialect: Dialect, namespace: &str, position: i64) -> Expr {
    let position = position.clamp(0, LAST_POSITION);
    dialect.holds(
        dialect::EVENTS_FROM,
        [namespace.into(), position.into(), namespace.into()],
    )
}
