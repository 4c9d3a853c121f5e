//! Reads of task types.

use baton_domain::TaskType;
use sea_orm::{EntityTrait, QueryOrder};

use super::entity::task_type::{Column, Entity};
use super::rows::read_task_type;
use super::{Store, StoreError};

impl Store {
    /// All task types, by their names.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn task_types(&self) -> Result<Vec<TaskType>, StoreError> {
        let all = Entity::find()
            .order_by_asc(Column::Namespace)
            .order_by_asc(Column::Name);
        let rows = all.all(self.readers()).await?;
        rows.into_iter().map(read_task_type).collect()
    }
}
