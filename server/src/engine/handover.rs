//! Handing over: what a batch makes ready goes to calls that wait for it, by the commit that makes it so.
//!
//! Without it a task waits for two commits and a look into the database, one after the other, though its worker waits
//! already. A call that stands in line and rests has looked and found nothing, and whatever became ready since has woken
//! it: so nothing that is more urgent, or older, is passed over.

use std::cmp::Reverse;
use std::sync::Arc;

use baton_domain::{Task, is_leasable};
use tokio::sync::oneshot;

use super::batch::Batch;
use super::claim::{CLAIMED, Found};
use super::job::Done;
use super::queues::Look;
use super::workers::{Resting, Workers, kind};
use crate::store::Ready;

/// Tasks for a call that waits, once they are committed. Dropped before that, the call looks for itself.
pub(super) struct Handover {
    reply: oneshot::Sender<Vec<Done>>,
    granted: Vec<Done>,
}

impl Handover {
    /// The commit stands. A call that is gone meanwhile leaves its leases to their ends, as after any claim.
    pub(super) fn deliver(self) {
        drop(self.reply.send(self.granted));
    }
}

impl Batch {
    /// Leases what became ready to those who rest in line for it, the longest waiting first. The last thing that a batch
    /// does.
    pub(super) fn hand_over(&mut self, workers: &Workers) -> Vec<Handover> {
        let mut handovers = Vec::new();
        if workers.parked.is_empty() {
            return handovers;
        }
        let ready = self.became_ready();
        // What claims chose from was read before.
        self.candidates.clear();
        for task in &ready {
            let is_left = self.working.get(task.id).is_some_and(|task| is_leasable(task));
            // Where a queue has limits, others may wait for room in it that are older or more urgent.
            let is_limited = self.limits.is_limited((&task.namespace, &task.queue));
            if !is_left || is_limited || self.taken >= CLAIMED {
                continue;
            }
            let Some(Resting { claim, reply }) = workers.rouse(kind(task)) else {
                continue;
            };
            if !self.candidates.contains_key(&claim.demand) {
                let takes = |task: &&Arc<Task>| claim.demand.takes(kind(task));
                let found = ready.iter().filter(takes).map(entry).collect();
                let look = Look {
                    ready: found,
                    ..Look::default()
                };
                let found = Found::new(look, &self.working);
                self.candidates.insert(claim.demand.clone(), found);
            }
            let granted = self.give_out(&claim);
            if !granted.is_empty() {
                handovers.push(Handover { reply, granted });
            }
        }
        handovers
    }

    /// In the order in which they are given out.
    fn became_ready(&self) -> Vec<Arc<Task>> {
        let new = self.working.changes().filter(|(before, now)| {
            let was = before.is_some_and(|before| is_leasable(before) && kind(before) == kind(now));
            is_leasable(now) && !was
        });
        let mut ready: Vec<Arc<Task>> = new.map(|(_, now)| Arc::clone(now)).collect();
        ready.sort_unstable_by_key(|task| (Reverse(task.priority.number()), task.queue_time, task.id));
        ready
    }
}

pub(super) fn entry(task: &Arc<Task>) -> Ready {
    Ready {
        id: task.id,
        priority: task.priority.number(),
        since: task.queue_time.unwrap_or(task.update_time),
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
    }
}
