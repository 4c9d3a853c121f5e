//! Properties over generated texts and filters.

use proptest::prelude::*;
use uuid::Uuid;

use crate::filter::{Field, Filter, Kind, Op, Schema, Value};
use crate::id::TaskId;
use crate::task::{AttemptOutcome, Priority, State};
use crate::time::Timestamp;

/// Parts that make syntax likely: nearly all joins of them are close to a filter.
fn snippet() -> impl Strategy<Value = String> {
    let parts = [
        "queue",
        "state",
        "labels",
        "labels.a",
        ".",
        ":",
        "*",
        "=",
        "!=",
        "<=",
        "QUEUED",
        "AND",
        "OR",
        "NOT",
        "-",
        "(",
        ")",
        " ",
        " ",
        "\"",
        "'",
        "\\",
        "\\u00e9",
        "\\ud800",
        "attempt = 1",
        "labels:\"a/b\"",
        "create_time",
        "x",
        "2026-11-22T09:30:00.5Z",
        "\u{0}",
        "é",
    ];
    prop_oneof![9 => proptest::sample::select(parts.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn op() -> impl Strategy<Value = Op> {
    proptest::sample::select(vec![
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::LessOrEqual,
        Op::Greater,
        Op::GreaterOrEqual,
    ])
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn label_key() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._/-]{1,63}"
}

fn equality() -> impl Strategy<Value = Op> {
    proptest::sample::select(vec![Op::Equal, Op::NotEqual])
}

fn value(field: Field) -> BoxedStrategy<Value> {
    match field.kind() {
        Kind::Text => text()
            .prop_filter_map("empty", |text| (!text.is_empty()).then_some(Value::Text(text)))
            .boxed(),
        Kind::State => proptest::sample::select(State::ALL)
            .prop_map(Value::State)
            .boxed(),
        Kind::Outcome => proptest::sample::select(AttemptOutcome::ALL)
            .prop_map(Value::Outcome)
            .boxed(),
        Kind::Priority => proptest::sample::select(Priority::ALL)
            .prop_map(Value::Priority)
            .boxed(),
        // The years 1 to 9999.
        Kind::Time => (-62_135_596_800_000_000_i64..253_402_200_000_000_000)
            .prop_map(|micros| Value::Time(Timestamp::from_micros(micros)))
            .boxed(),
        Kind::Int => any::<i64>().prop_map(Value::Int).boxed(),
        Kind::Id => any::<u128>()
            .prop_map(|id| Value::Id(TaskId(Uuid::from_u128(id))))
            .boxed(),
    }
}

fn comparison() -> impl Strategy<Value = Filter> {
    proptest::sample::select(Schema::TASKS.fields()).prop_flat_map(|field| {
        let op = match field.kind() {
            Kind::State | Kind::Priority | Kind::Outcome | Kind::Id => equality().boxed(),
            Kind::Text | Kind::Time | Kind::Int => op().boxed(),
        };
        (op, value(field)).prop_map(move |(op, value)| Filter::Compare { field, op, value })
    })
}

fn leaf() -> impl Strategy<Value = Filter> {
    let label = (label_key(), op(), text()).prop_map(|(key, op, value)| Filter::CompareLabel {
        key,
        op,
        value: value.chars().take(256).collect(),
    });
    let has = proptest::sample::select(Schema::TASKS.fields()).prop_map(|field: Field| Filter::Has(field));
    prop_oneof![4 => comparison(), 2 => label, 1 => has, 1 => label_key().prop_map(Filter::HasLabel)]
}

/// Filters in the form that parsing gives: no list directly inside a list of its own kind.
fn filter() -> impl Strategy<Value = Filter> {
    leaf().prop_recursive(4, 12, 3, |inner| {
        let members = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
            members.clone().prop_map(|members| {
                let flat = members.into_iter().flat_map(|member| match member {
                    Filter::And(inner) => inner,
                    other => vec![other],
                });
                Filter::And(flat.collect())
            }),
            members.prop_map(|members| {
                let flat = members.into_iter().flat_map(|member| match member {
                    Filter::Or(inner) => inner,
                    other => vec![other],
                });
                Filter::Or(flat.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics_and_errors_point_into_it(parts in proptest::collection::vec(snippet(), 0..20)) {
        let text = parts.concat();
        match Filter::parse(&text, Schema::TASKS) {
            Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string(), Schema::TASKS), Ok(filter)),
            Err(error) => {
                prop_assert!(text.is_char_boundary(error.position), "{} of {:?}", error, text);
                prop_assert!(!error.message.chars().any(char::is_control), "{:?}", error);
            }
        }
    }

    #[test]
    fn canonical_text_parses_to_the_same_filter(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= crate::limits::FILTER_BYTES);
        prop_assert_eq!(Filter::parse(&text, Schema::TASKS), Ok(filter));
    }
}
