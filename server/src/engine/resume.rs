//! How the committer begins, and begins anew after the store was away: leases of healthy workers outlive both.
//!
//! While the service or the store was away nobody could renew. So no lease ends before half of its duration has passed
//! since: whoever is healthy renews by then. One that was not started is spared for no longer than a new one: the call
//! that leased it may have been cut off.

use std::time::Duration;

use baton_domain::Timestamp;
use tokio::time::Instant;
use tracing::info;

use super::committer::{Committer, Failure};
use crate::seams::monotonic_now;

/// So long the store may be away before leases suffer: the shortest lasts 5 s, and is renewed twice in that time.
const ABSENCE: Duration = Duration::from_secs(5);

/// Since when the store is away.
#[derive(Debug)]
pub(super) struct Absence {
    /// `None` while it is there.
    since: Option<Instant>,
    /// What is known of leases may be behind the store, whatever the time.
    is_behind: bool,
    /// Nothing was read since the start.
    is_first: bool,
}

impl Absence {
    /// Nothing was read yet.
    pub(super) const fn new() -> Self {
        Self {
            since: None,
            is_behind: true,
            is_first: true,
        }
    }

    pub(super) const fn is_first(&self) -> bool {
        self.is_first
    }

    /// What is known of leases may be behind the store.
    pub(super) const fn fall_behind(&mut self) {
        self.is_behind = true;
    }

    /// The store did not do what it was asked.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// It took in a write.
    pub(super) const fn end(&mut self) {
        self.since = None;
        self.is_behind = false;
        self.is_first = false;
    }

    /// Whether the committer must begin anew before it decides anything.
    pub(super) fn is_long(&self, now: Instant) -> bool {
        let away = self.since.map(|since| now.saturating_duration_since(since));
        self.is_behind || away.is_some_and(|away| away >= ABSENCE)
    }
}

impl Committer {
    /// Begins, where that is to be done: nothing is decided before.
    pub(super) async fn resume(&mut self) -> Result<(), Failure> {
        if !self.absence.is_long(monotonic_now()) {
            return Ok(());
        }
        let now = Timestamp::from_micros(self.clock.now_micros()).max(self.last_time);
        // A server that joins others was not missed: who holds a lease has renewed it with them.
        let joins = self.absence.is_first() && self.loader.store.is_led().await.map_err(Failure::down)?;
        if !joins {
            self.writer.spare_leases(now).await.map_err(Failure::down)?;
        }
        let leases = self.loader.store.leases().await.map_err(Failure::down)?;
        if !leases.is_empty() && !joins {
            info!(
                leases = leases.len(),
                "leases are spared for half of their duration at most"
            );
        }
        self.loader.cache.clear();
        self.workers().registry.reset(leases, now);
        self.workers().parked.everybody();
        self.absence.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committer_begins_anew_once_the_store_was_away_for_five_seconds() {
        let start = monotonic_now();
        let mut absence = Absence::new();
        assert!(absence.is_long(start), "nothing was read yet");
        absence.end();
        assert!(!absence.is_long(start + Duration::from_secs(60)));
        absence.begin(start);
        absence.begin(start + Duration::from_secs(4));
        assert!(!absence.is_long(start + Duration::from_millis(4_999)));
        assert!(absence.is_long(start + Duration::from_secs(5)));
        absence.end();
        assert!(!absence.is_long(start + Duration::from_secs(5)));
        absence.fall_behind();
        assert!(absence.is_long(start));
    }
}
