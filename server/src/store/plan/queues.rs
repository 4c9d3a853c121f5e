//! The statements for queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::batch::KeyUse;
use super::super::bulk::{Cell, KEY, Mask, Rows};
use super::super::error::StoreError;
use super::super::rows::{QUEUE, QUEUE_KEY, key_use_cells, queue_cells};
use super::{Part, Plan, WriteBatch, list};

impl Plan {
    /// Queues that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn queues(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = || {
            batch
                .queues_removed
                .iter()
                .map(|id| vec![Cell::blob(id.0.as_bytes())])
        };
        self.add(Part::RemoveQueues, list(&QUEUE, gone())?);
        self.add(Part::RemoveQueueKeys, list(&QUEUE_KEY, gone())?);
        let added = batch.queues_added.iter().map(|now| queue_cells(now, true));
        self.add(Part::AddQueues, list(&QUEUE, added)?);
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
            self.add(Part::UpdateQueues(mask), Rows::of(&QUEUE, &cells, mask | KEY)?);
        }
        let of = |free: bool| {
            let keys = batch.keys_used.iter();
            keys.filter(move |key: &&KeyUse| (key.leased == 0) == free)
                .map(key_use_cells)
        };
        self.add(Part::FreeQueueKeys, list(&QUEUE_KEY, of(true))?);
        self.add(Part::UseQueueKeys, list(&QUEUE_KEY, of(false))?);
        Ok(())
    }
}
