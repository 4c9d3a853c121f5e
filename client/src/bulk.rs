//! Moving many tasks in one call. Each task answers for itself: a bulk call succeeds even where all tasks refused.

use std::time::Duration;

use baton_proto::v1::{
    BulkCancelRequest, BulkDiscardRequest, BulkRetryRequest, BulkUpdateStateRequest, TaskState,
};

use crate::Client;
use crate::call::Call;
use crate::value::span;

/// Which tasks a bulk call touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These, at most 1,000.
    Ids(Vec<String>),
    /// Those that match, in the language of [`Client::list`]; at most 1,000 a call unless the call says more, at most
    /// 10,000.
    Filter(String),
}

impl Selection {
    /// These tasks.
    pub fn ids(ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Selection::Ids(ids.into_iter().map(Into::into).collect())
    }

    /// The tasks that match.
    pub fn filter(filter: impl Into<String>) -> Self {
        Selection::Filter(filter.into())
    }

    fn parts(self) -> (Vec<String>, String) {
        match self {
            Selection::Ids(ids) => (ids, String::new()),
            Selection::Filter(filter) => (Vec::new(), filter),
        }
    }
}

impl Client {
    /// Moves many tasks to QUEUED, IN_PROGRESS, REVIEW, COMPLETED, PAUSED or CANCELLED.
    pub fn bulk_update_state(&self, tasks: Selection, state: TaskState) -> Call<BulkUpdateStateRequest> {
        let (ids, filter) = tasks.parts();
        let state = state.into();
        self.call(BulkUpdateStateRequest {
            ids,
            filter,
            state,
            ..Default::default()
        })
    }

    /// Cancels many tasks.
    pub fn bulk_cancel(&self, tasks: Selection) -> Call<BulkCancelRequest> {
        let (ids, filter) = tasks.parts();
        self.call(BulkCancelRequest {
            ids,
            filter,
            ..Default::default()
        })
    }

    /// Brings many FAILED or DEAD tasks back.
    pub fn bulk_retry(&self, tasks: Selection) -> Call<BulkRetryRequest> {
        let (ids, filter) = tasks.parts();
        self.call(BulkRetryRequest {
            ids,
            filter,
            ..Default::default()
        })
    }

    /// Gives many FAILED or DEAD tasks up.
    pub fn bulk_discard(&self, tasks: Selection) -> Call<BulkDiscardRequest> {
        let (ids, filter) = tasks.parts();
        self.call(BulkDiscardRequest {
            ids,
            filter,
            ..Default::default()
        })
    }
}

/// What all bulk calls can be told.
macro_rules! bulk_settings {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// The namespace that the filter searches, in place of the client's.
            pub fn namespace(self, namespace: impl Into<String>) -> Self {
                self.with(|request| request.namespace = namespace.into())
            }

            /// How many tasks the filter may touch in this call, at most 10,000. Default 1,000.
            pub fn max_count(self, count: i32) -> Self {
                self.with(|request| request.max_count = count)
            }

            /// Only says what would happen.
            pub fn validate_only(self) -> Self {
                self.with(|request| request.validate_only = true)
            }

            /// Where to go on: the `next_page_token` of the call before, all else as it was.
            pub fn page_token(self, token: impl Into<String>) -> Self {
                self.with(|request| request.page_token = token.into())
            }
        }
    )+};
}

bulk_settings!(BulkUpdateStateRequest BulkCancelRequest BulkRetryRequest BulkDiscardRequest);

impl Call<BulkCancelRequest> {
    /// Why, for people; it becomes each task's `state_message`.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.with(|request| request.reason = reason.into())
    }
}

impl Call<BulkRetryRequest> {
    /// How long to wait before they are ready. Default none.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(|request| request.delay = Some(span(delay)))
    }
}
