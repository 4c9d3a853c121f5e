//! What the committer does when it cannot be sure how the log ends.
//!
//! A commit whose outcome is unknown may be on disk. Were that not found out, the next batch would take positions that
//! are taken, and so would every one after it; and watchers would never be told of what was committed.

use super::committer::Committer;
use super::error::Error;
use crate::store::Turn;

impl Committer {
    /// Reads how the logs end and tells the feed what it missed; answers whether there was anything.
    pub(super) async fn catch_up(&mut self) -> Result<bool, Error> {
        let all = Turn {
            time: None,
            is_behind: true,
            has_definitions: true,
        };
        // What is there now may be older than what was told of it.
        self.loader.floors.forget();
        let missed = self.learn(all).await.map_err(Error::Store)?;
        self.in_doubt = false;
        if missed {
            self.absence.fall_behind();
        }
        Ok(missed)
    }
}
