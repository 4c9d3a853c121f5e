//! The server with one thing changed, to show what that thing is worth.

use baton_server::engine::IntakeLimits;
use baton_server::seams::Ids;
use baton_server::store::StoreOptions;
use baton_server::{Config, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::process;

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

/// Serves as `baton serve` does, but for the change, until the process ends.
///
/// Errors: the server does not start.
pub(crate) async fn serve(variant: Variant, database: String) -> anyhow::Result<()> {
    let config = Config {
        database,
        ..Config::default()
    };
    baton_server::telemetry::init(&config)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (mut store, mut limits) = (StoreOptions::new(Ids::system()), IntakeLimits::default());
    match variant {
        Variant::WritesNothing => store.writes_nothing = true,
        Variant::CommitPerRequest => limits.batch_commands = 1,
    }
    let server = Server::open_with(config, listener, &store, limits).await?;
    process::announce(server.address());
    Ok(server.serve(CancellationToken::new()).await?)
}
