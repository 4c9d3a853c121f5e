//! Writing a batch without a turn that is begun for it.

use super::postgres::Standing;
use super::{CommitError, Link, StoreError, WriteError, Writer};
use crate::store::batch::WriteBatch;
use crate::store::dialect;
use crate::store::error::Class;
use crate::store::plan::{Plan, together};

impl Writer {
    /// Whether the next batch may be decided before its turn, as nobody else is known to have written since the last one. Where
    /// somebody has, [`Writer::commit`] says so, and [`Writer::is_behind`] of what is not to be written.
    pub fn may_presume(&self) -> bool {
        match &self.link {
            Link::Sqlite(_) => false,
            Link::Postgres(link) => link.may_presume(),
        }
    }

    /// What the last turn of this writer said, where none is under way: what is to be written now was decided by that.
    pub(super) const fn presumed_turn(&self) -> Option<Standing> {
        match &self.link {
            Link::Sqlite(_) => None,
            Link::Postgres(link) => link.presumed_turn(),
        }
    }

    /// The next turn is to tell what was written since that one.
    pub(super) const fn go_back(&mut self, last: Option<Standing>) {
        if let Link::Postgres(link) = &mut self.link {
            link.go_back(last);
        }
    }

    /// Whether somebody else has written since this writer's last turn. Within one, nobody has.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn is_behind(&mut self) -> Result<bool, StoreError> {
        match &mut self.link {
            Link::Postgres(link) if !link.has_turn() => Ok(link.glance().await?.is_behind),
            Link::Postgres(_) | Link::Sqlite(_) => Ok(false),
        }
    }

    /// Writes all of `batch` at once. Where that cannot be done nothing is written; answers then what was planned, unless that was
    /// tried.
    pub(super) async fn commit_at_once(&mut self, batch: &WriteBatch) -> Result<AtOnce, CommitError> {
        let plan = self.plan(batch).await.map_err(CommitError::Failed)?;
        let Link::Postgres(link) = &mut self.link else {
            return Ok(AtOnce::Not(Some(plan)));
        };
        if plan.parts.is_empty() || !together::are_one(&plan.parts) {
            return Ok(AtOnce::Not(Some(plan)));
        }
        match link.write_at_once((plan.parts, plan.parameters)).await {
            Ok(true) => Ok(AtOnce::Written),
            Ok(false) => Ok(AtOnce::Not(None)),
            Err(error) => {
                let is_cut = dialect::classify(&error) == Class::Unavailable;
                match self.failed(WriteError::Database(error), batch).await {
                    Ok(()) => {
                        self.link.settled();
                        Ok(AtOnce::Written)
                    }
                    // The connection was cut while nobody used it, and there is another.
                    Err(CommitError::Failed(_)) if is_cut => Ok(AtOnce::Not(None)),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// What became of a batch that was to be written at once.
pub(super) enum AtOnce {
    Written,
    Not(Option<Plan>),
}
