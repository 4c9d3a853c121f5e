//! Ten years of ticks in four time zones, compared with those of an independent reference: `tests/reference/ticks.py`.

use std::fmt::Write as _;

use baton_domain::{ScheduleId, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{at, cron};

const REFERENCE: &str = include_str!("../../reference/ticks.tsv");
const SECOND: i64 = 1_000_000;
/// Expressions of each zone.
const EXPRESSIONS: usize = 16;

/// The ticks of an expression from 2026 to 2035, in seconds since 1970.
fn ticks(expression: &str, zone: &str) -> Vec<i64> {
    let spec = cron(expression, zone);
    let id = ScheduleId(Uuid::nil());
    let end = at("2036-01-01T00:00:00Z");
    let before = Timestamp::from_micros(at("2026-01-01T00:00:00Z").as_micros() - 1);
    std::iter::successors(spec.tick_after(id, before), |tick| spec.tick_after(id, tick.time))
        .take_while(|tick| tick.time < end)
        .inspect(|tick| assert_eq!(tick.time.as_micros() % SECOND, 0, "{expression}"))
        .map(|tick| tick.time.as_micros() / SECOND)
        .collect()
}

fn compare(zone: &str) {
    let mut compared = 0;
    for line in REFERENCE.lines().filter(|line| line.starts_with(zone)) {
        let [_, expression, count, hash, around] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let found = ticks(expression, zone);
        // The ticks that matter first: they say what is wrong.
        for expected in around.split_ascii_whitespace() {
            let expected: i64 = expected.parse().expect("seconds");
            assert!(
                found.binary_search(&expected).is_ok(),
                "{zone} {expression} lacks {expected}"
            );
        }
        assert!(found.is_sorted_by(|a, b| a < b), "{zone} {expression}");
        assert_eq!(found.len().to_string(), count, "{zone} {expression}");
        let text = found.iter().fold(String::new(), |mut text, tick| {
            writeln!(text, "{tick}").expect("writing to a string");
            text
        });
        let digest = Sha256::digest(text.as_bytes());
        let hex = digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string");
            hex
        });
        assert_eq!(hex, hash, "{zone} {expression}");
        compared += 1;
    }
    assert_eq!(compared, EXPRESSIONS, "{zone}");
}

#[test]
fn berlin_is_as_the_reference_says() {
    compare("Europe/Berlin");
}

#[test]
fn new_york_is_as_the_reference_says() {
    compare("America/New_York");
}

/// Its summer time is half an hour.
#[test]
fn lord_howe_is_as_the_reference_says() {
    compare("Australia/Lord_Howe");
}

/// It has none, and half an hour beside UTC.
#[test]
fn kolkata_is_as_the_reference_says() {
    compare("Asia/Kolkata");
}
