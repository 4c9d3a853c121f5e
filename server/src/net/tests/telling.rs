//! What a server tells its operators: the log and the metrics.

use std::io;
use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::BodyExt;
use tonic::body::Body;

use super::client::{connect_http1, with_header};
use super::probe::Signals;
use super::{TestServer, within};
use crate::config::Config;

/// A log in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> Vec<serde_json::Value> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        let lines = serde_json::Deserializer::from_slice(&text).into_iter();
        let lines = lines.map(|line| line.unwrap());
        lines
            .filter(|line: &serde_json::Value| line["target"].as_str().unwrap().starts_with("baton"))
            .collect()
    }
}

/// Records the log of this thread: the tests here run on one.
fn record() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn a_call_is_one_line_without_its_payload() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let (lines, _recording) = record();
    client.call("Echo", "the payload").await.unwrap();
    let logged = lines.take();
    assert_eq!(logged.len(), 1, "{logged:?}");
    let line = &logged[0];
    assert_eq!(
        (line["level"].as_str(), line["message"].as_str()),
        (Some("DEBUG"), Some("rpc"))
    );
    assert_eq!(line["rpc.method"], "baton.test.Probe/Echo");
    assert_eq!(line["rpc.code"], "OK");
    assert!(line["duration_ms"].is_f64() && line["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(!line.to_string().contains("payload"), "{line}");
}

#[tokio::test]
async fn a_bug_is_one_line_with_its_place() {
    let hook = std::panic::take_hook();
    crate::panics::log_panics();
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let (lines, _recording) = record();
    client.call("Panic", "the vault").await.unwrap_err();
    std::panic::set_hook(hook);
    let logged = lines.take();
    let errors: Vec<_> = logged.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1, "{logged:?}");
    assert_eq!(errors[0]["rpc.method"], "baton.test.Probe/Panic");
    assert_eq!(errors[0]["panic.message"], "the secret of the vault");
    assert!(errors[0]["panic.location"].as_str().unwrap().contains("probe.rs"));
}

#[tokio::test]
async fn metrics_count_calls_streams_and_connections() {
    let config = Config {
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..Config::default()
    };
    let server = TestServer::start(config).await;
    let client = server.client().await;
    client.call("Counted", "").await.unwrap();
    client.call("/made.up/Method", "").await.unwrap_err();
    let hanging = with_header("grpc-timeout", "1n").map(|_| "hang".to_owned());
    client.send("Counted", hanging).await.unwrap_err();
    let stream = client.stream("CountedStream").await.unwrap();
    let shown = scrape(&server).await;
    for line in [
        "# HELP baton_rpcs_total Calls that ended, by method and gRPC code.",
        "baton_rpcs_total{method=\"baton.test.Probe/Counted\",code=\"OK\"} 1",
        "baton_rpcs_total{method=\"baton.test.Probe/Counted\",code=\"DEADLINE_EXCEEDED\"} 1",
        "baton_rpc_duration_seconds_count{method=\"baton.test.Probe/Counted\"} 2",
        "baton_streams_open{method=\"baton.test.Probe/CountedStream\"} 1",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line} in\n{shown}");
    }
    // What a caller makes up is no label, and others share these two.
    assert!(!shown.contains("made.up"));
    for series in [
        "baton_rpcs_total{method=\"unknown\",code=\"UNIMPLEMENTED\"} ",
        "baton_connections_open ",
    ] {
        assert!(
            shown.lines().any(|shown| shown.starts_with(series)),
            "no {series} in\n{shown}"
        );
    }
    drop(stream);
    Signals::wait(&server.probe.signals.dropped).await;
    within(async {
        while !scrape(&server)
            .await
            .contains("baton_streams_open{method=\"baton.test.Probe/CountedStream\"} 0")
        {}
    })
    .await;
    server.stopped().await;
}

async fn scrape(server: &TestServer) -> String {
    let mut send = connect_http1(server.metrics.unwrap()).await;
    let request = Request::get("/metrics")
        .header("host", "probe")
        .body(Body::empty())
        .unwrap();
    let response = within(send.send_request(request)).await.unwrap();
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
