//! Serves the metrics of this process as Prometheus text, on an address of its own.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::NetworkError;
use crate::metrics;

/// Samples of histograms wait in memory until they are folded into buckets: scrapes do that, and so does this.
const FOLD_INTERVAL: Duration = Duration::from_secs(5);

/// The recorder of this process: metrics are global, so that whoever measures needs no handle.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Binds the address of the metrics and starts to record, once a process. Until then a metric costs next to nothing.
pub(super) async fn open(address: SocketAddr) -> Result<TcpListener, NetworkError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| NetworkError::MetricsListener { address, source })?;
    if RECORDER.get().is_none() {
        let builder = PrometheusBuilder::new().set_buckets(&metrics::SECONDS_BUCKETS);
        let handle = builder
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(NetworkError::Metrics)?;
        metrics::describe();
        RECORDER.get_or_init(|| handle);
    }
    Ok(listener)
}

/// Serves `GET /metrics` until `stop` fires; does nothing where nobody asked for metrics.
pub(super) async fn serve(listener: Option<TcpListener>, stop: CancellationToken) {
    let (Some(listener), Some(recorder)) = (listener, RECORDER.get()) else {
        return;
    };
    let text = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let page = Router::new().route("/metrics", get(move || async move { (text, recorder.render()) }));
    let fold = async {
        loop {
            tokio::time::sleep(FOLD_INTERVAL).await;
            recorder.run_upkeep();
        }
    };
    tokio::select! {
        served = axum::serve(listener, page).into_future() => {
            tracing::error!(?served, "metrics are no longer served");
        }
        () = fold => {}
        () = stop.cancelled() => {}
    }
}
