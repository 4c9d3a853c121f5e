//! The rules of single fields: text, names, ids, enums, moments and spans.
//!
//! Every check answers the value as the rules know it, or notes a violation and answers `None`.

use std::ops::RangeInclusive;

use baton_domain::limits::NAME_CHARS;
use baton_domain::{Span, TaskId, Timestamp};
use uuid::Uuid;

use super::violations::{Path, Violations};

/// The namespace and the queue of whoever names none.
pub(crate) const DEFAULT_NAME: &str = "default";

/// Text for people: anything but NUL, kept as it came, right-to-left marks and the like included.
pub(crate) fn text(v: &mut Violations, at: &Path<'_>, value: String, max_chars: usize) -> Option<String> {
    is_text(v, at, &value, max_chars).then_some(value)
}

/// As [`text`], and not empty.
pub(crate) fn required_text(
    v: &mut Violations,
    at: &Path<'_>,
    value: String,
    max_chars: usize,
) -> Option<String> {
    if value.is_empty() {
        v.add(at, "must not be empty");
        return None;
    }
    text(v, at, value, max_chars)
}

/// Text that programs compare: no control characters, and nothing that cannot be seen or turns its surroundings
/// around, so that two words that look alike are alike.
pub(crate) fn word(v: &mut Violations, at: &Path<'_>, value: String, max_chars: usize) -> Option<String> {
    if !is_text(v, at, &value, max_chars) {
        return None;
    }
    if let Some(hidden) = value.chars().find(|c| is_hidden(*c)) {
        let what = format!(
            "must not contain the invisible character U+{:04X}",
            u32::from(hidden)
        );
        v.add(at, what);
        return None;
    }
    Some(value)
}

/// As [`word`], and not empty.
pub(crate) fn required_word(
    v: &mut Violations,
    at: &Path<'_>,
    value: String,
    max_chars: usize,
) -> Option<String> {
    if value.is_empty() {
        v.add(at, "must not be empty");
        return None;
    }
    word(v, at, value, max_chars)
}

/// Whether `value` is text as [`text`] reads it.
pub(crate) fn is_text(v: &mut Violations, at: &Path<'_>, value: &str, max_chars: usize) -> bool {
    let nul = value.contains('\0');
    if nul {
        v.add(at, "must not contain NUL characters");
    }
    // Counting characters is needed only where there are more bytes than characters allowed.
    let long = value.len() > max_chars && value.chars().count() > max_chars;
    if long {
        v.add(at, format!("must have at most {max_chars} characters"));
    }
    !nul && !long
}

const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'          // controls
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'  // soft hyphen, Arabic mark, separator, byte order mark
        | '\u{200b}'..='\u{200f}'                      // zero width, direction marks
        | '\u{2028}'..='\u{202e}'                      // line ends, embeddings, overrides
        | '\u{2060}'..='\u{206f}'                      // joiners, isolates
        | '\u{fff9}'..='\u{fffb}'                      // annotations
        | '\u{e0000}'..='\u{e007f}') // tags
}

/// A namespace or queue: 1 to 64 characters of a-z 0-9 . _ -; empty means [`DEFAULT_NAME`].
pub(crate) fn name(v: &mut Violations, at: &Path<'_>, value: String) -> Option<String> {
    if value.is_empty() {
        return Some(DEFAULT_NAME.to_owned());
    }
    name_or_none(v, at, value)
}

/// As [`name`], where empty says nothing.
pub(crate) fn name_or_none(v: &mut Violations, at: &Path<'_>, value: String) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
    if value.len() > NAME_CHARS || !value.bytes().all(allowed) {
        v.add(
            at,
            format!("must be 1 to {NAME_CHARS} characters of a-z 0-9 . _ -"),
        );
        return None;
    }
    Some(value)
}

/// A type, a function's name: at most 64 characters of letters, digits and . _ / -; may be empty.
pub(crate) fn type_name(v: &mut Violations, at: &Path<'_>, value: String) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    if value.len() > NAME_CHARS || !value.bytes().all(allowed) {
        v.add(
            at,
            format!("must have at most {NAME_CHARS} characters: letters, digits and . _ / -"),
        );
        return None;
    }
    Some(value)
}

/// A UUID as text with hyphens, in lower or upper case.
pub(crate) fn uuid(v: &mut Violations, at: &Path<'_>, value: &str) -> Option<Uuid> {
    const HYPHENATED_LEN: usize = 36;
    let parsed = Uuid::parse_str(value).ok();
    let uuid = parsed.filter(|_| value.len() == HYPHENATED_LEN);
    if uuid.is_none() {
        v.add(at, "must be a UUID such as 0199d3a0-5c00-7000-8000-000000000000");
    }
    uuid
}

