//! Schedules: tasks that come into being by themselves, again and again.
//!
//! Reading order: [`ScheduleSpec`] (when ticks are), [`Schedule`] (what it has come to), [`Turn`] (what is done when a tick
//! is due), [`Cron`] and [`Zone`] (local times and the moments they mean).
//!
//! A schedule is a value; whatever changes it answers another one. It goes forward tick by tick and never back: `next`
//! names the only tick that can be acted on, and whoever acts on it stores the one after it in the same transaction.

mod cron;
mod edit;
mod timing;
mod turn;
mod zone;

use uuid::Uuid;

use crate::actor::Actor;
use crate::create::NewTask;
use crate::id::TaskId;
use crate::names::named_enum;
use crate::time::{Span, Timestamp};

pub use cron::{CRON_CHARS, Cron};
pub use edit::ScheduleEdit;
pub use timing::{ScheduleSpec, Tick, Timing, tick_task_id};
pub use turn::{Fired, Turn};
pub use zone::Zone;

/// The label that names the schedule of a task.
pub const SCHEDULE_LABEL: &str = "baton.schedule";
/// The label that names the tick of a task: a time as in RFC 3339. A task that was asked for by hand has none.
pub const TICK_LABEL: &str = "baton.tick";
/// Labels of a schedule's task beside those that the schedule gives.
pub const OWN_LABELS: usize = 2;
/// The shortest interval: what is needed more often is a program that runs.
pub const INTERVAL_MIN: Span = Span::from_secs(1);
/// The longest jitter.
pub const JITTER_MAX: Span = Span::from_secs(24 * 3_600);
/// The shortest catch-up window: less would pass over ticks of a server that is busy.
pub const CATCHUP_MIN: Span = Span::from_secs(10);
/// The catch-up window of a schedule that names none: a server that was down for a night misses nothing.
pub const CATCHUP_DEFAULT: Span = Span::from_secs(24 * 3_600);
/// Ticks of which a schedule tells what became of them.
pub const RECENT: usize = 10;
/// Ticks that may wait for the task of one before.
pub const WAITING: usize = 100;
/// Tasks that a schedule keeps an eye on.
pub const RUNNING: usize = 10;

named_enum! {
    /// What a tick does while the task of one before is open. Numbers are those of the proto enum.
    OverlapPolicy {
        /// Nothing.
        Skip = 1, "SKIP";
        /// Waits, unless one waits already.
        BufferOne = 2, "BUFFER_ONE";
        /// Waits behind those that wait.
        BufferAll = 3, "BUFFER_ALL";
        /// Cancels that task and takes its place.
        CancelOther = 4, "CANCEL_OTHER";
        /// Makes its task all the same.
        AllowAll = 5, "ALLOW_ALL";
    }
}

named_enum! {
    /// What became of a tick. Numbers are those of the proto enum.
    TickOutcome {
        /// It made its task.
        Fired = 1, "FIRED";
        /// It made none, because the task of one before was open.
        Skipped = 2, "SKIPPED";
        /// It made none, because it was later than the catch-up window allows.
        Missed = 3, "MISSED";
        /// No tick: somebody asked for the task.
        Triggered = 4, "TRIGGERED";
    }
}

/// Names one schedule for ever; its name may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(pub Uuid);

/// What became of one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickRecord {
    /// The tick; the moment of the call for TRIGGERED.
    pub tick: Timestamp,
    /// What.
    pub outcome: TickOutcome,
    /// The task that it made.
    pub task_id: Option<TaskId>,
    /// When.
    pub time: Timestamp,
}

/// How many ticks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickCounts {
    /// Tasks made, those asked for by hand among them.
    pub fired: i64,
    /// Ticks passed over because of an open task.
    pub skipped: i64,
    /// Ticks passed over because they were too late. Where more than a thousand were at once, a thousand.
    pub missed: i64,
}

