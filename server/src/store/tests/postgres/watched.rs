//! A large database of PostgreSQL, a store on it that notes what it asks, and the plans of that.

use std::sync::Arc;

use baton_domain::Action;
use baton_test_database::Shell;
use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::seams::Ids;
use crate::store::readers::{Doubt, Readers};
use crate::store::tasks::TaskReader;
use crate::store::tests::fixture::{Fixture, NOW, begin, by};
use crate::store::{
    Inner, Store, StoreOptions,
    dialect::{self, Dialect},
};

/// Finished tasks.
const FINISHED: u64 = 20_000;
/// Ready ones.
const READY: u64 = 2_000;

/// Rows of the tables that follow from no task's copy.
const OTHERS: &str = "
    INSERT INTO lease SELECT id, 30, number FROM task WHERE state = 'QUEUED';
    INSERT INTO dedup SELECT namespace, id::text, id, CASE WHEN number % 2 = 0 THEN number END FROM task;
    INSERT INTO request SELECT id, namespace, 'm', sha256(''), '', 1, number FROM task;
    INSERT INTO payload SELECT id, 1, 1, '', '' FROM task;
    INSERT INTO edge SELECT id, gen_random_uuid(), 1 FROM task;
    INSERT INTO deleted_task SELECT namespace, number % 1099511627776, gen_random_uuid() FROM task;
    UPDATE task SET wake_time = number WHERE number % 10 = 0;
    UPDATE task SET parent_id = gen_random_uuid() WHERE number % 10 = 1;
    UPDATE task SET priority = 4, schedule_time = number WHERE number % 100 = 2;
    INSERT INTO run (task_id, number, attempt, fence, namespace, queue, type, start_time)
        SELECT id, 1, 1, 1, namespace, queue, type, number FROM task ON CONFLICT DO NOTHING;
    VACUUM ANALYZE;
    SET plan_cache_mode = force_generic_plan";

/// A store that notes what it asks, and a connection to explain it on.
pub(super) struct Watched {
    _fixture: Fixture,
    pub(super) store: Store,
    asked: Arc<Mutex<Vec<String>>>,
    shell: PgConnection,
    faults: Vec<String>,
}

