//! Turns a batch into the parts of one transaction: which statements, and their parameters.

mod payloads;
mod queues;
mod schedules;
mod task_types;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use baton_domain::{EventType, State, Task, TaskId};

use super::batch::{HeldKey, WriteBatch};
use super::bulk::{Cell, Column, Default, KEY, Mask, Rows, Table, blob, plain};
use super::dialect;
use super::error::StoreError;
use super::numbers::Numbers;
use super::rows::{
    self, EDGE, EVENT, FOLLOW_UP, LEASE, PAYLOAD, QUEUE, QUEUE_KEY, REQUEST, RUN, SCHEDULE, TASK, TASK_TYPE,
    WEBHOOK, edge_cells, ended_cells, event_cells, event_rows, follow_up_cells, key_cells, lease_cells,
    log_key, request_cells, run_cells, task_cells,
};

/// Updates of one batch come in at most that many shapes; more are widened into one, so that texts stay few.
const SHAPES: usize = 4;

const NAMESPACE: Table = one_group(
    "namespace",
    &[&[plain("name", Default::None), plain("number", Default::None)]],
);
const DELETED_TASK: Table = one_group(
    "deleted_task",
    &[&[
        plain("namespace", Default::None),
        plain("position", Default::None),
        blob("task_id", Default::None),
    ]],
);
const TASK_COUNT: Table = one_group(
    "task_count",
    &[&[
        plain("namespace", Default::None),
        plain("state", Default::None),
        plain("queue", Default::None),
        plain("type", Default::None),
        plain("count", Default::None),
    ]],
);

