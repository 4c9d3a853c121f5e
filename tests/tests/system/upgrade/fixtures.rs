//! Databases as each landed version of the schema left them: they are brought up to date, decoded and folded.
//!
//! The files of `tests/fixtures` are never changed. A version that lands gets one of its own for each database:
//! `BATON_WRITE_FIXTURES=1 cargo xtask test fixture` writes those that are not there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use baton_migrations::{rehearsal, steps};
use baton_server::engine::IntakeLimits;
use baton_test_postgres::Installation;
use baton_tests::harness::{TestDatabase, TestServer};
use baton_tests::oracle;

use super::populate::{populate, types};
use super::use_it;
use crate::dice::Ids;

/// Asks for the fixtures that are missing.
const WRITE: &str = "BATON_WRITE_FIXTURES";

fn file(version: usize, database: &TestDatabase) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    folder.join(format!("schema_{version}.{}.sql", database.kind()))
}

/// What a database of one's own kind says of its schema, however it came about.
const SQLITE_SCHEMA: &str = "SELECT group_concat(line, char(10)) FROM \
     (SELECT name || ' ' || coalesce(sql, '') AS line FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY 1)";
const POSTGRES_SCHEMA: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ( \
     SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, collation_name) AS line \
       FROM information_schema.columns WHERE table_schema = 'public' \
     UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
     UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
       WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 \
     UNION ALL SELECT concat_ws(' ', relkind, relname, array_to_string(reloptions, ',')) FROM pg_class \
       WHERE relnamespace = 'public'::regnamespace \
     UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal) AS lines";
const SQLITE_TABLES: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
const POSTGRES_TABLES: &str = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";

/// One text or the other.
fn of<T>(database: &TestDatabase, sqlite: T, postgres: T) -> T {
    if database.kind() == "sqlite" {
        sqlite
    } else {
        postgres
    }
}

async fn schema(database: &TestDatabase) -> String {
    let mut shell = database.shell().await;
    shell.text(of(database, SQLITE_SCHEMA, POSTGRES_SCHEMA)).await
}

async fn loaded(version: usize) -> TestDatabase {
    let database = TestDatabase::new();
    let file = file(version, &database);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; {WRITE}=1 writes it", file.display()));
    database.load(&text).await;
    database
}

/// As text that makes it again.
async fn dumped(database: &TestDatabase) -> String {
    if database.kind() == "postgres" {
        let program = Installation::find().unwrap().program("pg_dump");
        let mut command = Command::new(program);
        command.args(["--no-owner", "--no-privileges", "--inserts", "--dbname"]);
        let done = command.arg(database.url()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout).unwrap();
        // Words to psql, and what says by which program it was written.
        let is_sql = |line: &&str| !line.starts_with('\\') && !line.starts_with("--") && !line.is_empty();
        return text
            .lines()
            .filter(is_sql)
            .map(|line| format!("{line}\n"))
            .collect();
    }
    let mut shell = database.shell().await;
    let made =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let mut text = String::new();
    for made in shell.texts(made).await {
        writeln!(text, "{made};").unwrap();
    }
    for table in shell.texts(SQLITE_TABLES).await {
        let columns = shell
            .texts(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .await;
        let quoted: Vec<_> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
        let rows = format!("SELECT {} FROM {table}", quoted.join(" || ',' || "));
        for row in shell.texts(&rows).await {
            writeln!(text, "INSERT INTO {table} VALUES({row});").unwrap();
        }
    }
    text
}

/// Writes the fixture of the newest version, where that is asked for and it is not there.
async fn written() {
    let database = TestDatabase::new();
    let file = file(steps().len(), &database);
    if file.exists() || std::env::var_os(WRITE).is_none() {
        return;
    }
    let mut server = TestServer::start_on(database, |_| {}, IntakeLimits::default()).await;
    populate(&server).await;
    server.stop().await;
    let mut shell = server.database().shell().await;
    // What a crash leaves behind: a task that settled, and what that still has to bring about.
    let follow_up = "INSERT INTO follow_up (namespace, kind, task_id, result, revision) \
         SELECT namespace, 'DEPENDENCY_SETTLED', id, state, revision FROM task WHERE end_time IS NOT NULL LIMIT 1";
    assert_eq!(shell.run(follow_up).await, 1);
    shell.close().await;
    std::fs::write(file, dumped(server.database()).await).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_landed_schema_is_brought_up_to_date_and_its_log_folds() {
    written().await;
    for version in 1..=steps().len() {
        for known in [steps as baton_migrations::Steps, rehearsal::expanded_again] {
            let database = loaded(version).await;
            let mut server = TestServer::start_on(database, |_| {}, IntakeLimits::default()).await;
            let address = server.address();
            server.stop().await;
            server.know(known);
            server.start_again(address).await;
            server.history().others_act_too();
            let evidence = server.evidence(&[]).await;
            assert_eq!(oracle::check(&evidence), [], "version {version}");
            let events = evidence.namespaces.values().flat_map(|namespace| &namespace.feed);
            let seen: std::collections::BTreeSet<_> = events.map(|event| event.r#type()).collect();
            let missing: Vec<_> = types().difference(&seen).copied().collect();
            assert_eq!(missing, [], "version {version} has no event of these types");
            // And it goes on.
            use_it(&server, &Ids::default(), 1, 40).await;
            server.finish().await;
        }
    }
}

#[tokio::test]
async fn a_fixture_has_a_row_in_every_table() {
    written().await;
    for version in 1..=steps().len() {
        let database = loaded(version).await;
        let mut shell = database.shell().await;
        for table in shell.texts(of(&database, SQLITE_TABLES, POSTGRES_TABLES)).await {
            let empty =
                format!("SELECT CASE WHEN EXISTS (SELECT 1 FROM {table}) THEN 'filled' ELSE 'empty' END");
            let found = shell.texts(&empty).await;
            assert_eq!(found, ["filled"], "version {version}: {table}");
        }
    }
}

/// A step that is edited after it has landed, and one that lands without a fixture, are found here.
#[tokio::test]
async fn the_newest_fixture_has_the_schema_that_the_steps_make() {
    written().await;
    let mut server = TestServer::start().await;
    server.stop().await;
    let made = schema(server.database()).await;
    let kept = schema(&loaded(steps().len()).await).await;
    assert_eq!(
        made, kept,
        "a landed step is never edited; a new one needs a fixture: {WRITE}=1"
    );
}
