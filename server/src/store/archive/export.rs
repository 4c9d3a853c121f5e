//! Writes a namespace into a file.
//!
//! All reads are of one snapshot, which lasts as long as reading and writing the namespace takes and waits for nobody: the
//! file is the server's own, and whoever wants it is sent it afterwards.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write as _;

use baton_domain::{Event, EventType, Task, TaskId, Timestamp};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};
use uuid::Uuid;

use super::{ArchiveCounts, FORMAT, Recorder, unavailable};
use crate::store::entity::{
    dedup, edge, event, follow_up, payload, queue, queue_key, request, run, schedule, task, task_type,
    webhook,
};
use crate::store::rows::archive as records;
use crate::store::rows::stored::archive::{Header, RecordKind};
use crate::store::rows::{read_events, read_follow_up, read_replaced, read_request, read_task, read_webhook};
use crate::store::{KeptPayload, Store, StoreError, log, tasks};

/// Rows of the small tables and of the log read at once.
const ROWS: u64 = 500;
/// Tasks read at once: with their payloads they may have megabytes each.
const TASKS: usize = 32;
/// What is encoded goes to the file when it is so much.
const WRITE_BYTES: usize = 256 * 1024;

struct Export<'a> {
    store: &'a Store,
    snapshot: DatabaseTransaction,
    namespace: &'a str,
    recorder: Recorder,
    file: File,
}

impl Store {
    /// Writes all of `namespace` as of one moment into `file`, at its end. One that was never used is written too.
    ///
    /// # Errors
    /// What the database and the disk may do; then the file is worth nothing.
    pub async fn export(
        &self,
        namespace: &str,
        (file, time): (File, Timestamp),
    ) -> Result<ArchiveCounts, StoreError> {
        let snapshot = self
            .readers()
            .pool()
            .begin_with_options(self.dialect().snapshot())
            .await?;
        let mut export = Export {
            store: self,
            snapshot,
            namespace,
            recorder: Recorder::default(),
            file,
        };
        export.header(time);
        export.definitions().await?;
        export.log().await?;
        export.runs().await?;
        export.rest().await?;
        export.recorder.end();
        export.write()?;
        export.snapshot.commit().await?;
        Ok(export.recorder.counts)
    }
}