const fn one_group(name: &'static str, groups: &'static [&'static [Column]]) -> Table {
    Table { name, groups }
}

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
    pub(super) fn text(self) -> String {
        match self {
            Self::Namespaces => dialect::insert(&NAMESPACE, ALL, ""),
            Self::RetireInputs => dialect::retire("input"),
            Self::RetireOutputs => dialect::retire("output"),
            Self::RetireCheckpoints => dialect::retire("checkpoint"),
            Self::InsertTasks(mask) => dialect::insert(&TASK, mask, ""),
            Self::UpdateTasks(mask) => dialect::update(&TASK, mask) + dialect::GUARD,
            Self::DeleteTasks => dialect::delete_by_ids("task", &["id"]) + dialect::GUARD,
            Self::DeletePayloads => dialect::delete_by_ids("payload", &["task_id"]),
            Self::DeleteRuns => dialect::delete_by_ids("run", &["task_id"]),
            Self::BeginRuns(mask) => dialect::insert(&RUN, mask, ""),
            Self::EndRuns => dialect::END_RUNS.to_owned(),
            Self::Leases => dialect::insert(&LEASE, ALL, dialect::REPLACE_LEASE),
            Self::EndLeases => dialect::delete_by_ids("lease", &["task_id"]),
            Self::NoteDeleted => dialect::insert(&DELETED_TASK, ALL, ""),
            Self::Counts => dialect::insert(&TASK_COUNT, ALL, dialect::ADD_COUNT),
            Self::Payloads => dialect::insert(&PAYLOAD, ALL, dialect::REPLACE_PAYLOAD),
            Self::Requests => dialect::insert(&REQUEST, ALL, ""),
            Self::ReleaseKeys => dialect::RELEASE_KEYS.to_owned(),
            Self::TakeKeys => dialect::insert(&rows::KEY, ALL, dialect::REPLACE_KEY),
            Self::AddEdges => dialect::insert(&EDGE, ALL, ""),
            Self::RemoveEdges => dialect::delete_by_ids("edge", &["depends_on", "task_id"]),
            Self::AddFollowUps => dialect::insert(&FOLLOW_UP, ALL, ""),
            Self::RemoveFollowUps => dialect::DELETE_FOLLOW_UPS.to_owned(),
            Self::RemoveSchedules => dialect::delete_by_ids("schedule", &["id"]) + dialect::GUARD,
            Self::AddSchedules => dialect::insert(&SCHEDULE, ALL, ""),
            Self::UpdateSchedules(mask) => dialect::update_next(&SCHEDULE, mask) + dialect::GUARD,
            Self::RemoveTaskTypes => dialect::delete_by_ids("task_type", &["id"]) + dialect::GUARD,
            Self::AddTaskTypes => dialect::insert(&TASK_TYPE, ALL, ""),
            Self::UpdateTaskTypes => dialect::update(&TASK_TYPE, ALL) + dialect::GUARD,
            Self::RemoveQueues => dialect::delete_by_ids("queue", &["id"]) + dialect::GUARD,
            Self::RemoveQueueKeys => dialect::delete_by_ids("queue_key", &["queue_id"]),
            Self::AddQueues => dialect::insert(&QUEUE, ALL, ""),
            Self::UpdateQueues(mask) => dialect::update(&QUEUE, mask) + dialect::GUARD,
            Self::FreeQueueKeys => dialect::FREE_QUEUE_KEYS.to_owned(),
            Self::UseQueueKeys => dialect::insert(&QUEUE_KEY, ALL, dialect::REPLACE_KEY_USE),
            Self::RemoveWebhooks => dialect::delete_by_ids("webhook", &["id"]) + dialect::GUARD,
            Self::AddWebhooks => dialect::insert(&WEBHOOK, ALL, ""),
            Self::UpdateWebhooks => dialect::update(&WEBHOOK, ALL) + dialect::GUARD,
            Self::Events(mask) => dialect::insert(&EVENT, mask, ""),
        }
    }

    /// Whether a guard counts its rows.
    const fn is_guarded(self) -> bool {
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

/// One parameter.
#[derive(Debug)]
pub(super) enum Parameter {
    Rows(Vec<u8>),
    Count(i64),
}

/// One transaction.
#[derive(Debug, std::default::Default)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    pub(super) parameters: Vec<Parameter>,
    /// Those of namespaces that are made.
    pub(super) fresh: Numbers,
}

impl Plan {
    /// Plans `batch`; namespaces that are not among `known` are made and get their numbers there.
    ///
    /// Errors: [`StoreError::Corrupt`] where a value cannot be stored.
    pub(super) fn new(batch: &WriteBatch, known: &Numbers) -> Result<Self, StoreError> {
        let mut plan = Self::default();
        let fresh = known.fresh(batch.events.iter().map(|event| event.namespace.as_str()));
        let numbered = fresh
            .iter()
            .map(|(name, number)| vec![Cell::text(name), Cell::Int(number)]);
        plan.add(Part::Namespaces, list(&NAMESPACE, numbered)?);
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
        plan.add(
            Part::Requests,
            list(&REQUEST, batch.requests.iter().map(request_cells))?,
        );
        let keys = |held: &'_ [HeldKey]| list(&rows::KEY, held.iter().map(key_cells));
        plan.add(Part::ReleaseKeys, keys(&batch.keys_released)?);
        plan.add(Part::TakeKeys, keys(&batch.keys_taken)?);
        plan.add(
            Part::RemoveEdges,
            list(&EDGE, batch.edges_removed.iter().map(edge_cells))?,
        );
        plan.add(
            Part::AddEdges,
            list(&EDGE, batch.edges_added.iter().map(edge_cells))?,
        );
        plan.add(
            Part::AddFollowUps,
            list(&FOLLOW_UP, batch.follow_ups_added.iter().map(follow_up_cells))?,
        );
        let done = batch.follow_ups_removed.iter().map(|id| vec![Cell::Int(*id)]);
        plan.add(Part::RemoveFollowUps, list(&FOLLOW_UP, done)?);
        plan.schedules(batch)?;
        plan.task_types(batch)?;
        plan.queues(batch)?;
        plan.webhooks(batch)?;
        let events: Vec<_> = event_rows(&batch.events)
            .into_iter()
            .map(|row| event_cells(number(&row.first.namespace), row))
            .collect();
        let mask = events.iter().fold(0, |mask, cells| mask | EVENT.needed(cells));
        plan.add(Part::Events(mask), Rows::of(&EVENT, &events, mask)?);
        plan.fresh = fresh;
        Ok(plan)
    }

    fn add(&mut self, part: Part, rows: Rows) {
        if rows.is_empty() {
            return;
        }
        let count = rows.count();
        self.parts.push(part);
        self.parameters.push(Parameter::Rows(rows.finish()));
        if part.is_guarded() {
            self.parameters.push(Parameter::Count(count));
        }
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
            let mut row = task_cells(task);
            row.push(Cell::Int(place));
            cells.push(row);
        }
        let mask = cells.iter().fold(0, |mask, cells| mask | TASK.needed(cells));
        self.add(Part::InsertTasks(mask), Rows::of(&TASK, &cells, mask)?);
        Ok(())
    }

    fn update_tasks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut shapes: BTreeMap<Mask, Vec<Vec<Cell<'_>>>> = BTreeMap::new();
        for (before, now) in &batch.updated {
            let cells = task_cells(now);
            let mask = TASK.changed(&task_cells(before), &cells);
            if mask != 0 {
                shapes.entry(mask).or_default().push(cells);
            }
        }
        if shapes.len() > SHAPES {
            let widest = shapes.keys().fold(0, |all, mask| all | mask);
            shapes = BTreeMap::from([(widest, shapes.into_values().flatten().collect())]);
        }
        for (mask, cells) in shapes {
            self.add(Part::UpdateTasks(mask), Rows::of(&TASK, &cells, mask | KEY)?);
        }
        Ok(())
    }

    fn delete_tasks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let ids = || {
            batch
                .deleted
                .iter()
                .map(|task| vec![Cell::blob(task.id.0.as_bytes())])
        };
        self.add(Part::DeleteTasks, list(&TASK, ids())?);
        self.add(Part::DeletePayloads, list(&TASK, ids())?);
        self.add(Part::DeleteRuns, list(&TASK, ids())?);
        // Also of tasks that came and went within this batch: their events are in the log.
        let last = batch
            .events
            .iter()
            .filter(|event| event.kind == EventType::Deleted);
        let notes = last.map(|event| {
            vec![
                Cell::text(&event.namespace),
                Cell::Int(event.position),
                Cell::blob(event.task_id.0.as_bytes()),
            ]
        });
        self.add(Part::NoteDeleted, list(&DELETED_TASK, notes)?);
        Ok(())
    }

    fn runs(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let cells: Vec<_> = batch.runs_begun.iter().map(run_cells).collect();
        let mask = cells.iter().fold(0, |mask, cells| mask | RUN.needed(cells));
        self.add(Part::BeginRuns(mask), Rows::of(&RUN, &cells, mask)?);
        self.add(
            Part::EndRuns,
            list(&RUN, batch.runs_ended.iter().map(ended_cells))?,
        );
        Ok(())
    }

    /// Leases that were granted, renewed or ended. A renewal writes this and no more.
    fn leases(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let inserted = batch.inserted.iter().map(|now| (None, Some(now)));
        let updated = batch
            .updated
            .iter()
            .map(|(before, now)| (Some(before), Some(now)));
        let deleted = batch.deleted.iter().map(|before| (Some(before), None));
        let (mut live, mut ended) = (Rows::new(), Rows::new());
        for (before, now) in inserted.chain(updated).chain(deleted) {
            let lease = |task: Option<&Arc<Task>>| task.and_then(|task| Some((task.id, task.lease?)));
            match (lease(before), lease(now)) {
                (before, Some((id, lease))) if before != Some((id, lease)) => {
                    live.push(LEASE.name, &lease_cells(&id, lease), ALL)?;
                }
                (Some((id, _)), None) => {
                    ended.push(LEASE.name, &[Cell::blob(id.0.as_bytes())], ALL)?;
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
        self.add(Part::Counts, list(&TASK_COUNT, cells)?);
        Ok(())
    }
}

fn group(task: &Task) -> (&str, State, &str, &str) {
    (&task.namespace, task.state, &task.queue, &task.task_type)
}

/// Rows of all cells given.
fn list<'a>(table: &Table, cells: impl Iterator<Item = Vec<Cell<'a>>>) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    for cells in cells {
        rows.push(table.name, &cells, ALL)?;
    }
    Ok(rows)
}
