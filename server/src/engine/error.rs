//! Why the engine refused or failed. The API turns each into one status; nothing here knows gRPC.

use std::time::Duration;

use baton_domain::{Rejection, TaskId};
use thiserror::Error;

use super::types::{Misfit, Unchecked};
use crate::store::{ImportError, StoreError};

/// What a caller of the engine may meet. Cloned where one failure answers a whole batch.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// No such task.
    #[error("task {id} does not exist")]
    NotFound {
        /// The id asked for.
        id: TaskId,
    },
    /// A task that the request refers to does not exist, or lives in another namespace.
    #[error("task {id}, named by {field}, does not exist in this namespace")]
    ReferenceNotFound {
        /// Path in the request.
        field: String,
        /// The id it names.
        id: TaskId,
    },
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(Rejection),
    /// An archive was not imported; nothing of it was written, unless this says otherwise.
    #[error(transparent)]
    NotImported(ImportError),
    /// The task changed since the caller read it.
    #[error("the etag does not match; the task's is {current}")]
    EtagMismatch {
        /// The etag as it stands.
        current: String,
    },
    /// Another task has the id that the caller chose.
    #[error("task {id} exists with another specification")]
    TaskIdReused {
        /// The id.
        id: TaskId,
    },
    /// Another task holds the key that tells this one from others.
    #[error("task {id} holds the key {key:?}")]
    Duplicate {
        /// The task that holds it.
        id: TaskId,
        /// The key.
        key: String,
    },
    /// No such schedule.
    #[error("schedule {name:?} does not exist in this namespace")]
    ScheduleNotFound {
        /// The name asked for.
        name: String,
    },
    /// A schedule of this namespace has the name.
    #[error("schedule {name:?} exists")]
    ScheduleExists {
        /// The name.
        name: String,
    },
    /// No such task type.
    #[error("task type {name:?} is not registered in this namespace")]
    TypeNotFound {
        /// The name asked for.
        name: String,
    },
    /// The task type is registered with another content.
    #[error("task type {name:?} is registered with another content")]
    TypeExists {
        /// The name.
        name: String,
    },
    /// As many task types are registered as may be.
    #[error("as many task types are registered as may be")]
    TooManyTypes,
    /// No such webhook.
    #[error("webhook {name:?} does not exist in this namespace")]
    WebhookNotFound {
        /// The name asked for.
        name: String,
    },
    /// A webhook of this namespace has the name.
    #[error("webhook {name:?} exists")]
    WebhookExists {
        /// The name.
        name: String,
    },
    /// There are as many webhooks as may be.
    #[error("there are as many webhooks as may be")]
    TooManyWebhooks,
    /// The type of a task is not registered, and must be.
    #[error("{field} is of type {name:?}, which is not registered")]
    TypeUnknown {
        /// The task in the request.
        field: &'static str,
        /// The type.
        name: String,
    },
    /// Callers may not create tasks of this type.
    #[error("{field} is of type {name:?}, which is internal")]
    TypeInternal {
        /// The task in the request.
        field: &'static str,
        /// The type.
        name: String,
    },
    /// A payload does not fit the schema of its type.
    #[error("{} does not fit the schema of its type", .0.field)]
    Misfit(Box<Misfit>),
    /// A payload is yet to be checked; nobody but the engine meets this.
    #[error("{} was not checked", .0.field())]
    Unchecked(Box<Unchecked>),
    /// Nobody created such a queue.
    #[error("queue {name:?} does not exist in this namespace")]
    QueueNotFound {
        /// The name asked for.
        name: String,
    },
    /// A queue of this namespace has the name.
    #[error("queue {name:?} exists")]
    QueueExists {
        /// The name.
        name: String,
    },
    /// Open tasks name the queue.
    #[error("{open} open tasks name queue {name:?}")]
    QueueNotEmpty {
        /// The queue.
        name: String,
        /// How many.
        open: i64,
    },
    /// The namespace has as many queues as it may have.
    #[error("the namespace has as many queues as it may have")]
    TooManyQueues,
    /// The request id was used for another request.
    #[error("the request_id was used for another request")]
    RequestIdReused,
    /// More waits than may wait.
    #[error("too many requests are waiting")]
    Overloaded {
        /// When a place is likely.
        retry_after: Duration,
    },
    /// The service is stopping.
    #[error("the service is stopping")]
    Draining,
    /// The store failed while it committed: the change may stand or not.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown,
    /// The store failed before anything changed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// One member of an atomic batch failed, so none was created.
    #[error("member {index} of the batch")]
    InBatch {
        /// Which, from 0.
        index: usize,
        /// Why.
        #[source]
        source: Box<Error>,
    },
}

impl Error {
    /// Whether a repeat of the same request may find its first outcome: what the state refuses now may be what
    /// the first call itself brought about.
    pub(super) const fn may_be_repeat(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::ReferenceNotFound { .. }
            | Self::Rejected(_)
            | Self::EtagMismatch { .. }
            | Self::TaskIdReused { .. }
            | Self::Duplicate { .. }
            | Self::ScheduleNotFound { .. }
            | Self::ScheduleExists { .. }
            | Self::TypeNotFound { .. }
            | Self::TypeExists { .. }
            | Self::WebhookNotFound { .. }
            | Self::WebhookExists { .. }
            | Self::TypeUnknown { .. }
            | Self::TypeInternal { .. }
            | Self::QueueNotFound { .. }
            | Self::QueueExists { .. }
            | Self::QueueNotEmpty { .. }
            | Self::TooManyQueues
            | Self::InBatch { .. } => true,
            Self::RequestIdReused
            | Self::NotImported(_)
            | Self::TooManyTypes
            | Self::TooManyWebhooks
            | Self::Misfit(_)
            | Self::Unchecked(_)
            | Self::Overloaded { .. }
            | Self::Draining
            | Self::OutcomeUnknown
            | Self::Store(_) => false,
        }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
