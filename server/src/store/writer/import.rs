//! Writes an archive: all of its batches in one transaction, so that nobody ever sees a part of it.

use super::{Bind, Writer};
use crate::store::archive::{Archive, Fault};
use crate::store::batch::WriteBatch;
use crate::store::dialect;
use crate::store::error::{CommitError, Constraint, StoreError};

/// Why an archive was not imported. Nothing was written, unless it says otherwise.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    /// The namespace has something already.
    #[error("the namespace has {0} already")]
    InUse(&'static str),
    /// What the archive names is in this database already, in another namespace.
    #[error("{0} of the archive is taken")]
    Taken(Constraint),
    /// The database does not take what the archive says.
    #[error(transparent)]
    Invalid(Fault),
    /// What the database did.
    #[error(transparent)]
    Store(StoreError),
    /// It may be there or not.
    #[error("the outcome is unknown")]
    Unknown(#[source] StoreError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Writer {
    /// Writes all of `archive` into its namespace, which must never have been used, or nothing; when it returns, all is on
    /// disk. Until then nobody else writes to this database.
    ///
    /// Not cancel-safe for the caller, who then does not know the outcome; safe for the store.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import(&mut self, archive: &Archive) -> Result<(), ImportError> {
        self.settle().await?;
        self.begin().await?;
        let done = self.write_archive(archive).await;
        if done.is_err() {
            // Also takes back the number that the namespace was given.
            self.link.mark_in_doubt();
            self.settle().await?;
        }
        done
    }

    async fn write_archive(&mut self, archive: &Archive) -> Result<(), ImportError> {
        let name = [Bind::Text(archive.namespace.clone())];
        for (what, text) in dialect::FIND_USE {
            if self.link.finds(text, &name).await? {
                return Err(ImportError::InUse(what));
            }
        }
        let opened = self.link.open().await;
        opened.map_err(StoreError::from)?;
        let mut batches = archive.batches().map_err(ImportError::Invalid)?;
        let mut last = WriteBatch::default();
        while let Some(batch) = batches.next_batch().map_err(ImportError::Invalid)? {
            if let Err(error) = self.add(&batch).await {
                return match error {
                    ImportError::Store(error) if error.is_about_the_rows() => {
                        let what =
                            format!("the database does not take one of the records up to this one: {error}");
                        Err(ImportError::Invalid(batches.fault(what)))
                    }
                    error => Err(error),
                };
            }
            if !batch.events.is_empty() {
                last = batch;
            }
        }
        let Err(error) = self.link.finish().await else {
            self.link.settled();
            return Ok(());
        };
        match self.failed(error, &last).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(taken)) => Err(ImportError::Taken(taken)),
            Err(CommitError::Failed(error)) => Err(ImportError::Store(error)),
            Err(CommitError::Unknown(error)) => Err(ImportError::Unknown(error)),
            Err(CommitError::Behind) => Err(out_of_turn()),
        }
    }

    async fn add(&mut self, batch: &WriteBatch) -> Result<(), ImportError> {
        let plan = self.plan(batch).await?;
        let fresh = plan.fresh;
        if let Err(error) = self.link.add((plan.parts, plan.parameters)).await {
            return match self.failed(error, batch).await {
                // It was never committed.
                Ok(()) => Err(ImportError::Store(StoreError::corrupt(
                    "batch",
                    "of an import",
                    "it is there already",
                ))),
                Err(CommitError::Conflict(taken)) => Err(ImportError::Taken(taken)),
                // Nothing was to be committed yet.
                Err(CommitError::Failed(error) | CommitError::Unknown(error)) => {
                    Err(ImportError::Store(error))
                }
                Err(CommitError::Behind) => Err(out_of_turn()),
            };
        }
        self.numbers.add(fresh);
        Ok(())
    }
}

/// An import begins its turn, so that nobody writes before its end.
fn out_of_turn() -> ImportError {
    ImportError::Store(StoreError::corrupt(
        "batch",
        "of an import",
        "another server wrote meanwhile",
    ))
}
