//! The plans that SQLite makes of every statement that runs often: an index serves it, and none reads a whole table.

mod lists;

use std::sync::Arc;

use baton_domain::{PayloadRole, Timestamp};
use baton_test_database::Shell;
use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use uuid::Uuid;

use super::asked::{all, id};
use super::fixture::{Fixture, NOW};
use crate::seams::Ids;
use crate::store::plan::Part;
use crate::store::readers::Readers;
use crate::store::rows::{EVENT, RUN, TASK};
use crate::store::tasks::TaskReader;
use crate::store::{
    BEGINNING, Demand, EventsOfQuery, Inner, Store, StoreOptions, Window,
    dialect::{self, Dialect},
};

/// A store that notes what it asks, and a connection to explain it on.
pub(super) struct Watched {
    _fixture: Fixture,
    pub(super) store: Store,
    asked: Arc<Mutex<Vec<String>>>,
    pub(super) shell: SqliteConnection,
}

pub(super) async fn watched() -> Watched {
    let options = StoreOptions {
        indexed_labels: vec!["run".to_owned()],
        ..StoreOptions::new(Ids::seeded(1))
    };
    let fixture = Fixture::with(&options).await;
    let Shell::Sqlite(shell) = fixture.shell().await else {
        panic!("these are the plans of SQLite")
    };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut readers = fixture.store.readers().pool().clone();
    let note = Arc::clone(&asked);
    readers.set_metric_callback(move |info| note.lock().push(info.statement.sql.clone()));
    let readers = Readers::of_file(readers);
    let (epoch, keyring) = (fixture.store.epoch(), fixture.store.keyring().clone());
    let lock = tempfile::tempfile().unwrap();
    let inner = Inner {
        dialect: Dialect::Sqlite,
        tasks: TaskReader::start(&readers, Dialect::Sqlite),
        readers,
        epoch,
        keyring,
        indexed_labels: options.indexed_labels,
        replicas: None,
        _lock: Some(lock),
    };
    Watched {
        _fixture: fixture,
        store: Store {
            inner: Arc::new(inner),
        },
        asked,
        shell,
    }
}

impl Watched {
    /// The plan of each statement asked since the last time.
    pub(super) async fn plans(&mut self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock());
        assert!(!asked.is_empty());
        let mut plans = Vec::new();
        for text in asked {
            plans.push(explain(&mut self.shell, &text).await);
        }
        plans
    }

    /// The plan of the statements asked names `expected` and reads no table whole.
    pub(super) async fn assert_uses(&mut self, what: &str, expected: &[&str]) {
        let plan = self.plans().await.join("\n");
        assert_sound(what, &plan);
        for expected in expected {
            assert!(plan.contains(expected), "{what}: {expected} is not in\n{plan}");
        }
    }
}

pub(super) async fn explain(shell: &mut SqliteConnection, text: &str) -> String {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")))
        .fetch_all(shell)
        .await;
    let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
    rows.iter()
        .map(|row| row.get::<String, _>("detail") + "\n")
        .collect()
}

/// No table is read whole, and nothing is sorted that an index could give in order.
pub(super) fn assert_sound(what: &str, plan: &str) {
    for line in plan.lines().map(str::trim) {
        let reads_whole =
            line.starts_with("SCAN ") && !line.contains("VIRTUAL TABLE") && !line.contains("USING");
        let is_small = ["SCAN r", "SCAN v", "SCAN some", "SCAN e", "SCAN CONSTANT ROW"].contains(&line);
        assert!(!reads_whole || is_small, "{what}: {line}\n{plan}");
        assert!(!line.contains("AUTOMATIC"), "{what}: {line}\n{plan}");
    }
}

