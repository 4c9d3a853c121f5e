//! What a create would do, without doing it.

use std::sync::Arc;

use baton_domain::Timestamp;

use super::batch::{Batch, Loaded};
use super::{CreateRequest, Done, Engine, Error};
use crate::store::Heads;

impl Engine {
    /// Decides a create as [`Engine::create`] would, on what the store holds now, and keeps nothing of it.
    ///
    /// # Errors
    /// As [`Engine::create`].
    pub async fn preview(&self, member: CreateRequest) -> Result<Done, Error> {
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
        let heads = Heads::default();
        let done = Batch::new((now, &heads), loaded).create_alone(member)?;
        done.ok_or(Error::NotFound { id })
    }
}
