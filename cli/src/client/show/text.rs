//! Words and figures for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

/// Text of other people, fit for a terminal: what would move the cursor, change colours or turn the writing round is
/// shown, not done.
pub(in crate::client) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`clean`], but lines stay lines.
pub(super) fn clean_lines(text: &str) -> String {
    text.split('\n')
        .map(|line| clean(line.trim_end_matches('\r')))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Marks that turn the writing round or hide in it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// At most so many characters; an ellipsis says that there was more.
pub(in crate::client) fn short(text: &str, limit: usize) -> String {
    let cleaned = clean(text);
    match cleaned.char_indices().nth(limit) {
        None => cleaned,
        Some(_) => {
            let kept: String = cleaned.chars().take(limit.saturating_sub(1)).collect();
            format!("{kept}…")
        }
    }
}

/// A time to the second, in UTC.
pub(super) fn time(time: Option<prost_types::Timestamp>) -> String {
    let moment = time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
    moment.map_or_else(String::new, |moment| {
        let second = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
        second.to_string()
    })
}

/// How long ago, in the largest unit that says something: `42s`, `5m`, `3h`, `2d`.
pub(super) fn age(time: Option<prost_types::Timestamp>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.map_or_else(String::new, |time| {
        let then = Duration::from_secs(u64::try_from(time.seconds).unwrap_or_default());
        units(now.saturating_sub(then).as_secs())
    })
}

fn units(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / MINUTE),
        7_200..172_800 => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

/// A span such as `1m 30s 250ms`; what is finer tells people nothing.
pub(in crate::client) fn span(span: &prost_types::Duration) -> String {
    let millis = span.nanos / NANOS_PER_MILLI;
    format!(
        "{:#}",
        SignedDuration::new(span.seconds, millis * NANOS_PER_MILLI)
    )
}

const NANOS_PER_MILLI: i32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_play_with_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{202e}c\nd"),
            "a\\u{1b}[31mb\\u{202e}c\\u{a}d"
        );
        assert_eq!(clean_lines("a\r\nb\tc"), "a\nb\\u{9}c");
        assert_eq!(clean("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(short("grüße", 5), "grüße");
        assert_eq!(short("grüßen", 5), "grüß…");
    }

    #[test]
    fn ages_have_one_unit() {
        let units: Vec<_> = [0, 119, 120, 7_199, 7_200, 172_799, 172_800]
            .into_iter()
            .map(units)
            .collect();
        assert_eq!(units, ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }

    #[test]
    fn times_and_spans_are_readable() {
        let moment = prost_types::Timestamp {
            seconds: 1_795_338_000,
            nanos: 250_000_000,
        };
        assert_eq!(time(Some(moment)), "2026-11-22T09:00:00Z");
        assert_eq!(time(None), "");
        assert_eq!(
            span(&prost_types::Duration {
                seconds: 90,
                nanos: 0
            }),
            "1m 30s"
        );
        let fine = prost_types::Duration {
            seconds: 0,
            nanos: 18_914_000,
        };
        assert_eq!(span(&fine), "18ms");
    }
}
