//! Connections that a server closes in good order, again and again, under many callers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_client::proto::{AdvanceClockResponse, PauseTaskRequest, PauseTaskResponse, Task};
use baton_client::{Client, RetrySettings};
use bytes::Bytes;
use h2::server::SendResponse;
use http::HeaderMap;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

use crate::scripted::frame;

/// Requests that one connection takes before it says GOAWAY.
const PER_CONNECTION: usize = 10;
/// Callers that share the client, and calls that each makes.
const CALLERS: u32 = 16;
const CALLS: u32 = 50;

/// How often each message was carried out.
type CarriedOut = Arc<Mutex<HashMap<Vec<u8>, u32>>>;

/// Starts the server; the client that talks to it has repeats enough for the storm.
async fn storm(answer: Vec<u8>) -> (Client, CarriedOut) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    let carried_out = CarriedOut::default();
    tokio::spawn(accept(listener, Arc::clone(&carried_out), frame(&answer)));
    let retry = RetrySettings {
        budget: 10_000,
        max_attempts: 20,
        ..RetrySettings::default()
    };
    let client = Client::builder()
        .endpoint(url)
        .retry(retry)
        .build()
        .expect("good settings");
    (client, carried_out)
}

/// A change that must not be sent twice is repeated where it was certainly not taken, and only there. What is left is
/// an outcome that nobody knows: a connection that broke while its last answers were on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_must_not_be_repeated_are_carried_out_once_at_most() {
    let (client, carried_out) = storm(AdvanceClockResponse::default().encode_to_vec()).await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| tokio::spawn(advance(client.clone(), caller)))
        .collect();
    let mut unknown = 0;
    for caller in callers {
        unknown += caller.await.unwrap();
    }
    let all = CALLERS * CALLS;
    let carried_out = carried_out.lock().unwrap();
    assert!(carried_out.values().all(|&times| times == 1), "{carried_out:?}");
    let times = u32::try_from(carried_out.len()).unwrap();
    assert!(
        times <= all && times >= all - unknown,
        "{times} of {all}, {unknown} unknown"
    );
    assert!(
        unknown <= all / 10,
        "nearly all of {all} were told apart, but {unknown} not"
    );
}

/// Says how many of the calls ended with an outcome that nobody knows.
async fn advance(client: Client, caller: u32) -> u32 {
    let mut unknown = 0;
    for call in 0..CALLS {
        let outcome = client
            .advance_clock(Duration::from_secs(u64::from(caller * CALLS + call + 1)))
            .await;
        if let Err(error) = outcome {
            assert!(
                error.outcome_unknown(),
                "a call that was not taken is repeated: {error:?}"
            );
            unknown += 1;
        }
    }
    unknown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_an_id_all_succeed() {
    let (client, carried_out) = storm(
        PauseTaskResponse {
            task: Some(Task::default()),
        }
        .encode_to_vec(),
    )
    .await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| tokio::spawn(pause(client.clone())))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let carried_out = carried_out.lock().unwrap();
    let ids = carried_out
        .keys()
        .map(|message| PauseTaskRequest::decode(&message[..]).unwrap().request_id);
    let ids: std::collections::BTreeSet<_> = ids.collect();
    assert_eq!(ids.len(), usize::try_from(CALLERS * CALLS).unwrap());
}

async fn pause(client: Client) {
    for _ in 0..CALLS {
        client
            .pause("1")
            .await
            .expect("a call under an id is repeated until it is answered");
    }
}

async fn accept(listener: TcpListener, carried_out: CarriedOut, answer: Bytes) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(serve(socket, Arc::clone(&carried_out), answer.clone()));
    }
}

/// Takes a few requests, then announces the end, and answers what came before the announcement.
async fn serve(socket: TcpStream, carried_out: CarriedOut, answer: Bytes) {
    // A client that leaves while the connection ends is none of these tests' business.
    let Ok(mut connection) = h2::server::handshake(socket).await else {
        return;
    };
    let mut taken = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let carried_out = Arc::clone(&carried_out);
        tokio::spawn(carry_out(
            request.into_body(),
            respond,
            carried_out,
            answer.clone(),
        ));
        taken += 1;
        if taken == PER_CONNECTION {
            connection.graceful_shutdown();
        }
    }
}

/// Does what was asked as soon as it is known, which takes the whole message; then answers, if that still can be.
async fn carry_out(
    mut body: h2::RecvStream,
    mut respond: SendResponse<Bytes>,
    carried_out: CarriedOut,
    answer: Bytes,
) -> Option<()> {
    let mut message = Vec::new();
    while let Some(part) = body.data().await {
        message.extend_from_slice(&part.ok()?);
    }
    *carried_out.lock().ok()?.entry(message.split_off(5)).or_default() += 1;

    let grpc = http::HeaderValue::from_static("application/grpc");
    let mut response = http::Response::new(());
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    let mut body = respond.send_response(response, false).ok()?;
    body.send_data(answer, false).ok()?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    body.send_trailers(trailers).ok()
}
