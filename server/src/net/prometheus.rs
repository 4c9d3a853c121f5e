//! Serves the metrics of this process as Prometheus text, on an address of its own.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::NetworkError;
use crate::metrics;

/// Samples of histograms wait in memory until they are folded into buckets: scrapes do that, and so does this.
const FOLD_INTERVAL: Duration = Duration::from_secs(5);

/// The recorder of this process: metrics are global, so that whoever measures needs no handle.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// An address where metrics will be shown.
pub(super) struct Page {
    listener: TcpListener,
    recorder: PrometheusHandle,
}

impl Page {
    /// Binds the address and starts to record. Until then a metric costs next to nothing.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, NetworkError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| NetworkError::MetricsListener { address, source })?;
        Ok(Page {
            listener,
            recorder: recorder()?,
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `GET /metrics` until `stop` fires.
    pub(super) async fn serve(self, stop: CancellationToken) {
        let Page { listener, recorder } = self;
        let folded = recorder.clone();
        let text = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        let page = Router::new().route("/metrics", get(move || async move { (text, recorder.render()) }));
        let fold = async {
            loop {
                tokio::time::sleep(FOLD_INTERVAL).await;
                folded.run_upkeep();
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
}

/// The recorder, installed by whoever asks first.
fn recorder() -> Result<PrometheusHandle, NetworkError> {
    let mut recorder = RECORDER.lock();
    if let Some(installed) = &*recorder {
        return Ok(installed.clone());
    }
    let builder = PrometheusBuilder::new().set_buckets(&metrics::SECONDS_BUCKETS);
    let installed = builder
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(NetworkError::Metrics)?;
    metrics::describe();
    *recorder = Some(installed.clone());
    Ok(installed)
}
