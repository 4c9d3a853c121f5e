//! The tasks of one batch: as the store has them, and as the commands decided so far leave them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use baton_domain::{State, Task, TaskId, is_leasable};

use crate::store::{Edge, WriteBatch};

#[derive(Clone, Default)]
struct Slot {
    before: Option<Arc<Task>>,
    now: Option<Arc<Task>>,
    changed: bool,
}

/// Every task that a batch names. Commands see each other's changes here, in order.
#[derive(Default)]
pub(super) struct Working {
    slots: HashMap<TaskId, Slot>,
    /// In the order of their first change, so that a batch writes what it was asked in that order.
    changed: Vec<TaskId>,
    /// By (dependant, target): the target's revision when the dependant began to wait for it.
    waits: HashMap<(TaskId, TaskId), i64>,
    /// What these wait for is more than a check for a circle may load.
    given_up: HashSet<TaskId>,
    /// What tasks wait for that this batch does not move.
    beyond: HashMap<TaskId, Vec<TaskId>>,
    /// Bytes of the tasks that were read from the store.
    pub(super) read_bytes: usize,
}

impl Working {
    pub(super) fn add_loaded(&mut self, task: Arc<Task>) {
        self.slots.entry(task.id).or_insert_with(|| Slot {
            before: Some(Arc::clone(&task)),
            now: Some(task),
            changed: false,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn contains(&self, id: TaskId) -> bool {
        self.slots.contains_key(&id)
    }

    /// What tasks wait for that are only walked through.
    pub(super) fn add_waits(&mut self, waits: impl IntoIterator<Item = (TaskId, Vec<TaskId>)>) {
        self.beyond.extend(waits);
    }

    /// What this task waits for as it stands within the batch.
    pub(super) fn waits_for(&self, id: TaskId) -> Vec<TaskId> {
        match self.slots.get(&id) {
            Some(slot) => open_dependencies(slot.now.as_ref()),
            None => self.beyond.get(&id).cloned().unwrap_or_default(),
        }
    }

    /// Not all that this task waits for was loaded.
    pub(super) fn give_up(&mut self, id: TaskId) {
        self.given_up.insert(id);
    }

    /// Whether not all that this task waits for was loaded.
    pub(super) fn is_given_up(&self, id: TaskId) -> bool {
        self.given_up.contains(&id)
    }

    /// Whether the batch knows that this task, which was ready, is so no more.
    pub(super) fn is_given_out(&self, id: TaskId) -> bool {
        let slot = self.slots.get(&id);
        slot.is_some_and(|slot| !slot.now.as_deref().is_some_and(is_leasable))
    }

    /// The task as it stands within the batch.
    pub(super) fn get(&self, id: TaskId) -> Option<&Arc<Task>> {
        self.slots.get(&id)?.now.as_ref()
    }

    pub(super) fn put(&mut self, task: Arc<Task>) {
        let id = task.id;
        self.change(id).now = Some(task);
    }

    pub(super) fn remove(&mut self, id: TaskId) {
        self.change(id).now = None;
    }

    /// Marks that some task waits for this one or belongs to it. No event: it says nothing about the task itself.
    pub(super) fn mark(&mut self, id: TaskId, marks: impl FnOnce(&mut Task)) {
        if let Some(task) = self.get(id) {
            let mut marked = (**task).clone();
            marks(&mut marked);
            if marked != **task {
                self.put(Arc::new(marked));
            }
        }
    }

    fn change(&mut self, id: TaskId) -> &mut Slot {
        let slot = self.slots.entry(id).or_default();
        if !slot.changed {
            slot.changed = true;
            self.changed.push(id);
        }
        slot
    }

    /// `dependant` begins to wait for `target`, if that is not settled. Answers how the target stands.
    pub(super) fn wait(&mut self, dependant: TaskId, target: TaskId) -> Option<State> {
        let task = self.get(target)?;
        let (settled, revision) = (settled_state(task), task.revision);
        if settled.is_none() {
            self.waits.insert((dependant, target), revision);
            self.mark(target, |t| t.has_dependants = true);
        }
        settled
    }

    /// Fills the rows of `batch`: what came, what changed, what went, and the edges that follow from it.
    pub(super) fn write_into(&self, batch: &mut WriteBatch) {
        for id in &self.changed {
            let Some(slot) = self.slots.get(id) else { continue };
            self.edges(slot, batch);
            match (&slot.before, &slot.now) {
                (None, Some(task)) => batch.inserted.push(Arc::clone(task)),
                (Some(before), Some(task)) => {
                    batch.updated.push((Arc::clone(before), Arc::clone(task)));
                }
                (Some(before), None) => batch.deleted.push(Arc::clone(before)),
                (None, None) => {}
            }
        }
    }

    /// Every task that the batch changed and that is there, as it was before, if it was, and as it is now.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Option<&Arc<Task>>, &Arc<Task>)> {
        let changed = self.changed.iter().filter_map(|id| self.slots.get(id));
        changed.filter_map(|slot| Some((slot.before.as_ref(), slot.now.as_ref()?)))
    }

    /// As [`Self::changes`], with those that went.
    pub(super) fn moves(&self) -> impl Iterator<Item = (Option<&Task>, Option<&Task>)> {
        let changed = self.changed.iter().filter_map(|id| self.slots.get(id));
        changed.map(|slot| (slot.before.as_deref(), slot.now.as_deref()))
    }

    /// What the batch leaves behind, for the cache: `None` for a task that is gone or needs no cache any more.
    pub(super) fn into_results(self) -> impl Iterator<Item = (TaskId, Option<Arc<Task>>)> {
        self.slots.into_iter().map(|(id, slot)| (id, slot.now))
    }

    /// The edge table holds exactly the open dependencies of tasks that may still run: open ones, and resting ones, which a
    /// retry sends back.
    fn edges(&self, slot: &Slot, batch: &mut WriteBatch) {
        let Some(task_id) = slot.now.as_ref().or(slot.before.as_ref()).map(|t| t.id) else {
            return;
        };
        let (before, now) = (
            open_dependencies(slot.before.as_ref()),
            open_dependencies(slot.now.as_ref()),
        );
        let edge = |depends_on: &TaskId| Edge {
            task_id,
            depends_on: *depends_on,
            revision: self.waits.get(&(task_id, *depends_on)).copied().unwrap_or(0),
        };
        batch
            .edges_added
            .extend(now.iter().filter(|id| !before.contains(id)).map(edge));
        batch
            .edges_removed
            .extend(before.iter().filter(|id| !now.contains(id)).map(edge));
    }
}

fn open_dependencies(task: Option<&Arc<Task>>) -> Vec<TaskId> {
    let task = task.filter(|t| t.state.is_open() || t.state.is_resting());
    task.map(|t| {
        t.dependencies
            .iter()
            .filter(|d| d.result.is_none())
            .map(|d| d.task_id)
            .collect()
    })
    .unwrap_or_default()
}

/// Whether following open dependencies from `from` leads to `to`: then the edge `to -> from` would close a circle.
/// The path found starts and ends with `to`.
pub(super) fn cycle(working: &Working, to: TaskId, from: TaskId) -> Option<Vec<TaskId>> {
    let mut path = vec![to, from];
    if from == to {
        return Some(path);
    }
    let mut seen = HashSet::from([from]);
    let mut stack = vec![working.waits_for(from)];
    while let Some(next) = stack.last_mut() {
        match next.pop() {
            None => {
                stack.pop();
                path.pop();
            }
            Some(id) if id == to => {
                path.push(to);
                return Some(path);
            }
            Some(id) if seen.insert(id) => {
                path.push(id);
                stack.push(working.waits_for(id));
            }
            Some(_) => {}
        }
    }
    None
}

/// How a dependency on `task` stands now.
pub(super) fn settled_state(task: &Task) -> Option<State> {
    task.state.is_settled().then_some(task.state)
}
