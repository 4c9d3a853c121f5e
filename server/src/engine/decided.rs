//! A batch that is decided, and what becomes of it once it is written.

use std::sync::Arc;

use baton_domain::{Detail, Event, EventType, Timestamp};
use tracing::warn;

use super::batch::{Batch, Changed};
use super::claim::Left;
use super::committer::{Committer, Mode};
use super::handover::Handover;
use super::job::Answer;
use super::schedules::Ticks;
use super::workers::Workers;
use super::working::Working;
use crate::metrics;
use crate::store::WriteBatch;

/// What is left of a batch that stands.
pub(super) struct Settled {
    /// For those who asked, in the order of the jobs.
    pub(super) answers: Vec<Answer>,
    pub(super) events: Vec<Arc<Event>>,
}

/// A batch that is decided and not written.
pub(super) struct Decided {
    pub(super) now: Timestamp,
    pub(super) mode: Mode,
    /// In the order of its jobs.
    answers: Vec<Answer>,
    pub(super) write: WriteBatch,
    working: Working,
    changed: Changed,
    handovers: Vec<Handover>,
    left: Vec<Left>,
    ticks: Ticks,
}

impl Decided {
    /// Ends a batch of which hope has it that nothing it did not look up is there. What it makes ready is given to who waits.
    pub(super) fn hopefully(mut batch: Batch, answers: Vec<Answer>, workers: &Workers) -> Self {
        let handovers = batch.hand_over(workers);
        Self::of(batch, answers, (handovers, Mode::Hopeful))
    }

    /// Ends a batch that looked everything up. What was asked for must not fail by what was not: it gives nothing to who waits.
    pub(super) fn checked(batch: Batch, answers: Vec<Answer>) -> Self {
        Self::of(batch, answers, (Vec::new(), Mode::Checked))
    }

    fn of(mut batch: Batch, answers: Vec<Answer>, (handovers, mode): (Vec<Handover>, Mode)) -> Self {
        let now = batch.now;
        let left = std::mem::take(&mut batch.left);
        let ticks = std::mem::take(&mut batch.ticks);
        let (write, working, changed) = batch.into_write();
        Self {
            now,
            mode,
            answers,
            write,
            working,
            changed,
            handovers,
            left,
            ticks,
        }
    }

    /// It hands tasks to calls that wait; these may be what cannot be written.
    pub(super) fn hands_over(&self) -> bool {
        !self.handovers.is_empty()
    }

    /// Whether another batch may be decided over it before it is written: it changes nothing that is known as a whole.
    pub(super) fn carries_others(&self) -> bool {
        let Changed {
            types,
            queues,
            webhooks,
        } = &self.changed;
        types.is_empty() && webhooks.is_empty() && queues.is_empty()
    }
}

impl Committer {
    pub(super) fn workers(&self) -> &Workers {
        &self.loader.workers
    }

    /// Takes in what is written, and tells everybody but for who asked. What is decided from now on follows it once
    /// [`Self::move_on`] has its events.
    pub(super) fn settle(&mut self, decided: Decided) -> Settled {
        let Decided {
            now,
            answers,
            write,
            working,
            changed,
            handovers,
            left,
            ticks,
            mode: _,
        } = decided;
        if write.is_empty() {
            self.queues_committed(changed.queues, now);
        } else {
            self.types.apply(changed.types);
            self.webhooks.apply(changed.webhooks);
            // Where others write too, the next turn would forget it.
            let is_alone = self.is_alone();
            for (id, task) in working.into_results() {
                self.loader.cache.put(id, task.filter(|_| is_alone));
            }
            self.feed.publish(&write.events);
            self.queues_committed(changed.queues, now);
            self.workers()
                .committed(&write, |task| self.queues.is_shut(task, now));
            // What a worker can ask about is told by now; the rest need not wait for.
            handovers.into_iter().for_each(Handover::deliver);
            self.signals.committed();
            self.finished.count(write.events.iter().map(|event| &**event));
            announce_dead(&write.events);
            self.wake_timers(&write);
            ticks.tell();
        }
        self.workers().left(&left);
        Settled {
            answers,
            events: write.events,
        }
    }

    fn wake_timers(&self, write: &WriteBatch) {
        let wake = write
            .inserted
            .iter()
            .chain(write.updated.iter().map(|(_, now)| now))
            .flat_map(|t| t.wake_time().into_iter().chain(t.lease_end()));
        if let Some(first) = wake.chain(self.next_tick(write)).min() {
            self.signals.wake_at(first);
        }
        if !write.follow_ups_added.is_empty() {
            self.signals.follow_ups();
        }
    }

    /// Takes committed events into account: the next ones come after them.
    pub(super) fn move_on(&mut self, events: &[Arc<Event>]) {
        let heads = Arc::make_mut(&mut self.heads);
        for event in events {
            heads.advance(&event.namespace, event.time);
            self.last_time = self.last_time.max(event.time);
            self.loader.floors.note(event);
        }
    }
}

/// A task that nobody tries again is told of where somebody looks.
fn announce_dead(events: &[Arc<Event>]) {
    for event in events.iter().filter(|event| event.kind == EventType::Dead) {
        metrics::task_died(&event.queue);
        let code = if let Detail::Failure { error, .. } = &event.detail {
            error.code.as_str()
        } else {
            ""
        };
        warn!(
            task = %event.task_id,
            namespace = event.namespace,
            queue = event.queue,
            r#type = event.task_type,
            attempt = event.attempt,
            code,
            "a task is dead: its attempts are spent"
        );
    }
}
