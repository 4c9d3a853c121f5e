//! Payloads, JSON, times and spans between Rust's types and those of the contract.

use std::time::Duration;

use baton_proto::v1::{Payload, payload::Kind};
use bytes::Bytes;
use prost_types::value::Kind as ValueKind;
use prost_types::{ListValue, Struct, Value};
use serde::Serialize;
use serde_json::Value as Json;

use crate::Error;

/// Makes a payload of anything that serde can write as JSON, exactly as it writes it.
///
/// Errors: [`Error::Json`] where it cannot be written, for example a map whose keys are no strings.
pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Payload, Error> {
    Ok(json_text(serde_json::to_string(value)?))
}

/// Makes a payload of JSON that is text already. The server refuses it if it is not well-formed.
pub fn json_text(text: impl Into<String>) -> Payload {
    of(Kind::JsonText(text.into()), "")
}

/// Makes a payload of opaque bytes. `media_type` may be empty.
pub fn bytes(data: impl Into<Bytes>, media_type: impl Into<String>) -> Payload {
    of(Kind::Data(data.into()), media_type)
}

/// Makes a payload that only says where the value is. `media_type` may be empty.
pub fn uri(uri: impl Into<String>, media_type: impl Into<String>) -> Payload {
    of(Kind::Uri(uri.into()), media_type)
}

fn of(kind: Kind, media_type: impl Into<String>) -> Payload {
    Payload {
        kind: Some(kind),
        media_type: media_type.into(),
    }
}

/// Reads a payload as JSON, whichever way it was sent.
///
/// Errors: [`Error::Json`] where its text is malformed or it is bytes or a URI.
pub fn read_json<T: serde::de::DeserializeOwned>(payload: &Payload) -> Result<T, Error> {
    match &payload.kind {
        Some(Kind::Json(value)) => Ok(serde_json::from_value(from_value(value))?),
        Some(Kind::JsonText(text)) => Ok(serde_json::from_str(text)?),
        Some(Kind::Data(_) | Kind::Uri(_)) | None => {
            let why = "the payload is bytes or a URI, not JSON";
            Err(Error::Json(serde::de::Error::custom(why)))
        }
    }
}

/// Turns a `google.protobuf.Value` into JSON. Whole numbers come out as integers, as they were written.
pub fn from_value(value: &Value) -> Json {
    match &value.kind {
        None | Some(ValueKind::NullValue(_)) => Json::Null,
        Some(ValueKind::BoolValue(truth)) => Json::Bool(*truth),
        Some(ValueKind::NumberValue(number)) => from_number(*number),
        Some(ValueKind::StringValue(text)) => Json::String(text.clone()),
        Some(ValueKind::ListValue(list)) => Json::Array(list.values.iter().map(from_value).collect()),
        Some(ValueKind::StructValue(object)) => from_struct(object),
    }
}

/// Turns a `google.protobuf.Struct` into a JSON object.
pub fn from_struct(object: &Struct) -> Json {
    let fields = object.fields.iter();
    Json::Object(
        fields
            .map(|(key, value)| (key.clone(), from_value(value)))
            .collect(),
    )
}

/// Beyond it a double no longer holds every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn from_number(number: f64) -> Json {
    let whole =
        number.fract() == 0.0 && number.abs() < EXACT && !(number == 0.0 && number.is_sign_negative());
    if whole {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and below 2^53, as just tested"
        )]
        return Json::from(number as i64);
    }
    Json::from(number)
}

/// Turns JSON into a `google.protobuf.Value`. Numbers become doubles.
pub fn to_value(json: Json) -> Value {
    let kind = match json {
        Json::Null => ValueKind::NullValue(0),
        Json::Bool(truth) => ValueKind::BoolValue(truth),
        Json::Number(number) => ValueKind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => ValueKind::StringValue(text),
        Json::Array(items) => ValueKind::ListValue(ListValue {
            values: items.into_iter().map(to_value).collect(),
        }),
        Json::Object(fields) => ValueKind::StructValue(to_struct(fields)),
    };
    Value { kind: Some(kind) }
}

/// Turns a JSON object into a `google.protobuf.Struct`. Numbers become doubles.
pub fn to_struct(object: serde_json::Map<String, Json>) -> Struct {
    let fields = object.into_iter().map(|(key, value)| (key, to_value(value)));
    Struct {
        fields: fields.collect(),
    }
}

/// Turns a span into the contract's. What is beyond its range becomes its largest.
pub fn span(span: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(span).unwrap_or(prost_types::Duration {
        seconds: i64::MAX,
        nanos: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_goes_through_a_value_and_back() {
        let original =
            json!({"a": [1, -2.5, 1e300, null, true, "x"], "b": {"c": {}}, "z": 9_007_199_254_740_991_i64});
        assert_eq!(from_value(&to_value(original.clone())), original);
    }

    #[test]
    fn json_text_keeps_what_a_double_would_lose() {
        let exact = json!({"id": 9_007_199_254_740_993_i64, "f": 0.1});
        let payload = json(&exact).unwrap();
        assert_eq!(payload.kind, Some(Kind::JsonText(exact.to_string())));
        assert_eq!(read_json::<Json>(&payload).unwrap(), exact);
    }

    #[test]
    fn both_kinds_of_json_read_the_same() {
        let sent_by_grpcurl = of(Kind::Json(to_value(json!({"n": 3}))), "");
        assert_eq!(read_json::<Json>(&sent_by_grpcurl).unwrap(), json!({"n": 3}));
        assert_eq!(
            read_json::<Json>(&json_text("{\"n\": 3}")).unwrap(),
            json!({"n": 3})
        );
    }

    #[test]
    fn what_is_no_json_says_so() {
        for payload in [
            bytes("{}", ""),
            uri("s3://x", ""),
            json_text("{"),
            Payload::default(),
        ] {
            assert!(
                matches!(read_json::<Json>(&payload), Err(Error::Json(_))),
                "{payload:?}"
            );
        }
    }

    #[test]
    fn minus_zero_stays_a_double() {
        assert!(from_number(-0.0).as_f64().unwrap().is_sign_negative());
    }
}
