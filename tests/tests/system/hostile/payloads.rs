//! JSON and bytes at their bounds.

use baton_client::proto::payload::Kind;
use baton_client::proto::{CreateTaskRequest, Payload, TaskFunction};
use baton_client::{NewTask, Reason, value};
use baton_tests::harness::TestServer;
use prost::Message;
use prost_types::value::Kind as ValueKind;
use prost_types::{ListValue, Struct, Value};

use super::{refused_with, task};
use crate::support::{created, get};

fn with(payload: Payload) -> CreateTaskRequest {
    NewTask::new("test").input_payload(payload).into()
}

fn nested(depth: usize) -> Value {
    let innermost = Value {
        kind: Some(ValueKind::NumberValue(1.0)),
    };
    (0..depth).fold(innermost, |value, _| Value {
        kind: Some(ValueKind::ListValue(ListValue { values: vec![value] })),
    })
}

fn json(value: Value) -> Payload {
    Payload {
        kind: Some(Kind::Json(value)),
        media_type: String::new(),
    }
}

fn number(number: f64) -> Payload {
    json(Value {
        kind: Some(ValueKind::NumberValue(number)),
    })
}

fn structure(value: Value) -> Struct {
    Struct {
        fields: [("a".to_owned(), value)].into(),
    }
}

#[tokio::test]
async fn json_that_cannot_be_kept_is_refused_where_it_stands() {
    let server = TestServer::start().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for text in [
        deep.as_str(),
        "{\"a\": 1,}",
        "",
        "{",
        "nul",
        "\u{feff}1",
        "\"\\u0000\"",
    ] {
        refused_with(&server, with(value::json_text(text)), "task.input.json_text").await;
    }
    let values = [
        json(nested(25)),
        json(Value { kind: None }),
        number(f64::NAN),
        number(f64::INFINITY),
        number(9_007_199_254_740_992.0),
        number(-1e300),
    ];
    for payload in values {
        refused_with(&server, with(payload), "task.input.json").await;
    }
    let empty = Payload {
        kind: None,
        media_type: "a/b".to_owned(),
    };
    refused_with(&server, with(empty), "task.input").await;
    created(&server, NewTask::new("test").input_payload(json(nested(23)))).await;
    server.finish().await;
}

#[tokio::test]
async fn documents_beside_payloads_have_their_bounds_too() {
    let server = TestServer::start().await;
    let long = Value {
        kind: Some(ValueKind::StringValue("x".repeat(70_000))),
    };
    for wrong in [nested(25), Value { kind: None }, long.clone()] {
        let request = task(|task| task.metadata = Some(structure(wrong)));
        refused_with(&server, request, "task.metadata").await;
    }
    let function = |args, output| {
        task(|task| {
            task.function = Some(TaskFunction {
                kind: 1,
                name: "f".to_owned(),
                args: Some(structure(args)),
                output: Some(output),
                ..TaskFunction::default()
            });
        })
    };
    refused_with(&server, function(nested(30), nested(1)), "task.function.args").await;
    refused_with(&server, function(nested(1), nested(30)), "task.function.output").await;
    refused_with(&server, function(long, nested(1)), "task.function").await;
    server.finish().await;
}

/// 1 MiB is the encoded Payload: the last byte decides. Ten megabytes do not come in at all.
#[tokio::test]
async fn the_last_byte_decides() {
    let server = TestServer::start().await;
    let sized = |bytes: usize| Payload {
        kind: Some(Kind::Data(vec![7; bytes].into())),
        media_type: String::new(),
    };
    let room = (1 << 20) - (sized(1 << 20).encoded_len() - (1 << 20));
    assert_eq!(sized(room).encoded_len(), 1 << 20);
    let client = server.client();
    server.ok(client.create(with(sized(room)))).await;
    let larger = server.refused(client.create(with(sized(room + 1)))).await;
    assert_eq!(larger.reason, Reason::PayloadTooLarge);
    let huge = server.refused(client.create(with(sized(10 << 20)))).await;
    assert_eq!(huge.reason, Reason::MessageTooLarge);
    server.finish().await;
}

/// What comes as text is given back as that text: numbers, order and even doubled keys.
#[tokio::test]
async fn text_is_kept_exactly() {
    let server = TestServer::start().await;
    let exact = value::json_text("{\"b\": 9007199254740993, \"a\": 0.1, \"c\":1e400 ,\"\\u0001\": [ ]}");
    let kept = created(&server, NewTask::new("test").input_payload(exact.clone())).await;
    assert_eq!(get(&server, &kept.id).await.input, Some(exact));
    server.finish().await;
}
