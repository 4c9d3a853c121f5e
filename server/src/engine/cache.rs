//! Open tasks as last committed, so that a batch need not read what the one before it wrote.

use std::sync::Arc;

use baton_domain::{HeapBytes as _, Task, TaskId};
use lru::LruCache;

/// Bytes of tasks kept.
pub(super) const CACHE_BYTES: usize = 64 * 1024 * 1024;
/// A larger task is read again when it is needed: one of them must not push out a thousand small ones.
const LARGEST_TASK_BYTES: usize = 16 * 1024;
/// What the map takes for a task, and what allocations are larger than they need to be, roughly.
const ENTRY_BYTES: usize = 256;

/// Written through by the only writer of the file, so it is never stale.
pub(super) struct Cache {
    tasks: LruCache<TaskId, (Arc<Task>, usize)>,
    bytes: usize,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            tasks: LruCache::unbounded(),
            bytes: 0,
        }
    }

    pub(super) fn get(&mut self, id: TaskId) -> Option<Arc<Task>> {
        self.tasks.get(&id).map(|(task, _)| Arc::clone(task))
    }

    /// What a committed batch left behind.
    pub(super) fn put(&mut self, id: TaskId, task: Option<Arc<Task>>) {
        let Some(task) = task.filter(|t| t.state.is_open()) else {
            return self.forget(id);
        };
        let known = self.tasks.get_mut(&id);
        if known.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, &task)) {
            // The batch only looked at it.
            return;
        }
        let size = size(&task);
        if size > LARGEST_TASK_BYTES {
            return self.forget(id);
        }
        self.bytes += size;
        if let Some(known) = known {
            self.bytes -= known.1;
            *known = (task, size);
        } else {
            self.tasks.put(id, (task, size));
        }
        while self.bytes > CACHE_BYTES
            && let Some((_, (_, size))) = self.tasks.pop_lru()
        {
            self.bytes -= size;
        }
    }

    fn forget(&mut self, id: TaskId) {
        if let Some((_, size)) = self.tasks.pop(&id) {
            self.bytes -= size;
        }
    }

    /// Forgets everything: where it may be behind the store, that is read again.
    pub(super) fn clear(&mut self) {
        self.tasks.clear();
        self.bytes = 0;
    }
}

fn size(task: &Task) -> usize {
    ENTRY_BYTES + size_of::<Task>() + task.heap_bytes()
}
