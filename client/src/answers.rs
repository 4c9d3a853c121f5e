//! Answers that hold more than a task.

use baton_proto::v1::{AddCommentResponse, BulkTaskResult, GetTaskResponse, Task, TaskEvent};

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
