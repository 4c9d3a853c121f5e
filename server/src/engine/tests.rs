//! The committer's protocol, point by point, over a real SQLite file.

use std::collections::BTreeMap;

use baton_domain::{
    Action, Actor, Command, Dependency, FailureRule, NewTask, Priority, State, Timestamp, Verification,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::feed::RING_BYTES;
use crate::store::{DatabaseUrl, StoreOptions};

struct Bench {
    engine: Engine,
    committer: JoinHandle<()>,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("baton.db"));
        let opened = Store::open(&url, &StoreOptions::new(Ids::system()))
            .await
            .expect("a new store opens");
        let feed = Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES);
        let limits = IntakeLimits::default();
        let parts = Parts {
            opened,
            feed,
            clock: Clock::movable(),
            ids: Ids::system(),
            limits,
        };
        let (engine, committer) = Engine::start(parts);
        Self {
            engine,
            committer,
            folder,
        }
    }

    /// Runs SQL as somebody else who opened the file would.
    async fn sql(&self, text: &'static str) {
        use sqlx::{Connection as _, Executor as _};
        let path = self.folder.path().join("baton.db");
        let url = format!("sqlite:{}", path.display());
        let mut other = sqlx::SqliteConnection::connect(&url)
            .await
            .expect("the file opens");
        other.execute(text).await.expect("the statement runs");
        other.close().await.expect("the connection closes");
    }

    fn new_task(&self, title: &str) -> Box<NewTask> {
        Box::new(NewTask {
            id: TaskId(self.engine.ids().uuid_v7(self.engine.clock().now_micros())),
            namespace: "default".to_owned(),
            queue: "default".to_owned(),
            task_type: "report".to_owned(),
            function: None,
            title: title.to_owned(),
            description: String::new(),
            input: None,
            priority: Priority::Normal,
            labels: BTreeMap::new(),
            metadata: None,
            assignee: None,
            parent_id: None,
            dependencies: Vec::new(),
            schedule: None,
            retry_policy: None,
            verification: Verification::None,
            spec_hash: *blake3::hash(title.as_bytes()).as_bytes(),
            hold: false,
        })
    }

    async fn create(&self, new: Box<NewTask>) -> Result<Done, Error> {
        self.engine
            .create(
                CreateRequest {
                    new,
                    creator: Actor::anonymous(),
                    chosen_id: true,
                },
                None,
            )
            .await
    }

    async fn give(&self, id: TaskId, action: Action) -> Result<Done, Error> {
        self.engine.execute(command(id, action)).await
    }

    /// Everything that was committed is in the log, numbered without a gap, and folds to the rows.
    async fn finish(self) {
        self.engine.close();
        self.committer.await.expect("the committer ends");
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
        for (id, history) in histories {
            let folded = baton_domain::apply::fold(&history);
            let stored = self.engine.store().task(id).await.expect("the row reads");
            assert_eq!(
                folded.map(|t| (t.state, t.revision)),
                stored.map(|t| (t.state, t.revision)),
                "{id}"
            );
        }
    }
}

fn command(id: TaskId, action: Action) -> MoveRequest {
    let command = Command {
        actor: Actor::anonymous(),
        action,
    };
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

#[tokio::test]
async fn a_task_lives_and_every_answer_is_numbered() {
    let bench = Bench::new().await;
    let created = bench.create(bench.new_task("a")).await.expect("created");
    assert_eq!((created.task.state, created.task.revision), (State::Queued, 2));
    assert_eq!(
        created.events.iter().map(|e| e.position).collect::<Vec<_>>(),
        [1, 2]
    );
    let id = created.task.id;
    let started = bench
        .give(id, Action::Start { assignee: None })
        .await
        .expect("started");
    assert_eq!(started.events.last().map(|e| e.position), Some(4));
    let done = bench
        .give(id, Action::Complete { output: None })
        .await
        .expect("completed");
    assert_eq!((done.task.state, done.task.revision), (State::Completed, 5));
    bench.finish().await;
}

#[tokio::test]
async fn commands_that_wait_together_are_committed_together_and_see_each_other() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let comments = (0..300).map(|n| {
        bench.give(
            id,
            Action::Comment {
                message: n.to_string(),
            },
        )
    });
    let done = futures::future::try_join_all(comments)
        .await
        .expect("all accepted");
    let mut revisions: Vec<_> = done.iter().map(|d| d.task.revision).collect();
    revisions.sort_unstable();
    assert_eq!(
        revisions,
        (3..303).collect::<Vec<_>>(),
        "each answer is the task after its own command"
    );
    bench.finish().await;
}