#[tokio::test]
async fn reads_by_key_use_their_keys() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    store.task(id()).await.unwrap();
    watched
        .assert_uses(
            "task",
            &[
                "sqlite_autoindex_task_1 (id=?)",
                "lease USING PRIMARY KEY (task_id=?)",
            ],
        )
        .await;
    store.tasks(&[id()]).await.unwrap();
    watched
        .assert_uses("tasks", &["sqlite_autoindex_task_1 (id=?)"])
        .await;
    store.payload(id(), PayloadRole::Input, 1).await.unwrap();
    watched
        .assert_uses(
            "payload",
            &["sqlite_autoindex_payload_1 (task_id=? AND role=? AND version=?)"],
        )
        .await;
    store.held_keys(&[("default", "k")]).await.unwrap();
    watched
        .assert_uses("held keys", &["d USING PRIMARY KEY (namespace=? AND key=?)"])
        .await;
    store.requests(&[Uuid::nil()]).await.unwrap();
    watched
        .assert_uses("requests", &["sqlite_autoindex_request_1 (request_id=?)"])
        .await;
    store.dependants(id(), 1, 10).await.unwrap();
    watched
        .assert_uses("dependants", &["edge USING PRIMARY KEY (depends_on=?)"])
        .await;
    store.open_children(id(), 10).await.unwrap();
    watched
        .assert_uses("open children", &["task_open_child (parent_id=?)"])
        .await;
    store.due((BEGINNING, NOW), 10).await.unwrap();
    watched
        .assert_uses(
            "due",
            &[
                "task_due (wake_time>? AND wake_time<?)",
                "lease_due (expire_time>? AND expire_time<?)",
            ],
        )
        .await;
    store.next_wake(BEGINNING).await.unwrap();
    watched.assert_uses("next wake", &["task_due", "lease_due"]).await;
    store.task_groups("default").await.unwrap();
    watched
        .assert_uses(
            "groups",
            &["task_ready_by_type (namespace=? AND queue=? AND type=? AND priority=?)"],
        )
        .await;
}

#[tokio::test]
async fn a_claim_walks_the_index_of_ready_tasks_as_far_as_it_takes() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    let typed = "task_ready_by_type (namespace=? AND queue=? AND type=?";
    for (types, index) in [
        (None, "task_ready (namespace=? AND queue=?"),
        (Some(vec!["x".to_owned(), "y".to_owned()]), typed),
    ] {
        let demand = Demand {
            namespace: "default".to_owned(),
            queues: vec!["a".to_owned(), "b".to_owned()],
            types,
        };
        // With nothing asked for, whatever is there is cut off: the longest waiting is asked for too.
        store.ready(&demand, 0).await.unwrap();
        let plans = watched.plans().await;
        let [first, oldest] = plans.as_slice() else {
            panic!("{plans:?}")
        };
        assert_sound("ready", first);
        // The walks are merged, not read whole and sorted; and no row of the table is read.
        let sought = first.lines().filter(|line| line.contains("SEARCH"));
        let is_sought = |line: &str| line.contains(&format!("COVERING INDEX {index})"));
        assert!(
            sought.clone().count() >= 2 && sought.clone().all(is_sought),
            "{first}"
        );
        assert!(!first.contains("TEMP B-TREE"), "{first}");
        assert_sound("oldest", oldest);
        assert!(
            oldest.contains(&format!("COVERING INDEX {index} AND priority=?)")),
            "{oldest}"
        );
        assert!(oldest.contains("sqlite_autoindex_task_1 (id=?)"), "{oldest}");
    }
    store.leases().await.unwrap();
    let plan = watched.plans().await.join("\n");
    assert!(
        plan.contains("SCAN l"),
        "the live leases, which are few, are read whole: {plan}"
    );
}

