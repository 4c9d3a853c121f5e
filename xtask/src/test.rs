//! `cargo xtask test`: every test of the workspace.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::run;
use crate::tools::{self, Tool};

/// Runs the tests whose name contains `filter`, or all. The runner's own summary is the last thing printed, but for what
/// was skipped.
pub fn run(filter: Option<&str>) -> anyhow::Result<()> {
    report_missing();
    let mut examples = run::cargo();
    examples
        .args(["test", "--doc", "--workspace", "--quiet"])
        .args(filter);
    let examples = run::command(with_tools(&mut examples)).context("documentation examples");
    let tests = run::command(with_tools(&mut runner()).args(filter)).context("tests");
    report_missing();
    match (examples, tests) {
        (Err(examples), Err(tests)) => bail!("{examples:#}; {tests:#}"),
        (examples, tests) => examples.and(tests),
    }
}

/// `cargo nextest` where it is installed (a process per test, a time limit), else `cargo test`.
fn runner() -> Command {
    let nextest = run::cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = run::cargo();
    match nextest {
        true => command.args(["nextest", "run", "--workspace"]),
        false => command.args([
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]),
    };
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
fn report_missing() {
    for tool in [Tool::Buf, Tool::Grpcurl] {
        if tools::find(tool).is_none() {
            eprintln!(
                "!!! SKIPPED: every test that needs {0}; `cargo xtask tools` installs it",
                tool.program()
            );
        }
    }
}
