//! Why the network side did not start or gave up.

use std::io;
use std::net::SocketAddr;

use super::auth::KeyFileError;

/// Why the network side did not start or gave up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The listener is not usable.
    #[error("the listener is not usable")]
    Listener(#[source] io::Error),
    /// The listener can be reached by others and nobody has said that it may; the text says how to go on.
    #[error("{0}")]
    Exposed(String),
    /// The API keys cannot be read.
    #[error(transparent)]
    ApiKeys(#[from] KeyFileError),
    /// The address of the metrics is not ours.
    #[error("cannot listen on {address} for metrics")]
    MetricsListener {
        /// `metrics_listen` of the settings.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The recorder of the metrics did not start.
    #[error("cannot record metrics")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// The descriptors of the methods are broken: a fault of the build.
    #[error("the method descriptors are broken")]
    Methods(#[source] prost::DecodeError),
    /// The descriptors of the services are broken: a fault of the build.
    #[error("the service descriptors are broken")]
    Descriptors(#[source] tonic_reflection::server::Error),
    /// The transport gave up.
    #[error("the gRPC transport failed")]
    Transport(#[source] tonic::transport::Error),
}
