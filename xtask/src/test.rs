//! `cargo xtask test`: every test of the workspace, on SQLite and again on PostgreSQL.

use std::process::{Command, Stdio};

use baton_test_postgres::{Cluster, FAST, HOW_TO_GET, Installation};
use clap::ValueEnum;

use crate::run::{self, Steps};
use crate::tools::{self, Tool};

/// Tells the tests which PostgreSQL they run on; where it is not there, each has a SQLite file. Whoever sets it beforehand
/// brings a PostgreSQL of their own.
pub(crate) const POSTGRES: &str = "BATON_TEST_POSTGRES";

/// The packages whose tests have a database.
const ON_DATABASES: [&str; 5] = [
    "baton",
    "baton-client",
    "baton-server",
    "baton-test-database",
    "baton-tests",
];

/// Part of the name of every test that is about the SQLite file itself.
pub(crate) const ABOUT_THE_FILE: &str = "sqlite";

/// Part of the name of every test of what only PostgreSQL can do: many servers on one database.
pub(crate) const ABOUT_SERVERS: &str = "postgres::";

/// So many tests at once on PostgreSQL: each has a dozen connections, and the cluster takes 400.
const AT_ONCE: usize = 24;

/// What the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// A file for each test.
    Sqlite,
    /// A database for each test, of a cluster that is started for the run.
    Postgres,
}

impl Database {
    /// As `ServerInfo.store_kind` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Runs the tests whose name contains `filter`, or all, on `only` this database, or on both. What was skipped, and how
/// each run ended, are the last things printed.
pub fn run(filter: Option<&str>, only: Option<Database>) -> anyhow::Result<()> {
    report_missing(only);
    let mut steps = Steps::default();
    if only != Some(Database::Postgres) {
        steps.step("documentation examples", || examples(filter));
        steps.step("tests on SQLite", || {
            let mut command = runner(&[]);
            command.args(filter).args(["--", "--skip", ABOUT_SERVERS]);
            run::command(command.env_remove(POSTGRES))
        });
    }
    if only != Some(Database::Sqlite) {
        steps.step("tests on PostgreSQL", || on_postgres(filter));
    }
    report_missing(only);
    steps.finish()
}

fn examples(filter: Option<&str>) -> anyhow::Result<()> {
    let mut command = run::cargo();
    command
        .args(["test", "--doc", "--workspace", "--quiet"])
        .args(filter);
    run::command(with_tools(&mut command).env_remove(POSTGRES))
}

fn on_postgres(filter: Option<&str>) -> anyhow::Result<()> {
    let given = std::env::var(POSTGRES).ok();
    let cluster = match given {
        Some(_) => None,
        None => match Installation::find_or_skip("every test on PostgreSQL")? {
            Some(installation) => Some(Cluster::start(&installation, FAST)?),
            None => return Ok(()),
        },
    };
    let mut command = runner(&ON_DATABASES);
    command.args(filter).args(["--", "--skip", ABOUT_THE_FILE]);
    if let Some(url) = given.or(cluster.as_ref().map(Cluster::url)) {
        command.env(POSTGRES, url);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = processors.min(AT_ONCE).to_string();
    for variable in ["NEXTEST_TEST_THREADS", "RUST_TEST_THREADS"] {
        command.env(variable, &at_once);
    }
    run::command(&mut command)
}

/// `cargo nextest` where it is installed (a process per test, a time limit), else `cargo test`, of these packages, or of
/// all.
fn runner(packages: &[&str]) -> Command {
    let nextest = run::cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = run::cargo();
    match nextest {
        true => {
            // Packages named to cargo would be built again, with the features of those alone.
            command.args(["nextest", "run", "--workspace"]);
            if !packages.is_empty() {
                let those: Vec<String> = packages.iter().map(|name| format!("package(={name})")).collect();
                command.args(["-E", &those.join(" + ")]);
            }
        }
        false => {
            command.arg("test");
            match packages {
                [] => command.arg("--workspace"),
                _ => command.args(packages.iter().flat_map(|name| ["--package", name])),
            };
            command.args(["--lib", "--bins", "--tests", "--no-fail-fast"]);
        }
    }
    with_tools(&mut command);
    command
}

/// Hands the tests the path of every tool that was found, for those that are not written in Rust too.
fn with_tools(command: &mut Command) -> &mut Command {
    for tool in Tool::ALL {
        command.envs(tools::find(tool).map(|path| (tool.variable(), path)));
    }
    command
}

/// The runner shows no output of a test that passes, so what its tests skip is said here.
fn report_missing(only: Option<Database>) {
    for tool in [Tool::Buf, Tool::Grpcurl] {
        if tools::find(tool).is_none() {
            eprintln!(
                "!!! SKIPPED: every test that needs {0}; `cargo xtask tools` installs it",
                tool.program()
            );
        }
    }
    let has_postgres = std::env::var_os(POSTGRES).is_some() || Installation::find().is_some();
    if only != Some(Database::Sqlite) && !has_postgres {
        eprintln!("!!! SKIPPED: every test on PostgreSQL: there is none. To get one: {HOW_TO_GET}");
    }
}
