//! When a schedule's ticks are: by a cron expression or every so often, within bounds, each spread by its jitter.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::cron::Cron;
use super::zone::Zone;
use super::{OverlapPolicy, ScheduleId};
use crate::id::TaskId;
use crate::rejection::Rejection;
use crate::time::{Span, Timestamp};

/// By what the ticks are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// At local times of the schedule's zone.
    Cron(Cron),
    /// At every multiple of `every` since 1970-01-01T00:00:00Z, each `phase` later: absolute time, whatever clocks do.
    Interval {
        /// 1 s at least.
        every: Span,
        /// Less than `every`.
        phase: Span,
    },
}

/// One tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The moment that the timing names.
    pub time: Timestamp,
    /// When it is acted on: `time`, and the tick's share of the jitter.
    pub fire_time: Timestamp,
}

/// What clients say about when a schedule acts, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSpec {
    /// For people.
    pub description: String,
    /// When.
    pub timing: Timing,
    /// Whose local times a cron expression names.
    pub zone: Zone,
    /// No tick before it.
    pub start_time: Option<Timestamp>,
    /// No tick after it.
    pub end_time: Option<Timestamp>,
    /// Each tick is put off by a share of it that is its own and always the same.
    pub jitter: Span,
    /// What a tick does while the task of one before is open.
    pub overlap: OverlapPolicy,
    /// A tick that is later than this is not made up for.
    pub catchup: Span,
}

impl Timing {
    /// The first moment after `after` that it names.
    fn next_after(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next_after(zone, after),
            Self::Interval { every, phase } => {
                let (every, phase) = (every.as_micros(), phase.as_micros());
                let passed = after.as_micros().checked_sub(phase)?.checked_div_euclid(every)?;
                let next = passed.checked_add(1)?.checked_mul(every)?.checked_add(phase)?;
                Some(Timestamp::from_micros(next))
            }
        }
    }
}

impl ScheduleSpec {
    /// Whether its parts go together.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], its path as in a request whose `schedule` this is.
    pub fn check(&self) -> Result<(), Rejection> {
        let refuse = |field, why: &str| {
            let why = why.to_owned();
            Err(Rejection::InvalidField { field, why })
        };
        if let Timing::Interval { every, phase } = self.timing {
            if phase >= every {
                return refuse("schedule.phase", "must be less than the interval");
            }
            if self.jitter > every {
                return refuse("schedule.jitter", "must be at most the interval");
            }
        }
        if self
            .start_time
            .zip(self.end_time)
            .is_some_and(|(start, end)| end < start)
        {
            return refuse("schedule.end_time", "must not be before start_time");
        }
        Ok(())
    }

    /// The first tick after `after` of the schedule with that id; `None` where there is none any more.
    #[must_use]
    pub fn tick_after(&self, id: ScheduleId, after: Timestamp) -> Option<Tick> {
        const INSTANT: Span = Span::from_micros(1);
        let floor = self
            .start_time
            .map(|start| start.minus(INSTANT))
            .max(Some(after))?;
        let time = self.timing.next_after(&self.zone, floor)?;
        if self.end_time.is_some_and(|end| time > end) {
            return None;
        }
        let fire_time = time.plus(share(id, time, self.jitter));
        Some(Tick { time, fire_time })
    }

    /// When it acts, in words: `every 5 minutes`, `at 02:00 (Europe/Berlin)`.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.timing {
            Timing::Interval { every, .. } => every_words(*every),
            Timing::Cron(cron) if self.zone == Zone::utc() => cron.words(),
            Timing::Cron(cron) => format!("{} ({})", cron.words(), self.zone.name()),
        }
    }
}

/// The task of a tick: the same id however often it is asked for, so that a tick can never make two tasks. Rises with the
/// tick's time, as the ids that are drawn do.
#[must_use]
pub fn tick_task_id(id: ScheduleId, tick: Timestamp) -> TaskId {
    let digest = digest("task", id, tick);
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(tick.as_micros() / 1_000).unwrap_or(0);
    TaskId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// A tick's share of the jitter: from nothing to all of it.
fn share(id: ScheduleId, tick: Timestamp, jitter: Span) -> Span {
    if jitter == Span::ZERO {
        return jitter;
    }
    let mut head = [0; 8];
    head.copy_from_slice(&digest("jitter", id, tick)[..8]);
    let choices = jitter.as_micros().unsigned_abs().saturating_add(1);
    let share = u64::from_be_bytes(head) % choices;
    Span::from_micros(i64::try_from(share).unwrap_or(0))
}

fn digest(what: &str, ScheduleId(id): ScheduleId, tick: Timestamp) -> [u8; 32] {
    let uuid: Uuid = id;
    let mut hasher = Sha256::new();
    hasher.update(what.as_bytes());
    hasher.update(uuid.as_bytes());
    hasher.update(tick.as_micros().to_be_bytes());
    hasher.finalize().into()
}

/// `every 5 minutes`, `every hour`: in the largest unit that says it whole.
fn every_words(every: Span) -> String {
    const UNITS: [(i64, &str); 6] = [
        (86_400_000_000, "day"),
        (3_600_000_000, "hour"),
        (60_000_000, "minute"),
        (1_000_000, "second"),
        (1_000, "millisecond"),
        (1, "microsecond"),
    ];
    let micros = every.as_micros();
    let unit = UNITS.iter().find(|(unit, _)| micros % unit == 0);
    let (count, name) = unit.map_or((micros, "microsecond"), |(unit, name)| (micros / unit, *name));
    if count == 1 {
        format!("every {name}")
    } else {
        format!("every {count} {name}s")
    }
}
