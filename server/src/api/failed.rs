//! Turns what the store and the feed fail with into refusals.

use std::time::Duration;

use baton_domain::TaskId;

use super::status::{Reason, Refusal};
use crate::feed::ReadError;
use crate::store::StoreError;

/// When a caller should try again after the store failed: long enough for a lock or a disk to come back.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The refusal of a call on a task that is not there.
pub(super) fn task_not_found(id: TaskId) -> Refusal {
    Refusal::new(Reason::TaskNotFound, format!("task {id} does not exist")).resource("task", id.to_string())
}

/// The refusal of a call that the store could not serve.
pub(super) fn store_failed(error: &StoreError) -> Refusal {
    match error {
        StoreError::Busy(_) => {
            tracing::warn!(%error, "the store is busy");
            Refusal::new(Reason::StoreBusy, "the store is busy").retry_after(STORE_RETRY_AFTER)
        }
        StoreError::Unavailable(source) => {
            tracing::error!(%error, %source, "the store is not available");
            Refusal::new(Reason::StoreUnavailable, "the store is not available")
                .retry_after(STORE_RETRY_AFTER)
        }
        StoreError::Url(_)
        | StoreError::InUse { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Refused(_)
        | StoreError::Constraint(_)
        | StoreError::VersionTooOld { .. }
        | StoreError::SchemaTooNew { .. }
        | StoreError::Statement(_) => Refusal::bug(error),
    }
}

/// The refusal of a reader that cannot go on.
pub(super) fn read_failed(error: &ReadError) -> Refusal {
    match error {
        ReadError::Expired { oldest } => expired(*oldest),
        ReadError::Store(error) => store_failed(error),
    }
}

/// The refusal of a position below the horizon.
pub(super) fn expired(oldest: i64) -> Refusal {
    let text = "events behind the token are no longer kept: begin with a snapshot or with the oldest";
    Refusal::new(Reason::ResumeTokenExpired, text).with("oldest_position", oldest.to_string())
}
