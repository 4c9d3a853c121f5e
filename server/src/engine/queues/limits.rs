//! The queues of one batch: as the store has them, and as the jobs decided so far leave them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use baton_domain::queue::{Usage, takes_place};
use baton_domain::{Queue, RetryPolicy, Task, Timestamp};

use super::Queues;
use crate::store::{KeyUse, StandingQueue, WriteBatch};

/// A queue that a batch changes, or whose tasks it gives out or takes back.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) before: Option<StandingQueue>,
    pub(super) now: Option<StandingQueue>,
    /// Leased tasks of the keys that were touched, as they are now.
    pub(super) keys: HashMap<String, i64>,
    /// A task was passed over though it is ready.
    pub(super) held_back: bool,
}

/// By namespace and name.
pub(super) type Slots = BTreeMap<(String, String), Slot>;

/// The queues of one batch.
pub(in crate::engine) struct Limits {
    known: Arc<Queues>,
    slots: Slots,
}

impl Limits {
    pub(in crate::engine) const fn new(known: Arc<Queues>) -> Self {
        Self {
            known,
            slots: BTreeMap::new(),
        }
    }

    fn slot(&self, (namespace, name): (&str, &str)) -> Option<&Slot> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The queue as it stands within the batch.
    pub(super) fn get(&self, (namespace, name): (&str, &str)) -> Option<&StandingQueue> {
        match self.slot((namespace, name)) {
            Some(slot) => slot.now.as_ref(),
            None => self.known.get(namespace, name).map(|known| &known.standing),
        }
    }

    fn leased_of_key(&self, (namespace, name): (&str, &str), key: &str) -> i64 {
        let changed = self.slot((namespace, name)).and_then(|slot| slot.keys.get(key));
        let known = || self.known.get(namespace, name)?.keys.get(key);
        changed.or_else(known).copied().unwrap_or(0)
    }

    /// Every key of which tasks are leased, or were before the batch.
    pub(super) fn keys(&self, (namespace, name): (&str, &str)) -> Vec<String> {
        let known = self.known.get(namespace, name).map(|known| known.keys.keys());
        let changed = self.slot((namespace, name)).map(|slot| slot.keys.keys());
        let all = known.into_iter().flatten().chain(changed.into_iter().flatten());
        all.cloned().collect()
    }

    /// How many queues of a namespace were created.
    pub(super) fn count(&self, namespace: &str) -> usize {
        let known = self.known.known.get(namespace).map_or(0, HashMap::len);
        let of_namespace = self.slots.iter().filter(|((of, _), _)| of == namespace);
        of_namespace.fold(known, |count, (_, slot)| {
            count + usize::from(slot.now.is_some()) - usize::from(slot.before.is_some())
        })
    }

    /// The slot of a queue that is known to be there, or is to be.
    pub(super) fn slot_mut(&mut self, (namespace, name): (&str, &str)) -> &mut Slot {
        let standing = || {
            self.known
                .get(namespace, name)
                .map(|known| known.standing.clone())
        };
        self.slots
            .entry((namespace.to_owned(), name.to_owned()))
            .or_insert_with(|| {
                let before = standing();
                Slot {
                    now: before.clone(),
                    before,
                    ..Slot::default()
                }
            })
    }

    /// Counts what a change of a task means for its queue: the only place where what is in use changes, but for the queue
    /// that comes to be or is given other keys, which is counted anew.
    pub(in crate::engine) fn moved(&mut self, before: Option<&Task>, now: Option<&Task>) {
        let before = before.filter(|task| takes_place(task));
        let now = now.filter(|task| takes_place(task));
        if before.is_none() && now.is_none() {
            return;
        }
        if let (Some(before), Some(now)) = (before, now)
            && before.queue == now.queue
            && (Arc::ptr_eq(&before.labels, &now.labels) || before.labels == now.labels)
        {
            return;
        }
        for (task, by) in [(before, -1), (now, 1)] {
            if let Some(task) = task {
                self.count_in(task, by);
            }
        }
    }

