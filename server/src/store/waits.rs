//! Who waits for whom, without the rest of the tasks.

use baton_domain::{State, TaskId};
use sea_orm::{EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::task;
use super::read::id_in;
use super::rows::read_dependencies;
use super::{Store, StoreError};

impl Store {
    /// What each of those tasks waits for, if it may still run: open tasks wait, and resting ones, which a retry sends
    /// back.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn waits(&self, ids: &[TaskId]) -> Result<Vec<(TaskId, Vec<TaskId>)>, StoreError> {
        let rows: Vec<(Uuid, String, Option<Vec<u8>>)> = task::Entity::find()
            .select_only()
            .columns([task::Column::Id, task::Column::State, task::Column::Dependencies])
            .filter(id_in(self.dialect(), ids))
            .into_tuple()
            .all(self.readers())
            .await?;
        let waits = rows.into_iter().map(|(id, state, dependencies)| {
            let corrupt = |why: String| StoreError::corrupt("task", id, why);
            let state =
                State::from_name(&state).ok_or_else(|| corrupt("its state is not known".to_owned()))?;
            if !state.is_open() && !state.is_resting() {
                return Ok((TaskId(id), Vec::new()));
            }
            let dependencies = read_dependencies(dependencies).map_err(corrupt)?;
            let open = dependencies.iter().filter(|d| d.result.is_none());
            Ok((TaskId(id), open.map(|d| d.task_id).collect()))
        });
        waits.collect()
    }
}
