//! Schedules: when their ticks are, and what becomes of each.

mod edit;
mod overlap;
mod properties;
mod words;
mod zones;

use baton_domain::schedule::{CATCHUP_DEFAULT, Cron, NewSchedule, OverlapPolicy, Timing, Turn, Zone};
use baton_domain::{Actor, Schedule, ScheduleId, ScheduleSpec, Span, TaskId, Timestamp};
use uuid::Uuid;

use crate::support::new_task;

/// 2026-11-22T09:00:00Z.
const NINE: Timestamp = Timestamp::from_micros(1_795_338_000_000_000);
const MINUTE: Span = Span::from_secs(60);
const HOUR: Span = Span::from_secs(3_600);

/// A moment in the way people write it.
fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_micros(instant.as_microsecond())
}

fn cron(text: &str, zone: &str) -> ScheduleSpec {
    ScheduleSpec {
        timing: Timing::Cron(Cron::parse(text).expect("an expression")),
        zone: Zone::named(zone).expect("a zone"),
        ..every(MINUTE)
    }
}

fn every(every: Span) -> ScheduleSpec {
    ScheduleSpec {
        description: String::new(),
        timing: Timing::Interval {
            every,
            phase: Span::ZERO,
        },
        zone: Zone::utc(),
        start_time: None,
        end_time: None,
        jitter: Span::ZERO,
        overlap: OverlapPolicy::Skip,
        catchup: CATCHUP_DEFAULT,
    }
}

/// A schedule that begins at nine.
fn schedule(spec: ScheduleSpec) -> Schedule {
    let new = NewSchedule {
        id: ScheduleId(Uuid::from_u128(7)),
        namespace: "default".to_owned(),
        name: "nightly".to_owned(),
        spec,
        template: Box::new(new_task()),
        paused: false,
        note: String::new(),
        creator: Actor::anonymous(),
    };
    Schedule::create(new, NINE)
}

/// The times of the next ticks.
fn next_times(spec: &ScheduleSpec, after: &str, count: usize) -> Vec<String> {
    let id = ScheduleId(Uuid::from_u128(7));
    let first = spec.tick_after(id, at(after));
    let ticks = std::iter::successors(first, |tick| spec.tick_after(id, tick.time));
    let shown = |micros| {
        jiff::Timestamp::from_microsecond(micros)
            .expect("a time")
            .to_string()
    };
    ticks
        .take(count)
        .map(|tick| shown(tick.time.as_micros()))
        .collect()
}

const ALL_OPEN: &dyn Fn(TaskId) -> bool = &|_| true;
const NONE_OPEN: &dyn Fn(TaskId) -> bool = &|_| false;

/// What the schedule does then, which is something.
fn turn(schedule: &Schedule, now: Timestamp, is_open: &dyn Fn(TaskId) -> bool) -> Turn {
    schedule
        .turn(now, 100, is_open)
        .expect("there is something to do")
}

/// How many minutes after nine the ticks were that made tasks.
fn minutes(turn: &Turn) -> Vec<i64> {
    let fired = turn.fired.iter();
    fired
        .map(|fired| fired.tick.since(NINE).as_micros() / MINUTE.as_micros())
        .collect()
}
