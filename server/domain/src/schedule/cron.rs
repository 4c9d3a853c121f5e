//! Cron expressions: which local times they name, and which moments these are.
//!
//! Croner reads an expression and finds the local times; what a change of the clocks does to them is decided here.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Weekday, errors::CronError};
use jiff::Timestamp as Instant;
use jiff::civil::{DateTime, date};

use super::zone::Zone;
use crate::time::Timestamp;

/// Characters of an expression.
pub const CRON_CHARS: usize = 256;
/// Years that are searched for a day that an expression names: 29 February falls on every day of the week within them.
const YEARS: i16 = 40;
/// The first of them.
const FIRST_YEAR: i16 = 2024;

/// A cron expression: five fields (minute, hour, day of month, month, day of week), six with seconds before them, or a
/// nickname such as `@daily`.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    /// Boxed: a timing that goes by the hour has no need of so much room.
    parsed: Box<croner::Cron>,
    /// It names every hour of the day, and so means the passing of time, not times of day.
    hourly: bool,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > CRON_CHARS {
            return Err(format!("must have at most {CRON_CHARS} characters"));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let parsed = parser.parse(text).map_err(|error| explain(&error))?;
        if !names_a_day(&parsed) {
            return Err("names no day that exists".to_owned());
        }
        let hourly = (0..24).all(|hour| parsed.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self {
            text: text.to_owned(),
            parsed: Box::new(parsed),
            hourly,
        })
    }

    /// The expression as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means, in English: `every 5 minutes`, `at 02:00`.
    #[must_use]
    pub fn words(&self) -> String {
        let words = self.parsed.describe();
        let words = words.trim_end_matches('.');
        match words.strip_prefix("At ") {
            Some(rest) if rest.starts_with("every ") => rest.to_owned(),
            Some(rest) => format!("at {rest}"),
            None => words.to_owned(),
        }
    }

    /// Its first tick after `after` in `zone`; `None` where there is none within the calendar.
    #[must_use]
    pub fn next_after(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        let after = Instant::from_microsecond(after.as_micros()).ok()?;
        let next = if self.hourly {
            self.next_elapsed(zone, after)
        } else {
            self.next_time_of_day(zone, after)
        };
        Some(Timestamp::from_micros(next?.as_microsecond()))
    }

    /// Each local time counts once: at its first occurrence, or right after the gap that swallowed it.
    fn next_time_of_day(&self, zone: &Zone, after: Instant) -> Option<Instant> {
        let mut local = zone.local(after);
        loop {
            local = self.next_local(local, false)?;
            let instant = zone.first(local)?;
            if instant > after {
                return Some(instant);
            }
        }
    }

    /// Every moment counts at which the clocks show a time that is named: an hour that is repeated counts twice, one that is
    /// skipped does not count.
    fn next_elapsed(&self, zone: &Zone, after: Instant) -> Option<Instant> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let local = zone.local(from);
            let found = self.next_local(local, inclusive)?;
            let instant = from.checked_add(found.duration_since(local)).ok()?;
            match zone.change_after(from) {
                Some(change) if change <= instant => (from, inclusive) = (change, true),
                Some(_) | None => return Some(instant),
            }
        }
    }

    fn next_local(&self, local: DateTime, inclusive: bool) -> Option<DateTime> {
        self.parsed.find_next_occurrence(&local, inclusive).ok()
    }
}

/// Whether there is a day that it names. Without this, a search for 30 February goes on for three thousand years.
fn names_a_day(cron: &croner::Cron) -> bool {
    let first = date(FIRST_YEAR, 1, 1);
    first
        .series(jiff::Span::new().days(1))
        .take_while(|day| day.year() < FIRST_YEAR + YEARS)
        .any(|day| {
            let (month, of_month) = (day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
            let weekday = Weekday::from_days_from_sunday(u32::from(
                day.weekday().to_sunday_zero_offset().unsigned_abs(),
            ));
            let matches = |matched: Result<bool, CronError>| matched.unwrap_or(false);
            matches(cron.pattern.month_match(month))
                && matches(
                    cron.pattern
                        .day_match(day.year().into(), month, of_month, weekday),
                )
        })
}

/// What is wrong with an expression, in words that follow the name of its field.
fn explain(error: &CronError) -> String {
    match error {
        CronError::EmptyPattern => "must not be empty".to_owned(),
        CronError::InvalidPattern(_) => {
            "must have five fields (minute hour day-of-month month day-of-week), or six with seconds first"
                .to_owned()
        }
        CronError::IllegalCharacters(why) | CronError::ComponentError(why) => {
            format!("is no cron expression: {}", why.trim_end_matches('.'))
        }
        CronError::InvalidDate | CronError::InvalidTime | CronError::TimeSearchLimitExceeded => {
            "is no cron expression".to_owned()
        }
    }
}
