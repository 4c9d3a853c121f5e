//! The stop: in order where peers cooperate, on time where they do not.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_types::StatusExt;

use super::probe::Signals;
use super::raw::{self, Peer};
use super::{TestServer, draining, reason, within};
use crate::config::Config;

/// A grace that no test waits out.
fn long_grace() -> Config {
    Config {
        drain_grace_ms: 3_600_000,
        ..Config::default()
    }
}

fn short_grace() -> Config {
    Config {
        drain_grace_ms: 100,
        ..Config::default()
    }
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let server = TestServer::start(long_grace()).await;
    let client = server.client().await;
    client.call("Echo", "").await.unwrap();
    server.stopped().await;
    within(client.connection).await.unwrap().expect("closed in order");
}

#[tokio::test]
async fn open_watches_of_health_and_reflection_hold_nobody_up() {
    let server = TestServer::start(long_grace()).await;
    let client = server.client().await;
    let mut health = HealthClient::new(client.wire.clone());
    let mut watch = health
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let status = |next: Option<tonic_health::pb::HealthCheckResponse>| next.unwrap().status();
    assert_eq!(status(watch.message().await.unwrap()), ServingStatus::Serving);
    let list = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let asked = tokio_stream::iter([list]).chain(tokio_stream::pending());
    let mut reflection = ServerReflectionClient::new(client.wire.clone());
    let mut reflected = reflection
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();

    server.stop.cancel();
    assert_eq!(
        status(within(watch.message()).await.unwrap()),
        ServingStatus::NotServing
    );
    assert!(draining(&within(watch.message()).await.unwrap_err()));
    let end = within(async {
        loop {
            if let Err(status) = reflected.message().await {
                return status;
            }
        }
    })
    .await;
    assert!(draining(&end), "{end:?}");
    within(server.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_finish_while_new_ones_are_refused_and_health_says_why() {
    let server = TestServer::start(long_grace()).await;
    let client = server.client().await;
    let mut open = client.stream("Stream").await.unwrap();
    assert_eq!(open.message().await.unwrap().unwrap(), "first");

    server.stop.cancel();
    within(server.shutdown.draining().cancelled()).await;
    // On the connection that is there and on a new one.
    for client in [&client, &server.client().await] {
        let status = client.call("Echo", "").await.unwrap_err();
        assert!(draining(&status), "{status:?}");
        let mut health = HealthClient::new(client.wire.clone());
        for service in ["", "baton.test.Probe"] {
            let request = HealthCheckRequest {
                service: service.to_owned(),
            };
            let answer = within(health.check(request)).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::NotServing);
        }
    }
    assert!(!server.running.is_finished());
    drop(open);
    within(server.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_feed_says_goodbye_by_itself() {
    let server = TestServer::start(long_grace()).await;
    let client = server.client().await;
    let mut feed = client.stream("Feed").await.unwrap();
    assert_eq!(feed.message().await.unwrap().unwrap(), "first");
    server.stop.cancel();
    assert_eq!(within(feed.message()).await.unwrap().unwrap(), "last");
    assert!(draining(&within(feed.message()).await.unwrap_err()));
    within(server.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_outlives_the_grace_is_answered_and_ended() {
    let server = TestServer::start(short_grace()).await;
    let client = server.client().await;
    let mut stream = client.stream("Stream").await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "first");
    Signals::wait(&server.probe.signals.entered).await;
    let (changing, reading) = (client.call("Hang", ""), client.call("HangReading", ""));
    let stop = async {
        Signals::wait(&server.probe.signals.entered).await;
        Signals::wait(&server.probe.signals.entered).await;
        server.stop.cancel();
    };
    let (changing, reading, ()) = tokio::join!(changing, reading, stop);
    // What is cut off may have changed something, unless its descriptor says that it never does.
    let changing = changing.unwrap_err();
    assert_eq!(changing.code(), Code::Unavailable);
    assert_eq!(reason(&changing), "OUTCOME_UNKNOWN");
    assert!(changing.get_error_details().retry_info().is_some());
    assert!(draining(&reading.unwrap_err()));
    assert!(draining(&within(stream.message()).await.unwrap_err()));
    within(server.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn silent_and_deaf_peers_hold_nobody_up() {
    let server = TestServer::start(short_grace()).await;
    // Silent from the start; silent after the greeting; one that never reads what it asked for, so that the server
    // sits on full buffers.
    let mut silent = Peer::silent(server.address).await;
    let mut greeted = Peer::greeted(server.address).await;
    let mut deaf = Peer::greeted(server.address).await;
    let window = 0x7fff_0000_u32.to_be_bytes();
    deaf.send(raw::WINDOW_UPDATE, 0, 0, &window).await;
    deaf.send(raw::HEADERS, raw::END_HEADERS, 1, &raw::call_headers("Flood"))
        .await;
    deaf.send(raw::WINDOW_UPDATE, 0, 1, &window).await;
    deaf.send(raw::DATA, raw::END_STREAM, 1, &raw::EMPTY_MESSAGE)
        .await;
    Signals::wait(&server.probe.signals.entered).await;

    server.stop.cancel();
    within(server.running).await.unwrap().unwrap();
    // Nobody else holds the sockets: all of them end.
    while silent.read().await.is_some() {}
    while greeted.read().await.is_some() {}
    while deaf.read().await.is_some() {}
}

#[tokio::test]
async fn the_listener_closes_with_the_server() {
    let server = TestServer::start(long_grace()).await;
    let address = server.address;
    server.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_before_the_first_call_is_a_stop() {
    let server = TestServer::start(long_grace()).await;
    server.stopped().await;
}

#[tokio::test]
async fn drained_calls_keep_their_own_answers() {
    let server = TestServer::start(long_grace()).await;
    let client = server.client().await;
    let deadline = super::client::with_header("grpc-timeout", "300m");
    let hanging = client.send("Hang", deadline);
    let stop = async {
        Signals::wait(&server.probe.signals.entered).await;
        server.stop.cancel();
    };
    let (hung, ()) = tokio::join!(hanging, stop);
    let status = hung.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE")
    );
    tokio::time::timeout(Duration::from_secs(10), server.running)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
