//! The network side: accepts connections, does to every call what is the same for all calls, and stops in order.

mod accept;
mod drain;
mod services;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Server as Transport;

pub use drain::Shutdown;
pub(crate) use services::Services;

use crate::config::{Config, Limits};
use accept::Acceptor;

/// Streams that we reset because the peer broke the protocol, on one connection, before it is closed. tonic clears
/// hyper's own limit. Source: RUSTSEC-2024-0003.
const LOCAL_RESETS_MAX_COUNT: usize = 1_024;

/// Streams that a peer opened and reset before we looked at them, on one connection, before it is closed. Six times
/// the default of 20, which a client reaches that gives up a burst of calls at once.
const PENDING_RESETS_MAX_COUNT: usize = 128;

/// Headers of one call, in bytes; more is answered with HTTP 431.
const HEADERS_MAX_BYTES: u32 = 16 * 1024;

/// Why the network side gave up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The descriptors of the services are broken: a fault of the build.
    #[error("the service descriptors are broken")]
    Descriptors(#[source] tonic_reflection::server::Error),
    /// The transport gave up.
    #[error("the gRPC transport failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Serves `services` on `listener` until `stop` fires and `shutdown` has gone through its phases.
pub(crate) async fn serve(
    config: &Config,
    services: Services,
    listener: TcpListener,
    shutdown: Shutdown,
    stop: CancellationToken,
) -> Result<(), NetworkError> {
    let (routes, health) = services.open().await?;
    let acceptor = Acceptor::new(listener, &config.limits, shutdown.killed().clone());
    let closing = shutdown.closing().clone().cancelled_owned();
    let serving =
        transport(&config.limits).serve_with_incoming_shutdown(routes, acceptor.connections(), closing);
    let drain = async {
        stop.cancelled().await;
        shutdown
            .drain(Duration::from_millis(config.drain_grace_ms), &health)
            .await;
    };
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = drain => serving.await,
    };
    served.map_err(NetworkError::Transport)
}

fn transport(limits: &Limits) -> Transport {
    Transport::builder()
        .accept_http1(true)
        .max_concurrent_streams(limits.max_streams_per_connection)
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS_MAX_COUNT))
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX_COUNT))
        .http2_max_header_list_size(HEADERS_MAX_BYTES)
        .http2_keepalive_interval(Some(Duration::from_millis(limits.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits.keepalive_timeout_ms)))
}
