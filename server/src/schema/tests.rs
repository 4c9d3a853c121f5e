use std::fmt::Write as _;

use baton_domain::{Payload, PayloadKind};
use bytes::Bytes;
use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Value, json};

use super::{Fault, Flaws, Schema};

fn wire(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue {
            values: items.iter().map(wire).collect(),
        }),
        Value::Object(_) => Kind::StructValue(object(value)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn object(value: &Value) -> prost_types::Struct {
    let fields = value.as_object().unwrap().iter();
    prost_types::Struct {
        fields: fields.map(|(key, value)| (key.clone(), wire(value))).collect(),
    }
}

fn payload(kind: PayloadKind, body: impl Into<Bytes>) -> Payload {
    Payload {
        kind,
        media_type: String::new(),
        version: 0,
        size: 0,
        sha256: [0; 32],
        body: Some(body.into()),
    }
}

fn compile(schema: &Value) -> Result<Schema, String> {
    let compiled = Schema::compile(&object(schema).encode_to_vec());
    compiled.map_err(|flaw| format!("{} {}", flaw.path, flaw.fault))
}

/// Both ways in which JSON comes are judged alike.
fn check(schema: &Value, document: &Value) -> Result<(), Flaws> {
    let schema = compile(schema).unwrap();
    let as_json = payload(PayloadKind::Json, wire(document).encode_to_vec());
    let as_text = payload(PayloadKind::JsonText, document.to_string());
    let (json, text) = (schema.check(Some(&as_json)), schema.check(Some(&as_text)));
    let told = |answer: &Result<(), Flaws>| answer.as_ref().map_err(|flaws| flaws.told.clone()).copied();
    assert_eq!(told(&json), told(&text));
    json
}

fn told(answer: Result<(), Flaws>) -> Vec<String> {
    let flaws = answer.unwrap_err();
    let line = |flaw: super::Flaw| format!("{}{}: {}", flaws.field, flaw.path, flaw.fault);
    flaws.told.into_iter().map(line).collect()
}

#[test]
fn every_flaw_is_told_where_it_is_and_without_the_value() {
    let schema = json!({
        "type": "object",
        "required": ["url", "smtp"],
        "properties": {
            "smtp": {"type": "object", "required": ["host"]},
            "pages": {"type": "integer", "minimum": 1},
            "tags": {"items": {"enum": ["a", "b"]}},
            "a b": {"type": "string"},
            "token": {"pattern": "^[a-z]+$"},
        },
        "additionalProperties": false,
    });
    let document = json!({
        "smtp": {}, "pages": 0, "tags": ["a", "c"], "a b": 1, "token": "SECRET", "other": null
    });
    let told = told(check(&schema, &document));
    for line in [
        "json.url: must have url",
        "json.smtp.host: must have smtp.host",
        "json.pages: is less than the minimum of 1",
        "json.tags[1]: is not one of \"a\" or \"b\"",
        "json[\"a b\"]: must be of type string",
        "json: must not have other: its type does not know it",
    ] {
        assert!(told.contains(&line.to_owned()), "{line} is not in {told:#?}");
    }
    assert!(!told.concat().contains("SECRET"), "{told:#?}");
}

#[test]
fn a_missing_field_is_told_by_its_name() {
    let flaws = check(&json!({"required": ["url"]}), &json!({})).unwrap_err();
    assert_eq!(flaws.told[0].fault, Fault::Missing("url".to_owned()));
    let schema = compile(&json!({"required": ["url"]})).unwrap();
    assert_eq!(schema.check(None).unwrap_err().told, flaws.told);
    compile(&json!({"type": "object"})).unwrap().check(None).unwrap();
}

#[test]
fn what_fits_passes() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/page",
        "$defs": {
            "page": {"required": ["number"], "properties": {"number": {"$ref": "#/$defs/count"}}},
            "count": {"type": "integer", "multipleOf": 1},
        },
    });
    check(&schema, &json!({"number": 3})).unwrap();
    check(&schema, &json!({"number": 3.0})).unwrap();
    assert!(check(&schema, &json!({"number": 3.5})).is_err());
    // Words for readers refuse nothing.
    let words = json!({"properties": {"at": {"format": "date-time", "contentEncoding": "base64"}}});
    check(&words, &json!({"at": "?"})).unwrap();
}

