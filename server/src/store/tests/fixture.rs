//! A store in a folder of its own, and tasks to put into it.

use std::sync::Arc;

use baton_domain::{
    Action, Actor, ActorType, AttemptOutcome, Command, Dependency, Edit, Event, FailureRule, Function,
    FunctionKind, InputRequest, Labels, NewTask, Outcome, Payload, PayloadKind, Priority, Progress,
    RetryPolicy, Span, State, Task, TaskError, TaskId, Timeouts, Timers, Timestamp, Verification, create,
    decide,
};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::seams::Ids;
use crate::store::{DatabaseUrl, Heads, Opened, Store, StoreError, StoreOptions, WriteBatch, Writer};

/// The time at which tests begin.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_764_000_000_000_000);

/// An open store. Its file goes with it.
pub(super) struct Fixture {
    pub(super) folder: TempDir,
    pub(super) store: Store,
    pub(super) writer: Writer,
    pub(super) heads: Heads,
    drawn: u128,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(&StoreOptions::new(Ids::seeded(1))).await
    }

    pub(super) async fn with(options: &StoreOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let Opened { store, writer, heads } = Store::open(&url(&folder), options).await.unwrap();
        Self {
            folder,
            store,
            writer,
            heads,
            drawn: 0,
        }
    }

    /// As [`Fixture::new`], of a store that is open.
    pub(super) fn of(folder: TempDir, (store, writer, heads): (Store, Writer, Heads)) -> Self {
        Self {
            folder,
            store,
            writer,
            heads,
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

    /// Lets go of the file and opens it again.
    pub(super) async fn reopen(self) -> (TempDir, Opened) {
        let Self {
            folder,
            store,
            writer,
            ..
        } = self;
        drop((store, writer));
        let opened = open(&folder).await.unwrap();
        (folder, opened)
    }
}

pub(super) fn insert(task: &Task, events: Vec<Arc<Event>>) -> WriteBatch {
    WriteBatch {
        inserted: vec![Arc::new(task.clone())],
        events,
        ..WriteBatch::default()
    }
}

pub(super) fn url(folder: &TempDir) -> DatabaseUrl {
    DatabaseUrl::Sqlite(folder.path().join("deep/baton.db"))
}

pub(super) async fn open(folder: &TempDir) -> Result<Opened, StoreError> {
    Store::open(&url(folder), &StoreOptions::new(Ids::seeded(1))).await
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
        priority: Priority::Normal,
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

/// A task that fills every field, with texts that break careless quoting. No command could lead to it.
pub(super) fn maximal(id: TaskId) -> Task {
    let text = "quote \" slash \\ newline \n tab \t bell \u{7} euro € smile 😀 ' ; -- ]".to_owned();
    Task {
        id,
        namespace: "other".to_owned(),
        queue: "q-1".to_owned(),
        task_type: "generate".to_owned(),
        function: Some(function(&text)),
        title: text.clone(),
        description: text.repeat(20),
        input: Some(payload(PayloadKind::Data, 3, all_bytes())),
        output: Some(payload(PayloadKind::Uri, 2, Bytes::new())),
        receipt: None,
        checkpoint: None,
        error: Some(error(&text)),
        state: State::Paused,
        state_reason: "paused".into(),
        state_message: text.clone(),
        priority: Priority::Critical,
        labels: labels(&[("a/b.c-d_e", &text), ("empty", "")]),
        metadata: Some(all_bytes()),
        creator: human(),
        assignee: Some(human()),
        leased: false,
        lease: None,
        progress: Some(progress(&text)),
        parent_id: Some(TaskId(Uuid::from_u128(9))),
        dependencies: vec![dependency(None), dependency(Some(State::Dead))],
        schedule_time: Some(Timestamp::from_micros(i64::MAX)),
        create_time: Timestamp::from_micros(-1),
        update_time: NOW,
        queue_time: Some(Timestamp::from_micros(0)),
        start_time: Some(NOW),
        end_time: None,
        attempt: 7,
        retry_count: 8,
        cleared_input: 0,
        checkpoint_version: 0,
        execution_count: 9,
        run_count: 0,
        output_count: 0,
        retry_policy: Some(retry_policy(&text)),
        timeouts: Timeouts::default(),
        timers: Timers {
            since: NOW,
            spent: Span::ZERO,
            total_since: Timestamp::from_micros(-1),
        },
        verification: Verification::Manual,
        verification_grace: None,
        dedup_key: String::new(),
        input_requests: vec![
            input_request("k1", &text),
            InputRequest {
                answer: None,
                answerer: None,
                ..input_request("k2", "")
            },
        ],
        fence: i64::MAX,
        paused_from: Some(State::Review),
        revision: 12,
        edit_revision: 11,
        spec_hash: [255; 32],
        last_call: None,
        has_dependants: true,
        has_children: true,
    }
}

pub(super) fn function(text: &str) -> Function {
    Function {
        kind: FunctionKind::Agentic,
        name: text.to_owned(),
        description: text.to_owned(),
        args: Some(all_bytes()),
        output: Some(Bytes::new()),
        prompt_template: "{{name}}".to_owned(),
    }
}

pub(super) fn error(text: &str) -> TaskError {
    TaskError {
        code: "E1".to_owned(),
        message: text.to_owned(),
        details: Some(all_bytes()),
        retry_after: Some(Span::from_secs(5)),
        non_retryable: true,
    }
}

pub(super) fn progress(text: &str) -> Progress {
    Progress {
        percent: Some(0),
        current_step: text.to_owned(),
        message: String::new(),
        estimated_time_remaining: Some(Span::ZERO),
    }
}

pub(super) fn dependency(result: Option<State>) -> Dependency {
    let id = result.map_or(1, |state| 2 + u128::from(state.number().unsigned_abs()));
    Dependency {
        task_id: TaskId(Uuid::from_u128(id)),
        on_failure: FailureRule::Continue,
        result,
    }
}

pub(super) fn retry_policy(text: &str) -> RetryPolicy {
    RetryPolicy {
        max_attempts: Some(0),
        initial_backoff: Some(Span::ZERO),
        max_backoff: Some(Span::from_secs(60)),
        backoff_multiplier: Some(0.1),
        jitter: Some(f64::MIN_POSITIVE),
        retry_outcomes: vec![AttemptOutcome::Killed, AttemptOutcome::Error],
        non_retryable_codes: vec![text.to_owned(), String::new()],
    }
}

pub(super) fn input_request(key: &str, text: &str) -> InputRequest {
    InputRequest {
        key: key.to_owned(),
        prompt: text.to_owned(),
        schema: None,
        deadline_time: None,
        default_input: None,
        choices: vec!["yes".to_owned(), text.to_owned()],
        answer: Some(payload(PayloadKind::Json, 1, all_bytes())),
        answerer: Some(human()),
    }
}

/// A connection beside the store, as somebody with a shell has it.
pub(super) async fn shell(folder: &TempDir) -> SqliteConnection {
    let DatabaseUrl::Sqlite(file) = url(folder);
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file))
        .await
        .unwrap()
}

/// Starts a task directly.
pub(super) const fn begin() -> Action {
    Action::Start {
        assignee: None,
        lease: None,
        start_time: None,
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
