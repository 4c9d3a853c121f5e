//! Answers that hold more than a task.

use baton_proto::v1::{
    AddCommentResponse, AssignTaskResponse, BulkTaskResult, GetTaskResponse, Schedule, StartTaskResponse,
    Task, TaskEvent, TriggerScheduleResponse,
};

/// A task and its newest events.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The task.
    pub task: Task,
    /// Its newest events, oldest first; only as many as were asked for.
    pub events: Vec<TaskEvent>,
}

impl Fetched {
    pub(crate) fn of(response: GetTaskResponse) -> Option<Self> {
        let GetTaskResponse { task, events } = response;
        Some(Fetched { task: task?, events })
    }
}

/// A task and the comment it got.
#[derive(Clone, Debug, PartialEq)]
pub struct Commented {
    /// The task after the call.
    pub task: Task,
    /// The event that holds the comment; where this call repeats one that was made before, the event of that one.
    pub event: Option<TaskEvent>,
}

impl Commented {
    pub(crate) fn of(response: AddCommentResponse) -> Option<Self> {
        let AddCommentResponse { task, event } = response;
        Some(Commented { task: task?, event })
    }
}

/// The right to work on a task for a time, as AssignTask and StartTask grant it.
#[derive(Clone, PartialEq)]
pub struct Lease {
    /// What its holder shows with every call about the task. It is a secret: keep it out of logs.
    pub token: String,
    /// Rises with every grant: a system outside can refuse whoever comes with an older one.
    pub fence: i64,
    /// When it ends unless it is renewed.
    pub expire_time: Option<prost_types::Timestamp>,
}

/// Without the token.
impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("fence", &self.fence)
            .field("expire_time", &self.expire_time)
            .finish_non_exhaustive()
    }
}

impl Lease {
    fn of(token: &str, fence: i64, expire_time: Option<prost_types::Timestamp>) -> Option<Self> {
        let lease = || Lease {
            token: token.to_owned(),
            fence,
            expire_time,
        };
        (!token.is_empty()).then(lease)
    }

    pub(crate) fn of_assign(response: &AssignTaskResponse) -> Option<Self> {
        Self::of(&response.lease_token, response.fence, response.lease_expire_time)
    }

    pub(crate) fn of_start(response: &StartTaskResponse) -> Option<Self> {
        Self::of(&response.lease_token, response.fence, response.lease_expire_time)
    }
}

/// A schedule and the task that it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Triggered {
    /// The task.
    pub task: Task,
    /// The schedule after the call.
    pub schedule: Schedule,
}

impl Triggered {
    pub(crate) fn of(response: TriggerScheduleResponse) -> Option<Self> {
        let TriggerScheduleResponse { task, schedule } = response;
        Some(Triggered {
            task: task?,
            schedule: schedule?,
        })
    }
}

/// What a bulk call did.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOutcome {
    /// What happened to each task, failures first; at most 1,000.
    /// [`Refusal::from`](crate::Refusal) reads the error of one.
    pub results: Vec<BulkTaskResult>,
    /// How many tasks were moved.
    pub done_count: i32,
    /// How many tasks were refused.
    pub failed_count: i32,
    /// Where to go on; empty when nothing more matches.
    pub next_page_token: String,
}
