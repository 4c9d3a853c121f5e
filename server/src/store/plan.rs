//! Turns a batch into the parts of one transaction: which statements, and their parameters.

mod payloads;
mod queues;
mod schedules;
mod tables;
mod task_types;
pub(super) mod together;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use baton_domain::{EventType, State, Task, TaskId};

use super::batch::WriteBatch;
use super::bulk::{Cell, KEY, Mask, Packed, Rows, Table};
use super::dialect::{self, Dialect};
use super::error::StoreError;
use super::numbers::Numbers;
use super::rows::{
    self, Dear, EDGE, EVENT, FOLLOW_UP, LEASE, PAYLOAD, QUEUE, QUEUE_KEY, REQUEST, RUN, SCHEDULE, TASK,
    TASK_TYPE, WEBHOOK, edge_cells, ended_cells, event_cells, event_rows, follow_up_cells, key_cells,
    lease_cells, log_key, request_cells, run_cells, task_cells,
};
use tables::{DELETED_TASK, NAMESPACE, TASK_COUNT};

/// Updates of one batch come in at most that many shapes; more are widened into one, so that texts stay few.
const SHAPES: usize = 4;

/// Every column of a table that is always written whole.
const ALL: Mask = Mask::MAX;

/// A statement of a batch. Its text depends on nothing else, so texts can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Namespaces,
    RetireInputs,
    RetireOutputs,
    RetireCheckpoints,
    InsertTasks(Mask),
    UpdateTasks(Mask),
    DeleteTasks,
    DeletePayloads,
    DeleteRuns,
    BeginRuns(Mask),
    EndRuns,
    Leases,
    EndLeases,
    NoteDeleted,
    Counts,
    Payloads,
    Requests,
    ReleaseKeys,
    TakeKeys,
    AddEdges,
    RemoveEdges,
    AddFollowUps,
    RemoveFollowUps,
    RemoveSchedules,
    AddSchedules,
    UpdateSchedules(Mask),
    RemoveTaskTypes,
    AddTaskTypes,
    UpdateTaskTypes,
    RemoveQueues,
    RemoveQueueKeys,
    AddQueues,
    UpdateQueues(Mask),
    FreeQueueKeys,
    UseQueueKeys,
    RemoveWebhooks,
    AddWebhooks,
    UpdateWebhooks,
    Events(Mask),
}

