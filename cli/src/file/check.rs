//! `baton check-config`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::DEFAULT_FILE;
use crate::settings::{self, Flags};

/// Which file.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// File to check [default: baton.toml]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Reads a file as the server would, and tells all that is wrong with it or what is in it.
pub(crate) fn check(args: CheckArgs) -> anyhow::Result<()> {
    let path = args.file.unwrap_or_else(|| DEFAULT_FILE.into());
    let (config, file) = settings::load_all(&Flags::of_file(Some(path.clone())))?;
    file.judge_settings(&config)?;
    // What one setting says against another, and against the environment.
    config.validate()?;
    let Some(declared) = &file.declared else {
        bail!("{} declares nothing", path.display());
    };
    println!(
        "{}: no mistakes; {}, {}, {}, {}, {}",
        path.display(),
        counted(declared.queues.len(), "queue"),
        counted(declared.task_types.len(), "type"),
        counted(declared.schedules.len(), "schedule"),
        counted(declared.webhooks.len(), "webhook"),
        counted(file.runner.handlers.len(), "handler"),
    );
    let doubts = file.doubts(&config);
    if !doubts.is_empty() {
        println!("{}", file.told(doubts));
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
