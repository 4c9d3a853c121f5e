//! The network side: accepts connections, does to every call what is the same for all calls, and stops in order.

mod accept;
mod answer;
pub(crate) mod auth;
mod call;
pub(crate) mod deadline;
mod door;
mod drain;
mod error;
mod foreign;
mod gate;
mod methods;
mod prometheus;
mod routes;
mod services;
#[cfg(test)]
mod tests;
mod unary;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Server as Transport;

pub(crate) use deadline::Deadline;
pub use drain::Shutdown;
pub use error::NetworkError;
pub(crate) use services::Services;

use crate::config::{Config, Limits, check_exposure};
use crate::seams::Ids;
use accept::Acceptor;
use auth::ApiKeys;
use door::Door;
use gate::{Gate, Rules};
use services::Opened;

/// Streams that we reset because the peer broke the protocol, on one connection, before it is closed. tonic clears
/// hyper's own limit. Source: RUSTSEC-2024-0003.
const LOCAL_RESETS_MAX_COUNT: usize = 1_024;

/// Streams that a peer opened and reset before we looked at them, on one connection, before it is closed. Six times
/// the default of 20, which a client reaches that gives up a burst of calls at once.
const PENDING_RESETS_MAX_COUNT: usize = 128;

/// Headers of one call, in bytes; more is answered with HTTP 431.
const HEADERS_MAX_BYTES: u32 = 16 * 1024;

/// The addresses of a server and what guards them, ready to serve.
pub(crate) struct Port {
    listener: TcpListener,
    metrics: Option<prometheus::Page>,
    keys: Option<ApiKeys>,
    shutdown: Shutdown,
}

impl Port {
    /// Reads the keys, binds the address of the metrics and refuses a `listener` that is open to all by accident.
    pub(crate) async fn open(config: &Config, listener: TcpListener) -> Result<Self, NetworkError> {
        let address = listener.local_addr().map_err(NetworkError::Listener)?;
        check_exposure(config, address).map_err(NetworkError::Exposed)?;
        let keys = config.api_key_file.as_deref().map(ApiKeys::read).transpose()?;
        let metrics = match config.metrics_listen {
            Some(address) => Some(prometheus::Page::open(address).await?),
            None => None,
        };
        Ok(Port {
            listener,
            metrics,
            keys,
            shutdown: Shutdown::default(),
        })
    }

    /// Where calls are served.
    pub(crate) fn address(&self) -> Result<SocketAddr, NetworkError> {
        self.listener.local_addr().map_err(NetworkError::Listener)
    }

    /// Where metrics are served, if they are.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|page| page.address().ok())
    }

    /// The handle by which long calls hear that the server stops.
    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Serves `services` until `stop` fires and the stop has gone through its phases.
    pub(crate) async fn serve(
        self,
        config: &Config,
        services: Services,
        stop: CancellationToken,
    ) -> Result<(), NetworkError> {
        let Port {
            listener,
            metrics,
            keys,
            shutdown,
        } = self;
        let Opened {
            routes,
            methods,
            health,
        } = services.open().await?;
        let rules = Rules::new(methods, keys, &config.limits, shutdown.clone());
        let door = Door::new(Gate::new(rules, routes));
        let acceptor = Acceptor::new(listener, &config.limits, shutdown.killed().clone());
        let closing = shutdown.closing().clone().cancelled_owned();
        let serving =
            transport(&config.limits).serve_with_incoming_shutdown(door, acceptor.connections(), closing);
        let calls = async {
            tokio::pin!(serving);
            let drain = async {
                stop.cancelled().await;
                shutdown
                    .drain(Duration::from_millis(config.drain_grace_ms), &health)
                    .await;
            };
            let served = tokio::select! {
                served = &mut serving => served,
                () = drain => serving.await,
            };
            shutdown.closing().cancel();
            served
        };
        let metrics = async {
            if let Some(page) = metrics {
                page.serve(shutdown.closing().clone()).await;
            }
        };
        let (served, ()) = tokio::join!(calls, metrics);
        served.map_err(NetworkError::Transport)
    }
}

fn transport(limits: &Limits) -> Transport {
    let transport = Transport::builder()
        .accept_http1(true)
        .max_concurrent_streams(limits.max_streams_per_connection)
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS_MAX_COUNT))
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX_COUNT))
        .http2_max_header_list_size(HEADERS_MAX_BYTES)
        .http2_keepalive_interval(Some(Duration::from_millis(limits.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits.keepalive_timeout_ms)));
    match limits.max_connection_age_ms {
        // Never with tonic's grace beside it: that cuts connections without a GOAWAY.
        Some(age_ms) => transport.max_connection_age(jittered(Duration::from_millis(age_ms))),
        None => transport,
    }
}

/// Nine to eleven tenths of `age`, so that servers that were started together do not lose all clients together.
fn jittered(age: Duration) -> Duration {
    age.mul_f64(0.9 + 0.2 * Ids::system().fraction())
}
