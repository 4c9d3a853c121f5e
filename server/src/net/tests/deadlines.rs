//! Deadlines: answered as such, for streams too, and the handler is let go.

use std::time::Duration;

use tonic::Code;

use super::client::with_header;
use super::probe::{LARGE_BYTES, Signals};
use super::{TestServer, reason, within};
use crate::config::Limits;

#[tokio::test]
async fn a_unary_call_ends_at_its_deadline() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let status = client
        .send("Hang", with_header("grpc-timeout", "100m"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE")
    );
    Signals::wait(&server.probe.signals.dropped).await;
    assert_eq!(client.call("Echo", "still here").await.unwrap(), "still here");
}

/// tonic has a timer for the same timeout, which answers CANCELLED: ours must always be the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_deadline_is_lost_to_tonics_own() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let calls = (0..1_000).map(|_| client.send("Hang", with_header("grpc-timeout", "200m")));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(reason(&answer.unwrap_err()), "DEADLINE");
    }
}

#[tokio::test]
async fn a_deadline_in_the_past_is_answered_as_one() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    for timeout in ["0n", "1n", "1m"] {
        let status = client
            .send("Hang", with_header("grpc-timeout", timeout))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::DeadlineExceeded, "DEADLINE")
        );
    }
}

#[tokio::test]
async fn a_unary_call_without_deadline_gets_the_servers() {
    let server = TestServer::with_limits(Limits {
        max_unary_ms: 50,
        ..Limits::default()
    })
    .await;
    let client = server.client().await;
    let status = client.call("Hang", "").await.unwrap_err();
    assert_eq!(reason(&status), "DEADLINE");
    // A longer one is cut down to it.
    let status = client
        .send("Hang", with_header("grpc-timeout", "99999999H"))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "DEADLINE");
    assert_eq!(client.call("Who", "").await.unwrap(), "None true");
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline_quiet_or_busy() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    for method in ["Stream", "Flood"] {
        let mut stream = client
            .open(method, with_header("grpc-timeout", "150m"))
            .await
            .unwrap();
        let status = within(async {
            loop {
                if let Err(status) = stream.message().await {
                    return status;
                }
            }
        })
        .await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::DeadlineExceeded, "DEADLINE"),
            "{method}"
        );
        Signals::wait(&server.probe.signals.dropped).await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_let_go_at_the_deadline() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let mut unread = Vec::new();
    // The first fills the connection's window; none of the others is sent at all.
    for _ in 0..8 {
        let opened = client.open("Large", with_header("grpc-timeout", "200m")).await;
        unread.push(opened.unwrap());
    }
    for _ in &unread {
        Signals::wait(&server.probe.signals.dropped).await;
    }
    for mut answer in unread {
        let status = within(answer.message()).await.unwrap_err();
        assert_eq!(reason(&status), "DEADLINE");
    }
    assert_eq!(client.call("Echo", "still here").await.unwrap(), "still here");
}

#[tokio::test]
async fn large_answers_share_a_connection_and_arrive_whole() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(client.stream("Large").await.unwrap());
    }
    let read = answers.iter_mut().map(|answer| within(answer.message()));
    for text in futures::future::join_all(read).await {
        assert!(text.unwrap().unwrap() == "x".repeat(LARGE_BYTES));
    }
}

#[tokio::test]
async fn a_stream_without_deadline_outlives_the_limit_of_unary_calls() {
    let server = TestServer::with_limits(Limits {
        max_unary_ms: 10,
        ..Limits::default()
    })
    .await;
    let client = server.client().await;
    let mut stream = client.stream("Stream").await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "first");
    // Silence is what is asked for here: nothing may arrive within many times the limit.
    let next = tokio::time::timeout(Duration::from_millis(200), stream.message()).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test]
async fn a_malformed_timeout_is_a_violation() {
    let server = TestServer::start(Default::default()).await;
    let client = server.client().await;
    for timeout in ["soon", "1", "-1S", "123456789S"] {
        let status = client
            .send("Echo", with_header("grpc-timeout", timeout))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "INVALID_FIELD")
        );
    }
}
