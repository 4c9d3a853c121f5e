//! What is a filter, what it means, and what the errors say.

use crate::filter::{Filter, Schema};
use crate::limits::{FILTER_BYTES, FILTER_DEPTH, FILTER_TERMS};

fn canonical(text: &str) -> String {
    match Filter::parse(text, Schema::TASKS) {
        Ok(filter) => filter.to_string(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// A filter and its canonical form.
const TEXTS: &[(&str, &str)] = &[
    ("", ""),
    (" \t\n", ""),
    // Values.
    ("queue=default", r#"queue = "default""#),
    ("queue='a \"b\"'", r#"queue = "a \"b\"""#),
    (
        r#"title = "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\'""#,
        "title = \"\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009é😀'\"",
    ),
    ("title = größe", "title = \"größe\""),
    ("title = \"AND\"", r#"title = "AND""#),
    ("title = \"*\"", r#"title = "*""#),
    ("type=image/resize@2", r#"type = "image/resize@2""#),
    ("state = QUEUED", "state = QUEUED"),
    ("state = TASK_STATE_QUEUED", "state = QUEUED"),
    ("state = \"IN_PROGRESS\"", "state = IN_PROGRESS"),
    ("priority != TASK_PRIORITY_HIGH", "priority != HIGH"),
    ("attempt>=-3", "attempt >= -3"),
    (
        "retry_count = 9223372036854775807",
        "retry_count = 9223372036854775807",
    ),
    (
        "id = 019A0000-0000-7000-8000-00000000000a",
        "id = 019a0000-0000-7000-8000-00000000000a",
    ),
    (
        "create_time > 2026-11-22T09:30:00+02:00",
        "create_time > 2026-11-22T07:30:00Z",
    ),
    (
        "end_time<\"2026-11-22t09:30:00.123456789z\"",
        "end_time < 2026-11-22T09:30:00.123456Z",
    ),
    (
        "start_time <= 1969-12-31T23:59:59.9999999Z",
        "start_time <= 1969-12-31T23:59:59.999999Z",
    ),
    ("creator.id = ann", r#"creator.id = "ann""#),
    // Labels.
    ("labels.team = \"x y\"", r#"labels.team = "x y""#),
    ("labels.\"team\" != x", r#"labels.team != "x""#),
    ("labels.1:v", r#"labels.1 = "v""#),
    (
        "labels.\"app.kubernetes.io/name\" >= ''",
        r#"labels."app.kubernetes.io/name" >= """#,
    ),
    ("labels:team", r#"labels:"team""#),
    ("labels:\"a/b\"", r#"labels:"a/b""#),
    ("labels.team:*", r#"labels:"team""#),
    ("labels.team:\"*\"", r#"labels.team = "*""#),
    ("assignee.id : *", "assignee.id:*"),
    // Shape: side by side is AND, and OR binds tighter.
    ("attempt=1 attempt=2", "attempt = 1 AND attempt = 2"),
    ("(attempt=1)(attempt=2)", "attempt = 1 AND attempt = 2"),
    (
        "attempt=1 OR attempt=2 AND attempt=3",
        "(attempt = 1 OR attempt = 2) AND attempt = 3",
    ),
    (
        "attempt=1 attempt=2 OR attempt=3",
        "attempt = 1 AND (attempt = 2 OR attempt = 3)",
    ),
    (
        "attempt=1 OR (attempt=2 AND attempt=3)",
        "attempt = 1 OR (attempt = 2 AND attempt = 3)",
    ),
    (
        "attempt=1 AND (attempt=2 (attempt=3))",
        "attempt = 1 AND attempt = 2 AND attempt = 3",
    ),
    (
        "attempt=1 OR (attempt=2 OR attempt=3)",
        "attempt = 1 OR attempt = 2 OR attempt = 3",
    ),
    ("NOT attempt=1 OR attempt=2", "NOT attempt = 1 OR attempt = 2"),
    ("NOT(attempt=1 OR attempt=2)", "NOT (attempt = 1 OR attempt = 2)"),
    (
        "-attempt=1 -(attempt=2 attempt=3)",
        "NOT attempt = 1 AND NOT (attempt = 2 AND attempt = 3)",
    ),
    ("NOT (NOT start_time:*)", "NOT (NOT start_time:*)"),
    ("((attempt=1))", "attempt = 1"),
];

#[test]
fn texts_and_their_canonical_form() {
    for (text, expected) in TEXTS {
        assert_eq!(canonical(text), *expected, "of {text}");
        assert_eq!(canonical(expected), *expected, "canonical form of {text}");
    }
}

/// A text that is no filter, where it goes wrong, and what the error says.
const ERRORS: &[(&str, usize, &str)] = &[
    ("AND", 0, "expected a field, NOT, - or (, found `AND`"),
    (
        "attempt=1 OR",
        12,
        "expected a field, NOT, - or (, found the end of the filter",
    ),
    (
        "attempt=1 AND AND attempt=2",
        14,
        "expected a field, NOT, - or (, found `AND`",
    ),
    ("()", 1, "expected a field, NOT, - or (, found `)`"),
    ("NOT NOT attempt=1", 4, "expected a field or (, found `NOT`"),
    ("-", 1, "expected a field or (, found the end of the filter"),
    (
        "\"queue\" = x",
        0,
        "expected a field, NOT, - or (, found `\"queue\"`",
    ),
    (
        "queue = a\u{202e}",
        9,
        "expected a field, NOT, - or (, found `\\u{202e}`",
    ),
    ("queue = a*", 9, "expected a field, NOT, - or (, found `*`"),
    ("(attempt=1", 0, "this ( is not closed"),
    ("attempt=1)", 9, "this ) closes nothing"),
    (
        "queue",
        5,
        "expected one of = != < <= > >= : after `queue`, found the end of the filter",
    ),
    (
        "queue = a b",
        11,
        "expected one of = != < <= > >= : after `b`, found the end of the filter; a value with spaces is quoted",
    ),
    (
        "labels.a-b = c",
        8,
        "expected one of = != < <= > >= : after `labels.a`, found `-b`; a label key with other than letters, \
             digits and _ is quoted: labels.\"a-b/c\"",
    ),
    (
        "creator. = x",
        8,
        "expected a name or a quoted label key after the dot, found `=`",
    ),
    ("queue == a", 7, "expected a value, found `=`"),
    ("queue = ", 8, "expected a value, found the end of the filter"),
    (
        "queue = OR x",
        8,
        "expected a value, found `OR`, a keyword: quote it if it is meant",
    ),
    ("queue = \"a", 8, "the string is not closed: \" is missing"),
    (
        "queue = 'a\\x'",
        10,
        r#"unknown escape: allowed are \" \' \\ \/ \b \f \n \r \t \uXXXX"#,
    ),
    (
        r#"queue = "\ud83d!""#,
        9,
        "\\u takes four hexadecimal digits; above FFFF a pair of surrogates, as in JSON",
    ),
    ("queue = \"\\u0000\"", 9, "a string cannot hold the character NUL"),
    ("queue = \"\0\"", 9, "a string cannot hold the character NUL"),
    ("queue = *", 8, "* stands after : only; quote it if it is meant"),
    (
        "queue : a",
        8,
        "for queue, : takes * only (queue:* is a queue that is set); compare it with =",
    ),
    (
        "title = ''",
        8,
        "an empty title counts as not set: write NOT title:*",
    ),
    (
        "priority = TALL",
        11,
        "`TALL` is no value for priority: allowed are LOW, NORMAL, HIGH, URGENT, CRITICAL",
    ),
    ("priority > HIGH", 9, "priority takes = and != only, found >"),
    ("id <= 1", 3, "id takes = and != only, found <="),
    (
        "parent_id = 1",
        12,
        "`1` is no value for parent_id: a UUID is expected",
    ),
    (
        "attempt = 1.5",
        10,
        "`1.5` is no value for attempt: a whole number of 64 bits is expected",
    ),
    (
        "attempt = 9223372036854775808",
        10,
        "`9223372036854775808` is no value for attempt: a whole number of 64 bits is expected",
    ),
    (
        "end_time > 2026-11-22",
        11,
        "`2026-11-22` is no value for end_time: a time is written as 2026-11-22T09:30:00Z, with Z or an offset",
    ),
    (
        "labels = x",
        7,
        "labels are a map: write labels.KEY = \"value\", or labels:KEY for a label that is set",
    ),
    (
        "labels.a.b = x",
        9,
        "a label key with other than letters, digits and _ is quoted: labels.\"a.b\"",
    ),
    (
        "labels.\"a b\" = x",
        7,
        "`a b` is no label key: 1 to 63 letters, digits and any of . _ / -",
    ),
    (
        "labels.a = *",
        11,
        "* stands after : only; quote it if it is meant",
    ),
];

#[test]
fn errors_name_the_place_the_find_and_the_choice() {
    for (text, position, message) in ERRORS {
        let error = Filter::parse(text, Schema::TASKS).expect_err(text);
        assert_eq!(
            (error.position, error.message.as_str()),
            (*position, *message),
            "of {text}"
        );
    }
}

#[test]
fn an_unknown_field_lists_the_fields_of_the_schema() {
    let error = Filter::parse("type = a AND title = b", Schema::EVENTS).unwrap_err();
    assert_eq!(error.position, 13);
    assert_eq!(
        error.message,
        "unknown field `title`: allowed are id, queue, type, state, labels.KEY"
    );

    let error = Filter::parse("creator = a", Schema::TASKS).unwrap_err();
    assert!(
        error.message.contains("creator.id, assignee.id, create_time"),
        "{error}"
    );

    // A quoted part is a label key, never a field.
    assert!(Filter::parse("creator.\"id\" = a", Schema::TASKS).is_err());
}

#[test]
fn limits_hold_to_the_last_unit() {
    let longest = format!("title = {}", "x".repeat(FILTER_BYTES - 8));
    assert!(Filter::parse(&longest, Schema::TASKS).is_ok());
    let error = Filter::parse(&format!("{longest}x"), Schema::TASKS).unwrap_err();
    assert_eq!(error.position, FILTER_BYTES);
    assert_eq!(
        error.message,
        "a filter has at most 4096 bytes, this one has 4097"
    );

    let nested = |depth: usize| format!("{}attempt=1{}", "NOT(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(FILTER_DEPTH), Schema::TASKS).is_ok());
    let error = Filter::parse(&nested(FILTER_DEPTH + 1), Schema::TASKS).unwrap_err();
    assert_eq!(
        (error.position, error.message.as_str()),
        (99, "parentheses nest at most 24 deep")
    );

    let terms = |count: usize| vec!["attempt=1"; count].join(" OR ");
    assert!(Filter::parse(&terms(FILTER_TERMS), Schema::TASKS).is_ok());
    let error = Filter::parse(&terms(FILTER_TERMS + 1), Schema::TASKS).unwrap_err();
    assert_eq!(
        (error.position, error.message.as_str()),
        (64 * 13, "a filter has at most 64 terms")
    );

    let label = |key: usize, value: usize| format!("labels.{}='{}'", "k".repeat(key), "é".repeat(value));
    assert!(Filter::parse(&label(63, 256), Schema::TASKS).is_ok());
    assert!(Filter::parse(&label(64, 1), Schema::TASKS).is_err());
    let error = Filter::parse(&label(1, 257), Schema::TASKS).unwrap_err();
    assert_eq!(
        (error.position, error.message.as_str()),
        (9, "a label value has at most 256 characters")
    );
}

#[test]
fn what_a_message_repeats_is_cut() {
    let error = Filter::parse(&format!("{} = 1", "x".repeat(4_000)), Schema::EVENTS).unwrap_err();
    assert!(
        error
            .message
            .starts_with(&format!("unknown field `{}…`:", "x".repeat(100))),
        "{error}"
    );
}
