//! The statements for queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::batch::KeyUse;
use super::super::bulk::{Cell, KEY, Mask};
use super::super::error::StoreError;
use super::super::rows::{QUEUE, QUEUE_KEY, key_use_cells, queue_cells};
use super::{Part, Plan, WriteBatch};

impl Plan {
    /// Queues that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn queues(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = || batch.queues_removed.iter().map(|id| vec![Cell::Id(id.0)]);
        self.values(Part::RemoveQueues, "queue", gone())?;
        self.values(Part::RemoveQueueKeys, "queue_key", gone())?;
        let added = batch.queues_added.iter().map(|now| queue_cells(now, true));
        self.whole(Part::AddQueues, &QUEUE, added)?;
        let mut shapes: BTreeMap<Mask, Vec<Vec<Cell<'_>>>> = BTreeMap::new();
        for (before, now) in &batch.queues_updated {
            // What is said of it is encoded only where that is another than before.
            let is_said = !Arc::ptr_eq(&before.queue, &now.queue);
            let cells = queue_cells(now, is_said);
            let mask = QUEUE.changed(&queue_cells(before, is_said), &cells);
            if mask != 0 {
                shapes.entry(mask).or_default().push(cells);
            }
        }
        for (mask, cells) in shapes {
            self.rows(Part::UpdateQueues(mask), &QUEUE, (&cells, mask | KEY))?;
        }
        let of = |free: bool| {
            let keys = batch.keys_used.iter();
            keys.filter(move |key: &&KeyUse| (key.leased == 0) == free)
                .map(key_use_cells)
        };
        self.values(Part::FreeQueueKeys, "queue_key", of(true))?;
        self.whole(Part::UseQueueKeys, &QUEUE_KEY, of(false))
    }
}
