//! What the writer does between batches to keep the store small. Each call is bounded; call again while it says so.

use baton_domain::Timestamp;

use super::{StoreError, Writer, dialect};

impl Writer {
    /// Raises the oldest position that the feed of `namespace` answers to `oldest`, and removes at most `limit` events
    /// of tasks whose DELETED event is older. Answers whether there may be more to remove. A horizon is never lowered.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn trim(&mut self, namespace: &str, oldest: i64, limit: u32) -> Result<bool, StoreError> {
        let raise = dialect::RAISE_HORIZON.of(self.dialect());
        self.run_in(namespace, raise, &[oldest]).await?;
        let rows = [oldest, i64::from(limit)];
        let [events, deleted] =
            [dialect::TRIM_EVENTS, dialect::TRIM_DELETED].map(|text| text.of(self.dialect()));
        let removed = self.run_in(namespace, events, &rows).await?;
        self.run_in(namespace, deleted, &rows).await?;
        Ok(removed == u64::from(limit))
    }

    /// Gives up at most `limit` keys that were held until `now` or before. Answers whether there may be more.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn expire_keys(&mut self, now: Timestamp, limit: u32) -> Result<bool, StoreError> {
        let values = [now.as_micros(), i64::from(limit)];
        let removed = self.run(dialect::EXPIRE_KEYS.of(self.dialect()), &values).await?;
        Ok(removed == u64::from(limit))
    }

    /// Forgets at most `limit` requests that expired at `now` or before, and counts that have become zero. Answers
    /// whether there may be more to forget.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn expire_requests(&mut self, now: Timestamp, limit: u32) -> Result<bool, StoreError> {
        self.run(dialect::DROP_EMPTY_COUNTS, &[]).await?;
        let values = [i64::from(limit), now.as_micros()];
        let expire = dialect::EXPIRE_REQUESTS.of(self.dialect());
        let removed = self.run(expire, &values).await?;
        Ok(removed == u64::from(limit))
    }
}
