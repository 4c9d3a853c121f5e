//! What callers change.

use std::collections::HashMap;

use baton_domain::queue::{QUEUES, Usage, takes_place};
use baton_domain::{Queue, Task, TaskId};

use super::{QueueAction, QueueChange, QueueDone, queue_etag};
use crate::engine::batch::Batch;
use crate::engine::error::Error;
use crate::engine::job::RequestKey;
use crate::store::{RequestRecord, StandingQueue};

impl Batch {
    /// Decides one change. An error leaves no trace in the batch.
    pub(in crate::engine) fn change_queue(
        &mut self,
        change: &QueueChange,
        request: Option<&RequestKey>,
    ) -> Result<QueueDone, Error> {
        let QueueChange {
            namespace,
            name,
            etag,
            action,
        } = change;
        let named = (namespace.as_str(), name.as_str());
        let known = self.limits.get(named).cloned();
        let id = if let QueueAction::Create(new) = action {
            if known.is_some() {
                return Err(Error::QueueExists { name: name.clone() });
            }
            if self.limits.count(namespace) >= QUEUES {
                return Err(Error::TooManyQueues);
            }
            let queue = Queue::create((**new).clone(), self.now);
            let id = queue.id;
            self.put_counted(queue, Usage::default());
            id
        } else {
            let before = known.ok_or_else(|| Error::QueueNotFound { name: name.clone() })?;
            let current = queue_etag(&before.queue);
            if etag.as_ref().is_some_and(|etag| *etag != current) {
                return Err(Error::EtagMismatch { current });
            }
            self.change_created(&before, action)?;
            before.queue.id
        };
        if let Some(key) = request {
            // A queue has an id of the same kind; only calls of its service read it as one.
            self.record(key, namespace, (vec![TaskId(id.0)], 0));
        }
        Ok(QueueDone {
            queue: self.limits.get(named).cloned(),
            replayed: false,
        })
    }

    fn change_created(&mut self, before: &StandingQueue, action: &QueueAction) -> Result<(), Error> {
        let StandingQueue { queue, usage } = before;
        let named = (queue.namespace.as_str(), queue.name.as_str());
        let after = match action {
            QueueAction::Create(_) => (**queue).clone(),
            QueueAction::Update(edit) => queue.edit((**edit).clone(), self.now)?,
            QueueAction::Pause { note } => queue.pause(note.clone(), self.now),
            QueueAction::Resume { note } => queue.resume(note.clone(), self.now),
            QueueAction::Delete => {
                let open = self.open_tasks(named);
                if open > 0 {
                    let name = queue.name.clone();
                    return Err(Error::QueueNotEmpty { name, open });
                }
                let slot = self.limits.slot_mut(named);
                (slot.now, slot.keys) = (None, HashMap::new());
                return Ok(());
            }
        };
        let usage = after.taken_over(queue, *usage, self.now);
        let label = |queue: &Queue| queue.spec.keys.as_ref().map(|keys| keys.label.clone());
        if label(queue) == label(&after) {
            self.limits.slot_mut(named).put(after, usage);
        } else {
            self.put_counted(after, usage);
        }
        Ok(())
    }

    /// Puts a queue whose leased tasks are counted: those of the store, as the batch has left them so far.
    fn put_counted(&mut self, queue: Queue, usage: Usage) {
        let Queue { namespace, name, .. } = &queue;
        let label = queue.spec.keys.as_ref().map(|keys| keys.label.clone());
        let read = (namespace.clone(), name.clone(), label);
        let mut leased: HashMap<TaskId, Option<String>> = self
            .queue_reads
            .leased
            .get(&read)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let is_here = |task: &&Task| task.namespace == *namespace && task.queue == *name;
        for (before, now) in self.working.moves() {
            if let Some(before) = before {
                leased.remove(&before.id);
            }
            if let Some(now) = now.filter(|task| is_here(task) && takes_place(task)) {
                leased.insert(now.id, queue.key_of(&now.labels).map(str::to_owned));
            }
        }
        let named = (namespace.as_str(), name.as_str());
        let mut keys: HashMap<String, i64> =
            self.limits.keys(named).into_iter().map(|key| (key, 0)).collect();
        for key in leased.values().flatten() {
            *keys.entry(key.clone()).or_default() += 1;
        }
        let usage = Usage {
            leased: i64::try_from(leased.len()).unwrap_or(i64::MAX),
            ..usage
        };
        let slot = self.limits.slot_mut(named);
        slot.keys = keys;
        slot.put(queue.clone(), usage);
    }

    /// Open tasks that name the queue.
    fn open_tasks(&self, (namespace, name): (&str, &str)) -> i64 {
        let read = (namespace.to_owned(), name.to_owned());
        let stored = self.queue_reads.open.get(&read).copied().unwrap_or(0);
        let is_open = |task: Option<&Task>| {
            let here = task.filter(|task| task.namespace == namespace && task.queue == name);
            i64::from(here.is_some_and(|task| task.state.is_open()))
        };
        let moves = self.working.moves();
        stored
            + moves
                .map(|(before, now)| is_open(now) - is_open(before))
                .sum::<i64>()
    }

    /// The answer to a change that was made before.
    pub(in crate::engine) fn replay_queue(
        &self,
        change: &QueueChange,
        record: &RequestRecord,
    ) -> Result<QueueDone, Error> {
        let QueueChange {
            namespace,
            name,
            action,
            ..
        } = change;
        let is_it = |standing: &&StandingQueue| record.task_ids.first() == Some(&TaskId(standing.queue.id.0));
        let queue = self.limits.get((namespace, name)).filter(is_it).cloned();
        if queue.is_none() && !matches!(action, QueueAction::Delete) {
            return Err(Error::QueueNotFound { name: name.clone() });
        }
        Ok(QueueDone {
            queue,
            replayed: true,
        })
    }
}