impl Part {
    /// The statement. One that is guarded must change as many rows as it is given.
    pub(super) fn text(self, dialect: Dialect) -> String {
        match self {
            Self::Namespaces => dialect.insert(&NAMESPACE, ALL, ""),
            Self::RetireInputs => dialect.retire("input"),
            Self::RetireOutputs => dialect.retire("output"),
            Self::RetireCheckpoints => dialect.retire("checkpoint"),
            Self::InsertTasks(mask) => dialect.insert(&TASK, mask, ""),
            Self::UpdateTasks(mask) => dialect.update(&TASK, mask),
            Self::DeleteTasks => dialect.delete_by_ids("task", &["id"]),
            Self::DeletePayloads => dialect.delete_by_ids("payload", &["task_id"]),
            Self::DeleteRuns => dialect.delete_by_ids("run", &["task_id"]),
            Self::BeginRuns(mask) => dialect.insert(&RUN, mask, ""),
            Self::EndRuns => dialect::END_RUNS.of(dialect).to_owned(),
            Self::Leases => dialect.insert(&LEASE, ALL, dialect::REPLACE_LEASE),
            Self::EndLeases => dialect.delete_by_ids("lease", &["task_id"]),
            Self::NoteDeleted => dialect.insert(&DELETED_TASK, ALL, ""),
            Self::Counts => dialect.add_counts(&TASK_COUNT),
            Self::Payloads => dialect.insert(&PAYLOAD, ALL, dialect::REPLACE_PAYLOAD),
            Self::Requests => dialect.insert(&REQUEST, ALL, ""),
            Self::ReleaseKeys => dialect::RELEASE_KEYS.of(dialect).to_owned(),
            Self::TakeKeys => dialect.insert(&rows::KEY, ALL, dialect::REPLACE_KEY),
            Self::AddEdges => dialect.insert(&EDGE, ALL, ""),
            Self::RemoveEdges => dialect.delete_by_ids("edge", &["depends_on", "task_id"]),
            Self::AddFollowUps => dialect.insert(&FOLLOW_UP, ALL, ""),
            Self::RemoveFollowUps => dialect::DELETE_FOLLOW_UPS.of(dialect).to_owned(),
            Self::RemoveSchedules => dialect.delete_by_ids("schedule", &["id"]),
            Self::AddSchedules => dialect.insert(&SCHEDULE, ALL, ""),
            Self::UpdateSchedules(mask) => dialect.update_next(&SCHEDULE, mask),
            Self::RemoveTaskTypes => dialect.delete_by_ids("task_type", &["id"]),
            Self::AddTaskTypes => dialect.insert(&TASK_TYPE, ALL, ""),
            Self::UpdateTaskTypes => dialect.update(&TASK_TYPE, ALL),
            Self::RemoveQueues => dialect.delete_by_ids("queue", &["id"]),
            Self::RemoveQueueKeys => dialect.delete_by_ids("queue_key", &["queue_id"]),
            Self::AddQueues => dialect.insert(&QUEUE, ALL, ""),
            Self::UpdateQueues(mask) => dialect.update(&QUEUE, mask),
            Self::FreeQueueKeys => dialect::FREE_QUEUE_KEYS.of(dialect).to_owned(),
            Self::UseQueueKeys => dialect.insert(&QUEUE_KEY, ALL, dialect::REPLACE_KEY_USE),
            Self::RemoveWebhooks => dialect.delete_by_ids("webhook", &["id"]),
            Self::AddWebhooks => dialect.insert(&WEBHOOK, ALL, ""),
            Self::UpdateWebhooks => dialect.update(&WEBHOOK, ALL),
            Self::Events(mask) => dialect.insert(&EVENT, mask, ""),
        }
    }

    /// Whether a guard counts its rows.
    pub(super) const fn is_guarded(self) -> bool {
        matches!(
            self,
            Self::UpdateTasks(_)
                | Self::DeleteTasks
                | Self::UpdateSchedules(_)
                | Self::RemoveSchedules
                | Self::UpdateTaskTypes
                | Self::RemoveTaskTypes
                | Self::UpdateQueues(_)
                | Self::RemoveQueues
                | Self::UpdateWebhooks
                | Self::RemoveWebhooks
        )
    }
}

/// The rows of a part.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) rows: Packed,
    pub(super) count: i64,
}

/// One transaction.
#[derive(Debug)]
pub(super) struct Plan {
    dialect: Dialect,
    pub(super) parts: Vec<Part>,
    /// Of each part.
    pub(super) parameters: Vec<Parameter>,
    /// Those of namespaces that are made.
    pub(super) fresh: Numbers,
}

