//! `baton backup`: a copy of a server's database.

use clap::Args;

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Options, Session};

const EXAMPLES: &str = "\
The file is made on the server's machine, in the folder of the setting backup_folder, and appears when it is whole.
Examples:
  baton backup 2026-11-22.db
  baton backup before-upgrade.db --output json | jq -r .path
How to put it back: docs/operations.md";

/// `baton backup`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(super) options: Options,
    /// Name of the new file: a-z 0-9 . _ -
    #[arg(value_name = "NAME")]
    pub(super) name: String,
}

pub(super) async fn copy(session: &Session, name: String) -> Result<Exit, Failure> {
    session.screen.backup(&session.client.backup_store(name).await?)?;
    Ok(Exit::Done)
}
