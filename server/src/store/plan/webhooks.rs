//! The statements for webhooks.

use super::super::bulk::Cell;
use super::super::error::StoreError;
use super::super::rows::{WEBHOOK, webhook_cells};
use super::{Part, Plan, WriteBatch};

impl Plan {
    /// Webhooks that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn webhooks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = batch.webhooks_removed.iter();
        let gone = gone.map(|webhook| vec![Cell::Id(webhook.id.0)]);
        self.values(Part::RemoveWebhooks, "webhook", gone)?;
        let added = batch.webhooks_added.iter();
        let added = added.map(|webhook| webhook_cells(webhook));
        self.whole(Part::AddWebhooks, &WEBHOOK, added)?;
        let changed = batch.webhooks_updated.iter();
        let changed = changed.map(|webhook| webhook_cells(webhook));
        self.whole(Part::UpdateWebhooks, &WEBHOOK, changed)
    }
}
