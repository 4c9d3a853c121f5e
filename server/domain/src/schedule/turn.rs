//! What a schedule does once a tick is due, or a task settled that ticks wait for.

use super::{OverlapPolicy, Schedule, Tick, TickOutcome, TickRecord, WAITING, tick_task_id};
use crate::id::TaskId;
use crate::time::{Span, Timestamp};

/// Ticks that one turn passes over one by one because they are too late; the rest is passed over at once.
const MISSED_COUNTED: usize = 1_000;
/// Ticks that one turn acts on beside those: the next turn goes on.
const TICKS: usize = 100;

/// What a schedule does now: all of it is stored together, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The schedule after it.
    pub schedule: Schedule,
    /// Tasks that give way: cancelled before any other is made.
    pub cancelled: Vec<TaskId>,
    /// Tasks to make, in this order.
    pub fired: Vec<Fired>,
    /// Ticks that were passed over because a task was open.
    pub skipped: usize,
    /// Ticks that were passed over because they were too late.
    pub missed: usize,
}

/// A tick that makes its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The task.
    pub task_id: TaskId,
    /// The tick.
    pub tick: Timestamp,
    /// How long after it was to be acted on; zero for one that has waited.
    pub late: Span,
}

impl Schedule {
    /// What is to be done at `now`, `most` tasks at most; `None` where it is nothing. `is_open` tells of the tasks in
    /// `running` which are.
    #[must_use]
    pub fn turn(&self, now: Timestamp, most: usize, is_open: &dyn Fn(TaskId) -> bool) -> Option<Turn> {
        if self.paused {
            return None;
        }
        let mut turn = Turn {
            schedule: self.clone(),
            cancelled: Vec::new(),
            fired: Vec::new(),
            skipped: 0,
            missed: 0,
        };
        turn.schedule.running.retain(|id| is_open(*id));
        while !turn.schedule.waiting.is_empty() && turn.fired.len() < most && turn.may_start() {
            let tick = turn.schedule.waiting.remove(0);
            turn.fire(tick, Span::ZERO, now);
        }
        turn.pass_over_missed(now);
        for _ in 0..TICKS {
            let Some(tick) = turn.due(now).filter(|_| turn.fired.len() < most) else {
                break;
            };
            turn.schedule.next = self.spec.tick_after(self.id, tick.time);
            turn.act(tick, now);
        }
        let nothing = turn.fired.is_empty() && turn.skipped + turn.missed == 0;
        let same = turn.schedule.waiting == self.waiting && turn.schedule.next == self.next;
        (!nothing || !same).then_some(turn)
    }
}

impl Turn {
    fn due(&self, now: Timestamp) -> Option<Tick> {
        self.schedule.next.filter(|tick| tick.fire_time <= now)
    }

    fn may_start(&self) -> bool {
        self.schedule.spec.overlap == OverlapPolicy::AllowAll || self.schedule.running.is_empty()
    }

    /// Ticks that are later than the catch-up window allows.
    fn pass_over_missed(&mut self, now: Timestamp) {
        let spec = &self.schedule.spec;
        let (id, oldest, jitter) = (self.schedule.id, now.minus(spec.catchup), spec.jitter);
        while let Some(tick) = self.schedule.next.filter(|tick| tick.fire_time < oldest) {
            let after = if self.missed < MISSED_COUNTED {
                self.missed += 1;
                self.schedule.record(TickRecord {
                    tick: tick.time,
                    outcome: TickOutcome::Missed,
                    task_id: None,
                    time: now,
                });
                tick.time
            } else {
                tick.time.max(oldest.minus(jitter))
            };
            self.schedule.next = self.schedule.spec.tick_after(id, after);
        }
    }

    fn act(&mut self, tick: Tick, now: Timestamp) {
        let late = now.since(tick.fire_time);
        let free = self.may_start() && self.schedule.waiting.is_empty();
        match self.schedule.spec.overlap {
            // Of several that are due at once, only the last would outlive this turn.
            OverlapPolicy::CancelOther if self.due(now).is_some() => self.skip(tick, now),
            OverlapPolicy::CancelOther => {
                let others = std::mem::take(&mut self.schedule.running);
                self.cancelled.extend(others);
                self.fire(tick.time, late, now);
            }
            OverlapPolicy::AllowAll => self.fire(tick.time, late, now),
            OverlapPolicy::Skip | OverlapPolicy::BufferOne | OverlapPolicy::BufferAll if free => {
                self.fire(tick.time, late, now);
            }
            OverlapPolicy::BufferOne if self.schedule.waiting.is_empty() => {
                self.schedule.waiting.push(tick.time);
            }
            OverlapPolicy::BufferAll if self.schedule.waiting.len() < WAITING => {
                self.schedule.waiting.push(tick.time);
            }
            OverlapPolicy::Skip | OverlapPolicy::BufferOne | OverlapPolicy::BufferAll => self.skip(tick, now),
        }
    }

    fn fire(&mut self, tick: Timestamp, late: Span, now: Timestamp) {
        let task_id = tick_task_id(self.schedule.id, tick);
        self.fired.push(Fired { task_id, tick, late });
        self.schedule.started(task_id);
        self.schedule.record(TickRecord {
            tick,
            outcome: TickOutcome::Fired,
            task_id: Some(task_id),
            time: now,
        });
    }

    fn skip(&mut self, tick: Tick, now: Timestamp) {
        self.skipped += 1;
        self.schedule.record(TickRecord {
            tick: tick.time,
            outcome: TickOutcome::Skipped,
            task_id: None,
            time: now,
        });
    }
}