/// A UUID, or nothing where the text is empty.
pub(crate) fn optional_uuid(v: &mut Violations, at: &Path<'_>, value: &str) -> Option<Option<Uuid>> {
    if value.is_empty() {
        return Some(None);
    }
    uuid(v, at, value).map(Some)
}

/// The id of a task.
pub(crate) fn task_id(v: &mut Violations, at: &Path<'_>, value: &str) -> Option<TaskId> {
    uuid(v, at, value).map(TaskId)
}

/// A member of an enum of the contract; 0 means `unset`. `known` is the `from_number` of the domain's enum.
pub(crate) fn member<E>(
    v: &mut Violations,
    at: &Path<'_>,
    number: i32,
    known: fn(i32) -> Option<E>,
    unset: E,
) -> Option<E> {
    if number == 0 {
        return Some(unset);
    }
    required_member(v, at, number, known)
}

/// As [`member`], where 0 says nothing.
pub(crate) fn optional_member<E>(
    v: &mut Violations,
    at: &Path<'_>,
    number: i32,
    known: fn(i32) -> Option<E>,
) -> Option<Option<E>> {
    if number == 0 {
        return Some(None);
    }
    required_member(v, at, number, known).map(Some)
}

/// A member of an enum of the contract that must be given.
pub(crate) fn required_member<E>(
    v: &mut Violations,
    at: &Path<'_>,
    number: i32,
    known: fn(i32) -> Option<E>,
) -> Option<E> {
    let member = known(number);
    if member.is_none() {
        let what = if number == 0 {
            "must be given".to_owned()
        } else {
            format!("must be a member of its enum, {number} is none")
        };
        v.add(at, what);
    }
    member
}

/// A whole number within bounds.
pub(crate) fn within<T: PartialOrd + std::fmt::Display>(
    v: &mut Violations,
    at: &Path<'_>,
    value: T,
    range: RangeInclusive<T>,
) -> Option<T> {
    if !range.contains(&value) {
        v.add(at, format!("must be {} to {}", range.start(), range.end()));
        return None;
    }
    Some(value)
}

const NANOS_PER_SECOND: i32 = 1_000_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// 0001-01-01T00:00:00Z, the first moment of `google.protobuf.Timestamp`.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, its last second.
const LAST_SECOND: i64 = 253_402_300_799;

/// A moment from year 1 to 9999, cut to the microsecond.
pub(crate) fn moment(v: &mut Violations, at: &Path<'_>, value: prost_types::Timestamp) -> Option<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = value;
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) || !(0..NANOS_PER_SECOND).contains(&nanos) {
        v.add(
            at,
            "must be a time from year 1 to 9999 with nanos from 0 to 999999999",
        );
        return None;
    }
    Some(Timestamp::from_micros(
        seconds * MICROS_PER_SECOND + i64::from(nanos / 1_000),
    ))
}

/// A span from zero to `max`, cut to the microsecond.
pub(crate) fn span(
    v: &mut Violations,
    at: &Path<'_>,
    value: prost_types::Duration,
    max: Span,
) -> Option<Span> {
    let prost_types::Duration { seconds, nanos } = value;
    if seconds < 0 || !(0..NANOS_PER_SECOND).contains(&nanos) {
        v.add(
            at,
            "must not be negative, and its nanos must be from 0 to 999999999",
        );
        return None;
    }
    let micros = seconds
        .saturating_mul(MICROS_PER_SECOND)
        .saturating_add(i64::from(nanos / 1_000));
    let over = micros == max.as_micros() && nanos % 1_000 != 0;
    if micros > max.as_micros() || over {
        v.add(at, format!("must be at most {}", in_words(max)));
        return None;
    }
    Some(Span::from_micros(micros))
}

fn in_words(span: Span) -> String {
    const DAY_SECONDS: i64 = 86_400;
    let seconds = span.as_micros() / MICROS_PER_SECOND;
    if seconds >= DAY_SECONDS {
        format!("{} days", seconds / DAY_SECONDS)
    } else {
        format!("{seconds} s")
    }
}

/// Notes that a field that must be there is not.
pub(crate) fn present<T>(v: &mut Violations, at: &Path<'_>, value: Option<T>) -> Option<T> {
    if value.is_none() {
        v.add(at, "must be given");
    }
    value
}

#[cfg(test)]
mod tests;
