//! The statements for webhooks.

use super::super::bulk::{Cell, Rows};
use super::super::error::StoreError;
use super::super::rows::{WEBHOOK, webhook_cells};
use super::{ALL, Part, Plan, WriteBatch, list};

impl Plan {
    /// Webhooks that went, came and changed, in this order: a name may be given again in the batch that frees it.
    pub(super) fn webhooks(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let gone = batch.webhooks_removed.iter();
        let gone = gone.map(|webhook| vec![Cell::blob(webhook.id.0.as_bytes())]);
        self.add(Part::RemoveWebhooks, list(&WEBHOOK, gone)?);
        let added = batch.webhooks_added.iter();
        self.add(
            Part::AddWebhooks,
            list(&WEBHOOK, added.map(|webhook| webhook_cells(webhook)))?,
        );
        let changed: Vec<_> = batch
            .webhooks_updated
            .iter()
            .map(|webhook| webhook_cells(webhook))
            .collect();
        self.add(Part::UpdateWebhooks, Rows::of(&WEBHOOK, &changed, ALL)?);
        Ok(())
    }
}
