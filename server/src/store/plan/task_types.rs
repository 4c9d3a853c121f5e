//! The statements for task types.

use super::super::bulk::{Cell, Rows};
use super::super::error::StoreError;
use super::super::rows::{TASK_TYPE, task_type_cells};
use super::{ALL, Part, Plan, WriteBatch, list};

impl Plan {
    /// Types that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn task_types(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = batch.task_types_removed.iter();
        let gone = gone.map(|task_type| vec![Cell::blob(task_type.id.0.as_bytes())]);
        self.add(Part::RemoveTaskTypes, list(&TASK_TYPE, gone)?);
        let added = batch.task_types_added.iter();
        self.add(
            Part::AddTaskTypes,
            list(&TASK_TYPE, added.map(|task_type| task_type_cells(task_type)))?,
        );
        let changed: Vec<_> = batch
            .task_types_updated
            .iter()
            .map(|task_type| task_type_cells(task_type))
            .collect();
        self.add(Part::UpdateTaskTypes, Rows::of(&TASK_TYPE, &changed, ALL)?);
        Ok(())
    }
}
