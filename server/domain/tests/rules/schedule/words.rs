//! Expressions: which are read, what is wrong with the others, and what they mean in words.

use baton_domain::Span;
use baton_domain::schedule::{Cron, Zone};

use super::{cron, every, next_times};

#[test]
fn a_schedule_says_when_it_acts() {
    assert_eq!(every(Span::from_secs(300)).words(), "every 5 minutes");
    assert_eq!(every(Span::from_secs(3_600)).words(), "every hour");
    assert_eq!(every(Span::from_secs(90)).words(), "every 90 seconds");
    assert_eq!(every(Span::from_millis(1_500)).words(), "every 1500 milliseconds");
    assert_eq!(every(Span::from_secs(7 * 86_400)).words(), "every 7 days");
    assert_eq!(cron("*/5 * * * *", "UTC").words(), "every 5 minutes");
    assert_eq!(
        cron("0 2 * * *", "Europe/Berlin").words(),
        "at 02:00 (Europe/Berlin)"
    );
}

#[test]
fn expressions_are_read_or_told_what_is_wrong() {
    let good = [
        "* * * * *",
        "*/10 * * * * *",
        "0 9 * * MON-FRI",
        "0 0 L * *",
        "0 0 * * 5#2",
        "0 0 15W * *",
        "0 0 29 2 *",
        "@daily",
        "@hourly",
    ];
    for text in good {
        assert!(Cron::parse(text).is_ok(), "{text}");
    }
    let long = format!("{} * * * *", "1,".repeat(200));
    let bad = [
        ("", "must not be empty"),
        ("* * * *", "five fields"),
        ("61 * * * *", "is no cron expression"),
        ("x * * * *", "is no cron expression"),
        ("@reboot", "five fields"),
        ("0 0 30 2 *", "names no day that exists"),
        ("0 0 31 4,6,9,11 *", "names no day that exists"),
        ("0 0 1 1 * 2026", "is no cron expression"),
        (&long, "at most 256 characters"),
    ];
    for (text, why) in bad {
        let told = Cron::parse(text).expect_err(text);
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn zones_go_by_their_iana_names() {
    let name = |name| Zone::named(name).map(|zone| zone.name().to_owned());
    assert_eq!(name("europe/berlin").as_deref(), Some("Europe/Berlin"));
    assert_eq!(name("UTC").as_deref(), Some("UTC"));
    for none in ["", "Mars/Olympus", "CET-1CEST", "../etc/passwd"] {
        assert_eq!(name(none), None, "{none}");
    }
}

/// The rules of docs/schedules.md, one line each; the whole is compared with the reference.
#[test]
fn changes_of_the_clocks_go_by_the_stated_rules() {
    // Put forward at 02:00 local time on 29 March 2026, at 01:00 UTC; back at 03:00 on 25 October.
    let daily = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        next_times(&daily, "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(
        next_times(&daily, "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // Each of these stands in the gap: they are one tick, and it is that of 03:00 too.
    let often = cron("*/20 2-3 * * *", "Europe/Berlin");
    assert_eq!(
        next_times(&often, "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z"]
    );
    let hourly = cron("30 * * * *", "Europe/Berlin");
    assert_eq!(
        next_times(&hourly, "2026-03-29T00:00:00Z", 2),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]
    );
    assert_eq!(
        next_times(&hourly, "2026-10-25T00:00:00Z", 3),
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:30:00Z"
        ]
    );
    // A day that a country skipped.
    let midnight = cron("0 0 * * *", "Pacific/Apia");
    assert_eq!(
        next_times(&midnight, "2011-12-29T12:00:00Z", 2),
        ["2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]
    );
    let interval = every(Span::from_secs(7_200));
    assert_eq!(
        next_times(&interval, "2026-03-29T00:00:00Z", 2),
        ["2026-03-29T02:00:00Z", "2026-03-29T04:00:00Z"]
    );
}
