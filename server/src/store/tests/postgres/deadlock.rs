//! Reads that meet a step of the schema, which takes one table after the other.

use baton_test_database::TestDatabase;

use crate::store::Opened;
use crate::store::tests::fixture::{Fixture, open};

/// For the read, which looks once: within that time the step has to have come to its second table.
const READS_LOOK_AFTER: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''3s''', current_database());
    END $$";

const HELD_AND_WAITED_FOR: &str =
    "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.pid <> pg_backend_pid()
    AND (c.relname = 'task_count' AND l.granted OR c.relname = 'task' AND NOT l.granted)";

#[tokio::test]
async fn a_read_that_is_ended_for_the_sake_of_a_step_goes_on_behind_it() {
    let database = TestDatabase::new();
    let mut step = database.shell().await;
    step.load(READS_LOOK_AFTER).await;
    let Opened {
        store, writer, heads, ..
    } = open(&database).await.unwrap();
    let mut fixture = Fixture::of(database, (store, writer, heads));
    let task = fixture.put(|_| {}).await;
    step.load("SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE task")
        .await;
    let store = fixture.store.clone();
    let read = tokio::spawn(async move { store.task_groups(&task.namespace).await });
    while step.number(HELD_AND_WAITED_FOR).await < 2 {}
    step.load("LOCK TABLE task_count; COMMIT").await;
    let groups = read.await.unwrap().unwrap();
    assert_eq!(groups.len(), 1);
}