    fn count_in(&mut self, task: &Task, by: i64) {
        let named = (task.namespace.as_str(), task.queue.as_str());
        let Some(standing) = self.get(named) else { return };
        let key = standing.queue.key_of(&task.labels).map(str::to_owned);
        let of_key = key.map(|key| (self.leased_of_key(named, &key) + by, key));
        let slot = self.slot_mut(named);
        if let Some(standing) = &mut slot.now {
            standing.usage.leased += by;
        }
        if let Some((leased, key)) = of_key {
            slot.keys.insert(key, leased);
        }
    }

    /// Whether anything may keep tasks of that queue from being given out.
    pub(in crate::engine) fn is_limited(&self, (namespace, name): (&str, &str)) -> bool {
        let standing = self.get((namespace, name));
        standing.is_some_and(|standing| standing.queue.is_limited())
    }

    /// Whether that queue gives out nothing at `now`.
    pub(in crate::engine) fn is_full(&self, (namespace, name): (&str, &str), now: Timestamp) -> bool {
        let standing = self.get((namespace, name));
        standing.is_some_and(|StandingQueue { queue, usage }| queue.room(*usage, now) == 0)
    }

    /// Whether limits keep a ready task from being given out at `now`.
    pub(in crate::engine) fn is_shut(&self, task: &Task, now: Timestamp) -> bool {
        let named = (task.namespace.as_str(), task.queue.as_str());
        let Some(StandingQueue { queue, usage }) = self.get(named) else {
            return false;
        };
        let leased = |key: &str| self.leased_of_key(named, key);
        queue.is_shut(&task.labels, (*usage, leased), now)
    }

    /// A ready task was passed over because of its queue's limits.
    pub(in crate::engine) fn hold_back(&mut self, task: &Task) {
        self.slot_mut((&task.namespace, &task.queue)).held_back = true;
    }

    /// A task was given out at `now`: it had its turn.
    pub(in crate::engine) fn given_out(&mut self, task: &Task, now: Timestamp) {
        let named = (task.namespace.as_str(), task.queue.as_str());
        if self
            .get(named)
            .is_none_or(|standing| standing.queue.spec.rate.is_none())
        {
            return;
        }
        if let Some(StandingQueue { queue, usage }) = &mut self.slot_mut(named).now {
            *usage = queue.given_out(*usage, now);
        }
    }

    /// When failed attempts of a task are tried again that does not say so itself, as its queue has it.
    pub(in crate::engine) fn retry_policy(&self, task: &Task) -> Option<&RetryPolicy> {
        let standing = self.get((&task.namespace, &task.queue))?;
        standing.queue.spec.retry_policy.as_ref()
    }

    /// Fills the rows of `batch`; answers what the committer takes over once they are written.
    pub(in crate::engine) fn write_into(self, batch: &mut WriteBatch) -> Changes {
        for ((namespace, name), slot) in &self.slots {
            match (&slot.before, &slot.now) {
                (None, Some(now)) => batch.queues_added.push(now.clone()),
                (Some(before), None) => batch.queues_removed.push(before.queue.id),
                (Some(before), Some(now)) if before.queue.id != now.queue.id => {
                    batch.queues_removed.push(before.queue.id);
                    batch.queues_added.push(now.clone());
                }
                (Some(before), Some(now)) if before != now => {
                    batch.queues_updated.push((before.clone(), now.clone()));
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
            let Some(now) = &slot.now else { continue };
            let known = self.known.get(namespace, name);
            let known = known.filter(|known| known.standing.queue.id == now.queue.id);
            let stored = |key| known.and_then(|known| known.keys.get(key)).copied().unwrap_or(0);
            let changed = slot
                .keys
                .iter()
                .filter(|(key, leased)| stored(key.as_str()) != **leased);
            batch.keys_used.extend(changed.map(|(key, leased)| KeyUse {
                queue: now.queue.id,
                key: key.clone(),
                leased: *leased,
            }));
        }
        Changes(self.slots)
    }
}

/// What a batch made of queues.
#[derive(Default)]
pub(in crate::engine) struct Changes(pub(super) Slots);

impl Changes {
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Slot {
    /// It is this queue from now on, with that in use.
    pub(super) fn put(&mut self, queue: Queue, usage: Usage) {
        self.now = Some(StandingQueue {
            queue: Arc::new(queue),
            usage,
        });
    }
}
