//! `cargo xtask check`: all that must hold beside the tests.

use std::path::Path;

use crate::run::{self, Steps};
use crate::tools::{self, Tool};
use crate::{buf, tidy};

/// Runs every check, whatever became of the others.
pub fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    steps.step("tidy", tidy::run);
    steps.step("format", || {
        run::command(run::cargo().args(["fmt", "--all", "--check"]))
    });
    steps.step("proto lint", || with_tool(Tool::Buf, buf::lint));
    steps.step("proto breaking", || with_tool(Tool::Buf, buf::breaking));
    steps.step("dependencies", || with_tool(Tool::CargoDeny, dependencies));
    steps.step("clippy", || {
        run::command(run::cargo().args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    steps.step("documentation", || {
        run::command(run::cargo().env("RUSTDOCFLAGS", "--deny warnings").args([
            "doc",
            "--locked",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ]))
    });
    steps.finish()
}

fn with_tool(tool: Tool, check: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    match tools::find_or_skip(tool)? {
        Some(program) => check(&program),
        None => Ok(()),
    }
}

/// Advisories are left out: their database is fetched over the network, and a check of the same commit must end the same
/// way every time. SECURITY.md says how to ask for them.
fn dependencies(cargo_deny: &Path) -> anyhow::Result<()> {
    run::command(run::in_root(cargo_deny).args(["--locked", "check", "bans", "licenses", "sources"]))
}
