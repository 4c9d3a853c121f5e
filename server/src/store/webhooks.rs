//! Reads of webhooks.

use baton_domain::Webhook;
use sea_orm::{EntityTrait, QueryOrder};

use super::entity::webhook::{Column, Entity};
use super::rows::read_webhook;
use super::{Store, StoreError};

impl Store {
    /// All webhooks, by their names.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let all = Entity::find()
            .order_by_asc(Column::Namespace)
            .order_by_asc(Column::Name);
        let rows = all.all(self.readers()).await?;
        rows.into_iter().map(read_webhook).collect()
    }
}
