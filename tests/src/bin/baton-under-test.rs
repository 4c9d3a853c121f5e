//! A server with inner workings that a user cannot choose: for crash tests, beside the real binary.
//!
//! `baton-under-test <URL of a database>`; with `BATON_TEST_FLUSHES=off` commits are not flushed.

use anyhow::Context as _;
use baton_server::engine::IntakeLimits;
use baton_server::seams::Ids;
use baton_server::store::StoreOptions;
use baton_server::{Config, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let database = std::env::args().nth(1).context("expected a URL of a database")?;
    let config = Config {
        database,
        test_mode: true,
        watch_bookmark_interval_ms: 50,
        ..Config::default()
    };
    baton_server::telemetry::init(&config)?;
    let flushes = std::env::var("BATON_TEST_FLUSHES").ok();
    let store = StoreOptions {
        durable: flushes.as_deref() != Some("off"),
        ..StoreOptions::new(Ids::system())
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let server = Server::open_with(config, listener, &store, IntakeLimits::default()).await?;
    println!("listens on {}", server.address());
    server.serve(CancellationToken::new()).await?;
    Ok(())
}
