//! Who works: when each worker was heard of last, what it holds, and what it is to be told.
//!
//! It is not stored. When a worker was seen, and what it asks for, it says again within seconds of a restart; what it
//! holds is read from the leases. To store it would be a write for every poll and renewal. What a restart loses is a
//! request to drain that the worker has not followed yet: open calls hear of one at once.

mod commits;

use std::collections::{BTreeMap, HashMap};

use baton_domain::{Actor, Directive, Span, Task, TaskId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::broadcast::{self, error::RecvError};

use super::known::{News, Seen, Told, WorkerKey, WorkerView};
use crate::metrics;
use crate::store::{Demand, HeldLease};

/// A worker that holds nothing is forgotten so long after it was heard of last.
const REMEMBERED: Span = Span::from_secs(3_600);
/// Workers that hold nothing and are remembered; of more, those unheard of for longest go first.
const REMEMBERED_COUNT: usize = 10_000;
/// News that wait for a worker which does not poll; the oldest go first, renewals tell them all the same.
const NEWS_KEPT: usize = 1_000;
/// Calls of workers that wait at once, each of a few kilobytes.
const OPEN_CALLS: usize = 20_000;
/// What an open call may be behind before it has to look for itself.
const TOLD: usize = 16;

struct Worker {
    actor: Actor,
    asks: Option<Demand>,
    draining: bool,
    first_seen: Timestamp,
    last_seen: Timestamp,
    open_calls: usize,
    leases: HashMap<TaskId, (i64, Timestamp)>,
    news: Vec<News>,
    /// To its open calls.
    told: broadcast::Sender<Told>,
}

/// Every worker that is known.
#[derive(Default)]
pub struct Registry {
    workers: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_key: BTreeMap<WorkerKey, Worker>,
    /// Who holds each leased task.
    holders: HashMap<TaskId, WorkerKey>,
    /// How many were left when some were forgotten last.
    kept: usize,
    /// Leases of all of them.
    leases: usize,
    /// Calls of all of them that wait.
    open_calls: usize,
}

/// A call of a worker that waits; while it does, the worker counts as heard of.
pub(crate) struct OpenCall<'a> {
    registry: &'a Registry,
    key: WorkerKey,
    told: broadcast::Receiver<Told>,
}

impl Registry {
    /// A worker called.
    pub fn seen(&self, key: &WorkerKey, actor: &Actor, (what, now): (Seen<'_>, Timestamp)) {
        let mut known = self.workers.lock();
        let worker = known.worker(key.clone(), actor, now);
        worker.last_seen = worker.last_seen.max(now);
        if let Seen::Asks(demand) = what {
            worker.actor.clone_from(actor);
            if worker.asks.as_ref() != Some(demand) {
                worker.asks = Some(demand.clone());
            }
        }
        // Those that cannot be forgotten are not walked again for every call.
        if known.by_key.len() > REMEMBERED_COUNT.max(known.kept + known.kept / 10) {
            known.forget(now);
        }
    }

    /// A call of that worker waits from now on. `None` where as many wait as may.
    pub(crate) fn open_call(&self, key: &WorkerKey, actor: &Actor, now: Timestamp) -> Option<OpenCall<'_>> {
        let mut known = self.workers.lock();
        if known.open_calls >= OPEN_CALLS {
            return None;
        }
        known.open_calls += 1;
        let worker = known.worker(key.clone(), actor, now);
        worker.open_calls += 1;
        Some(OpenCall {
            registry: self,
            key: key.clone(),
            told: worker.told.subscribe(),
        })
    }

    /// Asks a worker to drain, or takes that back; answers the worker, `None` where nobody of that name was heard of.
    pub fn drain(&self, key: &WorkerKey, draining: bool, now: Timestamp) -> Option<WorkerView> {
        let mut known = self.workers.lock();
        let worker = known.by_key.get_mut(key)?;
        if worker.draining != draining {
            worker.draining = draining;
            worker.tell(Told::Drain);
        }
        Some(worker.view(key, now))
    }

