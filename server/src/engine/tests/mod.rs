//! The committer's protocol, point by point, over a real database.

mod absence;
mod ahead;
mod circles;
mod claims;
mod doubt;
mod handovers;
mod keys;
mod leases;
mod lives;
mod memory;
mod neighbours;
mod postgres;
mod queues;
mod repeats;
mod runs;
mod schedules;

use std::collections::BTreeMap;

use baton_domain::filter::{Filter, Schema};
use baton_domain::{
    Action, Actor, Command, Dependency, FailureRule, Labels, NewTask, Priority, Run, State, Timestamp,
    Verification,
};
use baton_test_database::{Shell, TestDatabase};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::feed::RING_BYTES;
use crate::store::{RunQuery, SCAN_ROWS, StoreOptions, Writer};

struct Bench {
    engine: Engine,
    committer: JoinHandle<Writer>,
    database: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        Self::open(TestDatabase::new()).await
    }

    /// Goes on with what is in that database.
    async fn open(database: TestDatabase) -> Self {
        let (engine, committer) = engine_of(&database).await;
        Self {
            engine,
            committer,
            database,
        }
    }

    /// Runs SQL as somebody else who has opened the database would.
    async fn sql(&self, text: &str) {
        let mut shell = self.shell().await;
        shell.run(text).await;
        shell.close().await;
    }

    async fn shell(&self) -> Shell {
        self.database.shell().await
    }

    fn new_task(&self, title: &str) -> Box<NewTask> {
        let id = self.engine.ids().uuid_v7(self.engine.clock().now_micros());
        new_task(TaskId(id), title)
    }

    async fn create(&self, new: Box<NewTask>) -> Result<Done, Error> {
        self.engine.create(member(new), None).await
    }

    async fn give(&self, id: TaskId, action: Action) -> Result<Done, Error> {
        self.engine.execute(command(id, action)).await
    }

    /// The runs of a task, the newest first.
    async fn runs(&self, id: TaskId) -> Vec<Run> {
        let filter = Filter::parse(&format!("task_id = {id}"), Schema::RUNS);
        let query = RunQuery {
            namespace: "default".to_owned(),
            filter: filter.expect("a filter"),
            after: None,
            limit: 1_000,
            scan_limit: SCAN_ROWS,
            payloads: false,
        };
        self.engine
            .store()
            .runs(&query)
            .await
            .expect("the runs read")
            .runs
    }

    /// Everything that was committed is in the log, numbered without a gap, and folds to the rows: to those of tasks,
    /// and to those of their runs.
    async fn finish(mut self) {
        self.engine.close();
        (&mut self.committer).await.expect("the committer ends");
        let log = self
            .engine
            .store()
            .log("default", 0, 100_000)
            .await
            .expect("the log reads");
        let mut histories: BTreeMap<TaskId, Vec<_>> = BTreeMap::new();
        for (n, event) in log.into_iter().enumerate() {
            assert_eq!(event.position, n as i64 + 1, "positions have no gap");
            histories.entry(event.task_id).or_default().push(event);
        }
        let ids: Vec<_> = histories.keys().copied().collect();
        let mut stored = BTreeMap::new();
        for ids in ids.chunks(1_000) {
            let rows = self.engine.store().tasks(ids).await.expect("the rows read");
            stored.extend(rows.into_iter().map(|task| (task.id, task)));
        }
        for (id, history) in histories {
            let folded = baton_domain::apply::fold(&history);
            assert_eq!(
                folded.map(|t| (t.state, t.revision)),
                stored.get(&id).map(|t| (t.state, t.revision)),
                "{id}"
            );
            let mut runs = baton_domain::run::runs(&history);
            if !stored.contains_key(&id) {
                runs.clear();
            }
            runs.reverse();
            assert_eq!(self.runs(id).await, runs, "{id}");
        }
    }
}

/// An engine that hears of nothing but what its committer asks for.
async fn engine_of(database: &TestDatabase) -> (Engine, JoinHandle<Writer>) {
    let opened = opened(database).await;
    let parts = Parts {
        feed: Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES),
        opened,
        clock: Clock::movable(),
        ids: Ids::system(),
        limits: IntakeLimits::default(),
        unknown_types: UnknownTypes::Allow,
    };
    let (engine, committer) = Engine::new(parts);
    (engine, tokio::spawn(committer))
}

async fn opened(database: &TestDatabase) -> crate::store::Opened {
    let url = database.url().parse().expect("a URL of a database");
    let opened = Store::open(&url, &StoreOptions::new(Ids::system())).await;
    opened.expect("the store opens")
}

fn command(id: TaskId, action: Action) -> MoveRequest {
    let command = Command::new(Actor::anonymous(), action);
    MoveRequest {
        id,
        command,
        etag: None,
        request: None,
        class: Class::Move,
    }
}

fn request_key(n: u128) -> Option<RequestKey> {
    Some(RequestKey {
        id: Uuid::from_u128(n),
        method: "Test",
        hash: [1; 32],
    })
}

/// A task that anybody may take.
pub(crate) fn new_task(id: TaskId, title: &str) -> Box<NewTask> {
    Box::new(NewTask {
        id,
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        task_type: "report".to_owned(),
        function: None,
        title: title.to_owned(),
        description: String::new(),
        input: None,
        priority: Some(Priority::Normal),
        labels: Labels::default(),
        metadata: None,
        assignee: None,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        timeouts: baton_domain::Timeouts::default(),
        verification: Verification::None,
        verification_grace: None,
        dedup: None,
        spec_hash: *blake3::hash(title.as_bytes()).as_bytes(),
        hold: false,
    })
}

fn member(new: Box<NewTask>) -> CreateRequest {
    CreateRequest {
        new,
        creator: Actor::anonymous(),
        chosen_id: true,
    }
}

/// A dependency that fails its task when it fails.
fn on(task_id: TaskId) -> Dependency {
    Dependency {
        task_id,
        on_failure: FailureRule::Fail,
        result: None,
    }
}

const fn start() -> Action {
    Action::Start {
        assignee: None,
        lease: None,
        start_time: None,
    }
}

const fn complete() -> Action {
    Action::Complete {
        output: None,
        receipt: None,
        jitter: 0.0,
    }
}

fn fail() -> Action {
    Action::Fail {
        error: baton_domain::TaskError::new("E", "it failed"),
        outcome: baton_domain::AttemptOutcome::Error,
        jitter: 0.0,
    }
}

const fn retry() -> Action {
    Action::Retry {
        input: None,
        delay: baton_domain::Span::ZERO,
    }
}

const fn cancel() -> Action {
    Action::Cancel {
        reason: String::new(),
    }
}
