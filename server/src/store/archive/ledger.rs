//! What an archive has to say of every task: that its history is whole, and that nothing points at a task that is not
//! there.

use std::collections::HashMap;

use baton_domain::{Event, EventType, Task, TaskId, Timestamp};

use crate::store::batch::WriteBatch;

/// Some fifty bytes for each task that is there.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Of each task, how far its history has been told and how far it goes; of one that is deleted, that is not known.
    tasks: HashMap<TaskId, (i64, Option<i64>)>,
    last_time: Timestamp,
}

impl Ledger {
    /// A task, whose CREATED event comes next.
    pub(super) fn task(&mut self, task: &Task) -> Result<(), String> {
        let known = self.tasks.insert(task.id, (0, Some(task.revision)));
        if known.is_some() {
            return Err(format!("task {} comes twice", task.id));
        }
        Ok(())
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) -> Result<(), String> {
        let Event {
            task_id, sequence, ..
        } = event;
        if event.time < self.last_time {
            return Err("the event is older than the one before it".to_owned());
        }
        if event.time > now {
            return Err(format!(
                "the event is of {} microseconds since 1970, which this server's clock has yet to reach",
                event.time.as_micros()
            ));
        }
        self.last_time = event.time;
        let entry = self.tasks.entry(*task_id).or_insert((0, None));
        if *sequence != entry.0 + 1 {
            let next = entry.0 + 1;
            return Err(format!(
                "event {sequence} of task {task_id} comes where event {next} has to"
            ));
        }
        entry.0 = *sequence;
        if event.kind == EventType::Deleted {
            if entry.1.is_some() {
                return Err(format!(
                    "task {task_id} is there, and its history says that it was deleted"
                ));
            }
            self.tasks.remove(task_id);
        }
        Ok(())
    }

    /// That all that the batch says of tasks is of tasks that are there.
    pub(super) fn points(&self, batch: &WriteBatch) -> Result<(), String> {
        let edges = batch
            .edges_added
            .iter()
            .flat_map(|edge| [edge.task_id, edge.depends_on]);
        let runs = batch.runs_begun.iter().map(|run| run.task_id);
        // A key outlives its task; so does what is remembered of a call.
        let gone = edges.chain(runs).find(|id| !self.tasks.contains_key(id));
        gone.map_or(Ok(()), |id| Err(format!("task {id} is not in the archive")))
    }

    /// That every history ends where its task stands.
    pub(super) fn close(&self) -> Result<(), String> {
        let broken = self
            .tasks
            .iter()
            .find(|(_, (last, revision))| Some(*last) != *revision);
        match broken {
            None => Ok(()),
            Some((id, (last, Some(revision)))) => Err(format!(
                "task {id} is at revision {revision}, and its history ends with event {last}"
            )),
            Some((id, (_, None))) => Err(format!("the history of task {id} is there, and the task is not")),
        }
    }
}