pub(super) async fn watched() -> Watched {
    let options = StoreOptions {
        indexed_labels: vec!["run".to_owned()],
        ..StoreOptions::new(Ids::seeded(1))
    };
    let mut fixture = Fixture::with(&options).await;
    let ready = fixture.put(|_| {}).await;
    let settled = fixture.put(|_| {}).await;
    let (started, batch) = fixture.moved(&settled, &by(begin()), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    let complete = Action::Complete {
        output: None,
        receipt: None,
        jitter: 0.0,
    };
    let (_, batch) = fixture.moved(&started, &by(complete), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    let mut shell = fixture.shell().await;
    shell.fill(&settled.id.0.simple().to_string(), FINISHED).await;
    shell.fill(&ready.id.0.simple().to_string(), READY).await;
    for text in OTHERS.split(';') {
        shell.run(text).await;
    }
    for (setting, value) in dialect::postgres::PLANNER {
        shell.run(&format!("SET {setting} = {value}")).await;
    }
    let Shell::Postgres(shell) = shell else {
        panic!("run it by `cargo xtask test --only postgres`")
    };
    let (store, asked) = noting(&fixture, options);
    Watched {
        _fixture: fixture,
        store,
        asked,
        shell,
        faults: Vec::new(),
    }
}

fn noting(fixture: &Fixture, options: StoreOptions) -> (Store, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut readers = fixture.store.readers().pool().clone();
    let note = Arc::clone(&asked);
    readers.set_metric_callback(move |info| note.lock().push(info.statement.sql.clone()));
    let readers = Readers::of_postgres(readers, Doubt::of(1));
    let inner = Inner {
        dialect: Dialect::Postgres,
        tasks: TaskReader::start(&readers, Dialect::Postgres),
        readers,
        epoch: fixture.store.epoch(),
        keyring: fixture.store.keyring().clone(),
        indexed_labels: options.indexed_labels,
        replicas: None,
        _lock: None,
    };
    let store = Store {
        inner: Arc::new(inner),
    };
    (store, asked)
}

/// What a plan may do that is a fault elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Nothing,
    /// Few rows.
    Sort,
    /// An index from its end on, for as long as rows are wanted.
    Walk,
}

/// Tables that stay small.
const SMALL: &[&str] = &[
    "namespace",
    "task_count",
    "follow_up",
    "schedule",
    "queue",
    "queue_key",
    // Few are live, and a server that begins looks at all of them.
    "lease",
    // A sequence: one row.
    "turn",
];

impl Watched {
    /// Each statement asked since the last time names `expected` in its plan, all together, and none is a fault.
    pub(super) async fn uses(&mut self, what: &str, may: May, expected: &[&str]) {
        let asked = std::mem::take(&mut *self.asked.lock());
        assert!(!asked.is_empty(), "{what}");
        let mut plans = String::new();
        for text in asked {
            plans += &self.plan(&text).await;
        }
        self.check(what, (&plans, may), expected);
    }

    pub(super) async fn statement(&mut self, what: &str, text: &str, expected: &[&str]) {
        let plan = self.plan(text).await;
        self.check(what, (&plan, May::Nothing), expected);
    }

    async fn plan(&mut self, text: &str) -> String {
        let text = text.trim_end_matches(';');
        let run = async |shell: &mut PgConnection, text: String| {
            let rows = sqlx::raw_sql(AssertSqlSafe(text.clone())).fetch_all(shell).await;
            rows.unwrap_or_else(|error| panic!("{text}: {error}"))
        };
        run(&mut self.shell, format!("PREPARE asked AS {text}")).await;
        let count =
            "SELECT cardinality(parameter_types)::bigint FROM pg_prepared_statements WHERE name = 'asked'";
        let row = sqlx::query(count).fetch_one(&mut self.shell).await.unwrap();
        let values = vec!["NULL"; usize::try_from(row.get::<i64, _>(0)).unwrap()].join(", ");
        let values = if values.is_empty() {
            values
        } else {
            format!("({values})")
        };
        let rows = run(
            &mut self.shell,
            format!("EXPLAIN (COSTS OFF) EXECUTE asked{values}"),
        )
        .await;
        run(&mut self.shell, "DEALLOCATE asked".to_owned()).await;
        rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
    }

    fn check(&mut self, what: &str, (plan, may): (&str, May), expected: &[&str]) {
        let whole = plan.lines().filter_map(|line| line.split("Seq Scan on ").nth(1));
        let mut whole = whole.map(|table| table.split(' ').next().unwrap_or(table));
        let reads_whole = whole.find(|table| !SMALL.contains(table));
        let is_sort = |line: &str| ["Sort", "->  Sort"].contains(&line.trim());
        let sorts = may == May::Nothing && plan.lines().any(is_sort);
        let lines: Vec<&str> = plan.lines().collect();
        let is_walk = |pair: &&[&str]| {
            let is_index = ["Index Scan", "Index Only Scan"]
                .iter()
                .any(|name| pair[0].contains(name));
            is_index
                && !pair[1].contains("Index Cond")
                && !SMALL
                    .iter()
                    .any(|table| pair[0].contains(&format!(" on {table}")))
        };
        let walks = lines
            .windows(2)
            .find(is_walk)
            .filter(|_| may != May::Walk)
            .map(|pair| pair[0].trim());
        let missing: Vec<_> = expected.iter().filter(|name| !plan.contains(**name)).collect();
        if reads_whole.is_some() || sorts || walks.is_some() || !missing.is_empty() {
            self.faults.push(format!(
                "{what}: reads {reads_whole:?} whole, sorts: {sorts}, walks {walks:?}, not in it: {missing:?}\n{plan}"
            ));
        }
    }

    pub(super) fn end(self) {
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
    }
}
