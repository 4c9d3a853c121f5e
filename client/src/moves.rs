//! What clients do to a task that others work on: placing, stopping, answering, reviewing.

use std::time::Duration;

use baton_proto::v1::{
    Actor, AddCommentRequest, AddDependencyRequest, ApproveTaskRequest, AssignTaskRequest, CancelTaskRequest,
    Dependency, DependencyFailureRule, DiscardTaskRequest, PauseTaskRequest, Payload, ProvideInputRequest,
    QueueTaskRequest, RejectTaskRequest, RemoveDependencyRequest, RequestReworkRequest, ResumeTaskRequest,
    RetryTaskRequest, ScheduleTaskRequest,
};
use prost_types::Timestamp;

use crate::Client;
use crate::call::Call;
use crate::value::span;

/// When a task that is put off becomes ready.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// At this time by the server's clock; a time that has passed means now.
    At(Timestamp),
    /// This long after the call.
    In(Duration),
}

impl From<Duration> for When {
    fn from(delay: Duration) -> Self {
        When::In(delay)
    }
}

impl From<std::time::SystemTime> for When {
    fn from(time: std::time::SystemTime) -> Self {
        When::At(time.into())
    }
}

impl When {
    pub(crate) fn parts(self) -> (Option<Timestamp>, Option<prost_types::Duration>) {
        match self {
            When::At(time) => (Some(time), None),
            When::In(delay) => (None, Some(span(delay))),
        }
    }
}

impl Client {
    /// PENDING or SCHEDULED to QUEUED: ready now.
    pub fn queue(&self, id: impl Into<String>) -> Call<QueueTaskRequest> {
        self.call(QueueTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// PENDING, QUEUED or SCHEDULED to SCHEDULED: ready later.
    pub fn schedule(&self, id: impl Into<String>, when: impl Into<When>) -> Call<ScheduleTaskRequest> {
        let (schedule_time, delay) = when.into().parts();
        self.call(ScheduleTaskRequest {
            id: id.into(),
            schedule_time,
            delay,
            ..Default::default()
        })
    }

    /// QUEUED to ASSIGNED. Answers with the task's payloads.
    pub fn assign(&self, id: impl Into<String>, assignee: Actor) -> Call<AssignTaskRequest> {
        self.call(AssignTaskRequest {
            id: id.into(),
            assignee: Some(assignee),
            ..Default::default()
        })
    }

    /// Any open state to CANCELLED; open children follow.
    pub fn cancel(&self, id: impl Into<String>) -> Call<CancelTaskRequest> {
        self.call(CancelTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// FAILED or DEAD to QUEUED, or to SCHEDULED with a [`delay`](Call::delay); with a fresh budget of attempts.
    pub fn retry(&self, id: impl Into<String>) -> Call<RetryTaskRequest> {
        self.call(RetryTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// FAILED or DEAD to CANCELLED: given up.
    pub fn discard(&self, id: impl Into<String>) -> Call<DiscardTaskRequest> {
        self.call(DiscardTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// Any open state to PAUSED.
    pub fn pause(&self, id: impl Into<String>) -> Call<PauseTaskRequest> {
        self.call(PauseTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// PAUSED back to where it came from.
    pub fn resume(&self, id: impl Into<String>) -> Call<ResumeTaskRequest> {
        self.call(ResumeTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// INPUT_REQUIRED to IN_PROGRESS: answers the open question, or the one that [`key`](Call::key) names.
    pub fn provide_input(&self, id: impl Into<String>, input: Payload) -> Call<ProvideInputRequest> {
        self.call(ProvideInputRequest {
            id: id.into(),
            input: Some(input),
            ..Default::default()
        })
    }

    /// REVIEW to COMPLETED.
    pub fn approve(&self, id: impl Into<String>) -> Call<ApproveTaskRequest> {
        self.call(ApproveTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// REVIEW to IN_PROGRESS: `message` says what is to be done better.
    pub fn request_rework(
        &self,
        id: impl Into<String>,
        message: impl Into<String>,
    ) -> Call<RequestReworkRequest> {
        self.call(RequestReworkRequest {
            id: id.into(),
            message: message.into(),
            ..Default::default()
        })
    }

    /// REVIEW to FAILED.
    pub fn reject(&self, id: impl Into<String>) -> Call<RejectTaskRequest> {
        self.call(RejectTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// Adds a comment, in any state.
    pub fn comment(&self, id: impl Into<String>, message: impl Into<String>) -> Call<AddCommentRequest> {
        self.call(AddCommentRequest {
            id: id.into(),
            message: message.into(),
            ..Default::default()
        })
    }

    /// Makes a task wait for another one; [`on_failure`](Call::on_failure) says what to do if that does not complete.
    pub fn add_dependency(&self, id: impl Into<String>, on: impl Into<String>) -> Call<AddDependencyRequest> {
        let dependency = Some(Dependency {
            task_id: on.into(),
            ..Default::default()
        });
        self.call(AddDependencyRequest {
            id: id.into(),
            dependency,
            ..Default::default()
        })
    }

    /// A task no longer waits for another one.
    pub fn remove_dependency(
        &self,
        id: impl Into<String>,
        on: impl Into<String>,
    ) -> Call<RemoveDependencyRequest> {
        let dependency = Some(Dependency {
            task_id: on.into(),
            ..Default::default()
        });
        self.call(RemoveDependencyRequest {
            id: id.into(),
            dependency,
            ..Default::default()
        })
    }
}

/// `reason`: why, for people, as `Task.state_message`.
macro_rules! with_reason {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// Why, for people; it becomes the task's `state_message`.
            pub fn reason(self, reason: impl Into<String>) -> Self {
                self.with(|request| request.reason = reason.into())
            }
        }
    )+};
}

with_reason!(CancelTaskRequest PauseTaskRequest RejectTaskRequest);

impl Call<RetryTaskRequest> {
    /// The new input. Default the old one.
    pub fn input(self, input: Payload) -> Self {
        self.with(|request| request.input = Some(input))
    }

    /// How long to wait before it is ready. Default none.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(|request| request.delay = Some(span(delay)))
    }
}

impl Call<ProvideInputRequest> {
    /// Which question is answered. Default the only open one.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|request| request.key = key.into())
    }
}

impl Call<ApproveTaskRequest> {
    /// What the reviewer says.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.with(|request| request.message = message.into())
    }
}

impl Call<AddDependencyRequest> {
    /// What happens to the task when the other one settles without COMPLETED. Default: it fails.
    pub fn on_failure(self, rule: DependencyFailureRule) -> Self {
        self.with(|request| request.dependency.get_or_insert_default().set_on_failure(rule))
    }
}
