//! The statements for schedules.

use std::collections::BTreeMap;

use super::super::bulk::{Cell, KEY, Mask};
use super::super::error::StoreError;
use super::super::rows::{SCHEDULE, schedule_cells};
use super::{Part, Plan, WriteBatch};

/// Of the columns: the revision, and what a tick writes with it.
const PROGRESS: Mask = 0b1_1110;

impl Plan {
    /// Schedules that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn schedules(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = batch.schedules_removed.iter();
        let gone = gone.map(|schedule| vec![Cell::Id(schedule.id.0)]);
        self.values(Part::RemoveSchedules, "schedule", gone)?;
        let added = batch.schedules_added.iter();
        let added = added.map(|schedule| schedule_cells(schedule));
        self.whole(Part::AddSchedules, &SCHEDULE, added)?;
        let mut shapes: BTreeMap<Mask, Vec<Vec<Cell<'_>>>> = BTreeMap::new();
        for (before, now) in &batch.schedules_updated {
            let cells = schedule_cells(now);
            let mask = SCHEDULE.changed(&schedule_cells(before), &cells) | PROGRESS;
            shapes.entry(mask).or_default().push(cells);
        }
        for (mask, cells) in shapes {
            self.rows(Part::UpdateSchedules(mask), &SCHEDULE, (&cells, mask | KEY))?;
        }
        Ok(())
    }
}
