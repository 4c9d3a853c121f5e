//! What an old snapshot keeps in the indexes is not walked over by every claim and every look at the clock.

use baton_domain::{Event, EventType, Span, State, Task};
use baton_test_database::Shell;
use sqlx::{AssertSqlSafe, Row as _};

use crate::store::dialect::{self, Dialect};
use crate::store::tests::fixture::{Fixture, NOW, begin, by};
use crate::store::{Demand, Floors};

/// Tasks that come and go while the snapshot is open.
const TASKS: usize = 200;

/// Rows that a look for ready tasks takes up to see that they are gone.
async fn looked_at(shell: &mut Shell, floors: &[i64]) -> i64 {
    let Shell::Postgres(connection) = shell else {
        panic!("run it by `cargo xtask test --only postgres`")
    };
    let floors: Vec<String> = floors.iter().map(i64::to_string).collect();
    let texts = [
        format!("PREPARE look AS {}", Dialect::Postgres.find_ready(1, 0)),
        format!(
            "EXPLAIN (ANALYZE, COSTS OFF) EXECUTE look('default', 9, '{}', 'default')",
            floors.join(",")
        ),
        "DEALLOCATE look".to_owned(),
    ];
    let mut fetched = 0;
    for text in texts {
        let rows = sqlx::raw_sql(AssertSqlSafe(text))
            .fetch_all(&mut *connection)
            .await;
        for row in rows.expect("the statement runs") {
            let line: String = row.get(0);
            let count = line.trim().strip_prefix("Heap Fetches: ");
            fetched += count.map_or(0, |count| count.parse::<i64>().expect("a number"));
        }
    }
    fetched
}

#[tokio::test]
async fn a_claim_begins_behind_what_only_an_old_snapshot_sees() {
    let mut fixture = Fixture::new().await;
    let mut holder = fixture.shell().await;
    holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    holder.number("SELECT count(*) FROM task").await;
    for _ in 0..TASKS {
        let task: Task = fixture.put(|_| {}).await;
        let (_, batch) = fixture.moved(&task, &by(begin()), NOW);
        fixture.writer.commit(&batch).await.unwrap();
    }
    let mut shell = fixture.shell().await;
    for (setting, value) in dialect::postgres::PLANNER {
        shell.run(&format!("SET {setting} = {value}")).await;
    }
    let all = looked_at(&mut shell, &[0; 5]).await;
    assert!(
        all >= i64::try_from(TASKS).unwrap(),
        "{all}: the snapshot keeps them"
    );

    let demand = Demand {
        namespace: "default".to_owned(),
        queues: vec!["default".to_owned()],
        types: None,
    };
    let mut floors = Floors::default();
    let later = NOW.plus(Span::from_secs(1));
    let found = fixture
        .store
        .look_for_ready(&demand, 9, (&mut floors, later))
        .await;
    assert!(found.unwrap().is_empty());
    let learned = floors.of("default", "default", None);
    assert_eq!(learned, [later.as_micros(); 5]);
    assert_eq!(looked_at(&mut shell, &learned).await, 0);

    let ready = fixture.put(|_| {}).await;
    let found = fixture
        .store
        .look_for_ready(&demand, 9, (&mut floors, later))
        .await;
    assert!(found.unwrap().is_empty(), "nothing told of it");
    let told = Event {
        to_state: State::Queued,
        time: NOW,
        kind: EventType::Queued,
        ..last_event(&fixture, &ready).await
    };
    floors.note(&told);
    let found = fixture
        .store
        .look_for_ready(&demand, 9, (&mut floors, later))
        .await;
    assert_eq!(found.unwrap()[0].id, ready.id);
    holder.close().await;
}

async fn last_event(fixture: &Fixture, task: &Task) -> Event {
    let head = fixture.store.heads().await.unwrap().position("default");
    let read = fixture.store.log("default", head - 1, 1).await.unwrap();
    let event = read.into_iter().next_back().expect("it was created");
    assert_eq!(event.task_id, task.id);
    event
}

#[tokio::test]
async fn counts_are_right_whoever_holds_a_snapshot() {
    let mut fixture = Fixture::new().await;
    let mut holder = fixture.shell().await;
    holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    holder.number("SELECT count(*) FROM task").await;
    for queue in ["a", "b", "a"].repeat(50) {
        fixture.put(|new| queue.clone_into(&mut new.queue)).await;
    }
    let groups = fixture.store.task_groups("default").await.unwrap();
    let counts: Vec<_> = groups
        .iter()
        .map(|group| (group.queue.as_str(), group.count))
        .collect();
    assert_eq!(counts, [("a", 100), ("b", 50)]);
    holder.close().await;
}