    /// Whether that worker is to take nothing new.
    #[must_use]
    pub fn is_draining(&self, key: &WorkerKey) -> bool {
        let known = self.workers.lock();
        known.by_key.get(key).is_some_and(|worker| worker.draining)
    }

    /// That worker.
    #[must_use]
    pub fn get(&self, key: &WorkerKey, now: Timestamp) -> Option<WorkerView> {
        let known = self.workers.lock();
        known.by_key.get(key).map(|worker| worker.view(key, now))
    }

    /// At most `limit` workers of `namespace` behind the id `after`, by their ids.
    #[must_use]
    pub fn list(
        &self,
        (namespace, after): (&str, Option<&str>),
        limit: usize,
        now: Timestamp,
    ) -> Vec<WorkerView> {
        let mut known = self.workers.lock();
        known.forget(now);
        let from = WorkerKey {
            namespace: namespace.to_owned(),
            id: after.unwrap_or_default().to_owned(),
        };
        known
            .by_key
            .range(from..)
            .take_while(|(key, _)| key.namespace == namespace)
            .filter(|(key, _)| after.is_none_or(|after| key.id != after))
            .take(limit)
            .map(|(key, worker)| worker.view(key, now))
            .collect()
    }

    /// Which of these leases, by task and fence, that worker does not hold any more.
    #[must_use]
    pub fn lost(&self, key: &WorkerKey, leases: &[(TaskId, i64)]) -> Vec<(TaskId, i64)> {
        let known = self.workers.lock();
        let held = known.by_key.get(key).map(|worker| &worker.leases);
        let is_held = |task_id: TaskId, fence: i64| {
            let held = held.and_then(|leases| leases.get(&task_id));
            held.is_some_and(|(standing, _)| *standing == fence)
        };
        let lost = leases
            .iter()
            .filter(|(task_id, fence)| !is_held(*task_id, *fence));
        lost.copied().collect()
    }

    /// Whose the lease of that task and fence is, and when it ends.
    #[must_use]
    pub fn holder(&self, (task_id, fence): (TaskId, i64)) -> Option<(WorkerKey, Timestamp)> {
        let known = self.workers.lock();
        let key = known.holders.get(&task_id)?;
        let (standing, end) = known.by_key.get(key)?.leases.get(&task_id)?;
        (*standing == fence).then(|| (key.clone(), *end))
    }

    /// Whether a worker holds that task, as far as is known here.
    pub(super) fn is_held(&self, task_id: TaskId) -> bool {
        self.workers.lock().holders.contains_key(&task_id)
    }

    /// What a worker was not told yet.
    pub fn take_news(&self, key: &WorkerKey) -> Vec<News> {
        let mut known = self.workers.lock();
        let worker = known.by_key.get_mut(key);
        worker
            .map(|worker| std::mem::take(&mut worker.news))
            .unwrap_or_default()
    }

    /// Begins anew with these leases; what workers said of themselves stays.
    pub(crate) fn reset(&self, leases: Vec<HeldLease>, now: Timestamp) {
        let mut known = self.workers.lock();
        known.by_key.values_mut().for_each(|worker| worker.leases.clear());
        known.leases = 0;
        known.holders.clear();
        for lease in leases {
            let key = WorkerKey::of(&lease.namespace, &lease.holder);
            let held = (lease.task_id, lease.fence, lease.expire_time);
            known.hold(key, (&lease.holder, now), held);
        }
        metrics::leases_live(known.leases);
    }
}

impl Known {
    fn worker(&mut self, key: WorkerKey, actor: &Actor, now: Timestamp) -> &mut Worker {
        self.by_key.entry(key).or_insert_with(|| Worker::new(actor, now))
    }

    fn hold(
        &mut self,
        key: WorkerKey,
        (holder, now): (&Actor, Timestamp),
        (task_id, fence, end): (TaskId, i64, Timestamp),
    ) {
        self.holders.insert(task_id, key.clone());
        let held = self.worker(key, holder, now).leases.insert(task_id, (fence, end));
        self.leases += usize::from(held.is_none());
    }