#[test]
fn what_is_no_json_cannot_be_checked() {
    let schema = compile(&json!({})).unwrap();
    for kind in [PayloadKind::Data, PayloadKind::Uri] {
        let told = told(schema.check(Some(&payload(kind, "x"))));
        assert!(told[0].starts_with(": must be json or json_text"), "{told:?}");
    }
    let huge = payload(PayloadKind::JsonText, "1e999");
    assert!(told(schema.check(Some(&huge)))[0].starts_with("json_text: cannot be checked"));
}

#[test]
fn a_schema_that_cannot_be_used_is_told_where() {
    for (schema, at) in [
        (
            json!({"properties": {"a": {"type": "text"}}}),
            ".properties.a.type ",
        ),
        (json!({"type": 7}), ".type "),
        (json!({"required": "url"}), ".required "),
        (
            json!({"$ref": "https://example.com/x"}),
            "[\"$ref\"] must name a place",
        ),
        (
            json!({"$ref": "file:///etc/passwd"}),
            "[\"$ref\"] must name a place",
        ),
        (json!({"$ref": "#name"}), "[\"$ref\"] must name a place"),
        (
            json!({"$ref": "#/$defs/none"}),
            "[\"$ref\"] must name a place that is there",
        ),
        (json!({"$ref": "#"}), "[\"$ref\"] must not lead back"),
        (
            json!({"items": {"$ref": "#"}}),
            ".items[\"$ref\"] must not lead back",
        ),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
            "[\"$defs\"].b[\"$ref\"] must not lead back",
        ),
        (json!({"$dynamicRef": "#"}), "[\"$dynamicRef\"] cannot be used"),
        (
            json!({"not": {"unevaluatedProperties": false}}),
            ".not.unevaluatedProperties cannot",
        ),
        (
            json!({"items": {"$id": "x"}}),
            ".items[\"$id\"] must stand at the top",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "[\"$schema\"] must be",
        ),
        (json!({"pattern": "(a"}), ".pattern must be a regular expression"),
        (
            json!({"pattern": "(?=a)b"}),
            ".pattern must be a regular expression",
        ),
        (
            json!({"pattern": "(\\w{500}){500}"}),
            ".pattern must be a regular expression",
        ),
        (json!({"patternProperties": {"(": true}}), ".patternProperties"),
    ] {
        let told = compile(&schema).unwrap_err();
        assert!(told.starts_with(at), "{schema}: {told}");
    }
    // Names of fields are no keywords, and examples are no schemas.
    for schema in [
        json!({"properties": {"$ref": {"type": "string"}, "$id": true}}),
        json!({"const": {"$ref": "#"}, "default": {"$dynamicRef": "x"}, "examples": [{"$ref": "#"}]}),
    ] {
        compile(&schema).unwrap();
    }
}

/// Each doubles the one before: a few hundred bytes that are a million schemas.
#[test]
fn references_that_multiply_are_counted() {
    let mut defs = serde_json::Map::new();
    for n in 0..20 {
        let next = json!({"$ref": format!("#/$defs/n{}", n + 1)});
        defs.insert(format!("n{n}"), json!({"allOf": [next.clone(), next]}));
    }
    defs.insert("n20".to_owned(), json!(true));
    let told = compile(&json!({"$ref": "#/$defs/n0", "$defs": defs})).unwrap_err();
    assert!(told.contains("at most 4096 values"), "{told}");
    let patterns: Vec<_> = (0..200).map(|n| json!({"pattern": format!("x{n}")})).collect();
    let told = compile(&json!({"anyOf": patterns})).unwrap_err();
    assert!(told.contains("at most 4096 values"), "{told}");
}

#[test]
fn what_a_check_costs_is_bounded() {
    let many: Vec<_> = (0..4_000).collect();
    let schema = json!({"items": {"enum": many}});
    let document = json!(vec![-1; 20_000]);
    let told = told(check(&schema, &document));
    assert!(told[0].contains("too large to be checked"), "{told:?}");
    // Of what may be checked, a dear one is told its first flaw, and none is told more than a hundred.
    let flaws = check(&schema, &json!(vec![-1; 2_000])).unwrap_err();
    assert_eq!((flaws.told.len(), flaws.beyond), (1, 0));
    let flaws = check(&json!({"items": false}), &json!(vec![0; 1_000])).unwrap_err();
    assert_eq!((flaws.told.len(), flaws.beyond), (100, 900));
    assert_eq!(flaws.told[7].path, "[7]");
}

#[test]
fn a_pattern_runs_in_linear_time() {
    let schema = json!({"pattern": "^(a+)+$"});
    let mut text = "a".repeat(100_000);
    text.write_char('!').unwrap();
    assert_eq!(check(&schema, &json!(text)).unwrap_err().told.len(), 1);
}
