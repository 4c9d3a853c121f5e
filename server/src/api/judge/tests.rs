//! Requests as clients send them, judged: what is accepted, and every rule by the path it is told with.

use std::collections::BTreeMap;

use baton_proto::v1;
use baton_proto::v1::payload::Kind;
use proptest::prelude::*;
use prost_types::{Duration, FieldMask, ListValue, Struct, Timestamp, Value, value};
use tonic_types::StatusExt;

use super::*;

mod batch;
mod bulk;
mod create;
mod hashes;
mod leases;
mod moves;
mod update;
mod work;

const ID: &str = "0199d3a0-5c00-7000-8000-00000000000a";
const OTHER: &str = "0199d3a0-5c00-7000-8000-00000000000b";

fn judged(method: &str, request: &impl Message) -> Result<(), Refusal> {
    judge(method, &request.encode_to_vec()).unwrap()
}

#[track_caller]
fn accepted(method: &str, request: &impl Message) {
    if let Err(refusal) = judged(method, request) {
        panic!("{method} was refused: {:?}", violations(refusal));
    }
}

/// Asserts that the request is refused for `reason`, with these violations: path, and what must stand in the words.
#[track_caller]
fn refused(method: &str, request: &impl Message, reason: Reason, expected: &[(&str, &str)]) {
    let refusal = judged(method, request).expect_err("the request must be refused");
    assert_eq!(refusal.reason(), reason);
    let found = violations(refusal);
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    let expected_paths: Vec<_> = expected.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, expected_paths, "{found:?}");
    for ((path, what), (_, part)) in found.iter().zip(expected) {
        assert!(what.contains(part), "{path}: {what:?} lacks {part:?}");
    }
}

fn violations(refusal: Refusal) -> Vec<(String, String)> {
    let details = tonic::Status::from(refusal).get_error_details();
    let listed = details.bad_request().map(|bad| bad.field_violations.clone());
    let listed = listed.unwrap_or_default().into_iter();
    listed
        .map(|violation| (violation.field, violation.description))
        .collect()
}

fn json(kind: value::Kind) -> v1::Payload {
    v1::Payload {
        kind: Some(Kind::Json(Value { kind: Some(kind) })),
        ..v1::Payload::default()
    }
}

fn number(number: f64) -> v1::Payload {
    json(value::Kind::NumberValue(number))
}

fn data(len: usize) -> v1::Payload {
    v1::Payload {
        kind: Some(Kind::Data(vec![7; len].into())),
        ..v1::Payload::default()
    }
}

fn human(id: &str) -> v1::Actor {
    v1::Actor {
        r#type: v1::ActorType::Human.into(),
        id: id.to_owned(),
        ..v1::Actor::default()
    }
}

fn system() -> v1::Actor {
    v1::Actor {
        r#type: v1::ActorType::System.into(),
        ..human("baton")
    }
}

fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}

fn deep(depth: usize) -> Value {
    let scalar = Value {
        kind: Some(value::Kind::BoolValue(true)),
    };
    (0..depth).fold(scalar, |inner, _| Value {
        kind: Some(value::Kind::ListValue(ListValue { values: vec![inner] })),
    })
}

fn document(inner: Value) -> Struct {
    Struct {
        fields: BTreeMap::from([("k".to_owned(), inner)]),
    }
}

#[test]
fn every_call_of_the_contract_is_judged() {
    // Its request has no field: there is nothing to judge.
    const EMPTY: &str = "GetServerInfo";
    let descriptors = prost_types::FileDescriptorSet::decode(baton_proto::DESCRIPTOR_SET).unwrap();
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    let calls = services
        .flat_map(|service| &service.method)
        .map(|method| method.name());
    let mut calls: Vec<_> = calls.filter(|name| *name != EMPTY).collect();
    let mut known: Vec<_> = methods().collect();
    calls.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, calls);
    assert!(judge("Nonsense", &[]).is_none());
}

#[test]
fn bytes_that_are_no_message_are_refused_as_such() {
    for bytes in [&[0xff][..], &[0x0a, 0x05, 0x01], &[0x0a, 0x01, 0xff]] {
        let refusal = judge("QueueTask", bytes).unwrap().unwrap_err();
        assert_eq!(refusal.reason(), Reason::InvalidMessage);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for method in methods() {
            let judged = judge(method, &bytes).unwrap();
            if let Err(refusal) = judged {
                prop_assert_eq!(refusal.reason().code(), tonic::Code::InvalidArgument);
            }
        }
    }
}
