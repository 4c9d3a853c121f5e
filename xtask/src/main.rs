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
    /// Runs all tests of the workspace; with a filter, only those whose name contains it
    Test {
        /// Part of a test's name
        filter: Option<String>,
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
        Task::Test { filter } => xtask::test::run(filter.as_deref()),
        Task::Check => xtask::check::run(),
        Task::Tidy => xtask::tidy::run(),
        Task::Tools => xtask::tools::install(),
        Task::Fuzz { seconds } => xtask::fuzz::run(Duration::from_secs(seconds)),
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
