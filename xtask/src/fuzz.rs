//! `cargo xtask fuzz`: every target of `fuzz/`, one after the other.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::run::{self, Steps};
use crate::tools::{self, Tool};

/// Runs each target for `time`. Needs cargo-fuzz.
pub fn run(time: Duration) -> anyhow::Result<()> {
    let limit = format!("-max_total_time={}", time.as_secs());
    let mut steps = Steps::default();
    for target in &targets()? {
        steps.step(target, || {
            run::command(
                cargo_fuzz("run")?
                    .arg(target)
                    .args(inputs(target)?)
                    .args(["--", &limit]),
            )
        });
    }
    steps.finish()
}

fn targets() -> anyhow::Result<Vec<String>> {
    let output = cargo_fuzz("list")?.output().context("cannot start cargo-fuzz")?;
    ensure!(
        output.status.success(),
        "cargo fuzz list: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let targets: Vec<_> = String::from_utf8(output.stdout)?
        .lines()
        .map(str::to_owned)
        .collect();
    ensure!(!targets.is_empty(), "fuzz/ holds no target");
    Ok(targets)
}

/// Where a target's inputs are: what earlier runs found, which grows, and the committed seeds if it has any.
fn inputs(target: &str) -> anyhow::Result<Vec<PathBuf>> {
    let corpus = crate::root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&corpus)?;
    let seeds = crate::root().join("fuzz/seeds").join(target);
    Ok([corpus, seeds]
        .into_iter()
        .filter(|folder| folder.is_dir())
        .collect())
}

/// RUSTC_BOOTSTRAP lets the stable compiler that runs us add the sanitisers: no second toolchain is needed.
fn cargo_fuzz(subcommand: &str) -> anyhow::Result<Command> {
    let program =
        tools::find(Tool::CargoFuzz).context("cargo-fuzz is missing; `cargo xtask tools` installs it")?;
    let mut command = run::in_root(program);
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args([subcommand, "--fuzz-dir", "fuzz"]);
    Ok(command)
}
