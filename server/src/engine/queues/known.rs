//! All queues that were created, as last committed.

use std::collections::HashMap;

use baton_domain::{Queue, Task, Timestamp};

use super::HeldBack;
use crate::store::{KeyUse, StandingQueue};

/// A queue as the committer knows it.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Known {
    pub(in crate::engine) standing: StandingQueue,
    /// Leased tasks of each key that has any.
    pub(super) keys: HashMap<String, i64>,
    /// Somebody asked for its tasks and was not given what is ready: there may be more than what is waited for.
    pub(super) held_back: bool,
}

/// Held by the committer, which writes them all.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Queues {
    /// By namespace and name.
    pub(super) known: HashMap<String, HashMap<String, Known>>,
    /// They are as the store has them. False before they were read, and where what was committed is not known.
    is_read: bool,
}

impl Queues {
    /// What the store has.
    pub(super) fn of(queues: Vec<StandingQueue>, keys: Vec<KeyUse>) -> Self {
        let mut of_queue: HashMap<_, HashMap<String, i64>> = HashMap::new();
        for KeyUse { queue, key, leased } in keys {
            of_queue.entry(queue).or_default().insert(key, leased);
        }
        let mut read = Self {
            known: HashMap::new(),
            is_read: true,
        };
        for standing in queues {
            let keys = of_queue.remove(&standing.queue.id).unwrap_or_default();
            read.put(Known {
                standing,
                keys,
                // Whoever waited before is not known to.
                held_back: true,
            });
        }
        read
    }

    pub(in crate::engine) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// They are to be read before anything else is decided.
    pub(in crate::engine) const fn forget(&mut self) {
        self.is_read = false;
    }

    /// Whether nobody created any.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(in crate::engine) fn get(&self, namespace: &str, name: &str) -> Option<&Known> {
        self.known.get(namespace)?.get(name)
    }

    pub(super) fn get_mut(&mut self, namespace: &str, name: &str) -> Option<&mut Known> {
        self.known.get_mut(namespace)?.get_mut(name)
    }

    /// Takes in what a look into a queue came to.
    pub(in crate::engine) fn hold_back(&mut self, held_back: HeldBack) {
        let HeldBack {
            namespace,
            queue,
            is_so,
        } = held_back;
        if let Some(known) = self.get_mut(&namespace, &queue) {
            known.held_back = is_so;
        }
    }

    pub(super) fn put(&mut self, known: Known) {
        let Queue { namespace, name, .. } = &*known.standing.queue;
        let (namespace, name) = (namespace.clone(), name.clone());
        self.known.entry(namespace).or_default().insert(name, known);
    }

    pub(super) fn remove(&mut self, namespace: &str, name: &str) {
        if let Some(of_namespace) = self.known.get_mut(namespace) {
            of_namespace.remove(name);
            if of_namespace.is_empty() {
                self.known.remove(namespace);
            }
        }
    }

    /// Whether limits keep this task from being given out at `now`.
    pub(in crate::engine) fn is_shut(&self, task: &Task, now: Timestamp) -> bool {
        let Some(Known { standing, keys, .. }) = self.get(&task.namespace, &task.queue) else {
            return false;
        };
        let leased = |key: &str| keys.get(key).copied().unwrap_or(0);
        standing
            .queue
            .is_shut(&task.labels, (standing.usage, leased), now)
    }
}
