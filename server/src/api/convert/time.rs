//! Moments and spans. What comes in is read by [`check::moment`] and [`check::span`].

use baton_domain::limits::DELAY;
use baton_domain::{Span, Timestamp, When};

use crate::api::check;
use crate::api::violations::{Path, Violations};

const MICROS_PER_SECOND: i64 = 1_000_000;

pub(crate) fn write(moment: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: moment.as_micros().div_euclid(MICROS_PER_SECOND),
        nanos: nanos(moment.as_micros()),
    }
}

pub(crate) fn write_span(span: Span) -> prost_types::Duration {
    prost_types::Duration {
        seconds: span.as_micros() / MICROS_PER_SECOND,
        nanos: nanos(span.as_micros()),
    }
}

fn nanos(micros: i64) -> i32 {
    let within_second = micros.rem_euclid(MICROS_PER_SECOND) * 1_000;
    i32::try_from(within_second).unwrap_or_else(|_| unreachable!("below 10^9"))
}

/// A delay from now; nothing where it is absent.
pub(crate) fn read_delay(
    v: &mut Violations,
    at: &Path<'_>,
    delay: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    match delay {
        None => Some(None),
        Some(delay) => check::span(v, at, delay, DELAY).map(Some),
    }
}

/// The fields `schedule_time` and `delay` of one request, of which at most one may be given.
pub(crate) struct Start {
    pub(crate) schedule_time: Option<prost_types::Timestamp>,
    pub(crate) delay: Option<prost_types::Duration>,
}

impl Start {
    /// Reads both. `paths`: where they stand, in that order.
    pub(crate) fn read(self, v: &mut Violations, paths: [&Path<'_>; 2]) -> Option<Option<When>> {
        let [time_at, delay_at] = paths;
        if self.schedule_time.is_some() && self.delay.is_some() {
            v.add(time_at, format!("must not be given together with {delay_at}"));
        }
        let moment = match self.schedule_time {
            None => Some(None),
            Some(time) => check::moment(v, time_at, time).map(Some),
        };
        let delay = read_delay(v, delay_at, self.delay);
        Some(moment?.map(When::At).or(delay?.map(When::After)))
    }

    /// Reads both, of which one must be given.
    pub(crate) fn read_required(self, v: &mut Violations, paths: [&Path<'_>; 2]) -> Option<When> {
        let [time_at, delay_at] = paths;
        let given = self.schedule_time.is_some() || self.delay.is_some();
        let when = self.read(v, paths)?;
        if !given {
            v.add(time_at, format!("must be given, or {delay_at}"));
        }
        when
    }
}
