//! The statements for task types.

use super::super::bulk::Cell;
use super::super::error::StoreError;
use super::super::rows::{TASK_TYPE, task_type_cells};
use super::{Part, Plan, WriteBatch};

impl Plan {
    /// Types that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn task_types(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = batch.task_types_removed.iter();
        let gone = gone.map(|task_type| vec![Cell::Id(task_type.id.0)]);
        self.values(Part::RemoveTaskTypes, "task_type", gone)?;
        let added = batch.task_types_added.iter();
        let added = added.map(|task_type| task_type_cells(task_type));
        self.whole(Part::AddTaskTypes, &TASK_TYPE, added)?;
        let changed = batch.task_types_updated.iter();
        let changed = changed.map(|task_type| task_type_cells(task_type));
        self.whole(Part::UpdateTaskTypes, &TASK_TYPE, changed)
    }
}