#[tokio::test]
async fn the_log_is_read_by_position_and_by_task() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    store.log("default", 5, 10).await.unwrap();
    watched
        .assert_uses("log", &["event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"])
        .await;
    store
        .first_position_since("default", Timestamp::from_micros(0))
        .await
        .unwrap();
    watched
        .assert_uses(
            "last event",
            &["event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        )
        .await;
    for window in [Window::After(1), Window::Before(9)] {
        let query = EventsOfQuery {
            window,
            types: Vec::new(),
            limit: 5,
            payloads: false,
        };
        store.events_of(id(), &query).await.unwrap();
        watched
            .assert_uses("events of", &["event_by_task (task_id=? AND sequence"])
            .await;
    }
}

#[tokio::test]
async fn writes_find_their_rows_by_key() {
    let mut watched = watched().await;
    let parts = [
        (Part::RetireInputs, "sqlite_autoindex_task_1 (id=?)"),
        (Part::RetireOutputs, "sqlite_autoindex_task_1 (id=?)"),
        (Part::InsertTasks(all(&TASK)), "VIRTUAL TABLE"),
        (Part::Events(all(&EVENT)), "VIRTUAL TABLE"),
        (Part::UpdateTasks(all(&TASK)), "sqlite_autoindex_task_1 (id=?)"),
        (Part::DeleteTasks, "sqlite_autoindex_task_1 (id=?)"),
        (Part::RetireCheckpoints, "sqlite_autoindex_task_1 (id=?)"),
        (Part::Leases, "VIRTUAL TABLE"),
        (Part::EndLeases, "lease USING PRIMARY KEY (task_id=?)"),
        (Part::DeleteRuns, "run_by_task (task_id=?)"),
        (Part::BeginRuns(all(&RUN)), "VIRTUAL TABLE"),
        (Part::EndRuns, "run_by_task (task_id=? AND number=?)"),
        (
            Part::ReleaseKeys,
            "dedup USING PRIMARY KEY (namespace=? AND key=?)",
        ),
        (Part::TakeKeys, "VIRTUAL TABLE"),
        (Part::DeletePayloads, "sqlite_autoindex_payload_1 (task_id=?)"),
        (
            Part::RemoveEdges,
            "edge USING PRIMARY KEY (depends_on=? AND task_id=?)",
        ),
        (Part::RemoveFollowUps, "INTEGER PRIMARY KEY (rowid=?)"),
    ];
    for (part, expected) in parts {
        let text = part.text(Dialect::Sqlite);
        let statement = text.split_inclusive(';').next().unwrap();
        let plan = explain(&mut watched.shell, statement).await;
        assert_sound(&format!("{part:?}"), &plan);
        assert!(plan.contains(expected), "{part:?}: {expected} is not in\n{plan}");
    }
}

#[tokio::test]
async fn upkeep_and_repeats_find_their_rows_by_key() {
    let mut watched = watched().await;
    let texts = [
        (
            dialect::RAISE_HORIZON.of(Dialect::Sqlite),
            "event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            dialect::TRIM_EVENTS.of(Dialect::Sqlite),
            "event_by_task (task_id=?)",
        ),
        (
            dialect::TRIM_DELETED.of(Dialect::Sqlite),
            "event_by_task (task_id=?)",
        ),
        (
            dialect::EXPIRE_REQUESTS.of(Dialect::Sqlite),
            "INTEGER PRIMARY KEY (rowid=?)",
        ),
        (
            dialect::EXPIRE_KEYS.of(Dialect::Sqlite),
            "dedup_due (expire_time<?)",
        ),
        (
            dialect::FIND_TASK.of(Dialect::Sqlite),
            "sqlite_autoindex_task_1 (id=?)",
        ),
        (
            dialect::FIND_REQUEST.of(Dialect::Sqlite),
            "sqlite_autoindex_request_1 (request_id=? AND namespace=?)",
        ),
        (
            dialect::FIND_MISSING.of(Dialect::Sqlite),
            "sqlite_autoindex_task_1 (id=?)",
        ),
        (dialect::FIND_EVENT, "event_by_task (task_id=? AND sequence=?)"),
    ];
    for (text, expected) in texts {
        let plan = explain(&mut watched.shell, text).await;
        assert!(plan.contains(expected), "{text}: {expected} is not in\n{plan}");
    }
}
