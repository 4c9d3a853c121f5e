//! Watches of one task: what came since they began is told before they end.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_domain::{Action, Actor, Command, NewTask, Priority, TaskId, Verification};
use tempfile::TempDir;

use crate::engine::{Class, CreateRequest, Engine, IntakeLimits, MoveRequest, Parts};
use crate::feed::{Begin, Feed, Plan, RING_BYTES, Selection, Update, Watch, only};
use crate::seams::{Clock, Ids, monotonic_now};
use crate::store::{DatabaseUrl, Store, StoreOptions};

/// An engine, and a task in its queue.
struct Bench {
    engine: Engine,
    task: TaskId,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("baton.db"));
        let options = StoreOptions::new(Ids::system());
        let opened = Store::open(&url, &options).await.expect("a new store opens");
        let feed = Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES);
        let (engine, _committer) = Engine::start(Parts {
            opened,
            feed,
            clock: Clock::movable(),
            ids: Ids::system(),
            limits: IntakeLimits::default(),
        });
        let task = TaskId(engine.ids().uuid_v7(engine.clock().now_micros()));
        let request = CreateRequest {
            new: Box::new(new_task(task)),
            creator: Actor::anonymous(),
            chosen_id: true,
        };
        engine.create(request, None).await.expect("the task is created");
        Bench {
            engine,
            task,
            _folder: folder,
        }
    }

    async fn give(&self, action: Action) {
        let command = Command {
            actor: Actor::anonymous(),
            action,
        };
        let request = MoveRequest {
            id: self.task,
            command,
            etag: None,
            request: None,
            class: Class::Move,
        };
        self.engine.execute(request).await.expect("the move is allowed");
    }

    async fn cancel(&self) {
        self.give(Action::Cancel {
            reason: String::new(),
        })
        .await;
    }

    fn watch(&self, begin: Begin) -> Watch {
        self.watch_telling_every(begin, Duration::from_secs(3_600))
    }

    fn watch_telling_every(&self, begin: Begin, bookmark_every: Duration) -> Watch {
        Watch::new(
            self.engine.feed(),
            Plan {
                namespace: "default".to_owned(),
                selection: Selection {
                    filter: only(self.task),
                    types: Vec::new(),
                },
                task: Some(self.task),
                payloads: false,
                begin,
                bookmark_every,
            },
        )
    }

    fn snapshot(&self) -> Watch {
        let position = self.engine.feed().head("default");
        self.watch(Begin::Snapshot {
            after: None,
            position,
        })
    }
}

fn new_task(id: TaskId) -> NewTask {
    NewTask {
        id,
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        task_type: "report".to_owned(),
        function: None,
        title: String::new(),
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
        spec_hash: [0; 32],
        hold: false,
    }
}

/// What the watch tells until it ends, in short.
async fn told(mut watch: Watch) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(update) = watch.next().await.expect("the log reads") {
        match update {
            Update::Tasks { tasks, .. } => all.extend(tasks.iter().map(|task| format!("is {}", task.state))),
            Update::Events { events, .. } => {
                all.extend(events.iter().map(|(event, _)| format!("{:?}", event.kind)));
            }
            Update::Bookmark { .. } => all.push("bookmark".to_owned()),
        }
    }
    all
}

#[tokio::test]
async fn an_end_that_comes_as_the_watch_begins_is_told() {
    let bench = Bench::new().await;
    let from_now = bench.watch(Begin::Now);
    let from_snapshot = bench.snapshot();
    bench.cancel().await;
    assert_eq!(told(from_now).await, ["bookmark", "Cancelled"]);
    assert_eq!(told(from_snapshot).await, ["is CANCELLED", "Cancelled"]);
}

#[tokio::test]
async fn a_deletion_that_comes_as_the_watch_begins_is_told() {
    let bench = Bench::new().await;
    bench.cancel().await;
    let from_now = bench.watch(Begin::Now);
    let from_snapshot = bench.snapshot();
    bench.give(Action::Delete { force: false }).await;
    assert_eq!(told(from_now).await, ["bookmark", "Deleted"]);
    assert_eq!(told(from_snapshot).await, ["Deleted"]);
}

#[tokio::test]
async fn a_task_that_has_ended_before_is_not_waited_for() {
    let bench = Bench::new().await;
    bench.cancel().await;
    assert_eq!(told(bench.watch(Begin::Now)).await, ["bookmark"]);
    assert_eq!(told(bench.snapshot()).await, ["is CANCELLED"]);
    assert_eq!(
        told(bench.watch(Begin::After(0))).await,
        ["Created", "Queued", "Cancelled"]
    );
}

#[tokio::test]
async fn a_quiet_watch_gets_its_bookmark_a_while_after_whatever_it_was_told_last() {
    let every = Duration::from_millis(200);
    let bench = Bench::new().await;
    let mut watch = bench.watch_telling_every(Begin::Now, every);
    let mut next = async || (watch.next().await.expect("the log reads"), monotonic_now());
    assert!(matches!(next().await, (Some(Update::Bookmark { .. }), _)));
    bench
        .give(Action::Comment {
            message: "here".to_owned(),
        })
        .await;
    let (event, told) = next().await;
    assert!(matches!(event, Some(Update::Events { .. })));
    for n in 1..=2 {
        let (bookmark, now) = next().await;
        assert!(matches!(bookmark, Some(Update::Bookmark { .. })));
        assert!(now >= told + every * n, "{:?} after the event", now - told);
    }
}
