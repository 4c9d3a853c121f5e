//! The client's and the server's view of the messages are the same on the wire.

use std::collections::BTreeMap;

use baton_proto::{raw, v1};
use prost::Message;
use prost_types::{ListValue, Struct, Value, value::Kind};

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn text(text: &str) -> Value {
    value(Kind::StringValue(text.into()))
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct {
        fields: fields.map(|(key, value)| (key.to_owned(), value)).into(),
    }
}

fn nested() -> Struct {
    let list = ListValue {
        values: vec![
            value(Kind::NumberValue(1.5)),
            value(Kind::NullValue(0)),
            text("ü"),
        ],
    };
    let inner = object([
        ("list", value(Kind::ListValue(list))),
        ("flag", value(Kind::BoolValue(true))),
    ]);
    object([
        ("inner", value(Kind::StructValue(inner))),
        ("name", text("report")),
    ])
}

fn json(value: Value) -> v1::Payload {
    v1::Payload {
        media_type: "application/json".into(),
        kind: Some(v1::payload::Kind::Json(value)),
    }
}

fn full_task() -> v1::Task {
    v1::Task {
        id: "0199d3a0-0000-7000-8000-000000000000".into(),
        input: Some(json(value(Kind::StructValue(nested())))),
        output: Some(v1::Payload {
            media_type: String::new(),
            kind: Some(v1::payload::Kind::Data(vec![0, 255].into())),
        }),
        metadata: Some(nested()),
        labels: BTreeMap::from([("z".into(), "1".into()), ("a".into(), "2".into())]),
        error: Some(v1::TaskError {
            message: "no".into(),
            details: Some(object([("more", text("x"))])),
            ..Default::default()
        }),
        function: Some(v1::TaskFunction {
            name: "f".into(),
            args: Some(nested()),
            output: Some(value(Kind::StructValue(nested()))),
            ..Default::default()
        }),
        progress: Some(v1::Progress {
            percent: Some(0),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[test]
fn a_message_of_the_client_decodes_in_the_servers_view_and_encodes_to_the_same_bytes() {
    let request = v1::CreateTaskRequest {
        task: Some(full_task()),
        ..Default::default()
    };
    let bytes = request.encode_to_vec();

    let raw = raw::v1::CreateTaskRequest::decode(bytes.as_slice()).unwrap();

    assert_eq!(raw.encode_to_vec(), bytes);
    let task = raw.task.unwrap();
    assert_eq!(task.metadata.unwrap(), nested().encode_to_vec());
    let raw::v1::payload::Kind::Json(json) = task.input.unwrap().kind.unwrap() else {
        panic!("the kind of the payload changed");
    };
    assert_eq!(json, value(Kind::StructValue(nested())).encode_to_vec());
}

#[test]
fn the_servers_view_tells_an_empty_json_field_from_an_absent_one() {
    let empty = v1::Task {
        metadata: Some(Struct::default()),
        ..Default::default()
    };
    let absent = v1::Task::default();

    let raw_empty = raw::v1::Task::decode(empty.encode_to_vec().as_slice()).unwrap();
    let raw_absent = raw::v1::Task::decode(absent.encode_to_vec().as_slice()).unwrap();

    assert_eq!(raw_empty.metadata, Some(bytes::Bytes::new()));
    assert_eq!(raw_absent.metadata, None);
    assert_eq!(raw_empty.encode_to_vec(), empty.encode_to_vec());
}

#[test]
fn an_event_of_the_server_decodes_in_the_clients_view() {
    let task = raw::v1::Task::decode(full_task().encode_to_vec().as_slice()).unwrap();
    let created = raw::v1::TaskCreated {
        task: Some(task),
        input: None,
    };
    let event = raw::v1::TaskEvent {
        detail: Some(raw::v1::task_event::Detail::Created(Box::new(created))),
        ..Default::default()
    };

    let decoded = v1::TaskEvent::decode(event.encode_to_vec().as_slice()).unwrap();

    let Some(v1::task_event::Detail::Created(created)) = decoded.detail else {
        panic!("the detail of the event changed");
    };
    assert_eq!(created.task, Some(full_task()));
}

#[test]
fn maps_encode_in_the_order_of_their_keys() {
    let labels: BTreeMap<_, _> = (0..64)
        .rev()
        .map(|n| (format!("k{n:02}"), String::new()))
        .collect();
    let bytes = v1::Task {
        labels,
        ..Default::default()
    }
    .encode_to_vec();

    let text = String::from_utf8_lossy(&bytes);
    let positions: Vec<_> = (0..64).map(|n| text.find(&format!("k{n:02}")).unwrap()).collect();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn the_token_of_a_lease_is_not_shown() {
    let token = "swordfish".to_owned();
    let leased = v1::LeasedTask {
        task: Some(full_task()),
        lease_token: token.clone(),
        fence: 7,
        ..Default::default()
    };
    let answer = v1::LeaseTasksResponse {
        leased_tasks: vec![leased],
        ..Default::default()
    };
    let report = raw::v1::TaskReport {
        lease_token: token.clone(),
        result: Some(raw::v1::task_report::Result::Release(raw::v1::ReportedRelease {})),
        ..Default::default()
    };
    for shown in [format!("{answer:?}"), format!("{report:?}")] {
        assert!(!shown.contains(&token), "{shown}");
    }
    assert!(format!("{answer:?}").contains("fence: 7"));
    assert!(format!("{report:?}").contains("Release"));
}
