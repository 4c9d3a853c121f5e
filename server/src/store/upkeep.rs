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
        let (name, events) = (namespace.to_owned(), i64::from(limit));
        let raise = name.clone();
        self.run(dialect::RAISE_HORIZON, move |query| {
            query
                .bind(oldest)
                .bind(raise.clone())
                .bind(raise.clone())
                .bind(raise)
        })
        .await?;
        let (space, after) = (name.clone(), name);
        let removed = self
            .run(dialect::TRIM_EVENTS, move |query| {
                query.bind(space).bind(oldest).bind(events)
            })
            .await?;
        self.run(dialect::TRIM_DELETED, move |query| {
            query.bind(after).bind(oldest).bind(events)
        })
        .await?;
        Ok(removed == u64::from(limit))
    }

    /// Gives up at most `limit` keys that were held until `now` or before. Answers whether there may be more.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn expire_keys(&mut self, now: Timestamp, limit: u32) -> Result<bool, StoreError> {
        let (time, rows) = (now.as_micros(), i64::from(limit));
        let removed = self
            .run(dialect::EXPIRE_KEYS, move |query| query.bind(time).bind(rows))
            .await?;
        Ok(removed == u64::from(limit))
    }

    /// Forgets at most `limit` requests that expired at `now` or before, and counts that have become zero. Answers
    /// whether there may be more to forget.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn expire_requests(&mut self, now: Timestamp, limit: u32) -> Result<bool, StoreError> {
        self.run(dialect::DROP_EMPTY_COUNTS, |query| query).await?;
        let (rows, time) = (i64::from(limit), now.as_micros());
        let removed = self
            .run(dialect::EXPIRE_REQUESTS, move |query| query.bind(rows).bind(time))
            .await?;
        Ok(removed == u64::from(limit))
    }
}