#[tokio::test]
async fn neighbours_of_rejected_colliding_and_poison_commands_succeed() {
    let bench = Bench::new().await;
    bench
        .sql("CREATE TRIGGER poison BEFORE INSERT ON task WHEN NEW.title = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END")
        .await;
    let first = bench.create(bench.new_task("first")).await.expect("created").task;
    let done = bench
        .give(
            first.id,
            Action::Cancel {
                reason: String::new(),
            },
        )
        .await
        .expect("cancelled")
        .task;
    let mut colliding = bench.new_task("another");
    colliding.id = first.id;
    let (before, poison, rejected, collided, after) = tokio::join!(
        bench.create(bench.new_task("before")),
        bench.create(bench.new_task("poison")),
        bench.give(done.id, Action::Start { assignee: None }),
        bench.create(colliding),
        bench.create(bench.new_task("after")),
    );
    before.expect("the one before is created");
    after.expect("the one after is created");
    assert!(matches!(poison, Err(Error::Store(_))), "{poison:?}");
    assert!(matches!(rejected, Err(Error::Rejected(_))), "{rejected:?}");
    assert!(
        matches!(collided, Err(Error::TaskIdReused { .. })),
        "{collided:?}"
    );
    bench.sql("DROP TRIGGER poison").await;
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_create_answers_with_the_task_that_is_there() {
    let bench = Bench::new().await;
    let new = bench.new_task("once");
    let first = bench.create(new.clone()).await.expect("created");
    bench
        .give(
            first.task.id,
            Action::Cancel {
                reason: String::new(),
            },
        )
        .await
        .expect("cancelled");
    let again = bench
        .create(new.clone())
        .await
        .expect("the same specification is no error");
    assert!(again.replayed && again.events.is_empty());
    assert_eq!(again.task.state, State::Cancelled, "as it stands now");
    let delete = command(first.task.id, Action::Delete { force: false });
    bench.engine.delete(delete).await.expect("deleted");
    let gone = bench.create(new).await;
    assert!(
        matches!(gone, Err(Error::TaskIdReused { .. })),
        "its events are still in the log: {gone:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_another_body_is_refused() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let cancel = |request| MoveRequest {
        request,
        ..command(
            id,
            Action::Cancel {
                reason: String::new(),
            },
        )
    };
    let first = bench
        .engine
        .execute(cancel(request_key(7)))
        .await
        .expect("cancelled");
    let again = bench
        .engine
        .execute(cancel(request_key(7)))
        .await
        .expect("a repeat is answered");
    assert!(!first.replayed && again.replayed);
    assert_eq!(again.task.revision, first.task.revision);
    let other = request_key(7).map(|key| RequestKey { hash: [2; 32], ..key });
    let reused = bench.engine.execute(cancel(other)).await;
    assert!(matches!(reused, Err(Error::RequestIdReused)), "{reused:?}");
    let comments = (0..3).map(|_| MoveRequest {
        request: request_key(8),
        ..command(
            id,
            Action::Comment {
                message: "once".to_owned(),
            },
        )
    });
    let done = futures::future::try_join_all(comments.map(|c| bench.engine.execute(c)))
        .await
        .expect("all answered");
    assert_eq!(
        done.iter().filter(|d| d.replayed).count(),
        2,
        "three at once, one comment"
    );
    let delete = MoveRequest {
        request: request_key(9),
        ..command(id, Action::Delete { force: false })
    };
    assert!(!bench.engine.delete(delete.clone()).await.expect("deleted"));
    assert!(
        bench
            .engine
            .delete(delete)
            .await
            .expect("a repeat of a delete is answered")
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_is_created_whole_or_not_at_all() {
    let bench = Bench::new().await;
    let mut last = bench.new_task("last");
    let first = bench.new_task("first");
    last.dependencies = vec![Dependency {
        task_id: first.id,
        on_failure: FailureRule::Fail,
        result: None,
    }];
    let member = |new| CreateRequest {
        new,
        creator: Actor::anonymous(),
        chosen_id: true,
    };
    // The dependant is named before what it waits for.
    let done = bench
        .engine
        .create_batch(vec![member(last.clone()), member(first)], None)
        .await
        .expect("created");
    assert_eq!(
        (done[0].task.title.as_str(), done[0].task.state),
        ("last", State::Blocked)
    );
    let mut lost = bench.new_task("lost");
    lost.dependencies = vec![Dependency {
        task_id: TaskId(Uuid::from_u128(5)),
        ..last.dependencies[0]
    }];
    let refused = bench
        .engine
        .create_batch(vec![member(bench.new_task("whole")), member(lost)], None)
        .await;
    assert!(
        matches!(refused, Err(Error::InBatch { index: 1, .. })),
        "{refused:?}"
    );
    assert_eq!(
        bench.engine.feed().head("default"),
        4,
        "nothing of the second batch is there"
    );
    let (mut a, mut b) = (bench.new_task("a"), bench.new_task("b"));
    a.dependencies = vec![Dependency {
        task_id: b.id,
        ..last.dependencies[0]
    }];
    b.dependencies = vec![Dependency {
        task_id: a.id,
        ..last.dependencies[0]
    }];
    let circle = bench.engine.create_batch(vec![member(a), member(b)], None).await;
    assert!(
        matches!(&circle, Err(Error::InBatch { source, .. })
        if matches!(**source, Error::Rejected(baton_domain::Rejection::DependencyCycle { .. }))),
        "{circle:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn time_never_runs_backwards_in_the_log() {
    let bench = Bench::new().await;
    bench
        .engine
        .clock()
        .advance(std::time::Duration::from_secs(3_600))
        .expect("the clock moves");
    let created = bench.create(bench.new_task("a")).await.expect("created").task;
    let folder = bench.folder;
    bench.engine.close();
    bench.committer.await.expect("the committer ends");
    drop(bench.engine);
    // A new process whose clock is an hour behind.
    let url = DatabaseUrl::Sqlite(folder.path().join("baton.db"));
    let opened = Store::open(&url, &StoreOptions::new(Ids::system()))
        .await
        .expect("the store opens again");
    assert!(opened.heads.last_time() >= created.create_time);
    let feed = Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES);
    let limits = IntakeLimits::default();
    let parts = Parts {
        opened,
        feed,
        clock: Clock::system(),
        ids: Ids::system(),
        limits,
    };
    let (engine, committer) = Engine::start(parts);
    let bench = Bench {
        engine,
        committer,
        folder,
    };
    let done = bench
        .give(created.id, Action::Start { assignee: None })
        .await
        .expect("started");
    assert!(
        done.task.update_time >= created.update_time,
        "{:?}",
        Timestamp::from_micros(0)
    );
    bench.finish().await;
}
