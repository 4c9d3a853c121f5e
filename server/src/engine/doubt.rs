//! What the committer does when it cannot be sure how the log ends.
//!
//! A commit whose outcome is unknown may be on disk. Were that not found out, the next batch would take positions that
//! are taken, and so would every one after it; and watchers would never be told of what was committed.

use std::sync::Arc;

use baton_domain::{Event, Timestamp};

use super::committer::Committer;
use super::error::Error;
use crate::store::StoreError;

/// Events read at once. What is missing is a batch at most.
const EVENTS_READ: u32 = 500;

impl Committer {
    /// Reads how the logs end and tells the feed what it missed; answers whether there was anything.
    pub(super) async fn catch_up(&mut self) -> Result<bool, Error> {
        let missed = self.find_missed().await.map_err(Error::Store)?;
        self.types
            .reload(self.store.task_types().await.map_err(Error::Store)?);
        self.webhooks
            .reload(self.store.webhooks().await.map_err(Error::Store)?);
        self.in_doubt = false;
        if missed.is_empty() {
            return Ok(false);
        }
        self.cache.clear();
        self.absence.fall_behind();
        self.move_on(&missed);
        self.feed.publish(&missed);
        // Tasks that must move, and work for later batches, may be among what was missed.
        self.signals
            .wake_at(Timestamp::from_micros(self.clock.now_micros()));
        self.signals.follow_ups();
        Ok(true)
    }

    async fn find_missed(&self) -> Result<Vec<Arc<Event>>, StoreError> {
        let mut missed = Vec::new();
        for namespace in self.store.namespaces().await? {
            let mut position = self.heads.position(&namespace);
            loop {
                let events = self.store.log(&namespace, position, EVENTS_READ).await?;
                let Some(last) = events.last() else { break };
                position = last.position;
                missed.extend(events.into_iter().map(Arc::new));
            }
        }
        Ok(missed)
    }
}
