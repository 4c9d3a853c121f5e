//! What the server asks of itself: moves that are due, follow-ups, upkeep.

use std::sync::Arc;

use baton_domain::{Action, TaskId};
use tokio::sync::oneshot;

use super::job::{Class, Upkeep, UpkeepJob, Work};
use super::{Engine, Error, batch};
use crate::store::Archive;

impl Engine {
    /// Gives a command on behalf of Baton itself. Not having anything to do is no error.
    pub(crate) async fn advance(&self, id: TaskId, action: Action) -> Result<(), Error> {
        let work = Work::Move {
            id,
            command: Box::new(batch::system(action)),
            etag: None,
            reported: None,
            checked: None,
        };
        match self.submit(Class::Vital, work, None).await {
            Ok(_) | Err(Error::NotFound { .. } | Error::Rejected(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Strikes out a follow-up that has nothing left to do.
    pub(crate) async fn close_follow_up(&self, id: i64) -> Result<(), Error> {
        self.submit(Class::Vital, Work::CloseFollowUp(id), None)
            .await
            .map(|_| ())
    }

    /// Does one bounded piece of upkeep between batches; answers whether there is more.
    pub(crate) async fn keep_up(&self, upkeep: Upkeep) -> Result<bool, Error> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .upkeep
            .send(UpkeepJob { upkeep, reply })
            .await
            .map_err(|_| Error::Draining)?;
        answer.await.unwrap_or(Err(Error::Draining))
    }

    /// Writes all of an archive into its namespace, which must never have been used, or nothing. Goes on where its caller
    /// does not.
    ///
    /// # Errors
    /// [`Error::NotImported`], and what the queue may do.
    pub(crate) async fn import(&self, archive: Archive) -> Result<(), Error> {
        self.keep_up(Upkeep::Import(Arc::new(archive))).await.map(drop)
    }

    /// Learns what other servers have written up to now.
    ///
    /// # Errors
    /// What the store may do.
    pub(crate) async fn look_out(&self) -> Result<(), Error> {
        if !self.store().is_shared() {
            return Ok(());
        }
        self.shared.asking.ask().await
    }
}
