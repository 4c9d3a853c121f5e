//! What is sent, and what becomes of the answers.

use std::time::Duration;

use baton_egress::{Message, REPLY_MAX_BYTES, Secret, SendError, verify};
use bytes::Bytes;
use http::HeaderMap;
use tokio::io::AsyncWriteExt as _;

use super::sender;
use super::stub::{Stub, beside, request};

const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_is_signed_json_and_its_receiver_can_tell() {
    let stub = Stub::start().await;
    let secrets = [Secret::of(vec![7; 32]).unwrap()];
    let body = Bytes::from_static(br#"{"text":"hello"}"#);
    let message = Message {
        id: "event-1",
        timestamp: 1_800_000_000,
        body: &body,
    };
    let headers = message.headers(&secrets).unwrap();
    let sender = sender(&[stub.port()]);
    let url = stub.url("/hooks/a?b=c#d");
    let (reply, request) = tokio::join!(sender.post(&url, headers, body.clone()), stub.answer(DONE));
    let reply = reply.unwrap();
    assert_eq!(
        (reply.status.as_u16(), &*reply.body, reply.is_cut),
        (200, &b"ok"[..], false)
    );

    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hooks/a?b=c HTTP/1.1"));
    let headers: HeaderMap = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    assert_eq!(headers["host"], stub.address.to_string());
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["connection"], "close");
    let tolerance = Duration::from_secs(300);
    assert_eq!(
        verify(&headers, sent.as_bytes(), &secrets, 1_800_000_010, tolerance),
        Ok(())
    );
}

#[tokio::test]
async fn a_refusal_says_whether_a_repeat_can_help_and_when() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]);
    for (status, can_repeat) in [
        ("400 Bad Request", false),
        ("404 Not Found", false),
        ("410 Gone", false),
        ("408 Request Timeout", true),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("503 Service Unavailable", true),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
        let url = stub.url("/");
        let post = sender.post(&url, HeaderMap::new(), Bytes::new());
        let error = beside(post, stub.answer(&answer)).await.unwrap_err();
        assert_eq!(error.can_repeat(), can_repeat, "{status}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{status}");
        assert!(error.to_string().contains(&status[..3]), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stub = Stub::start().await;
    let other = Stub::start().await;
    let sender = sender(&[stub.port(), other.port()]);
    for place in [
        other.url("/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let answer = format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
        let url = stub.url("/");
        let post = sender.post(&url, HeaderMap::new(), Bytes::new());
        let error = beside(post, stub.answer(&answer)).await.unwrap_err();
        assert!(
            matches!(&error, SendError::Status(reply) if reply.status == 302),
            "{error:?}"
        );
        assert!(!error.can_repeat());
    }
    other.nobody_came().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_its_connection_closed() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]);
    let endless = async {
        let mut stream = stub.accept().await;
        request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await
            .unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4_096));
        // Ends once the other side has closed.
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    let url = stub.url("/");
    let reply = beside(sender.post(&url, HeaderMap::new(), Bytes::new()), endless)
        .await
        .unwrap();
    assert_eq!((reply.body.len(), reply.is_cut), (REPLY_MAX_BYTES, true));
}

#[tokio::test]
async fn a_slow_body_ends_with_the_time_and_takes_no_success_back() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]).timeout(Duration::from_millis(500));
    let slow = async {
        let mut stream = stub.accept().await;
        request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
            .await
            .unwrap();
        stream
    };
    let url = stub.url("/");
    let (reply, stream) = tokio::join!(sender.post(&url, HeaderMap::new(), Bytes::new()), slow);
    drop(stream);
    let reply = reply.unwrap();
    assert_eq!((&*reply.body, reply.is_cut), (&b"abc"[..], true));
}

#[tokio::test]
async fn no_answer_or_half_an_answer_ends_with_the_time() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]).timeout(Duration::from_millis(300));
    for part in ["", "HTTP/1.1 200 OK\r\nx: "] {
        let silent = async {
            let mut stream = stub.accept().await;
            request(&mut stream).await;
            stream.write_all(part.as_bytes()).await.unwrap();
            stream
        };
        let url = stub.url("/");
        let (answer, _stream) = tokio::join!(sender.post(&url, HeaderMap::new(), Bytes::new()), silent);
        let error = answer.unwrap_err();
        assert!(matches!(error, SendError::Timeout), "{error:?}");
        assert!(error.can_repeat());
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_that_may_pass() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]);
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(128 * 1_024));
    for answer in ["", "SSH-2.0-OpenSSH_9.6\r\n", &long] {
        let write = async {
            let mut stream = stub.accept().await;
            request(&mut stream).await;
            // Refused before all of it is written where it is too long.
            drop(stream.write_all(answer.as_bytes()).await);
        };
        let url = stub.url("/");
        let error = beside(sender.post(&url, HeaderMap::new(), Bytes::new()), write)
            .await
            .unwrap_err();
        assert!(matches!(error, SendError::Broken(_)), "{error:?}");
        assert!(error.can_repeat());
    }
}

#[tokio::test]
async fn a_header_cannot_say_where_the_request_goes_or_ends() {
    let stub = Stub::start().await;
    let sender = sender(&[stub.port()]);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "elsewhere.example"),
        ("content-length", "99"),
        ("transfer-encoding", "chunked"),
        ("x-own", "kept"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let url = stub.url("/");
    let post = sender.post(&url, headers, Bytes::from_static(b"{}"));
    let (reply, request) = tokio::join!(post, stub.answer(DONE));
    reply.unwrap();
    assert!(
        request.contains(&format!("host: {}\r\n", stub.address)),
        "{request}"
    );
    assert!(request.contains("content-length: 2\r\n"), "{request}");
    assert!(!request.contains("chunked"), "{request}");
    assert!(request.contains("x-own: kept\r\n"), "{request}");
}