impl Export<'_> {
    fn header(&mut self, time: Timestamp) {
        self.recorder.push(RecordKind::Header(Header {
            format: FORMAT,
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            store_kind: self.store.kind().to_owned(),
            namespace: self.namespace.to_owned(),
            time: time.as_micros(),
        }));
    }

    fn push(&mut self, kind: RecordKind) -> Result<(), StoreError> {
        self.recorder.push(kind);
        if self.recorder.bytes.len() >= WRITE_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.file.write_all(&self.recorder.bytes).map_err(unavailable)?;
        self.recorder.bytes.clear();
        Ok(())
    }

    async fn definitions(&mut self) -> Result<(), StoreError> {
        let queues = queue::Entity::find()
            .filter(queue::Column::Namespace.eq(self.namespace))
            .order_by_asc(queue::Column::Name)
            .all(&self.snapshot)
            .await?;
        for queue in queues {
            let keys = queue_key::Entity::find()
                .filter(queue_key::Column::QueueId.eq(queue.id))
                .order_by_asc(queue_key::Column::Key)
                .all(&self.snapshot)
                .await?;
            self.push(RecordKind::Queue(records::queue_record(queue)))?;
            for key in keys {
                self.push(RecordKind::QueueKey(records::queue_key_record(key)))?;
            }
        }
        let types = task_type::Entity::find()
            .filter(task_type::Column::Namespace.eq(self.namespace))
            .order_by_asc(task_type::Column::Name)
            .all(&self.snapshot)
            .await?;
        for task_type in types {
            self.push(RecordKind::TaskType(records::task_type_record(task_type)))?;
        }
        let schedules = schedule::Entity::find()
            .filter(schedule::Column::Namespace.eq(self.namespace))
            .order_by_asc(schedule::Column::Name)
            .all(&self.snapshot)
            .await?;
        for schedule in schedules {
            self.push(RecordKind::Schedule(records::schedule_record(schedule)))?;
        }
        let webhooks = webhook::Entity::find()
            .filter(webhook::Column::Namespace.eq(self.namespace))
            .order_by_asc(webhook::Column::Name)
            .all(&self.snapshot)
            .await?;
        for row in webhooks {
            let webhook = read_webhook(row)?;
            self.push(RecordKind::Webhook(records::webhook_record(&webhook)))?;
        }
        Ok(())
    }

    /// The events in their order, each task before its first.
    async fn log(&mut self) -> Result<(), StoreError> {
        let mut position = 0;
        loop {
            let rows = event::Entity::find()
                .filter(log::from(self.store.dialect(), self.namespace, position))
                .order_by_asc(event::Column::Id)
                .limit(ROWS)
                .all(&self.snapshot)
                .await?;
            let mut events = read_events(rows)?;
            events.retain(|event| event.position > position);
            let Some(last) = events.last() else { return Ok(()) };
            position = last.position;
            self.events(&events).await?;
        }
    }

    async fn events(&mut self, events: &[Event]) -> Result<(), StoreError> {
        // So few that the tasks that begin among them fit into memory.
        let mut rest = events;
        while !rest.is_empty() {
            let mut begun = Vec::new();
            let mut end = 0;
            for event in rest {
                if event.kind == EventType::Created {
                    if begun.len() == TASKS {
                        break;
                    }
                    begun.push(event.task_id);
                }
                end += 1;
            }
            let (now, later) = rest.split_at(end);
            rest = later;
            let mut tasks = self.tasks(&begun).await?;
            for event in now {
                if event.kind == EventType::Created
                    && let Some((task, payloads)) = tasks.remove(&event.task_id)
                {
                    self.push(RecordKind::Task(Box::new(records::task_record(&task))))?;
                    for kept in records::standing(&task).chain(payloads) {
                        self.push(RecordKind::Payload(records::payload_record(&kept)))?;
                    }
                }
                self.push(RecordKind::Event(records::event_record(event)))?;
            }
        }
        Ok(())
    }

    /// Those of the tasks that are there, with the payloads that they had.
    async fn tasks(
        &mut self,
        ids: &[TaskId],
    ) -> Result<HashMap<TaskId, (Task, Vec<KeptPayload>)>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = tasks::rows(&self.snapshot, self.store.dialect(), (ids, true)).await?;
        let mut tasks = HashMap::with_capacity(ids.len());
        for row in rows {
            let task = read_task(row)?;
            tasks.insert(task.id, (task, Vec::new()));
        }
        let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let keys = payload::Entity::find()
            .select_only()
            .columns([
                payload::Column::TaskId,
                payload::Column::Role,
                payload::Column::Version,
            ])
            .filter(payload::Column::TaskId.is_in(uuids.iter().copied()))
            .order_by_asc(payload::Column::Role)
            .order_by_asc(payload::Column::Version)
            .into_tuple::<(Uuid, i32, i32)>()
            .all(&self.snapshot)
            .await?;
        for (id, role, version) in keys {
            let row = payload::Entity::find_by_id((id, role, version))
                .one(&self.snapshot)
                .await?;
            let (Some(row), Some((_, kept))) = (row, tasks.get_mut(&TaskId(id))) else {
                continue;
            };
            let role = baton_domain::PayloadRole::from_number(row.role)
                .ok_or_else(|| StoreError::corrupt("payload", id, "its role is not known"))?;
            kept.push(KeptPayload {
                task_id: TaskId(id),
                role,
                payload: read_replaced(row)?,
            });
        }
        Ok(tasks)
    }

    /// In the order in which they began, which is that of their ids.
    async fn runs(&mut self) -> Result<(), StoreError> {
        let mut last = 0;
        loop {
            let rows = run::Entity::find()
                .filter(run::Column::Id.gt(last))
                .order_by_asc(run::Column::Id)
                .limit(ROWS)
                .all(&self.snapshot)
                .await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.id;
            let namespace = self.namespace;
            for row in rows.into_iter().filter(|row| row.namespace == namespace) {
                self.push(RecordKind::Run(records::run_record(row)))?;
            }
        }
    }

    /// What points at tasks: dependencies, keys, remembered calls, and work for later batches.
    async fn rest(&mut self) -> Result<(), StoreError> {
        self.edges().await?;
        self.keys().await?;
        self.requests().await?;
        let mut last = 0;
        loop {
            let rows = follow_up::Entity::find()
                .filter(follow_up::Column::Namespace.eq(self.namespace))
                .filter(follow_up::Column::Id.gt(last))
                .order_by_asc(follow_up::Column::Id)
                .limit(ROWS)
                .all(&self.snapshot)
                .await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.id;
            for row in rows {
                let follow_up = read_follow_up(row)?;
                self.push(RecordKind::FollowUp(records::follow_up_record(&follow_up)))?;
            }
        }
    }

    /// A dependency says nothing of its namespace: that of its tasks, which are in one.
    async fn edges(&mut self) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let mut page = edge::Entity::find().cursor_by((edge::Column::DependsOn, edge::Column::TaskId));
            if let Some(last) = last {
                page.after(last);
            }
            let rows = page.first(ROWS).all(&self.snapshot).await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = Some((row.depends_on, row.task_id));
            let ours: HashSet<Uuid> = task::Entity::find()
                .select_only()
                .column(task::Column::Id)
                .filter(task::Column::Id.is_in(rows.iter().map(|row| row.task_id)))
                .filter(task::Column::Namespace.eq(self.namespace))
                .into_tuple::<Uuid>()
                .all(&self.snapshot)
                .await?
                .into_iter()
                .collect();
            for row in rows.iter().filter(|row| ours.contains(&row.task_id)) {
                self.push(RecordKind::Dependency(records::edge_record(row)))?;
            }
        }
    }

    async fn keys(&mut self) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let mut page = dedup::Entity::find()
                .filter(dedup::Column::Namespace.eq(self.namespace))
                .cursor_by(dedup::Column::Key);
            if let Some(last) = last {
                page.after::<String>(last);
            }
            let rows = page.first(ROWS).all(&self.snapshot).await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = Some(row.key.clone());
            for row in rows {
                self.push(RecordKind::Key(records::key_record(row)))?;
            }
        }
    }

    async fn requests(&mut self) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let mut page = request::Entity::find()
                .filter(request::Column::Namespace.eq(self.namespace))
                .cursor_by(request::Column::RequestId);
            if let Some(last) = last {
                page.after::<Uuid>(last);
            }
            let rows = page.first(ROWS).all(&self.snapshot).await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = Some(row.request_id);
            for row in rows {
                let request = read_request(row)?;
                self.push(RecordKind::Request(records::request_record(&request)))?;
            }
        }
    }
}
