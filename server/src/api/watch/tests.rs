//! Watches of one task: what came since they began is told before they end.

use std::time::Duration;

use baton_domain::filter::Filter;
use baton_domain::{Action, Actor, Command, Detail, Payload, PayloadKind, TaskId};
use baton_test_database::TestDatabase;

use crate::engine::tests::new_task;
use crate::engine::{Class, CreateRequest, Engine, IntakeLimits, MoveRequest, Parts};
use crate::feed::{Begin, Feed, Plan, RING_BYTES, Selection, Update, Watch, only};
use crate::seams::{Clock, Ids, monotonic_now};
use crate::store::{Store, StoreOptions};

/// An engine, and a task in its queue.
struct Bench {
    engine: Engine,
    task: TaskId,
    _database: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        Self::with_ring(RING_BYTES).await
    }

    async fn with_ring(bytes: usize) -> Self {
        let database = TestDatabase::new();
        let url = database.url().parse().expect("a URL of a database");
        let options = StoreOptions::new(Ids::system());
        let opened = Store::open(&url, &options).await.expect("a new store opens");
        let feed = Feed::new(opened.store.clone(), opened.heads.clone(), bytes);
        let (engine, committer) = Engine::new(Parts {
            opened,
            feed,
            clock: Clock::movable(),
            ids: Ids::system(),
            limits: IntakeLimits::default(),
            unknown_types: crate::config::UnknownTypes::Allow,
        });
        let _committer = tokio::spawn(committer);
        let task = TaskId(engine.ids().uuid_v7(engine.clock().now_micros()));
        let request = CreateRequest {
            new: new_task(task, ""),
            creator: Actor::anonymous(),
            chosen_id: true,
        };
        engine.create(request, None).await.expect("the task is created");
        Bench {
            engine,
            task,
            _database: database,
        }
    }

    async fn give(&self, action: Action) {
        let command = Command::new(Actor::anonymous(), action);
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

    /// Of every task, with payloads.
    fn watch_everything(&self, begin: Begin) -> Watch {
        Watch::new(
            self.engine.feed(),
            Plan {
                namespace: "default".to_owned(),
                selection: Selection {
                    filter: Filter::everything(),
                    types: Vec::new(),
                },
                task: None,
                payloads: true,
                begin,
                bookmark_every: Duration::from_secs(3_600),
            },
        )
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

/// Tasks with inputs of so many bytes.
async fn with_inputs(bench: &Bench, count: usize, bytes: usize) {
    for _ in 0..count {
        let id = bench.engine.ids().uuid_v7(bench.engine.clock().now_micros());
        let mut new = new_task(TaskId(id), "");
        new.input = Some(Payload {
            kind: PayloadKind::Data,
            media_type: "text/plain".to_owned(),
            version: 1,
            size: i64::try_from(bytes).expect("a size"),
            sha256: [7; 32],
            body: Some(vec![b'x'; bytes].into()),
        });
        let request = CreateRequest {
            new,
            creator: Actor::anonymous(),
            chosen_id: true,
        };
        bench
            .engine
            .create(request, None)
            .await
            .expect("the task is created");
    }
}

fn body(payload: Option<&Payload>) -> usize {
    payload
        .and_then(|payload| payload.body.as_ref())
        .map_or(0, bytes::Bytes::len)
}

/// Bytes of the payloads of each update, and the positions or ids that were told of, up to the head.
async fn payloads_told(bench: &Bench, begin: Begin) -> (Vec<usize>, Vec<String>) {
    let head = bench.engine.feed().head("default");
    let mut watch = bench.watch_everything(begin);
    let (mut sizes, mut told, mut at) = (Vec::new(), Vec::new(), 0);
    while at < head {
        match watch.next().await.expect("the log reads").expect("it goes on") {
            Update::Tasks {
                tasks,
                next,
                position,
            } => {
                sizes.push(tasks.iter().map(|task| body(task.input.as_ref())).sum());
                told.extend(tasks.iter().map(|task| task.id.to_string()));
                at = if next.is_none() { position } else { 0 };
            }
            Update::Events { events, through } => {
                sizes.push(
                    events
                        .iter()
                        .map(|(event, _)| match &event.detail {
                            Detail::Created(task) => body(task.input.as_ref()),
                            _ => 0,
                        })
                        .sum(),
                );
                told.extend(events.iter().map(|(event, _)| event.position.to_string()));
                assert!(through > at, "{through} comes after {at}");
                assert!(events.iter().all(|(event, _)| event.position <= through));
                at = through;
            }
            Update::Bookmark { through } => at = through,
        }
    }
    (sizes, told)
}

#[tokio::test]
async fn a_watch_with_payloads_holds_those_of_one_message() {
    const TASKS: usize = 60;
    const INPUT: usize = 100_000;
    let bench = Bench::with_ring(1).await;
    with_inputs(&bench, TASKS, INPUT).await;
    with_inputs(&bench, 1, 400_000).await;
    let head = bench.engine.feed().head("default");
    let snapshot = Begin::Snapshot {
        after: None,
        position: head,
    };
    for (begin, count) in [
        (Begin::After(0), usize::try_from(head).expect("few")),
        (snapshot, TASKS + 2),
    ] {
        let (sizes, mut told) = payloads_told(&bench, begin).await;
        assert_eq!(
            sizes.iter().sum::<usize>(),
            TASKS * INPUT + 400_000,
            "every payload is told"
        );
        assert!(
            sizes.iter().all(|size| *size <= 256 * 1024 || *size == 400_000),
            "{sizes:?}"
        );
        assert!(sizes.contains(&(2 * INPUT)), "as many as fit: {sizes:?}");
        assert_eq!(told.len(), count);
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), count, "none twice");
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

/// The reads of a busy database take longer than a short pause between bookmarks.
#[tokio::test]
async fn a_bookmark_that_is_due_interrupts_no_read() {
    let bench = Bench::with_ring(1).await;
    let mut watch = bench.watch_telling_every(Begin::Now, Duration::ZERO);
    let mut next = async || watch.next().await.expect("the log reads");
    assert!(matches!(next().await, Some(Update::Bookmark { .. })));
    bench.cancel().await;
    let told = next().await;
    assert!(matches!(told, Some(Update::Events { .. })), "{told:?}");
}