/// A schedule to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSchedule {
    /// Drawn.
    pub id: ScheduleId,
    /// Where it and its tasks live.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// When it acts, and how.
    pub spec: ScheduleSpec,
    /// What it makes: id, schedule and labels of its own are not in it.
    pub template: Box<NewTask>,
    /// It does not act until it is resumed.
    pub paused: bool,
    /// For people: why it is paused, or not.
    pub note: String,
    /// Who creates it.
    pub creator: Actor,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Names it for ever.
    pub id: ScheduleId,
    /// Where it and its tasks live.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// When it acts, and how.
    pub spec: ScheduleSpec,
    /// What it makes.
    pub template: Box<NewTask>,
    /// It does not act.
    pub paused: bool,
    /// For people: why it is paused, or not.
    pub note: String,
    /// Who created it.
    pub creator: Actor,
    /// When it came into being.
    pub create_time: Timestamp,
    /// When it was last edited, paused or resumed.
    pub update_time: Timestamp,
    /// Rises with each edit, pause and resume: ticks leave it.
    pub edit_revision: i64,
    /// Rises whenever its row is written: guards the row.
    pub revision: i64,
    /// The next tick that is acted on; `None` while it is paused and after the last one.
    pub next: Option<Tick>,
    /// Ticks that wait for an open task, the oldest first.
    pub waiting: Vec<Timestamp>,
    /// Its newest tasks, as far as they are not known to have settled.
    pub running: Vec<TaskId>,
    /// What became of the last ticks, the newest last.
    pub recent: Vec<TickRecord>,
    /// What became of all of them.
    pub counts: TickCounts,
}

impl Schedule {
    /// A schedule that begins at `now`.
    #[must_use]
    pub fn create(new: NewSchedule, now: Timestamp) -> Self {
        let NewSchedule {
            id,
            namespace,
            name,
            spec,
            template,
            paused,
            note,
            creator,
        } = new;
        let next = if paused { None } else { spec.tick_after(id, now) };
        Self {
            id,
            namespace,
            name,
            spec,
            template,
            paused,
            note,
            creator,
            create_time: now,
            update_time: now,
            edit_revision: 1,
            revision: 1,
            next,
            waiting: Vec::new(),
            running: Vec::new(),
            recent: Vec::new(),
            counts: TickCounts::default(),
        }
    }

    /// Stops it for now. Ticks that wait go on waiting; those that come are not made up for.
    #[must_use]
    pub fn pause(&self, note: String, now: Timestamp) -> Self {
        Self {
            paused: true,
            next: None,
            note,
            ..self.edited(now)
        }
    }

    /// Lets it go on with the first tick after `now`. One that goes on already stays as it is.
    #[must_use]
    pub fn resume(&self, note: String, now: Timestamp) -> Self {
        let next = if self.paused {
            self.spec.tick_after(self.id, now)
        } else {
            self.next
        };
        Self {
            paused: false,
            next,
            note,
            ..self.edited(now)
        }
    }

    /// As it is after somebody asked for a task now, whatever the overlap policy says.
    #[must_use]
    pub fn trigger(&self, task_id: TaskId, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.started(task_id);
        after.record(TickRecord {
            tick: now,
            outcome: TickOutcome::Triggered,
            task_id: Some(task_id),
            time: now,
        });
        after
    }

    /// The task of a tick; `tick`: `None` for one that was asked for by hand.
    #[must_use]
    pub fn task(&self, id: TaskId, tick: Option<Timestamp>) -> NewTask {
        let mut task = NewTask {
            id,
            namespace: self.namespace.clone(),
            ..(*self.template).clone()
        };
        let labels = std::sync::Arc::make_mut(&mut task.labels);
        labels.insert(SCHEDULE_LABEL.to_owned(), self.name.clone());
        let tick = tick.and_then(|tick| jiff::Timestamp::from_microsecond(tick.as_micros()).ok());
        if let Some(tick) = tick {
            labels.insert(TICK_LABEL.to_owned(), tick.to_string());
        }
        task
    }

    /// Whether ticks wait that may go on once a task settles.
    #[must_use]
    pub const fn waits(&self) -> bool {
        !self.paused && !self.waiting.is_empty()
    }

    fn edited(&self, now: Timestamp) -> Self {
        Self {
            update_time: now,
            edit_revision: self.edit_revision + 1,
            ..self.clone()
        }
    }

    fn started(&mut self, task_id: TaskId) {
        push_bounded(&mut self.running, task_id, RUNNING);
    }

    fn record(&mut self, record: TickRecord) {
        match record.outcome {
            TickOutcome::Fired | TickOutcome::Triggered => self.counts.fired += 1,
            TickOutcome::Skipped => self.counts.skipped += 1,
            TickOutcome::Missed => self.counts.missed += 1,
        }
        push_bounded(&mut self.recent, record, RECENT);
    }
}

/// Adds to a list that keeps the newest.
fn push_bounded<T>(list: &mut Vec<T>, item: T, most: usize) {
    list.push(item);
    let over = list.len().saturating_sub(most);
    list.drain(..over);
}
