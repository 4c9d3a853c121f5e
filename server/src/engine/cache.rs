//! Open tasks as last committed, so that a batch need not read what the one before it wrote.

use std::sync::Arc;

use baton_domain::{Payload, Task, TaskId};
use lru::LruCache;

/// Bytes of tasks kept.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// A larger task is read again when it is needed: one of them must not push out a thousand small ones.
const LARGEST_TASK_BYTES: usize = 16 * 1024;
/// A task without its documents, roughly: the struct, its strings and the map entry.
const TASK_BYTES: usize = 1_500;

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
        if let Some((_, size)) = self.tasks.pop(&id) {
            self.bytes -= size;
        }
        let Some(task) = task.filter(|t| t.state.is_open()) else {
            return;
        };
        let size = size(&task);
        if size > LARGEST_TASK_BYTES {
            return;
        }
        self.bytes += size;
        self.tasks.put(id, (task, size));
        while self.bytes > CACHE_BYTES
            && let Some((_, (_, size))) = self.tasks.pop_lru()
        {
            self.bytes -= size;
        }
    }

    /// Forgets everything: after a failed write, what the store has is read again.
    pub(super) fn clear(&mut self) {
        self.tasks.clear();
        self.bytes = 0;
    }
}

fn size(task: &Task) -> usize {
    let payload = |p: &Option<Payload>| {
        p.as_ref()
            .and_then(|p| p.body.as_ref())
            .map_or(0, bytes::Bytes::len)
    };
    let documents = task.metadata.as_ref().map_or(0, bytes::Bytes::len) + task.description.len();
    let answers: usize = task
        .input_requests
        .iter()
        .map(|r| r.prompt.len() + payload(&r.answer))
        .sum();
    TASK_BYTES
        + payload(&task.input)
        + payload(&task.output)
        + documents
        + answers
        + task.dependencies.len() * 40
}
