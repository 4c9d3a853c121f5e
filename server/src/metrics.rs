//! Every metric: its name, what it counts, and the only way to write it.

use std::sync::Arc;
use std::time::Duration;

use metrics::{
    SharedString, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const RPCS: &str = "baton_rpcs_total";
const RPC_SECONDS: &str = "baton_rpc_duration_seconds";
const STREAMS: &str = "baton_streams_open";
const CONNECTIONS: &str = "baton_connections_open";
const CONNECTIONS_REFUSED: &str = "baton_connections_refused_total";
const PANICS: &str = "baton_panics_total";

/// Upper bounds of the buckets of every duration, in seconds.
pub(crate) const SECONDS_BUCKETS: [f64; 15] = [
    0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Tells the recorder of this process what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(RPCS, "Calls that ended, by method and gRPC code.");
    describe_histogram!(RPC_SECONDS, "Duration of unary calls, by method.");
    describe_gauge!(STREAMS, "Server streams that are open, by method.");
    describe_gauge!(CONNECTIONS, "Connections that are open.");
    describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections closed at once because max_connections were open."
    );
    describe_counter!(PANICS, "Calls that panicked: each is a fault of the server.");
}

/// A unary call has ended.
pub(crate) fn unary_ended(method: &Arc<str>, code: &'static str, duration: Duration) {
    counter!(RPCS, "method" => label(method), "code" => code).increment(1);
    histogram!(RPC_SECONDS, "method" => label(method)).record(duration);
}

/// A server stream has begun.
pub(crate) fn stream_began(method: &Arc<str>) {
    gauge!(STREAMS, "method" => label(method)).increment(1);
}

/// A server stream has ended.
pub(crate) fn stream_ended(method: &Arc<str>, code: &'static str) {
    counter!(RPCS, "method" => label(method), "code" => code).increment(1);
    gauge!(STREAMS, "method" => label(method)).decrement(1);
}

/// A connection was accepted.
pub(crate) fn connection_opened() {
    gauge!(CONNECTIONS).increment(1);
}

/// A connection is gone.
pub(crate) fn connection_closed() {
    gauge!(CONNECTIONS).decrement(1);
}

/// A connection was closed at once.
pub(crate) fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// A call panicked.
pub(crate) fn panicked() {
    counter!(PANICS).increment(1);
}

fn label(text: &Arc<str>) -> SharedString {
    SharedString::from_shared(Arc::clone(text))
}
