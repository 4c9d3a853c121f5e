//! The Baton server: `run(config, listener, shutdown)` serves tasks over gRPC until it is told to stop.
//!
//! Modules in reading order: [`config`] (every setting), [`Server`] (what runs), `net` (connections, and what is
//! done to every call), [`api`] (services and statuses), [`seams`] (clock and ids), [`token`]
//! (page and resume tokens), [`telemetry`] (the log).

mod metrics;
mod net;
mod panics;

pub mod api;
pub mod config;
pub mod seams;
pub mod telemetry;
pub mod token;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use net::{NetworkError, Shutdown};

/// A server that holds everything it needs and waits to serve.
pub struct Server {
    config: Config,
    port: net::Port,
    address: SocketAddr,
}

impl Server {
    /// Checks the settings and opens all that the server needs. `listener` is already bound; its address counts,
    /// not `config.listen`.
    ///
    /// Errors: see [`RunError`]; nothing was served.
    pub async fn open(config: Config, listener: TcpListener) -> Result<Self, RunError> {
        config.validate()?;
        let port = net::Port::open(&config, listener).await?;
        let address = port.address()?;
        Ok(Server {
            config,
            port,
            address,
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server shows its metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.port.metrics_address()
    }

    /// Serves until `shutdown` is cancelled, then drains for at most `drain_grace_ms` and closes every connection.
    ///
    /// Errors: the listener broke.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let services = net::Services::new(baton_proto::DESCRIPTOR_SET);
        Ok(self.port.serve(&self.config, services, shutdown).await?)
    }
}

/// Opens a server and serves: [`Server::open`] and [`Server::serve`] in one.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), RunError> {
    Server::open(config, listener).await?.serve(shutdown).await
}

/// Why a server did not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Settings break their rules; the text lists them all.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The network side did not start or gave up.
    #[error(transparent)]
    Network(#[from] NetworkError),
}
