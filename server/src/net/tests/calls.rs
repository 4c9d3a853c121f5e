//! What handlers and callers do wrong: panics, sizes, garbage, too many streams, streams given up.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::Service;

use super::client::{Client, with_header};
use super::probe::Signals;
use super::{TestServer, reason, within};
use crate::config::{Limits, MESSAGE_MAX_BYTES};

#[tokio::test]
async fn a_panic_is_an_opaque_bug_and_the_connection_lives() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let status = client.call("Panic", "the vault").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "BUG"));
    assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    assert_eq!(client.call("Echo", "alive").await.unwrap(), "alive");
}

#[tokio::test]
async fn a_panic_inside_a_stream_is_an_opaque_bug_too() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let mut stream = client.stream("PanicLate").await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "first");
    let status = within(stream.message()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "BUG"));
    assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    assert_eq!(client.call("Echo", "alive").await.unwrap(), "alive");
}

#[tokio::test]
async fn what_a_library_calls_internal_stays_opaque() {
    let server = TestServer::start(Default::default()).await;
    let status = server.client().await.call("Refuse", "").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "BUG"));
    assert!(!format!("{status:?}").contains("secret"), "{status:?}");
}

#[tokio::test]
async fn messages_up_to_the_limit_pass_and_larger_ones_are_told_why_not() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    // A tag and a length of four bytes stand before the text.
    let largest = "x".repeat(MESSAGE_MAX_BYTES - 5);
    assert_eq!(client.call("Echo", &largest).await.unwrap().len(), largest.len());
    let status = client.call("Echo", &format!("{largest}x")).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
    assert_eq!(
        status.get_error_details().quota_failure().unwrap().violations[0].subject,
        "message"
    );
}

/// Sends bytes as the body of a call and answers the status that comes back.
async fn send_bytes(client: &mut Client, path: &str, body: &'static [u8]) -> Status {
    let request = Request::post(format!("http://probe{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(Bytes::from_static(body))))
        .unwrap();
    let response = within(client.wire.call(request)).await.unwrap();
    assert_eq!(response.status(), 200);
    Status::from_header_map(response.headers()).unwrap_or_else(|| panic!("no status in {response:?}"))
}

#[tokio::test]
async fn garbage_is_the_callers_fault() {
    let server = TestServer::start(Default::default()).await;
    let mut client = server.client().await;
    let bodies: [&[u8]; 7] = [
        b"",
        b"\0",
        b"\0\0\0\0\x02\xff\xff",
        b"\0\0\0\0\x03\x0a\x01\xff",
        b"\0\0\0\0\x09cut",
        b"\x07\0\0\0\0",
        b"\x01\0\0\0\0",
    ];
    for body in bodies {
        for path in [
            "/baton.test.Probe/Echo",
            "/baton.test.Probe/Stream",
            "/grpc.health.v1.Health/Check",
        ] {
            let status = send_bytes(&mut client, path, body).await;
            let told = (status.code(), reason(&status));
            assert_eq!(
                told,
                (Code::InvalidArgument, "INVALID_MESSAGE".to_owned()),
                "{path} {body:?}"
            );
        }
    }
    assert_eq!(client.call("Echo", "alive").await.unwrap(), "alive");
}

#[tokio::test]
async fn methods_that_are_not_there_are_unimplemented() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    for path in ["/baton.test.Probe/Nothing", "/no.such.Service/Echo", "/"] {
        let status = client.call(path, "").await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unimplemented, "METHOD_UNKNOWN"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn compression_that_is_not_spoken_keeps_the_protocols_own_answer() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let status = client
        .send("Echo", with_header("grpc-encoding", "brotli"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(
        status.metadata().contains_key("grpc-accept-encoding"),
        "{status:?}"
    );
}

#[tokio::test]
async fn streams_beyond_the_budget_are_refused_until_others_end() {
    let server = TestServer::with_limits(Limits {
        max_watches: 2,
        ..Limits::default()
    })
    .await;
    let client = server.client().await;
    let first = client.stream("Stream").await.unwrap();
    let _second = client.stream("Stream").await.unwrap();
    let status = client.stream("Stream").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "QUOTA_EXCEEDED")
    );
    assert!(status.get_error_details().quota_failure().is_some());
    assert_eq!(
        client.call("Echo", "unary calls go on").await.unwrap(),
        "unary calls go on"
    );
    // A caller that gives up a stream makes room, and the handler is let go.
    drop(first);
    Signals::wait(&server.probe.signals.dropped).await;
    let third = within(async {
        loop {
            // The handler is dropped just before its place is free again.
            match client.stream("Stream").await {
                Ok(stream) => return stream,
                Err(status) => assert_eq!(reason(&status), "QUOTA_EXCEEDED"),
            }
        }
    })
    .await;
    drop(third);
}

#[tokio::test]
async fn a_unary_call_that_is_given_up_lets_its_handler_go() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let hanging = tokio::spawn(async move { client.call("Hang", "").await });
    Signals::wait(&server.probe.signals.entered).await;
    hanging.abort();
    Signals::wait(&server.probe.signals.dropped).await;
}