impl Plan {
    /// Plans `batch`; namespaces that are not among `known` are made and get their numbers there.
    ///
    /// Errors: [`StoreError::Corrupt`] where a value cannot be stored.
    pub(super) fn new(batch: &WriteBatch, known: &Numbers, dialect: Dialect) -> Result<Self, StoreError> {
        let mut plan = Self {
            dialect,
            parts: Vec::new(),
            parameters: Vec::new(),
            fresh: Numbers::default(),
        };
        let fresh = known.fresh(batch.events.iter().map(|event| event.namespace.as_str()));
        let numbered = fresh
            .iter()
            .map(|(name, number)| vec![Cell::text(name), Cell::Int(number)]);
        plan.whole(Part::Namespaces, &NAMESPACE, numbered)?;
        plan.payloads(batch)?;
        let number = |namespace: &str| {
            let number = known.of(namespace).or_else(|| fresh.of(namespace));
            number.unwrap_or_default()
        };
        plan.insert_tasks(batch, number)?;
        plan.update_tasks(batch)?;
        plan.delete_tasks(batch)?;
        plan.runs(batch)?;
        plan.leases(batch)?;
        plan.counts(batch)?;
        let requests = batch.requests.iter().map(request_cells);
        plan.whole(Part::Requests, &REQUEST, requests)?;
        let released = batch.keys_released.iter().map(key_cells);
        plan.values(Part::ReleaseKeys, "dedup", released)?;
        let taken = batch.keys_taken.iter().map(key_cells);
        plan.whole(Part::TakeKeys, &rows::KEY, taken)?;
        let closed = batch.edges_removed.iter().map(edge_cells);
        plan.values(Part::RemoveEdges, "edge", closed)?;
        plan.whole(Part::AddEdges, &EDGE, batch.edges_added.iter().map(edge_cells))?;
        let follow_ups = batch.follow_ups_added.iter().map(follow_up_cells);
        plan.whole(Part::AddFollowUps, &FOLLOW_UP, follow_ups)?;
        let done = batch.follow_ups_removed.iter().map(|id| vec![Cell::Int(*id)]);
        plan.values(Part::RemoveFollowUps, "follow_up", done)?;
        plan.schedules(batch)?;
        plan.task_types(batch)?;
        plan.queues(batch)?;
        plan.webhooks(batch)?;
        let events: Vec<_> = event_rows(&batch.events)
            .into_iter()
            .map(|row| event_cells(number(&row.first.namespace), row))
            .collect();
        let mask = events.iter().fold(0, |mask, cells| mask | EVENT.needed(cells));
        plan.rows(Part::Events(mask), &EVENT, (&events, mask))?;
        plan.fresh = fresh;
        Ok(plan)
    }

