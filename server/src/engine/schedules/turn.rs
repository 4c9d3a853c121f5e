//! What ticks do.

use std::sync::Arc;

use baton_domain::schedule::{OverlapPolicy, TickOutcome};
use baton_domain::{
    Action, Actor, HeapBytes as _, NewTask, Schedule, ScheduleId, Span, TaskId, Timestamp, decide,
};

use crate::engine::batch::{Batch, system};
use crate::engine::intake::{BATCH_BYTES, BATCH_COMMANDS};
use crate::engine::job::CreateRequest;
use crate::metrics;

/// A row without its texts and documents, roughly.
const ROW_BYTES: usize = 512;
/// What the tasks are told that give way to the one of the next tick.
const GAVE_WAY: &str = "the schedule's next task takes its place";

/// What the turns of a batch did.
#[derive(Default)]
pub(in crate::engine) struct Ticks {
    /// How late each tick was whose task was made.
    late: Vec<Span>,
    skipped: usize,
    missed: usize,
    /// Bytes of the tasks that were made.
    bytes: usize,
}

impl Ticks {
    /// Tells the metrics, once it is committed.
    pub(in crate::engine) fn tell(&self) {
        for late in &self.late {
            metrics::tick_fired(std::time::Duration::from_micros(late.as_micros().unsigned_abs()));
        }
        metrics::ticks_passed_over(TickOutcome::Skipped.name(), self.skipped);
        metrics::ticks_passed_over(TickOutcome::Missed.name(), self.missed);
    }

    /// How many tasks of `size` bytes another turn may make. What is left over is the next batch's: it stays due.
    fn room(&self, size: usize) -> usize {
        let tasks = BATCH_COMMANDS.saturating_sub(self.late.len());
        let bytes = BATCH_BYTES.saturating_sub(self.bytes) / size.max(1);
        let least = usize::from(self.late.is_empty());
        tasks.min(bytes).max(least)
    }
}

impl Batch {
    /// Lets a schedule act on what is due; nothing where it is gone, or has nothing to do.
    pub(in crate::engine) fn take_turn(&mut self, id: ScheduleId) {
        let Some(before) = self.schedules.get(id).cloned() else {
            return;
        };
        let size = ROW_BYTES + before.template.heap_bytes();
        let room = self.ticks.room(size);
        let watches = before.spec.overlap != OverlapPolicy::AllowAll;
        let is_open = |id: TaskId| {
            let task = self.working.get(id);
            !watches || task.is_some_and(|task| task.state.is_open())
        };
        let Some(turn) = before.turn(self.now, room, &is_open).filter(|_| room > 0) else {
            return;
        };
        for id in turn.cancelled {
            self.give_way(id);
        }
        for fired in turn.fired {
            self.ticks.late.push(fired.late);
            self.ticks.bytes += size;
            self.make(&before, fired.task_id, fired.tick);
        }
        self.ticks.skipped += turn.skipped;
        self.ticks.missed += turn.missed;
        self.schedules.put(Arc::new(turn.schedule));
    }

    fn give_way(&mut self, id: TaskId) {
        let Some(task) = self.working.get(id).cloned() else {
            return;
        };
        let cancel = system(Action::Cancel {
            reason: GAVE_WAY.to_owned(),
        });
        if let Ok(outcome) = decide(&task, &cancel, self.now) {
            self.accept(Some(&task), outcome);
        }
    }

    /// The task that a schedule makes, with what its type gives it today.
    pub(super) fn task_of(&self, schedule: &Schedule, id: TaskId, tick: Option<Timestamp>) -> Box<NewTask> {
        let mut new = schedule.task(id, tick);
        let known = self.types.get(&new.namespace, &new.task_type);
        new.fill_in(known.as_ref().map(|known| &known.task_type.spec.defaults));
        Box::new(new)
    }

    fn make(&mut self, schedule: &Schedule, id: TaskId, tick: Timestamp) {
        if self.working.contains(id) {
            // Somebody gave this very id to a task: it stands for the tick.
            return;
        }
        let member = CreateRequest {
            new: self.task_of(schedule, id, Some(tick)),
            creator: Actor::system(),
            chosen_id: false,
        };
        // It waits for nothing, belongs to nothing and has no key: nothing can refuse it.
        drop(self.create_alone(member));
    }
}
