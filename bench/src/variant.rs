//! The server with one thing changed, to show what that thing is worth.

use std::process::ExitCode;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Variant {
    /// The committer does all it does but for the database: X, the ceiling of everything that is durable.
    WritesNothing,
    /// Every request is a transaction of its own.
    CommitPerRequest,
}

impl Variant {
    /// As it is spelled on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Variant::WritesNothing => "writes-nothing",
            Variant::CommitPerRequest => "commit-per-request",
        }
    }
}
pub(crate) async fn serve(variant: Variant, database: String) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{variant:?} {database}")
}
