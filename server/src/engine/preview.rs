//! What a create would do, without doing it.

use std::sync::Arc;

use baton_domain::Timestamp;

use super::batch::Batch;
use super::working::Working;
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
        let mut working = Working::default();
        for task in self.store().tasks(&wanted).await.map_err(Error::Store)? {
            working.add_loaded(Arc::new(task));
        }
        let now = Timestamp::from_micros(self.clock().now_micros());
        let heads = Heads::default();
        let done = Batch::new((now, &heads), working, Vec::new()).create_alone(member)?;
        done.ok_or(Error::NotFound { id })
    }
}
