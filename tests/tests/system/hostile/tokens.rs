//! Tokens that were forged, cut, swapped or made up, wherever a token can stand.

use baton_client::NewTask;
use baton_proto::v1::{WatchStart, WatchTasksRequest};
use baton_tests::harness::{TestServer, wire};
use baton_tests::oracle::Scope;
use serde_json::{Value, json};
use tonic_types::StatusExt;

use super::assert_alive;
use crate::support::queued;

/// Every unary call that takes a page token, as it would go on with one.
fn pages(id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("ListTasks", json!({"filter": "state = QUEUED", "page_size": 1})),
        ("ListTaskEvents", json!({"id": id, "page_size": 1})),
        (
            "BulkUpdateState",
            json!({"filter": "state = QUEUED", "max_count": 1, "state": "TASK_STATE_PAUSED"}),
        ),
        ("BulkCancel", json!({"filter": "state = QUEUED", "max_count": 1})),
        ("BulkRetry", json!({"filter": "state = FAILED", "max_count": 1})),
        ("BulkDiscard", json!({"filter": "state = FAILED", "max_count": 1})),
    ]
}

fn watches(id: &str) -> [(&'static str, Value); 2] {
    [("WatchTasks", json!({})), ("WatchTask", json!({"id": id}))]
}

async fn reason(server: &TestServer, call: &str, request: Value, field: &str, token: &str) -> String {
    let mut request = request;
    request[field] = json!(token);
    let method = wire::method(call);
    let bytes = wire::encode(&method, &request);
    let answer = wire::call_bytes(server.channel(), &method, bytes).await;
    let refused = answer.expect_err("no such token was given out");
    let details = refused.get_error_details();
    let info = details.error_info();
    info.map_or_else(|| format!("{refused:?}"), |info| info.reason.clone())
}

#[tokio::test]
async fn no_token_but_its_own_is_taken_anywhere() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    queued(&server).await;
    let first = json!({"page_size": 1});
    let page = wire::call_json(server.channel(), "ListTasks", &first)
        .await
        .unwrap();
    let page = page["next_page_token"].as_str().unwrap().to_owned();
    let mut opening = WatchTasksRequest::default();
    opening.set_start(WatchStart::Oldest);
    let watch = server.watch(opening, Scope::all()).await;
    watch.until_events(4).await;
    let (resume, _) = watch.token();
    let forged = |token: &str| {
        let mut bytes = token.as_bytes().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let shapeless = [
        "x".to_owned(),
        "=".repeat(100),
        "A".repeat(10_000),
        "\u{0}".to_owned(),
        "\u{202e}\u{1f916}".to_owned(),
        "' OR 1=1 --".to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ];
    for token in shapeless
        .iter()
        .chain([&forged(&page), &page[1..].to_owned(), &page, &resume])
    {
        for (call, request) in pages(&task.id) {
            let told = reason(&server, call, request, "page_token", token).await;
            assert_eq!(told, "PAGE_TOKEN_INVALID", "{call} with {token:?}");
        }
    }
    for token in shapeless
        .iter()
        .chain([&forged(&resume), &resume[1..].to_owned(), &page])
    {
        for (call, request) in watches(&task.id) {
            let told = reason(&server, call, request, "resume_token", token).await;
            assert_eq!(told, "RESUME_TOKEN_INVALID", "{call} with {token:?}");
        }
    }
    assert_alive(&server).await;
    server.finish().await;
}

/// The clock of test mode is anybody's to move, but not beyond what a time can say.
#[tokio::test]
async fn a_clock_that_leaps_leaves_the_server_alive() {
    let server = TestServer::start().await;
    let leap = std::time::Duration::from_secs(3_650 * 86_400);
    let waits = NewTask::new("test").delay(leap);
    server.ok(server.client().create(waits)).await;
    let mut leaps = 0;
    while leaps < 2_000 && server.send(server.client().advance_clock(leap)).await.is_ok() {
        leaps += 1;
    }
    assert!(leaps > 0, "ten years are allowed");
    assert_alive(&server).await;
    server.finish().await;
}
