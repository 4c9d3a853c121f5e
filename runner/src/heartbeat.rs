//! `heartbeat`: says how the server is, and how far the queues are behind.

use baton_client::proto::GetServerInfoResponse;
use baton_client::{Context, Failure, IntoOutcome as _, Outcome, State};
use serde_json::json;
use tokio::time::Instant;

/// A point in time as the contract writes it: seconds and nanoseconds since 1970, as milliseconds.
macro_rules! millis {
    ($time:expr) => {
        $time.map(|time| time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000)
    };
}

pub(crate) async fn beat(context: &Context) -> Result<Outcome, Failure> {
    let client = context.client();
    let asked = Instant::now();
    let info = client.server_info().await?;
    let round_trip = asked.elapsed();
    let queued = client.stats().filter("state = QUEUED").await?;
    let GetServerInfoResponse {
        version,
        store_kind,
        store_version,
        time,
        start_time,
        ..
    } = info;
    let now = millis!(time).unwrap_or_default();
    // The clock that told when tasks became ready is the server's.
    let oldest = queued
        .groups
        .iter()
        .filter(|group| group.state() == State::Queued)
        .filter_map(|group| millis!(group.oldest_ready_time))
        .min();
    let beat = json!({
        "version": version,
        "store": format!("{store_kind} {store_version}"),
        "uptimeSecs": millis!(start_time).map(|start| (now - start) / 1_000),
        "roundTripMs": u64::try_from(round_trip.as_millis()).unwrap_or(u64::MAX),
        "queued": queued.total,
        "lagMs": oldest.map_or(0, |oldest| (now - oldest).max(0)),
    });
    beat.into_outcome()
}