    /// Rows that are written whole.
    fn whole<'a>(
        &mut self,
        part: Part,
        table: &Table,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
    ) -> Result<(), StoreError> {
        let rows = Rows::of_table(self.dialect, table, ALL).with(cells)?;
        self.add(part, rows);
        Ok(())
    }

    /// Rows of which the columns of a mask are written.
    fn rows(
        &mut self,
        part: Part,
        table: &Table,
        (cells, mask): (&[Vec<Cell<'_>>], Mask),
    ) -> Result<(), StoreError> {
        let rows = Rows::of(self.dialect, table, cells, mask)?;
        self.add(part, rows);
        Ok(())
    }

    /// Values by which rows are found.
    fn values<'a>(
        &mut self,
        part: Part,
        what: &'static str,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
    ) -> Result<(), StoreError> {
        let rows = Rows::of_values(self.dialect, what).with(cells)?;
        self.add(part, rows);
        Ok(())
    }

    fn add(&mut self, part: Part, rows: Rows) {
        if rows.is_empty() {
            return;
        }
        let count = rows.count();
        self.parts.push(part);
        let rows = rows.finish();
        self.parameters.push(Parameter { rows, count });
    }

    /// New rows, at the place that their CREATED events have in the log.
    fn insert_tasks(&mut self, batch: &WriteBatch, number: impl Fn(&str) -> i64) -> Result<(), StoreError> {
        let created = batch.events.iter().filter(|e| e.kind == EventType::Created);
        let places: HashMap<TaskId, i64> = created
            .map(|e| (e.task_id, log_key(number(&e.namespace), e.position)))
            .collect();
        let mut cells = Vec::with_capacity(batch.inserted.len());
        for task in &batch.inserted {
            let place = places.get(&task.id).copied();
            let place = place
                .ok_or_else(|| StoreError::corrupt("task", task.id, "no event says that it was created"))?;
            let mut row = task_cells(task, Dear::ALL);
            row.push(Cell::Int(place));
            cells.push(row);
        }
        let mask = cells.iter().fold(0, |mask, cells| mask | TASK.needed(cells));
        self.rows(Part::InsertTasks(mask), &TASK, (&cells, mask))
    }

    fn update_tasks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut shapes: BTreeMap<Mask, Vec<_>> = BTreeMap::new();
        for (before, now) in &batch.updated {
            let dear = Dear::changed(before, now);
            let cells = task_cells(now, dear);
            let mask = TASK.changed(&task_cells(before, dear), &cells);
            if mask != 0 {
                shapes.entry(mask).or_default().push((now, cells));
            }
        }
        if shapes.len() > SHAPES {
            let widest = shapes.keys().fold(0, |all, mask| all | mask);
            let rows = shapes.into_values().flatten();
            // What was left out of one may be written now, for another.
            let rows = rows.map(|(now, _)| (now, task_cells(now, Dear::ALL)));
            shapes = BTreeMap::from([(widest, rows.collect())]);
        }
        for (mask, rows) in shapes {
            let cells: Vec<_> = rows.into_iter().map(|(_, cells)| cells).collect();
            self.rows(Part::UpdateTasks(mask), &TASK, (&cells, mask | KEY))?;
        }
        Ok(())
    }

    fn delete_tasks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let ids = || batch.deleted.iter().map(|task| vec![Cell::Id(task.id.0)]);
        for part in [Part::DeleteTasks, Part::DeletePayloads, Part::DeleteRuns] {
            self.values(part, "task", ids())?;
        }
        // Also of tasks that came and went within this batch: their events are in the log.
        let last = batch
            .events
            .iter()
            .filter(|event| event.kind == EventType::Deleted);
        let notes = last.map(|event| {
            vec![
                Cell::text(&event.namespace),
                Cell::Int(event.position),
                Cell::Id(event.task_id.0),
            ]
        });
        self.whole(Part::NoteDeleted, &DELETED_TASK, notes)
    }

    fn runs(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let cells: Vec<_> = batch.runs_begun.iter().map(run_cells).collect();
        let mask = cells.iter().fold(0, |mask, cells| mask | RUN.needed(cells));
        self.rows(Part::BeginRuns(mask), &RUN, (&cells, mask))?;
        self.values(Part::EndRuns, "run", batch.runs_ended.iter().map(ended_cells))
    }

    /// Leases that were granted, renewed or ended. A renewal writes this and no more.
    fn leases(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let inserted = batch.inserted.iter().map(|now| (None, Some(now)));
        let updated = batch
            .updated
            .iter()
            .map(|(before, now)| (Some(before), Some(now)));
        let deleted = batch.deleted.iter().map(|before| (Some(before), None));
        let mut live = Rows::of_table(self.dialect, &LEASE, ALL);
        let mut ended = Rows::of_values(self.dialect, "lease");
        for (before, now) in inserted.chain(updated).chain(deleted) {
            let lease = |task: Option<&Arc<Task>>| task.and_then(|task| Some((task.id, task.lease?)));
            match (lease(before), lease(now)) {
                (before, Some((id, lease))) if before != Some((id, lease)) => {
                    live.push(&lease_cells(&id, lease))?;
                }
                (Some((id, _)), None) => {
                    ended.push(&[Cell::Id(id.0)])?;
                }
                (_, _) => {}
            }
        }
        self.add(Part::EndLeases, ended);
        self.add(Part::Leases, live);
        Ok(())
    }

    fn counts(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut counts: BTreeMap<(&str, State, &str, &str), i64> = BTreeMap::new();
        let mut add = |task, by| *counts.entry(group(task)).or_default() += by;
        batch.inserted.iter().for_each(|task| add(task, 1));
        batch.deleted.iter().for_each(|task| add(task, -1));
        for (before, now) in &batch.updated {
            add(before, -1);
            add(now, 1);
        }
        let changed = counts.into_iter().filter(|(_, by)| *by != 0);
        let cells = changed.map(|((namespace, state, queue, task_type), by)| {
            let text = |text| Cell::text(text);
            vec![
                text(namespace),
                text(state.name()),
                text(queue),
                text(task_type),
                Cell::Int(by),
            ]
        });
        self.whole(Part::Counts, &TASK_COUNT, cells)
    }
}

fn group(task: &Task) -> (&str, State, &str, &str) {
    (&task.namespace, task.state, &task.queue, &task.task_type)
}
