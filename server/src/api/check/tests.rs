use baton_domain::{Priority, limits};
use prost_types::{Duration, Timestamp as ProtoTime};

use super::*;

/// What a check answers, or the one violation it notes.
fn outcome<T>(check: impl FnOnce(&mut Violations, &Path<'_>) -> Option<T>) -> Result<T, String> {
    let mut violations = Violations::default();
    let answer = check(&mut violations, &Path::REQUEST.field("x"));
    violations.finish(answer).map_err(|violations| {
        assert_eq!(violations.count(), 1);
        violations.kept()[0].what.clone()
    })
}

#[test]
fn text_is_kept_as_it_came_but_for_nul_and_length() {
    let check = |text_given: &str| outcome(|v, at| text(v, at, text_given.to_owned(), 5));
    for fine in ["", "abcde", "üüüüü", "\u{202e}\u{200b}\n", "🏃🏃🏃🏃🏃"] {
        assert_eq!(check(fine), Ok(fine.to_owned()));
    }
    assert_eq!(check("a\0").unwrap_err(), "must not contain NUL characters");
    assert_eq!(check("abcdef").unwrap_err(), "must have at most 5 characters");
    assert_eq!(check("üüüüüü").unwrap_err(), "must have at most 5 characters");
    let empty = outcome(|v, at| required_text(v, at, String::new(), 5));
    assert_eq!(empty.unwrap_err(), "must not be empty");
}

#[test]
fn words_hold_nothing_invisible() {
    let check = |given: &str| outcome(|v, at| word(v, at, given.to_owned(), 20));
    for fine in ["", "report.generate", "Ünïcode 字", "a/b:c@d"] {
        assert_eq!(check(fine), Ok(fine.to_owned()));
    }
    for hidden in [
        '\n',
        '\u{7f}',
        '\u{ad}',
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2066}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        let what = check(&format!("a{hidden}b")).unwrap_err();
        assert!(what.contains(&format!("U+{:04X}", u32::from(hidden))), "{what}");
    }
    assert!(outcome(|v, at| required_word(v, at, String::new(), 5)).is_err());
}

#[test]
fn names_are_slugs() {
    let check = |given: &str| outcome(|v, at| name(v, at, given.to_owned()));
    assert_eq!(check(""), Ok("default".to_owned()));
    let long = "a".repeat(64);
    for fine in ["a", "email.v2_x-1", &long] {
        assert_eq!(check(fine), Ok(fine.to_owned()));
    }
    for bad in ["A", "a b", "ü", "a\0", "a/b", &format!("{long}a")] {
        assert_eq!(
            check(bad).unwrap_err(),
            "must be 1 to 64 characters of a-z 0-9 . _ -",
            "{bad}"
        );
    }
}

#[test]
fn ids_are_hyphenated_uuids() {
    let check = |given: &str| outcome(|v, at| task_id(v, at, given)).map(|id| id.to_string());
    let id = "0199d3a0-5c00-7000-8000-00000000000a";
    assert_eq!(check(id).as_deref(), Ok(id));
    assert_eq!(check(&id.to_uppercase()).as_deref(), Ok(id));
    for bad in [
        "",
        "0199d3a05c00700080000000000000a0",
        "{0199d3a0-5c00-7000-8000-00000000000a}",
        "urn:uuid:0199d3a0-5c00-7000-8000-00000000000a",
        "0199d3a0-5c00-7000-8000-00000000000g",
        "' OR 1=1 --",
        "0199d3a0-5c00-7000-8000-0000000000\0a",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
    assert_eq!(outcome(|v, at| optional_uuid(v, at, "")), Ok(None));
}

#[test]
fn enums_are_known_members() {
    let check = |given| outcome(|v, at| member(v, at, given, Priority::from_number, Priority::Normal));
    assert_eq!(check(0), Ok(Priority::Normal));
    assert_eq!(check(5), Ok(Priority::Critical));
    for unknown in [6, -1, i32::MAX, i32::MIN] {
        let what = check(unknown).unwrap_err();
        assert_eq!(what, format!("must be a member of its enum, {unknown} is none"));
    }
    let unset = outcome(|v, at| required_member(v, at, 0, Priority::from_number));
    assert_eq!(unset.unwrap_err(), "must be given");
}

#[test]
fn moments_lie_in_the_years_1_to_9999() {
    let check = |seconds, nanos| {
        outcome(|v, at| moment(v, at, ProtoTime { seconds, nanos })).map(Timestamp::as_micros)
    };
    assert_eq!(check(0, 0), Ok(0));
    assert_eq!(check(1, 1_999), Ok(1_000_001));
    assert_eq!(check(-1, 999_999_999), Ok(-1));
    assert_eq!(check(FIRST_SECOND, 0), Ok(FIRST_SECOND * 1_000_000));
    assert_eq!(
        check(LAST_SECOND, 999_999_999),
        Ok(LAST_SECOND * 1_000_000 + 999_999)
    );
    for (seconds, nanos) in [
        (FIRST_SECOND - 1, 0),
        (LAST_SECOND + 1, 0),
        (i64::MIN, i32::MIN),
        (i64::MAX, i32::MAX),
        (0, -1),
        (0, 1_000_000_000),
    ] {
        assert!(check(seconds, nanos).is_err(), "{seconds} {nanos}");
    }
}

#[test]
fn spans_are_bounded_and_never_negative() {
    let check = |seconds, nanos| {
        outcome(|v, at| span(v, at, Duration { seconds, nanos }, limits::BACKOFF)).map(Span::as_micros)
    };
    assert_eq!(check(0, 0), Ok(0));
    assert_eq!(check(1, 500_000_999), Ok(1_500_000));
    assert_eq!(check(604_800, 0), Ok(604_800_000_000));
    for (seconds, nanos) in [(-1, 0), (0, -1), (1, -1), (-1, -1), (i64::MIN, 0), (0, i32::MAX)] {
        assert!(
            check(seconds, nanos)
                .unwrap_err()
                .contains("must not be negative"),
            "{seconds} {nanos}"
        );
    }
    for (seconds, nanos) in [(604_800, 1), (604_801, 0), (i64::MAX, 999_999_999)] {
        assert_eq!(check(seconds, nanos).unwrap_err(), "must be at most 7 days");
    }
}

#[test]
fn numbers_lie_in_their_range() {
    let check = |given| outcome(|v, at| within(v, at, given, 1.0..=10.0));
    assert_eq!(check(1.0), Ok(1.0));
    for bad in [0.999, 10.001, f64::NAN, f64::INFINITY] {
        assert!(check(bad).is_err(), "{bad}");
    }
}
