//! `cargo xtask faults`: every fault of `tests/faults.toml`, injected into real processes on both databases, and the page that
//! says what came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use baton_test_postgres::{Cluster, FAST, Installation};

use crate::run::{self, Steps};
use crate::test::{ABOUT_SERVERS, ABOUT_THE_FILE, Database, POSTGRES};

/// The faults, and the tests that inject them.
pub const TABLE: &str = "tests/faults.toml";
/// What came of them.
pub const PAGE: &str = "docs/faults.md";

/// A row of the table.
#[derive(Debug)]
pub struct Fault {
    /// Such as `F9`.
    pub id: String,
    /// What goes wrong, for people.
    pub what: String,
    /// Which invariants the tests hold.
    pub invariants: String,
    /// The tests that inject it.
    pub tests: Vec<String>,
    /// Why one database has it alone.
    pub only: Option<String>,
    /// What holds it, where no test of the table does.
    pub elsewhere: Option<String>,
}

/// How often a fault was injected on a database, and how many tests failed meanwhile.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    records: usize,
    times: u64,
    failed: u64,
}

type Counts = BTreeMap<(String, &'static str), Count>;

/// Runs the tests of the faults with those ids, or of all, on `only` this database, or on both. Where all were run, the page
/// is written. `quick`: with the numbers of the tests of every build.
///
/// # Errors
/// A fault is unknown, a test failed, or one said nothing of what it injected.
pub fn run(ids: &[String], only: Option<Database>, quick: bool) -> anyhow::Result<()> {
    let text = fs::read_to_string(crate::root().join(TABLE))?;
    let all = read(&text)?;
    if let Some(unknown) = ids.iter().find(|id| !all.iter().any(|fault| fault.id == **id)) {
        bail!("{TABLE} has no fault {unknown}");
    }
    let chosen: Vec<&Fault> = all
        .iter()
        .filter(|fault| ids.is_empty() || ids.contains(&fault.id))
        .collect();
    let folder = crate::target_dir().join("faults");
    let (mut steps, mut counts) = (Steps::default(), Counts::new());
    for database in [Database::Sqlite, Database::Postgres] {
        if only.is_some_and(|only| only != database) {
            continue;
        }
        let records = folder.join(database.name());
        drop(fs::remove_dir_all(&records));
        fs::create_dir_all(&records)?;
        steps.step(&format!("faults on {}", database.name()), || {
            tests(&chosen, (database, quick), &records)
        });
        gather(&records, database, &mut counts)?;
    }
    let table = rows(&chosen, &counts);
    println!("{table}");
    for fault in &chosen {
        for (database, _) in on(fault)
            .into_iter()
            .filter(|(database, _)| only.is_none_or(|only| only == *database))
        {
            let found = counts.get(&(fault.id.clone(), database.name()));
            steps.step(&format!("{} on {}", fault.id, database.name()), || match found {
                Some(count) if count.failed == 0 && count.times > 0 => Ok(()),
                Some(count) => bail!("{count:?}"),
                None => bail!("no test recorded it"),
            });
        }
    }
    if ids.is_empty() && only.is_none() {
        fs::write(crate::root().join(PAGE), page(&table, &all, quick))?;
        eprintln!("    wrote {PAGE}");
    }
    steps.finish()
}

/// Reads the table.
///
/// # Errors
/// It is not TOML, or a row lacks something.
pub fn read(text: &str) -> anyhow::Result<Vec<Fault>> {
    let table: toml::Table = text.parse()?;
    let rows = table.get("fault").and_then(|rows| rows.as_array());
    rows.context("no [[fault]]")?
        .iter()
        .map(|row| {
            let text = |name: &str| row.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            let tests = row.get("tests").and_then(|tests| tests.as_array());
            let names = tests.into_iter().flatten().filter_map(|test| test.as_str());
            let id = text("id").context("a fault has no id")?;
            let fault = Fault {
                what: text("what").with_context(|| format!("{id} has no `what`"))?,
                invariants: text("invariants").unwrap_or_default(),
                tests: names.map(str::to_owned).collect(),
                only: text("only"),
                elsewhere: text("elsewhere"),
                id,
            };
            if fault.tests.is_empty() == fault.elsewhere.is_none() {
                bail!("{} has either tests or `elsewhere`", fault.id);
            }
            Ok(fault)
        })
        .collect()
}

/// The databases on which a fault has tests, and these.
fn on(fault: &Fault) -> Vec<(Database, Vec<&str>)> {
    let runs = |test: &&String, database: Database| match database {
        Database::Sqlite => !test.contains(ABOUT_SERVERS),
        Database::Postgres => !test.contains(ABOUT_THE_FILE),
    };
    let tests = |database| {
        let tests = fault.tests.iter().filter(|test| runs(test, database));
        (database, tests.map(String::as_str).collect::<Vec<_>>())
    };
    let both = [Database::Sqlite, Database::Postgres].map(tests);
    both.into_iter().filter(|(_, tests)| !tests.is_empty()).collect()
}

fn tests(chosen: &[&Fault], (database, quick): (Database, bool), records: &Path) -> anyhow::Result<()> {
    let given = std::env::var(POSTGRES).ok();
    let mut cluster = None;
    if database == Database::Postgres && given.is_none() {
        let installation = Installation::find_or_skip("faults on PostgreSQL")?;
        let installation = installation.context("faults are injected on both databases")?;
        cluster = Some(Cluster::start(&installation, FAST)?);
    }
    let mut names: Vec<&str> = chosen
        .iter()
        .flat_map(|fault| on(fault))
        .filter(|(on, _)| *on == database)
        .flat_map(|(_, tests)| tests)
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let mut command = run::cargo();
    command
        .args([
            "test",
            "--package",
            "baton-tests",
            "--test",
            "system",
            "--",
            "--exact",
        ])
        .args(["--test-threads", "2"])
        .args(names)
        .env("BATON_FAULTS_FULL", if quick { "0" } else { "1" })
        .env("BATON_FAULTS_REPORT", records)
        .env_remove(POSTGRES);
    if database == Database::Postgres {
        command.envs(
            given
                .or(cluster.as_ref().map(Cluster::url))
                .map(|url| (POSTGRES, url)),
        );
    }
    run::command(&mut command)
}

fn gather(records: &Path, database: Database, counts: &mut Counts) -> anyhow::Result<()> {
    for entry in fs::read_dir(records)? {
        let record: serde_json::Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
        let id = record["fault"].as_str().context("a record names its fault")?;
        let count = counts.entry((id.to_owned(), database.name())).or_default();
        count.records += 1;
        count.times += record["times"].as_u64().unwrap_or_default();
        count.failed += u64::from(record["failed"].as_bool().unwrap_or(true));
    }
    Ok(())
}

fn rows(chosen: &[&Fault], counts: &Counts) -> String {
    let mut table = "| fault | what | database | injected | invariants | violations | tests |\n|---|---|---|---:|---|---:|---|\n".to_owned();
    for fault in chosen {
        let (id, what) = (&fault.id, &fault.what);
        if let Some(elsewhere) = &fault.elsewhere {
            writeln!(table, "| {id} | {what} | | | | | not run here; {elsewhere} |")
                .expect("a string takes all");
        }
        for (database, tests) in on(fault) {
            let count = counts
                .get(&(id.clone(), database.name()))
                .copied()
                .unwrap_or_default();
            let what = match &fault.only {
                Some(only) => format!("{what} ({} only: {only})", database.title()),
                None => what.clone(),
            };
            let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
            writeln!(
                table,
                "| {id} | {what} | {} | {} | {} | {} | {} |",
                database.title(),
                count.times,
                fault.invariants,
                count.failed,
                tests.join(", "),
            )
            .expect("a string takes all");
        }
    }
    table
}

fn page(table: &str, all: &[Fault], quick: bool) -> String {
    let numbers = if quick {
        "These are the numbers of a quick run, `cargo xtask faults --quick`."
    } else {
        "These are the numbers of a full run."
    };
    let run = all.iter().filter(|fault| fault.elsewhere.is_none()).count();
    format!(
        "# Faults\n\n\
         Written by `cargo xtask faults`, which injects {run} kinds of faults into real processes, on SQLite and on PostgreSQL, and has\n\
         the replay oracle fold the log of each test afterwards: every acknowledged change is there, every event once and in order, every\n\
         row is what its events make of it. `cargo xtask faults F9` runs one of them. The list is [tests/faults.toml](../tests/faults.toml);\n\
         the tests run in every build too, with smaller numbers. A violation is a test that failed: a finding of the oracle, or of the test\n\
         itself.\n\n\
         {numbers}\n\n\
         {table}\n\
         ## Invariants\n\n{INVARIANTS}"
    )
}

/// Those that rows name.
const INVARIANTS: &str = "\
1. Every move of the log is one that the lifecycle allows.
2. Of racing moves from one revision one is made; the others leave no trace.
3. Row, event and the record of the request are committed together or not at all.
4. COMPLETED and CANCELLED are never left; FAILED and DEAD only by a retry or a discard.
5. Revisions of a task are 1 to n without a hole, and folding its events gives its row.
7. What was acknowledged survives the end of server and database.
8. A repeated request id gives the first outcome, and changes nothing again.
9. A task has one live lease, and its fence rises with each.
10. A stale lease changes nothing.
11. Only the database's clock decides what is due.
12. A lease that ran out is taken back soon.
13. A renewal revives no lease that has ended.
14. After a cancel nothing of the old holder is accepted.
16. One idempotency key, one task.
17. One open task at most for each dedup key.
19. Every committed event has one position, without a gap.
20. The feed has a task's events in the order of its revisions.
21. Who resumes from any token, at any server, misses nothing and gets nothing twice.
22. A bookmark comes after everything before it.
23. History that is gone, or of another log, is an error and never silence.
24. A slow reader costs bounded memory and loses nothing from the middle.
26. One task for each tick of a schedule.
27. Nothing starts before its time.
28. Retries keep to their policy.
30. A task that kills its workers ends DEAD, and others flow on.
39. Under overload memory is bounded, and who is not served is told so at once.
40. SIGTERM ends streams with a token, and loses nothing that was acknowledged.
41. No session of the database is left within a transaction.
42. When the fault is over, work goes on by itself.
44. Logs and dead rows go back to their bound when a long reader has ended.
";
