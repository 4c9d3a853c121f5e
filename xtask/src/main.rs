//! `cargo xtask`: the project's own commands, so that a fresh machine needs only cargo.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Baton's own development commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs all tests of the workspace on SQLite, and those that have a database on PostgreSQL too
    Test {
        /// Runs only tests whose name contains this
        filter: Option<String>,
        /// Runs them on this database only
        #[arg(long)]
        only: Option<xtask::test::Database>,
    },
    /// Runs every check beside the tests: format, clippy, docs, proto, dependencies, the project's own rules
    Check,
    /// Checks the project's own rules only: layering, sizes, links
    Tidy,
    /// Installs the pinned command-line tools that checks and some tests use, into the target folder
    Tools,
    /// Runs every fuzz target in turn
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Runs the simulation with more seeds than the tests do; `BATON_TEST_POSTGRES` has it on PostgreSQL
    Sim {
        /// How many; where a seed is named, that one alone
        #[arg(long)]
        seeds: Option<u64>,
        /// The first: to replay one that was printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Injects every fault of tests/faults.toml into real processes on both databases, and writes docs/faults.md
    Faults {
        /// These only, such as F9; then nothing is written
        ids: Vec<String>,
        /// On this database only; then nothing is written
        #[arg(long)]
        only: Option<xtask::test::Database>,
        /// With the numbers of the tests of every build
        #[arg(long)]
        quick: bool,
    },
    /// Builds the load generator in release mode and runs it
    Bench {
        /// Handed to the load generator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Test { filter, only } => xtask::test::run(filter.as_deref(), only),
        Task::Check => xtask::check::run(),
        Task::Tidy => xtask::tidy::run(),
        Task::Tools => xtask::tools::install(),
        Task::Fuzz { seconds } => xtask::fuzz::run(Duration::from_secs(seconds)),
        Task::Sim { seeds, seed } => xtask::sim::run(seeds, seed),
        Task::Faults { ids, only, quick } => xtask::faults::run(&ids, only, quick),
        Task::Bench { arguments } => bench(&arguments),
    }
}

/// Two builds, so that the `baton` under test has none of the load generator's features.
fn bench(arguments: &[String]) -> anyhow::Result<()> {
    xtask::run::command(xtask::run::cargo().args(["build", "--release", "--package", "baton"]))?;
    xtask::run::command(
        xtask::run::cargo()
            .args(["run", "--release", "--package", "baton-bench", "--"])
            .args(arguments),
    )
}
