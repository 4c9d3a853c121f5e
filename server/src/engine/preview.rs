//! What a create or a retry would meet, without doing it.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{Task, TaskId, Timestamp};

use super::batch::{Batch, Known, Loaded, unindexed};
use super::{CreateRequest, Done, Engine, Error};

impl Engine {
    /// Decides a create as [`Engine::create`] would, on what the store holds now, and keeps nothing of it.
    ///
    /// # Errors
    /// As [`Engine::create`].
    pub async fn preview(&self, mut member: CreateRequest) -> Result<Done, Error> {
        let prepared = self.prepare(std::slice::from_mut(&mut member), None).await;
        prepared.map_err(|error| unindexed(error, true))?;
        let new = &member.new;
        let id = new.id;
        let mut wanted: Vec<_> = new
            .dependencies
            .iter()
            .map(|d| d.task_id)
            .chain(new.parent_id)
            .collect();
        if member.chosen_id {
            wanted.push(id);
        }
        let mut loaded = Loaded::default();
        if let Some(dedup) = &new.dedup {
            let named = [(new.namespace.as_str(), dedup.key.as_str())];
            for held in self.store().held_keys(&named).await.map_err(Error::Store)? {
                wanted.push(held.hold.task_id);
                loaded.keys.add_loaded(held);
            }
        }
        for task in self.store().tasks(&wanted).await.map_err(Error::Store)? {
            loaded.working.add_loaded(Arc::new(task));
        }
        let now = Timestamp::from_micros(self.clock().now_micros());
        // No limit keeps a task from being created.
        let known = Known {
            heads: Arc::default(),
            types: Arc::clone(&self.shared.types),
            queues: Arc::default(),
            webhooks: Arc::clone(&self.shared.webhooks),
        };
        let done = Batch::new(now, known, loaded).create_alone(member)?;
        done.ok_or(Error::NotFound { id })
    }

    /// Of tasks that rest, those that cannot run again now because another task holds their key, each with the refusal.
    ///
    /// # Errors
    /// What the store may do.
    pub async fn rivals(
        &self,
        tasks: impl Iterator<Item = &Task> + Send,
    ) -> Result<HashMap<TaskId, Error>, Error> {
        let resting: Vec<&Task> = tasks
            .filter(|task| task.state.is_resting() && !task.dedup_key.is_empty())
            .collect();
        if resting.is_empty() {
            return Ok(HashMap::new());
        }
        let named = |task: &Task| (task.namespace.clone(), task.dedup_key.clone());
        let asked: Vec<_> = resting
            .iter()
            .map(|task| (task.namespace.as_str(), task.dedup_key.as_str()))
            .collect();
        let held = self.store().held_keys(&asked).await.map_err(Error::Store)?;
        let holders: Vec<TaskId> = held.iter().map(|held| held.hold.task_id).collect();
        let holders = self.store().tasks(&holders).await.map_err(Error::Store)?;
        let states: HashMap<TaskId, _> = holders.iter().map(|task| (task.id, task.state)).collect();
        let now = Timestamp::from_micros(self.clock().now_micros());
        let holds: HashMap<_, TaskId> = held
            .into_iter()
            .filter(|held| held.hold.stands(states.get(&held.hold.task_id).copied(), now))
            .map(|held| ((held.namespace, held.key), held.hold.task_id))
            .collect();
        let rival = |task: &&Task| {
            let id = *holds.get(&named(task)).filter(|id| **id != task.id)?;
            let key = task.dedup_key.clone();
            Some((task.id, Error::Duplicate { id, key }))
        };
        Ok(resting.iter().filter_map(rival).collect())
    }
}
