//! How an archive becomes a namespace.
//!
//! What is written is no command of anybody and no event of this server: it goes from the file into the store as it is. What
//! the engine keeps in memory learns of it as it learns of what another server has written.

use tracing::{info, warn};

use super::committer::{Committer, Failure};
use super::error::Error;
use crate::seams::monotonic_now;
use crate::store::{Archive, ImportError};

impl Committer {
    /// Writes all of `archive`, or nothing. Commands wait meanwhile.
    pub(super) async fn import(&mut self, archive: &Archive) -> Result<(), Error> {
        let began = monotonic_now();
        let done = self.write_archive(archive).await;
        self.writer.leave().await;
        if matches!(done, Ok(()) | Err(Error::NotImported(ImportError::Unknown(_)))) {
            self.in_doubt = true;
            self.forget_queues();
            if let Err(error) = self.catch_up().await {
                warn!(error = %error, "what was imported will be learned of before the next commit");
            }
            // Nobody could renew meanwhile; and leases have come that nobody here can renew.
            self.absence.fall_behind();
            self.signals.committed();
        }
        let (tasks, events) = (archive.counts.tasks, archive.counts.events);
        let (namespace, elapsed) = (&archive.namespace, began.elapsed());
        match &done {
            Ok(()) => info!(namespace, tasks, events, ?elapsed, "a namespace was imported"),
            Err(error) => warn!(namespace, tasks, events, ?elapsed, %error, "a namespace was not imported"),
        }
        done
    }

    async fn write_archive(&mut self, archive: &Archive) -> Result<(), Error> {
        if self.in_doubt {
            self.catch_up().await?;
        }
        let begun = match self.resume().await {
            Ok(()) => self.begin().await.map(drop),
            failed => failed,
        };
        begun.map_err(|failure| match failure {
            Failure::Down(error) | Failure::Spoiled(error) => error,
            Failure::Heavy => Error::OutcomeUnknown,
        })?;
        self.writer.import(archive).await.map_err(Error::NotImported)
    }
}
