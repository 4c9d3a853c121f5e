//! Only addresses that were judged are connected to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use baton_egress::{EgressPolicy, Lookup, Refusal, SendError, Sender};
use bytes::Bytes;
use http::HeaderMap;

use super::stub::{Stub, beside};
use super::{local, sender};

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Answers these addresses, one list each time it is asked; then the last for ever.
fn lookup(answers: Vec<Vec<SocketAddr>>) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_, _| {
        let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let answer = answers[at].clone();
        Box::pin(async move { Ok(answer) })
    });
    (lookup, asked)
}

fn is_address_refused(error: &SendError) -> bool {
    matches!(error, SendError::Refused(Refusal::Address(_))) && !error.can_repeat()
}

#[tokio::test]
async fn no_form_of_a_local_address_is_reached_unless_it_is_allowed() {
    let stub = Stub::start().await;
    let port = stub.port();
    let policy = EgressPolicy {
        allow_private: Vec::new(),
        ..local(&[port])
    };
    let sender = Sender::new(policy).unwrap();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "localhost",
    ] {
        let url = format!("http://{host}:{port}/");
        let error = sender
            .post(&url, HeaderMap::new(), Bytes::new())
            .await
            .unwrap_err();
        assert!(is_address_refused(&error), "{host}: {error:?}");
        let is_name = host == "localhost";
        assert_eq!(sender.check(&url).is_ok(), is_name, "{host}");
    }
    stub.nobody_came().await;
}

#[tokio::test]
async fn a_name_that_resolves_to_something_else_later_finds_nothing() {
    let allowed = Stub::start().await;
    // The same port at an address that the policy does not allow.
    let inner = Stub::at(&format!("127.0.0.2:{}", allowed.port())).await;
    let answers = vec![vec![allowed.address], vec![inner.address]];
    let (lookup, asked) = lookup(answers);
    let sender = Sender::with_lookup(local(&[allowed.port()]), lookup).unwrap();
    let url = format!("http://rebind.example:{}/", allowed.port());
    let post = || sender.post(&url, HeaderMap::new(), Bytes::new());
    beside(post(), allowed.answer(DONE)).await.unwrap();
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "what was judged is what is connected to"
    );
    let error = post().await.unwrap_err();
    assert!(is_address_refused(&error), "{error:?}");
    assert!(!error.to_string().contains("127.0.0.2"), "{error}");
    inner.nobody_came().await;
}

#[tokio::test]
async fn of_several_addresses_those_allowed_are_tried_in_turn() {
    let stub = Stub::start().await;
    let inner = Stub::at(&format!("127.0.0.2:{}", stub.port())).await;
    let gone = "127.0.0.3:1".parse().unwrap();
    let policy = EgressPolicy {
        allow_private: vec!["127.0.0.1/32".parse().unwrap(), "127.0.0.3/32".parse().unwrap()],
        ..local(&[stub.port()])
    };
    // What the lookup says of the port does not count.
    let (lookup, _) = lookup(vec![vec![inner.address, gone, "127.0.0.1:1".parse().unwrap()]]);
    let sender = Sender::with_lookup(policy, lookup).unwrap();
    let url = format!("http://many.example:{}/", stub.port());
    beside(
        sender.post(&url, HeaderMap::new(), Bytes::new()),
        stub.answer(DONE),
    )
    .await
    .unwrap();
    inner.nobody_came().await;
}

#[tokio::test]
async fn a_host_without_an_address_or_a_listener_may_have_one_later() {
    let (lookup, _) = lookup(vec![vec![]]);
    let nowhere = Sender::with_lookup(local(&[1]), lookup).unwrap();
    let error = nowhere
        .post("http://none.example:1/", HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Lookup { .. }), "{error:?}");
    assert!(error.can_repeat());

    let stub = Stub::start().await;
    let (port, url) = (stub.port(), stub.url("/"));
    drop(stub);
    let error = sender(&[port])
        .post(&url, HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }), "{error:?}");
    assert!(error.can_repeat());
}
