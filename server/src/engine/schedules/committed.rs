//! What a commit means for schedules: when the next tick is, who is told of it, whether ticks that wait may go on.

use std::collections::HashSet;

use baton_domain::schedule::SCHEDULE_LABEL;
use baton_domain::{Schedule, ScheduleId, Task, Timestamp};
use parking_lot::Mutex;
use tracing::info;

use crate::engine::Signals;
use crate::engine::committer::Committer;
use crate::store::WriteBatch;

impl Committer {
    /// Takes written schedules into account; answers when the first of them has to act, or one that waits may.
    pub(in crate::engine) fn next_tick(&self, write: &WriteBatch) -> Option<Timestamp> {
        for schedule in &write.schedules_added {
            announce(&self.signals, schedule);
        }
        for (before, now) in &write.schedules_updated {
            if before.edit_revision != now.edit_revision {
                announce(&self.signals, now);
            }
        }
        let updated = write.schedules_updated.iter().map(|(_, now)| now);
        let written = || write.schedules_added.iter().chain(updated.clone());
        // Before it is looked whether a task has settled: in this very batch, it may have.
        if written().any(|schedule| schedule.waits()) {
            self.signals.set_ticks_wait(true);
        }
        let next = written()
            .filter_map(|schedule| Some(schedule.next?.fire_time))
            .min();
        let free = self.signals.ticks_wait() && write_settles(write);
        let now = free.then(|| Timestamp::from_micros(self.clock.now_micros()));
        next.into_iter().chain(now).min()
    }
}

/// Whether a task of a schedule settled or went.
fn write_settles(write: &WriteBatch) -> bool {
    let settled = write.updated.iter().map(|(_, now)| now);
    let settled = settled.filter(|task| task.state.is_settled());
    settled.chain(&write.deleted).any(|task| is_scheduled(task))
}

fn is_scheduled(task: &Task) -> bool {
    task.labels.contains_key(SCHEDULE_LABEL)
}

/// Which schedules the log was told of before all that there are were.
pub(in crate::engine) struct Announced(Mutex<Option<HashSet<(ScheduleId, i64)>>>);

impl Announced {
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(Some(HashSet::new())))
    }

    /// Whether the log was not yet told of the schedule as it stands; after this it is.
    fn is_news(&self, schedule: &Schedule) -> bool {
        let told = (schedule.id, schedule.edit_revision);
        self.0.lock().as_mut().is_none_or(|all| all.insert(told))
    }

    /// All are told of: what is committed from now on is news.
    pub(in crate::engine) fn end(&self) {
        *self.0.lock() = None;
    }
}

/// Tells whoever reads the log what is registered. What a file declares is committed before all schedules are told of, and
/// is told of once.
pub(crate) fn announce(signals: &Signals, schedule: &Schedule) {
    if !signals.announced.is_news(schedule) {
        return;
    }
    let Schedule {
        namespace,
        name,
        spec,
        ..
    } = schedule;
    let paused = if schedule.paused { ", paused" } else { "" };
    info!(
        namespace,
        schedule = name,
        "{name} scheduled: {}{paused}",
        spec.words()
    );
}