    /// The lease of a task ended; its holder is told where it did not end it itself, else it was heard of.
    fn lose(&mut self, before: &Task, told: Option<Directive>, now: Timestamp) {
        let Some(holder) = &before.assignee else { return };
        let key = WorkerKey::of(&before.namespace, holder);
        self.lose_lease(&key, (before.id, before.fence), (told, now));
    }

    fn lose_lease(
        &mut self,
        key: &WorkerKey,
        (task_id, fence): (TaskId, i64),
        (told, now): (Option<Directive>, Timestamp),
    ) {
        let Some(worker) = self.by_key.get_mut(key) else {
            return;
        };
        self.holders.remove(&task_id);
        let held = worker.leases.remove(&task_id);
        self.leases -= usize::from(held.is_some());
        let Some(directive) = told else {
            worker.last_seen = worker.last_seen.max(now);
            return;
        };
        if worker.news.len() >= NEWS_KEPT {
            worker.news.remove(0);
        }
        let news = News {
            task_id,
            fence,
            directive,
        };
        worker.news.push(news);
        worker.tell(Told::News(news));
    }

    fn forget(&mut self, now: Timestamp) {
        self.drop_idle(now);
        self.kept = self.by_key.len();
    }

    /// Drops workers that hold nothing, wait for nothing and were not heard of for long.
    fn drop_idle(&mut self, now: Timestamp) {
        let is_idle = |worker: &Worker| worker.leases.is_empty() && worker.open_calls == 0;
        self.by_key
            .retain(|_, worker| !is_idle(worker) || now.since(worker.last_seen) < REMEMBERED);
        if self.by_key.len() <= REMEMBERED_COUNT {
            return;
        }
        let idle = self.by_key.iter().filter(|(_, worker)| is_idle(worker));
        let mut idle: Vec<_> = idle
            .map(|(key, worker)| (worker.last_seen, key.clone()))
            .collect();
        idle.sort_unstable();
        // A tenth more than must go, so that this is seldom done.
        let surplus = self.by_key.len() - REMEMBERED_COUNT + REMEMBERED_COUNT / 10;
        for (_, key) in idle.into_iter().take(surplus) {
            self.by_key.remove(&key);
        }
    }
}

impl Worker {
    fn new(actor: &Actor, now: Timestamp) -> Self {
        Self {
            actor: actor.clone(),
            asks: None,
            draining: false,
            first_seen: now,
            last_seen: now,
            open_calls: 0,
            leases: HashMap::new(),
            news: Vec::new(),
            told: broadcast::Sender::new(TOLD),
        }
    }

    fn tell(&self, what: Told) {
        // Nobody may be listening.
        drop(self.told.send(what));
    }

    fn held(&self) -> Vec<(TaskId, i64, Timestamp)> {
        let mut leases: Vec<_> = self
            .leases
            .iter()
            .map(|(id, (fence, end))| (*id, *fence, *end))
            .collect();
        leases.sort_unstable();
        leases
    }

    fn view(&self, key: &WorkerKey, now: Timestamp) -> WorkerView {
        WorkerView {
            namespace: key.namespace.clone(),
            actor: self.actor.clone(),
            asks: self.asks.clone(),
            draining: self.draining,
            first_seen: self.first_seen,
            last_seen: if self.open_calls > 0 { now } else { self.last_seen },
            leases: self.held(),
        }
    }
}

impl OpenCall<'_> {
    /// Waits for the next thing that the worker must hear of since the call was opened.
    pub(crate) async fn told(&mut self) -> Told {
        match self.told.recv().await {
            Ok(told) => told,
            Err(RecvError::Lagged(_)) => Told::Much,
            // The worker was forgotten, which does not happen while a call of it is open.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let mut known = self.registry.workers.lock();
        known.open_calls = known.open_calls.saturating_sub(1);
        if let Some(worker) = known.by_key.get_mut(&self.key) {
            worker.open_calls = worker.open_calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
