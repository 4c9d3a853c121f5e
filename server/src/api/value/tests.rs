use baton_domain::limits::JSON_DEPTH;
use proptest::prelude::*;
use prost::Message;
use prost_types::{ListValue, Struct, Value, value::Kind};

use super::*;

fn of(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn number(number: f64) -> Value {
    of(Kind::NumberValue(number))
}

fn text(text: &str) -> Value {
    of(Kind::StringValue(text.into()))
}

fn list(values: Vec<Value>) -> Value {
    of(Kind::ListValue(ListValue { values }))
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct {
        fields: fields.map(|(key, value)| (key.to_owned(), value)).into(),
    }
}

fn object<const N: usize>(of_fields: [(&str, Value); N]) -> Value {
    of(Kind::StructValue(fields(of_fields)))
}

fn flaw(value: &Value) -> Option<(String, &'static str)> {
    check_value(&value.encode_to_vec())
        .err()
        .map(|flaw| (flaw.path, flaw.what))
}

fn lists(depth: usize) -> Value {
    (0..depth).fold(number(1.0), |inner, _| list(vec![inner]))
}

fn objects(depth: usize) -> Value {
    (0..depth).fold(number(1.0), |inner, _| object([("k", inner)]))
}

#[test]
fn values_that_every_reader_understands_pass() {
    for value in [
        of(Kind::NullValue(0)),
        of(Kind::BoolValue(true)),
        of(Kind::BoolValue(false)),
        number(-0.0),
        number(9_007_199_254_740_991.0),
        number(-9_007_199_254_740_991.0),
        number(f64::MIN_POSITIVE),
        text(""),
        text("\u{202e}ü\n"),
        list(vec![]),
        object([]),
        object([("a", list(vec![number(1.5), object([("", text("x"))])]))]),
        lists(JSON_DEPTH),
        objects(JSON_DEPTH),
    ] {
        assert_eq!(flaw(&value), None, "{value:?}");
    }
}

#[test]
fn flaws_are_told_with_their_path() {
    let nested = |value| object([("rows", list(vec![number(1.0), object([("a b", value)])]))]);
    for (value, what) in [
        (Value { kind: None }, NO_KIND),
        (number(f64::NAN), "must not be NaN"),
        (number(f64::INFINITY), "must not be infinite"),
        (number(f64::NEG_INFINITY), "must not be infinite"),
        (text("a\0b"), NUL),
        (of(Kind::NullValue(1)), MALFORMED),
        (
            object([("a\0", text(""))]),
            "must have keys that are UTF-8 without NUL characters",
        ),
    ] {
        assert_eq!(
            flaw(&nested(value)),
            Some((r#".rows[1]["a b"]"#.to_owned(), what))
        );
    }
    for inexact in [EXACT_MAX, -EXACT_MAX, 1e300, f64::MAX] {
        let (path, what) = flaw(&list(vec![number(inexact)])).unwrap();
        assert_eq!(path, "[0]");
        assert!(what.contains("2^53"), "{what}");
    }
}

#[test]
fn nesting_is_bounded_without_recursing_into_what_is_too_deep() {
    for value in [lists(JSON_DEPTH + 1), objects(JSON_DEPTH + 1)] {
        let (path, what) = flaw(&value).unwrap();
        assert_eq!(what, "must not be nested deeper than 24");
        assert!(!path.is_empty());
    }
    // Far deeper than any stack: lists written from the inside out.
    let mut bytes = number(1.0).encode_to_vec();
    for _ in 0..20_000 {
        let mut outer = Vec::new();
        for tag in [LIST_VALUES, LIST_VALUE] {
            outer.clear();
            prost::encoding::encode_varint(u64::from(tag << 3 | 2), &mut outer);
            prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
            outer.extend_from_slice(&bytes);
            bytes.clone_from(&outer);
        }
    }
    assert!(check_value(&bytes).is_err());
}

#[test]
fn a_struct_counts_as_the_first_level_of_its_document() {
    let deep = |depth| fields([("k", lists(depth))]).encode_to_vec();
    assert_eq!(check_struct(&deep(JSON_DEPTH - 1)), Ok(()));
    let flaw = check_struct(&deep(JSON_DEPTH)).unwrap_err();
    assert!(flaw.path.starts_with(".k[0]"), "{}", flaw.path);
    assert_eq!(check_struct(&[]), Ok(()));
}

#[test]
fn bytes_that_no_encoder_writes_are_refused() {
    for bytes in [
        &[0x0a][..],                                                         // cut inside a length
        &[0x1a, 0x02, b'x'],                                                 // cut inside a string
        &[0x1a, 0x01, 0xff],                                                 // not UTF-8
        &[0x11, 0, 0, 0],                                                    // cut inside a double
        &[0x18, 0x01],                                                       // a string as varint
        &[0x00, 0x00],                                                       // field number 0
        &[0x20, 0x02],                                                       // neither true nor false
        &[0x38, 0x01],                                                       // an unknown field
        &[0x08, 0x00, 0x20, 0x01],                                           // two kinds
        &[0x2b, 0x2c],                                                       // a group
        &[0x1d, 0, 0, 0, 0],                                                 // fixed32
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], // more than 64 bits
        &[0x2a, 0x05, 0x0a, 0x03, 0x0a, 0x01, b'k'],                         // an entry without a value
        &[0x2a, 0x06, 0x0a, 0x04, 0x12, 0x00, 0x12, 0x00],                   // an entry with two
    ] {
        assert!(check_value(bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn only_a_string_has_a_text() {
    assert_eq!(string_value(&text("yes").encode_to_vec()), Some("yes"));
    assert_eq!(string_value(&text("").encode_to_vec()), Some(""));
    assert_eq!(string_value(&number(1.0).encode_to_vec()), None);
    assert_eq!(string_value(&list(vec![text("yes")]).encode_to_vec()), None);
}

#[test]
fn json_text_is_checked_and_not_rewritten() {
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for json in [
        "null",
        " {\"a\": 1e400, \"a\": 9007199254740993} ",
        r#""[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"{""#,
        r#""\\u0000""#,
        r#""\ud800""#,
        &deep(JSON_DEPTH),
    ] {
        assert_eq!(check_json_text(json), Ok(()), "{json}");
    }
    for json in [
        "",
        "{",
        "nul",
        "1 2",
        "{'a': 1}",
        "[1,]",
        "\"\t\"",
        "NaN",
        "\u{feff}1",
    ] {
        let what = check_json_text(json).unwrap_err();
        assert!(what.starts_with("is not JSON: "), "{json}: {what}");
    }
    let nul = check_json_text(r#"["\u0000"]"#).unwrap_err();
    assert_eq!(nul, "must not contain NUL characters");
    for depth in [JSON_DEPTH + 1, 500_000] {
        let what = check_json_text(&deep(depth)).unwrap_err();
        assert_eq!(what, "must not be nested deeper than 24");
    }
}

#[test]
fn json_strings_are_unescaped() {
    assert_eq!(json_string(r#" "y\u0065s" "#).as_deref(), Some("yes"));
    assert_eq!(json_string("1"), None);
    assert_eq!(json_string(r#"["yes"]"#), None);
}

/// What the walker is to agree with: the rules told over the tree that prost decodes.
fn is_fine(value: &Value, depth: usize) -> bool {
    match &value.kind {
        None => false,
        Some(Kind::NullValue(number)) => *number == 0,
        Some(Kind::NumberValue(n)) => n.is_finite() && (n.fract() != 0.0 || n.abs() < EXACT_MAX),
        Some(Kind::StringValue(text)) => !text.contains('\0'),
        Some(Kind::BoolValue(_)) => true,
        Some(Kind::StructValue(object)) => is_fine_object(object, depth + 1),
        Some(Kind::ListValue(list)) => {
            depth < JSON_DEPTH && list.values.iter().all(|value| is_fine(value, depth + 1))
        }
    }
}

fn is_fine_object(object: &Struct, depth: usize) -> bool {
    let fine = |(key, value): (&String, &Value)| !key.contains('\0') && is_fine(value, depth);
    depth <= JSON_DEPTH && object.fields.iter().all(fine)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-c]{0,3}", 1 => any::<String>(), 1 => Just("\0".to_owned())]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => any_text().prop_map(|s| of(Kind::StringValue(s))),
        6 => any::<f64>().prop_map(number),
        3 => any::<i64>().prop_map(|n| number(n as f64)),
        3 => any::<bool>().prop_map(|b| of(Kind::BoolValue(b))),
        6 => Just(of(Kind::NullValue(0))),
        1 => Just(of(Kind::NullValue(7))),
        1 => Just(Value { kind: None }),
    ];
    let tree = leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(list),
            prop::collection::btree_map(any_text(), inner, 0..5)
                .prop_map(|fields| of(Kind::StructValue(Struct { fields }))),
        ]
    });
    // Some of them wrapped to about the depth allowed.
    (tree, prop_oneof![3 => Just(0), 1 => 18..26usize])
        .prop_map(|(tree, depth)| (0..depth).fold(tree, |inner, _| list(vec![inner])))
}

/// The keys of the objects in another order, as a runtime with unordered maps may write them.
fn encode_reversed(object: &Struct) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in object.fields.iter().rev() {
        let single = Struct {
            fields: [(key.clone(), value.clone())].into(),
        };
        out.extend(single.encode_to_vec());
    }
    out
}

proptest! {
    #[test]
    fn the_walker_agrees_with_the_decoded_tree(value in any_value()) {
        prop_assert_eq!(check_value(&value.encode_to_vec()).is_ok(), is_fine(&value, 0));
    }

    #[test]
    fn what_passes_decodes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if check_value(&bytes).is_ok() {
            let decoded = Value::decode(&bytes[..]).unwrap();
            prop_assert!(is_fine(&decoded, 0));
        }
        if check_struct(&bytes).is_ok() {
            prop_assert!(is_fine_object(&Struct::decode(&bytes[..]).unwrap(), 1));
        }
    }

    #[test]
    fn a_broken_encoding_that_passes_still_decodes(value in any_value(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = value.encode_to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if check_value(&bytes).is_ok() {
            prop_assert!(is_fine(&Value::decode(&bytes[..]).unwrap(), 0));
        }
    }

    #[test]
    fn canonical_forms_are_equal_for_equal_documents(fields in prop::collection::btree_map(any_text(), any_value(), 0..5)) {
        let object = Struct { fields };
        prop_assume!(is_fine_object(&object, 1));
        let canonical = canonical_struct(&object.encode_to_vec());
        prop_assert_eq!(&canonical, &canonical_struct(&encode_reversed(&object)));
        prop_assert_eq!(&Struct::decode(&canonical[..]).unwrap(), &object);
        let value = of(Kind::StructValue(object));
        let canonical = canonical_value(&value.encode_to_vec());
        prop_assert_eq!(Value::decode(&canonical[..]).unwrap(), value);
    }

    #[test]
    fn json_text_never_panics(text in "[\\[\\]{}\"\\\\u0:, a]{0,40}") {
        let accepted = check_json_text(&text).is_ok();
        if accepted {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
