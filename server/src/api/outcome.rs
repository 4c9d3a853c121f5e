//! What became of one task of a call that moves many.

use baton_domain::{Task, TaskId};
use baton_proto::raw::v1 as raw;

use super::convert::task::{self, Shown};
use super::status::Refusal;

/// What is told of a task that was moved.
pub(super) fn moved(id: TaskId, task: &Task) -> raw::BulkTaskResult {
    raw::BulkTaskResult {
        id: id.to_string(),
        task: Some(task::write(task, Shown::BASIC)),
        error: None,
    }
}

/// What is told of a task that was not.
pub(super) fn refused(id: String, refusal: &Refusal) -> raw::BulkTaskResult {
    let metadata = refusal.metadata().iter();
    raw::BulkTaskResult {
        id,
        task: None,
        error: Some(raw::BulkTaskError {
            code: refusal.reason().code().into(),
            reason: refusal.reason().as_str().to_owned(),
            message: refusal.message().to_owned(),
            metadata: metadata
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }),
    }
}
