//! Each trap of the network, closed, over a real socket.

mod calls;
mod citizen;
mod client;
mod connections;
mod deadlines;
mod drain;
mod keys;
mod probe;
mod raw;
mod telling;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_types::StatusExt;

use super::{NetworkError, Port, Services, Shutdown};
use crate::config::{Config, Limits};
use client::Client;
use probe::Probe;

/// Nothing here takes this long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with the probe service, on a port of its own.
struct TestServer {
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    probe: Probe,
    shutdown: Shutdown,
    stop: CancellationToken,
    running: JoinHandle<Result<(), NetworkError>>,
}

impl TestServer {
    async fn start(config: Config) -> Self {
        config.validate().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = Port::open(&config, listener).await.unwrap();
        let (address, metrics) = (port.address().unwrap(), port.metrics_address());
        let shutdown = port.shutdown().clone();
        let probe = Probe::new(shutdown.clone());
        let mut services = Services::new(probe::descriptors());
        services.add(probe.clone());
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { port.serve(&config, services, stop).await }
        });
        TestServer {
            address,
            metrics,
            probe,
            shutdown,
            stop,
            running,
        }
    }

    async fn with_limits(limits: Limits) -> Self {
        Self::start(Config {
            limits,
            ..Config::default()
        })
        .await
    }

    async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Stops the server and waits until it has stopped.
    async fn stopped(self) {
        self.stop.cancel();
        within(self.running).await.unwrap().unwrap();
    }
}

/// Waits for what must happen soon.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("nothing happened in time")
}

/// The reason in a status of ours.
fn reason(status: &tonic::Status) -> String {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "baton.dev");
    info.reason.clone()
}

/// The reason and whether clients are told when to come back.
fn draining(status: &tonic::Status) -> bool {
    let retry = status.get_error_details().retry_info().cloned();
    status.code() == tonic::Code::Unavailable
        && reason(status) == "DRAINING"
        && retry.is_some_and(|retry| retry.retry_delay.is_some())
}
