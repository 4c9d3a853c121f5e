//! Versions of the schema: who may use which, and what is changed when.

use baton_migrations::{Change, Steps, readable_from, rehearsal, steps};
use baton_test_database::TestDatabase;

use super::fixture::{Fixture, insert, url};
use crate::seams::Ids;
use crate::store::{Opened, Schema, Store, StoreError, StoreOptions};

fn knowing(steps: Steps) -> StoreOptions {
    StoreOptions {
        steps,
        ..StoreOptions::new(Ids::seeded(1))
    }
}

fn landed() -> u32 {
    u32::try_from(steps().len()).unwrap()
}

async fn open(database: &TestDatabase, steps: Steps, contract: bool) -> Result<Opened, StoreError> {
    let options = StoreOptions {
        contract,
        ..knowing(steps)
    };
    Store::open(&url(database), &options).await
}

/// Opens, writes a task, closes; answers what the schema was found to be.
async fn used(database: TestDatabase, steps: Steps, contract: bool) -> (TestDatabase, Schema) {
    let opened = open(&database, steps, contract).await.unwrap();
    let schema = opened.schema;
    let mut fixture = Fixture::of(database, (opened.store, opened.writer, opened.heads));
    let (task, events) = fixture.created(|new| new.id = baton_domain::TaskId(Ids::system().uuid_v7(0)));
    fixture.writer.commit(&insert(&task, events)).await.unwrap();
    assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(task));
    let Fixture {
        database,
        store,
        writer,
        ..
    } = fixture;
    drop(store);
    writer.close().await;
    (database, schema)
}

fn schema(version: u32, readable_from: u32, known: u32) -> Schema {
    Schema {
        version,
        readable_from,
        known,
    }
}

#[tokio::test]
async fn a_schema_goes_forward_and_back_and_is_contracted_when_told() {
    let n = landed();
    let (database, found) = used(TestDatabase::new(), steps, false).await;
    assert_eq!(found, schema(n, readable_from(&steps()), n));
    // Forward: what takes away waits.
    let (database, found) = used(database, rehearsal::contracted, false).await;
    assert_eq!(found, schema(n + 1, readable_from(&steps()), n + 2));
    // Back.
    let (database, found) = used(database, steps, false).await;
    assert_eq!(found, schema(n + 1, readable_from(&steps()), n));
    // The step between is no contract by itself.
    let (database, found) = used(database, rehearsal::expanded, true).await;
    assert_eq!(found, schema(n + 1, readable_from(&steps()), n + 1));
    // Told to.
    let (database, found) = used(database, rehearsal::contracted, true).await;
    assert_eq!(found, schema(n + 2, n + 1, n + 2));
    let (database, found) = used(database, rehearsal::expanded, false).await;
    assert_eq!(found, schema(n + 2, n + 1, n + 1));
    refused(&database, schema(n + 2, n + 1, n)).await;
    let (database, found) = used(database, rehearsal::expanded_again, false).await;
    assert_eq!(found, schema(n + 3, n + 1, n + 3));
    refused(&database, schema(n + 3, n + 1, n)).await;
    let mut shell = database.shell().await;
    let tasks = shell.number("SELECT count(*) FROM task").await;
    assert_eq!(tasks, 7, "nothing was lost on the way");
}

/// A server of what has landed refuses the database, and nothing is changed.
async fn refused(database: &TestDatabase, expected: Schema) {
    let mut shell = database.shell().await;
    shell.run("DELETE FROM token_key").await;
    let error = open(database, steps, false).await.unwrap_err();
    let StoreError::SchemaTooNew { step, schema } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((step.as_str(), *schema), ("m29990101_000001_expand", expected));
    let text = error.to_string();
    assert!(text.contains("run a newer baton, nothing was changed"), "{text}");
    assert_eq!(shell.number("SELECT count(*) FROM token_key").await, 0);
}

#[tokio::test]
async fn who_skips_a_version_takes_all_of_its_steps() {
    let n = landed();
    let (database, _) = used(TestDatabase::new(), steps, false).await;
    let (database, found) = used(database, rehearsal::expanded_again, false).await;
    assert_eq!(found, schema(n + 3, n + 1, n + 3));
    refused(&database, found_by(found, n)).await;
}

fn found_by(schema: Schema, known: u32) -> Schema {
    Schema { known, ..schema }
}

#[tokio::test]
async fn a_newer_schema_that_does_not_say_who_may_use_it_is_refused() {
    let (database, _) = used(TestDatabase::new(), rehearsal::expanded, false).await;
    let mut shell = database.shell().await;
    shell
        .run("DELETE FROM store_meta WHERE key = 'readable_from'")
        .await;
    let n = landed();
    refused(&database, schema(n + 1, n + 1, n)).await;
}

#[tokio::test]
async fn the_schema_of_something_else_is_refused() {
    let (database, _) = used(TestDatabase::new(), steps, false).await;
    let mut shell = database.shell().await;
    shell
        .run(
            "UPDATE seaql_migrations SET version = 'm20200101_000001_shop' \
             WHERE version = (SELECT min(version) FROM seaql_migrations)",
        )
        .await;
    let error = open(&database, steps, false).await.unwrap_err();
    let StoreError::SchemaTooNew { step, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(step, "m20200101_000001_shop");
}

/// A server must be able to start on the schema that the version before left behind.
#[test]
fn a_step_asks_for_no_more_than_the_version_before() {
    let all = steps();
    for (at, step) in all.iter().enumerate() {
        let name = step.migration.name();
        if let Change::Contract(needs) = step.change {
            let version = u32::try_from(at + 1).unwrap();
            assert!(needs < version, "{name} needs itself or what comes after it");
        }
    }
    assert!(all.is_sorted_by(|a, b| a.migration.name() < b.migration.name()));
    let first = all.first().map(|step| step.change);
    assert_eq!(first, Some(Change::Expand));
}

mod postgres {
    use super::*;

    #[tokio::test]
    async fn what_takes_away_waits_until_no_server_needs_it() {
        let database = TestDatabase::new();
        let old = open(&database, steps, false).await.unwrap();
        let newer = open(&database, rehearsal::expanded, false).await.unwrap();
        for known in [rehearsal::contracted as Steps, rehearsal::expanded_again] {
            let error = open(&database, known, true).await.unwrap_err();
            let StoreError::OldServers { needs, servers, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(*needs, landed() + 1);
            let who = format!("which knows version {}", landed());
            assert!(servers.contains(&who) && !servers.contains(';'), "{servers}");
        }
        drop(old.store);
        old.writer.close().await;
        let told = open(&database, rehearsal::contracted, true).await.unwrap();
        assert_eq!(told.schema.readable_from, landed() + 1);
        drop((newer, told));
    }

    #[tokio::test]
    async fn a_server_that_was_cut_off_meanwhile_finds_the_schema_taken_away() {
        let database = TestDatabase::new();
        let mut old = open(&database, steps, false).await.unwrap();
        let mut shell = database.shell().await;
        shell
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = 'baton' AND datname = current_database()",
            )
            .await;
        // Gone when its locks are.
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1650553971 \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while shell.number(held).await > 0 {}
        let told = open(&database, rehearsal::contracted, true).await.unwrap();
        let error = old.writer.begin().await.unwrap_err();
        assert!(matches!(error, StoreError::SchemaTooNew { .. }), "{error:?}");
        let again = old.writer.begin().await.unwrap_err();
        assert!(matches!(again, StoreError::SchemaTooNew { .. }), "{again:?}");
        drop(told);
    }
}
