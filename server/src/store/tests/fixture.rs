//! A store in a database of its own, and tasks to put into it.

use std::sync::Arc;

use baton_domain::{
    Action, Actor, ActorType, Command, Edit, Event, Labels, NewTask, Outcome, Payload, PayloadKind, Priority,
    Span, Task, TaskId, Terms, Timeouts, Timestamp, Verification, create, decide,
};
use baton_test_database::{Shell, TestDatabase};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::seams::Ids;
use crate::store::{DatabaseUrl, Heads, Opened, Store, StoreError, StoreOptions, WriteBatch, Writer};

/// The time at which tests begin.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_764_000_000_000_000);

/// An open store. Its database goes with it.
pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) writer: Writer,
    pub(super) heads: Heads,
    pub(super) database: TestDatabase,
    drawn: u128,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(&StoreOptions::new(Ids::seeded(1))).await
    }

    pub(super) async fn with(options: &StoreOptions) -> Self {
        let database = TestDatabase::new();
        let Opened {
            store, writer, heads, ..
        } = Store::open(&url(&database), options).await.unwrap();
        Self {
            store,
            writer,
            heads,
            database,
            drawn: 0,
        }
    }

    /// As [`Fixture::new`], of a store that is open.
    pub(super) fn of(database: TestDatabase, (store, writer, heads): (Store, Writer, Heads)) -> Self {
        Self {
            store,
            writer,
            heads,
            database,
            drawn: 1_000,
        }
    }

    /// Ids that rise.
    pub(super) fn id(&mut self) -> TaskId {
        self.drawn += 1;
        TaskId(Uuid::from_u128(
            0x0193_0000_0000_7000_8000_0000_0000_0000 + self.drawn,
        ))
    }

    /// A QUEUED task and its two events, numbered.
    pub(super) fn created(&mut self, change: impl FnOnce(&mut NewTask)) -> (Task, Vec<Arc<Event>>) {
        let mut new = new_task(self.id());
        change(&mut new);
        let Outcome { events, task, .. } = create(new, &creator(), NOW);
        (task, self.numbered(events))
    }

    pub(super) fn numbered(&mut self, events: Vec<Event>) -> Vec<Arc<Event>> {
        let number = |mut event: Event| {
            event.position = self.heads.advance(&event.namespace, event.time);
            Arc::new(event)
        };
        events.into_iter().map(number).collect()
    }

    /// What `command` does to `before`, as a batch.
    pub(super) fn moved(&mut self, before: &Task, command: &Command, now: Timestamp) -> (Task, WriteBatch) {
        let Outcome { events, task, .. } = decide(before, command, now).unwrap();
        let updated = vec![(Arc::new(before.clone()), Arc::new(task.clone()))];
        (
            task,
            WriteBatch {
                updated,
                events: self.numbered(events),
                ..WriteBatch::default()
            },
        )
    }

    /// Commits a task as created.
    pub(super) async fn put(&mut self, change: impl FnOnce(&mut NewTask)) -> Task {
        let (task, events) = self.created(change);
        self.writer.commit(&insert(&task, events)).await.unwrap();
        task
    }

    /// Lets go of the database and opens it again.
    pub(super) async fn reopen(self) -> (TestDatabase, Opened) {
        let Self {
            database,
            store,
            writer,
            ..
        } = self;
        drop((store, writer));
        let opened = open(&database).await.unwrap();
        (database, opened)
    }

    /// A connection beside the store, as somebody with a shell has it.
    pub(super) async fn shell(&self) -> Shell {
        self.database.shell().await
    }
}

pub(super) fn insert(task: &Task, events: Vec<Arc<Event>>) -> WriteBatch {
    WriteBatch {
        inserted: vec![Arc::new(task.clone())],
        events,
        ..WriteBatch::default()
    }
}

pub(super) fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

pub(super) async fn open(database: &TestDatabase) -> Result<Opened, StoreError> {
    Store::open(&url(database), &StoreOptions::new(Ids::seeded(1))).await
}

pub(super) fn creator() -> Actor {
    Actor {
        kind: ActorType::Service,
        id: "billing".to_owned(),
        name: String::new(),
    }
}

pub(super) fn human() -> Actor {
    Actor {
        kind: ActorType::Human,
        id: "ada".to_owned(),
        name: "Ada \"the first\"".to_owned(),
    }
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    Arc::new(
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

/// Every byte there is.
pub(super) fn all_bytes() -> Bytes {
    (0..=255).collect()
}

pub(super) fn payload(kind: PayloadKind, version: i32, body: Bytes) -> Payload {
    Payload {
        kind,
        media_type: "text/plain; charset=utf-8".to_owned(),
        version,
        size: body.len() as i64 + 4,
        sha256: Sha256::digest(&body).into(),
        body: Some(body),
    }
}

pub(super) fn new_task(id: TaskId) -> NewTask {
    NewTask {
        id,
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        task_type: "send_email".to_owned(),
        function: None,
        title: "Send the invoice".to_owned(),
        description: String::new(),
        input: Some(payload(
            PayloadKind::JsonText,
            0,
            Bytes::from_static(b"{\"to\":\"ada\"}"),
        )),
        priority: Some(Priority::Normal),
        labels: labels(&[("team", "payments"), ("run", "4711")]),
        metadata: None,
        assignee: None,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        timeouts: Timeouts::default(),
        verification: Verification::None,
        verification_grace: None,
        dedup: None,
        spec_hash: [7; 32],
        hold: false,
    }
}

/// Starts a task directly.
pub(super) const fn begin() -> Action {
    Action::Start {
        assignee: None,
        lease: None,
        start_time: None,
    }
}

/// Leases a task to a person.
pub(super) fn grant() -> Action {
    Action::Assign {
        assignee: human(),
        lease: Some(Terms {
            duration: Span::from_secs(30),
            acknowledge: Span::from_secs(10),
        }),
    }
}

pub(super) fn by(action: Action) -> Command {
    Command::new(human(), action)
}

pub(super) fn json(text: &'static str) -> Payload {
    payload(PayloadKind::JsonText, 0, Bytes::from_static(text.as_bytes()))
}

pub(super) fn new_input(text: &'static str) -> Command {
    by(Action::Update(Box::new(Edit {
        input: Some(Some(json(text))),
        ..Edit::default()
    })))
}

pub(super) async fn delete(fixture: &mut Fixture, task: &Task) {
    let (_, mut batch) = fixture.moved(task, &by(Action::Delete { force: true }), NOW);
    batch.updated.clear();
    batch.deleted.push(Arc::new(task.clone()));
    fixture.writer.commit(&batch).await.unwrap();
}
