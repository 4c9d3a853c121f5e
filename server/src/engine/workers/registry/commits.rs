//! What commits mean for workers: whose leases began, and whose were taken from them.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{ActorType, Directive, Event, EventType, Task, TaskId};

use super::{Registry, WorkerKey};
use crate::metrics;
use crate::store::WriteBatch;

impl Registry {
    /// Takes in a batch that was committed.
    pub(in crate::engine::workers) fn committed(&self, write: &WriteBatch) {
        let leased = |task: &Task| task.lease.is_some();
        let is_about_leases = write
            .updated
            .iter()
            .any(|(before, now)| leased(before) || leased(now))
            || write
                .inserted
                .iter()
                .chain(&write.deleted)
                .any(|task| leased(task));
        if !is_about_leases {
            return;
        }
        let taken = taken(&write.events);
        let mut known = self.workers.lock();
        for (before, now) in &write.updated {
            if leased(before) && (!leased(now) || now.fence != before.fence) {
                known.lose(before, taken.get(&before.id).copied(), now.update_time);
            }
        }
        let updated = write.updated.iter().map(|(_, now)| now);
        for now in write.inserted.iter().chain(updated) {
            if let (Some(lease), Some(holder)) = (now.lease, &now.assignee) {
                let key = WorkerKey::of(&now.namespace, holder);
                let held = (now.id, now.fence, lease.expire_time);
                known.hold(key, (holder, now.update_time), held);
            }
        }
        for before in write.deleted.iter().filter(|task| leased(task)) {
            known.lose(before, Some(Directive::Lost), before.update_time);
        }
        metrics::leases_live(known.leases);
    }

    /// Takes in what others committed: these events, and the tasks as they stand now.
    pub(in crate::engine::workers) fn learned(
        &self,
        events: &[Arc<Event>],
        tasks: &HashMap<TaskId, Arc<Task>>,
    ) {
        let taken = taken(events);
        let mut known = self.workers.lock();
        for event in events {
            let id = event.task_id;
            let now = tasks.get(&id);
            let standing = now.filter(|task| task.lease.is_some()).map(|task| task.fence);
            let held = known.holders.get(&id).and_then(|key| {
                let (fence, _) = known.by_key.get(key)?.leases.get(&id)?;
                Some((key.clone(), *fence))
            });
            if let Some((key, fence)) = held
                && standing != Some(fence)
            {
                let gone = now.is_none().then_some(Directive::Lost);
                let told = taken.get(&id).copied().or(gone);
                known.lose_lease(&key, (id, fence), (told, event.time));
            }
            if let Some(now) = now
                && let (Some(lease), Some(holder)) = (now.lease, &now.assignee)
            {
                let key = WorkerKey::of(&now.namespace, holder);
                let held = (id, now.fence, lease.expire_time);
                known.hold(key, (holder, now.update_time), held);
            }
        }
        metrics::leases_live(known.leases);
    }
}

/// What the holders of tasks that somebody else took from them are told.
fn taken(events: &[Arc<Event>]) -> HashMap<TaskId, Directive> {
    let mut taken = HashMap::new();
    for event in events {
        let by_baton = event.actor.kind == ActorType::System;
        let directive = if event.kind == EventType::Cancelled {
            Directive::Cancel
        } else if event.kind == EventType::Paused {
            Directive::Pause
        } else if by_baton && event.from_state != Some(event.to_state) {
            Directive::Lost
        } else {
            continue;
        };
        // The first one took it; what follows in the batch may be of the next holder.
        taken.entry(event.task_id).or_insert(directive);
    }
    taken
}
