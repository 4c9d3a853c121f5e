//! Runs commands and series of steps, and says what it does.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

/// The cargo that runs us, in the root of the workspace.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = in_root(program);
    forget_package(&mut command);
    command
}

/// Takes what cargo tells a program of its own package out of the environment of another cargo: build scripts look at it,
/// and would build half of all dependencies anew each time.
pub fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            command.env_remove(&name);
        }
    }
}

/// `program`, to be run in the root of the workspace.
pub fn in_root(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::root());
    command
}

/// Prints and runs `command`; fails unless it succeeds.
pub fn command(command: &mut Command) -> anyhow::Result<()> {
    let line = spell(command);
    eprintln!("    $ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start: {line}"))?;
    if !status.success() {
        bail!("{status}: {line}");
    }
    Ok(())
}

fn spell(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A series of steps of which each runs whatever became of the others, so that one run shows all that is wrong.
#[derive(Default)]
pub struct Steps {
    passed: usize,
    failed: Vec<String>,
}

impl Steps {
    /// Runs one step and prints how it ended.
    pub fn step(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<()>) {
        eprintln!("==> {name}");
        let started = Instant::now();
        let outcome = step();
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                self.passed += 1;
                eprintln!("    {name}: ok, {seconds:.1} s");
            }
            Err(error) => {
                self.failed.push(name.to_owned());
                eprintln!("    {name}: FAILED, {seconds:.1} s: {error:#}");
            }
        }
    }

    /// Fails, naming the failed steps, unless all passed.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let total = self.passed + self.failed.len();
        bail!(
            "{} of {total} steps FAILED: {}",
            self.failed.len(),
            self.failed.join(", ")
        )
    }
}
