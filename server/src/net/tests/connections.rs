//! Limits of connections: how many, how silent, how old, how rude.

use tokio::io::AsyncWriteExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::client::{Client, with_header};
use super::raw::{self, Peer};
use super::{TestServer, within};
use crate::config::Limits;

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = Limits {
        max_connections: 1,
        // A peer that is let in may stay silent for longer than this test waits.
        handshake_timeout_ms: 300_000,
        ..Limits::default()
    };
    let server = TestServer::with_limits(limits).await;
    let first = server.client().await;
    first.call("Echo", "").await.unwrap();
    assert!(Peer::silent(server.address).await.read().await.is_none());
    assert_eq!(first.call("Echo", "undisturbed").await.unwrap(), "undisturbed");
    // Its end makes room.
    let Client {
        grpc,
        wire,
        connection,
    } = first;
    drop((grpc, wire));
    within(connection).await.unwrap().unwrap();
    within(async {
        loop {
            // The server may still be about to notice that the first one has left.
            let mut peer = Peer::silent(server.address).await;
            if peer
                .tcp
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                .await
                .is_ok()
                && peer.read().await.is_some()
            {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_does_not_say_what_it_speaks_is_closed() {
    let server = TestServer::with_limits(Limits {
        handshake_timeout_ms: 50,
        ..Limits::default()
    })
    .await;
    let mut silent = Peer::silent(server.address).await;
    let mut stuck = Peer::silent(server.address).await;
    stuck.tcp.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    assert!(silent.read().await.is_none());
    assert!(stuck.read().await.is_none());
    // Those who said it may take their time.
    let client = server.client().await;
    client
        .send("Hang", with_header("grpc-timeout", "150m"))
        .await
        .unwrap_err();
    client.call("Echo", "").await.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_closed() {
    let limits = Limits {
        keepalive_interval_ms: 50,
        keepalive_timeout_ms: 50,
        ..Limits::default()
    };
    let server = TestServer::with_limits(limits).await;
    let mut dead = Peer::greeted(server.address).await;
    assert!(dead.read_to(raw::PING).await.is_some(), "a ping comes first");
    assert!(dead.read_to(u8::MAX).await.is_none(), "then the end");
    // One that answers stays: its stream is still open after many intervals.
    let client = server.client().await;
    let mut health = HealthClient::new(client.wire.clone());
    let mut watch = health
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().unwrap();
    let next = tokio::time::timeout(std::time::Duration::from_millis(400), watch.message()).await;
    assert!(next.is_err(), "{next:?}");
    client.call("Echo", "").await.unwrap();
}

#[tokio::test]
async fn the_limits_of_streams_and_headers_are_announced() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    const MAX_HEADER_LIST_SIZE: u16 = 6;
    let server = TestServer::with_limits(Limits {
        max_streams_per_connection: 77,
        ..Limits::default()
    })
    .await;
    let settings = Peer::greeted(server.address)
        .await
        .read_to(raw::SETTINGS)
        .await
        .unwrap();
    let setting = |id: u16| {
        let mut entries = settings.payload.chunks(6);
        let entry = entries.find(|entry| entry[..2] == id.to_be_bytes()).unwrap();
        u32::from_be_bytes(entry[2..].try_into().unwrap())
    };
    assert_eq!(setting(MAX_CONCURRENT_STREAMS), 77);
    assert_eq!(setting(MAX_HEADER_LIST_SIZE), super::super::HEADERS_MAX_BYTES);
}

#[tokio::test]
async fn streams_beyond_the_limit_of_a_connection_are_refused() {
    const REFUSED_STREAM: u32 = 7;
    let server = TestServer::with_limits(Limits {
        max_streams_per_connection: 2,
        ..Limits::default()
    })
    .await;
    let mut peer = Peer::greeted(server.address).await;
    // Without waiting for the server's settings, as an impolite peer would not either.
    for stream in [1, 3, 5] {
        peer.send(raw::HEADERS, raw::END_HEADERS, stream, &raw::call_headers("Hang"))
            .await;
        peer.send(raw::DATA, raw::END_STREAM, stream, &raw::EMPTY_MESSAGE)
            .await;
    }
    let reset = peer.read_to(raw::RST_STREAM).await.unwrap();
    assert_eq!((reset.stream, raw::error_code(&reset)), (5, REFUSED_STREAM));
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused_and_the_server_lives() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let mut request = tonic::Request::new("text".to_owned());
    request
        .metadata_mut()
        .insert("x-large", "x".repeat(20_000).parse().unwrap());
    // hyper answers before there is a call, and so without our details.
    assert!(client.send("Echo", request).await.is_err());
    let client = server.client().await;
    let mut request = tonic::Request::new("text".to_owned());
    request
        .metadata_mut()
        .insert("x-large", "x".repeat(12_000).parse().unwrap());
    assert_eq!(client.send("Echo", request).await.unwrap(), "text");
}

#[tokio::test]
async fn a_flood_of_resets_costs_a_peer_its_connection_and_nobody_else() {
    let server = TestServer::start(Default::default()).await;
    let bystander = server.client().await;
    let mut peer = Peer::greeted(server.address).await;
    let mut flood = Vec::new();
    for call in 0..5_000 {
        let stream = call * 2 + 1;
        flood.extend(raw::encode(
            raw::HEADERS,
            raw::END_HEADERS,
            stream,
            &raw::call_headers("Hang"),
        ));
        flood.extend(raw::encode(raw::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    let (mut reader, mut writer) = peer.tcp.split();
    let written = async {
        // The server hangs up in the middle of it.
        writer.write_all(&flood).await.is_ok()
    };
    let mut answer = Vec::new();
    let read = within(tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer));
    let (_, _) = tokio::join!(written, read);
    assert!(
        goaway(&answer, raw::ENHANCE_YOUR_CALM),
        "no GOAWAY in {} bytes",
        answer.len()
    );
    assert_eq!(
        bystander.call("Echo", "undisturbed").await.unwrap(),
        "undisturbed"
    );
}

#[tokio::test]
async fn a_burst_of_calls_that_are_given_up_costs_nothing() {
    let server = TestServer::start(Default::default()).await;
    let mut peer = Peer::greeted(server.address).await;
    let mut burst = Vec::new();
    for call in 0..100 {
        let stream = call * 2 + 1;
        burst.extend(raw::encode(
            raw::HEADERS,
            raw::END_HEADERS,
            stream,
            &raw::call_headers("Hang"),
        ));
        burst.extend(raw::encode(raw::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    burst.extend(raw::encode(
        raw::HEADERS,
        raw::END_HEADERS,
        201,
        &raw::call_headers("Echo"),
    ));
    burst.extend(raw::encode(raw::DATA, raw::END_STREAM, 201, &raw::EMPTY_MESSAGE));
    peer.tcp.write_all(&burst).await.unwrap();
    let answer = peer.read_to(raw::HEADERS).await.unwrap();
    assert_eq!(answer.stream, 201);
}

#[tokio::test]
async fn a_flood_of_malformed_calls_costs_a_peer_its_connection_and_nobody_else() {
    let server = TestServer::start(Default::default()).await;
    let bystander = server.client().await;
    let mut peer = Peer::greeted(server.address).await;
    let mut flood = Vec::new();
    // A header that belongs to a connection of HTTP/1.1 is an error of the stream, which the server resets.
    let headers = [
        raw::call_headers("Hang"),
        raw::literal_header("connection", "close"),
    ]
    .concat();
    for call in 0..3_000 {
        let stream = call * 2 + 1;
        flood.extend(raw::encode(raw::HEADERS, raw::END_HEADERS, stream, &headers));
    }
    let (mut reader, mut writer) = peer.tcp.split();
    let mut answer = Vec::new();
    let read = within(tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer));
    let (_, _) = tokio::join!(writer.write_all(&flood), read);
    assert!(
        goaway(&answer, raw::ENHANCE_YOUR_CALM),
        "no GOAWAY in {} bytes",
        answer.len()
    );
    assert_eq!(
        bystander.call("Echo", "undisturbed").await.unwrap(),
        "undisturbed"
    );
}

/// Whether `answer` has a GOAWAY frame with `code`.
fn goaway(mut answer: &[u8], code: u32) -> bool {
    while answer.len() >= 9 {
        let length = u32::from_be_bytes([0, answer[0], answer[1], answer[2]]) as usize;
        if answer.len() < 9 + length {
            return false;
        }
        if answer[3] == raw::GOAWAY && answer[13..17] == code.to_be_bytes() {
            return true;
        }
        answer = &answer[9 + length..];
    }
    false
}

#[tokio::test]
async fn an_old_connection_is_told_to_go_and_finishes_its_calls() {
    let limits = Limits {
        max_connection_age_ms: Some(100),
        max_unary_ms: 1_000,
        ..Limits::default()
    };
    let server = TestServer::with_limits(limits).await;
    let mut peer = Peer::greeted(server.address).await;
    peer.send(raw::HEADERS, raw::END_HEADERS, 1, &raw::call_headers("Hang"))
        .await;
    peer.send(raw::DATA, raw::END_STREAM, 1, &raw::EMPTY_MESSAGE)
        .await;
    let goaway = peer.read_to(raw::GOAWAY).await.unwrap();
    assert_eq!(raw::error_code(&goaway), 0);
    // The call is answered long after, at its own deadline.
    let answer = peer.read_to(raw::HEADERS).await.unwrap();
    assert_eq!(
        (answer.stream, answer.flags & raw::END_STREAM),
        (1, raw::END_STREAM)
    );
}

#[tokio::test]
async fn small_answers_do_not_wait_for_full_packets() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = crate::net::Acceptor::new(listener, &Limits::default(), Default::default());
    let _peer = Peer::silent(address).await;
    let mut connections = std::pin::pin!(acceptor.connections());
    let connection = tokio_stream::StreamExt::next(&mut connections)
        .await
        .unwrap()
        .unwrap();
    assert!(connection.nodelay());
}
