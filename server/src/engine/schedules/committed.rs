//! What a commit means for schedules: when the next tick is, who is told of it, whether ticks that wait may go on.

use baton_domain::schedule::SCHEDULE_LABEL;
use baton_domain::{Schedule, Task, Timestamp};
use tracing::info;

use crate::engine::committer::Committer;
use crate::store::WriteBatch;

impl Committer {
    /// Takes written schedules into account; answers when the first of them has to act, or one that waits may.
    pub(in crate::engine) fn next_tick(&self, write: &WriteBatch) -> Option<Timestamp> {
        for schedule in &write.schedules_added {
            announce(schedule);
        }
        for (before, now) in &write.schedules_updated {
            if before.edit_revision != now.edit_revision {
                announce(now);
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

/// Tells whoever reads the log what is registered.
pub(crate) fn announce(schedule: &Schedule) {
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
