//! The keys that tell tasks from others, as the commands decided so far leave them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use baton_domain::dedup::Hold;
use baton_domain::{Task, Timestamp};

use super::working::Working;
use crate::store::{HeldKey, WriteBatch};

/// Namespace and key.
type Named = (String, String);

/// Who holds which key. Commands see each other's changes here, in order.
#[derive(Default)]
pub(super) struct Keys {
    holds: HashMap<Named, Hold>,
    /// Those of `holds` that the store does not have so.
    taken: BTreeSet<Named>,
    released: Vec<HeldKey>,
}

impl Keys {
    pub(super) fn add_loaded(&mut self, held: HeldKey) {
        let HeldKey { namespace, key, hold } = held;
        self.holds.insert((namespace, key), hold);
    }

    /// The task that holds this key at `now`. Tasks that hold a key which was loaded are loaded too.
    pub(super) fn holder<'a>(
        &self,
        working: &'a Working,
        (namespace, key): (&str, &str),
        now: Timestamp,
    ) -> Option<&'a Arc<Task>> {
        let hold = self.holds.get(&(namespace.to_owned(), key.to_owned()))?;
        let holder = working.get(hold.task_id);
        holder.filter(|task| hold.stands(Some(task.state), now))
    }

    /// `task` holds its key from now on.
    pub(super) fn take(&mut self, task: &Task, expire_time: Option<Timestamp>) {
        let hold = Hold {
            task_id: task.id,
            expire_time,
        };
        let named = name_of(task);
        self.taken.insert(named.clone());
        self.holds.insert(named, hold);
    }

    /// `task` is open no more: without a window, its key is free.
    pub(super) fn release(&mut self, task: &Task) {
        if task.dedup_key.is_empty() {
            return;
        }
        let hold = Hold {
            task_id: task.id,
            expire_time: None,
        };
        let named = name_of(task);
        if self.holds.get(&named) == Some(&hold) {
            self.holds.remove(&named);
            self.taken.remove(&named);
        }
        let (namespace, key) = named;
        // Also where it was not loaded: whether the key has a window is known by its row alone.
        self.released.push(HeldKey { namespace, key, hold });
    }

    /// Fills the rows of `batch`.
    pub(super) fn write_into(&self, batch: &mut WriteBatch) {
        batch.keys_released.clone_from(&self.released);
        let taken = self.taken.iter().filter_map(|named| {
            let (namespace, key) = named.clone();
            let hold = *self.holds.get(named)?;
            Some(HeldKey { namespace, key, hold })
        });
        batch.keys_taken.extend(taken);
    }
}

fn name_of(task: &Task) -> Named {
    (task.namespace.clone(), task.dedup_key.clone())
}
