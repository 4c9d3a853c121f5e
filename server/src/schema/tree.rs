//! Documents as trees: built only where a schema asks for it.

use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

/// Bytes of text that count as a value: what a pattern does with them.
const TEXT_BYTES: usize = 16;

/// A document and how large it is.
pub(super) struct Tree {
    pub(super) value: Value,
    /// Its values, long texts counted as many.
    pub(super) size: usize,
}

impl Tree {
    /// What stands in place of a document that is absent.
    pub(super) fn empty() -> Self {
        Self {
            value: Value::Object(Map::new()),
            size: 1,
        }
    }

    fn of(value: Value) -> Self {
        let size = size(&value);
        Self { value, size }
    }
}

/// Of an encoded `google.protobuf.Value`.
pub(super) fn of_value(bytes: &[u8]) -> Result<Tree, String> {
    let value = prost_types::Value::decode(bytes).map_err(|error| format!("is no JSON value: {error}"))?;
    Ok(Tree::of(json(value)))
}

/// Of JSON text. A number that no reader keeps exactly may be one that nobody can compare.
pub(super) fn of_text(text: &[u8]) -> Result<Tree, String> {
    let value = serde_json::from_slice(text).map_err(|error| format!("cannot be checked: {error}"))?;
    Ok(Tree::of(value))
}

/// Of an encoded `google.protobuf.Struct`.
pub(super) fn of_struct(bytes: &[u8]) -> Result<Value, String> {
    let object = prost_types::Struct::decode(bytes).map_err(|error| format!("is no JSON object: {error}"))?;
    Ok(json_object(object))
}

fn json_object(object: prost_types::Struct) -> Value {
    let fields = object.fields.into_iter();
    Value::Object(fields.map(|(key, value)| (key, json(value))).collect())
}

/// Documents were checked as they came: their depth is bounded.
fn json(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::NumberValue(number)) => json_number(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::StructValue(object)) => json_object(object),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(json).collect()),
    }
}

/// A whole number is written as one: protobuf knows no other than doubles.
fn json_number(number: f64) -> Value {
    /// 2^53: larger ones are refused as they come.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        return Value::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len() / TEXT_BYTES,
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| 1 + key.len() / TEXT_BYTES + size(value);
            1 + fields.iter().map(field).sum::<usize>()
        }
    }
}
