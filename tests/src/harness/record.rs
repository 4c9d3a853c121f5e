//! What a request and its answer mean for the oracle.

use baton_client::{BulkOutcome, Commented, Error, Fetched, Reply, Rpc};
use baton_proto::v1::{
    Actor, AddCommentRequest, AddDependencyRequest, AdvanceClockRequest, AdvanceClockResponse,
    ApproveTaskRequest, AssignTaskRequest, BackupStoreRequest, BackupStoreResponse, BatchCreateTasksRequest,
    BatchGetTasksRequest, BulkCancelRequest, BulkDiscardRequest, BulkRetryRequest, BulkUpdateStateRequest,
    CancelTaskRequest, CompleteTaskRequest, CreateTaskRequest, DeleteTaskRequest, DiscardTaskRequest,
    ExplainTaskRequest, ExplainTaskResponse, FailTaskRequest, GetServerInfoRequest, GetServerInfoResponse,
    GetTaskRequest, GetTaskStatsRequest, GetTaskStatsResponse, ListTaskEventsRequest, ListTaskEventsResponse,
    ListTasksRequest, ListTasksResponse, PauseTaskRequest, ProvideInputRequest, QueueTaskRequest,
    RejectTaskRequest, ReleaseTaskRequest, RemoveDependencyRequest, RequestInputRequest,
    RequestReworkRequest, ResumeTaskRequest, RetryTaskRequest, ScheduleTaskRequest, SnoozeTaskRequest,
    StartTaskRequest, SubmitForReviewRequest, Task, UpdateProgressRequest, UpdateTaskRequest,
    WaitTaskRequest, WaitTaskResponse,
};

use crate::oracle::Outcome;

/// A request whose calls are recorded.
pub trait Recorded: Rpc {
    /// What the answer says of tasks.
    fn outcome(&self, answer: &Self::Output) -> Outcome;

    /// The tasks that the request is to change; empty where only the server knows them.
    fn named(&self) -> Vec<String> {
        Vec::new()
    }

    /// Who acts, where the request says so.
    fn actor(&self) -> Option<Actor> {
        None
    }

    /// How a call ended that had no good answer.
    fn failure(error: &Error) -> Outcome {
        if error.outcome_unknown() {
            return Outcome::Unknown;
        }
        let reason = error
            .reason()
            .map_or_else(|| error.to_string(), ToString::to_string);
        Outcome::Refused(error.code().unwrap_or(baton_client::Code::Unknown), reason)
    }
}

fn changed<T>(reply: &Reply<T>, tasks: impl FnOnce(&T) -> Vec<Task>) -> Outcome {
    Outcome::Changed {
        tasks: tasks(reply),
        replayed: reply.replayed(),
    }
}

macro_rules! changes {
    ($($request:ident)+) => {$(
        impl Recorded for $request {
            fn outcome(&self, answer: &Self::Output) -> Outcome {
                changed(answer, |task: &Task| vec![task.clone()])
            }

            fn named(&self) -> Vec<String> {
                vec![self.id.clone()]
            }

            fn actor(&self) -> Option<Actor> {
                self.actor.clone()
            }
        }
    )+};
}

changes! {
    QueueTaskRequest ScheduleTaskRequest AssignTaskRequest StartTaskRequest UpdateProgressRequest
    CompleteTaskRequest FailTaskRequest CancelTaskRequest RetryTaskRequest DiscardTaskRequest PauseTaskRequest
    ResumeTaskRequest ReleaseTaskRequest SnoozeTaskRequest RequestInputRequest ProvideInputRequest
    SubmitForReviewRequest ApproveTaskRequest RequestReworkRequest RejectTaskRequest AddDependencyRequest
    RemoveDependencyRequest
}

impl Recorded for AddCommentRequest {
    fn outcome(&self, answer: &Self::Output) -> Outcome {
        changed(answer, |commented: &Commented| vec![commented.task.clone()])
    }

    fn named(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }
}

impl Recorded for UpdateTaskRequest {
    fn outcome(&self, answer: &Self::Output) -> Outcome {
        changed(answer, |task: &Task| vec![task.clone()])
    }

    fn named(&self) -> Vec<String> {
        self.task.iter().map(|task| task.id.clone()).collect()
    }

    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }
}

impl Recorded for DeleteTaskRequest {
    fn outcome(&self, answer: &Self::Output) -> Outcome {
        Outcome::Deleted {
            replayed: answer.replayed(),
        }
    }

    fn named(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }
}

impl Recorded for CreateTaskRequest {
    fn outcome(&self, answer: &Self::Output) -> Outcome {
        if self.validate_only {
            return Outcome::Read(Vec::new());
        }
        changed(answer, |task: &Task| vec![task.clone()])
    }

    fn named(&self) -> Vec<String> {
        let chosen = Some(self.task_id.clone());
        chosen.filter(|id| !id.is_empty()).into_iter().collect()
    }

    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }
}

impl Recorded for BatchCreateTasksRequest {
    fn outcome(&self, answer: &Self::Output) -> Outcome {
        changed(answer, Vec::clone)
    }

    fn named(&self) -> Vec<String> {
        let chosen = self.requests.iter().map(|member| member.task_id.clone());
        chosen.filter(|id| !id.is_empty()).collect()
    }

    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }
}

macro_rules! bulk {
    ($($request:ident)+) => {$(
        impl Recorded for $request {
            fn outcome(&self, answer: &Self::Output) -> Outcome {
                if self.validate_only {
                    return Outcome::Read(Vec::new());
                }
                changed(answer, |outcome: &BulkOutcome| {
                    outcome.results.iter().filter_map(|result| result.task.clone()).collect()
                })
            }

            fn named(&self) -> Vec<String> {
                self.ids.clone()
            }

            fn actor(&self) -> Option<Actor> {
                self.actor.clone()
            }
        }
    )+};
}

bulk! { BulkUpdateStateRequest BulkCancelRequest BulkRetryRequest BulkDiscardRequest }

/// Reads: which tasks the answer shows.
macro_rules! reads {
    ($($request:ident, $answer:pat => $tasks:expr;)+) => {$(
        impl Recorded for $request {
            fn outcome(&self, answer: &Self::Output) -> Outcome {
                let $answer = answer;
                Outcome::Read($tasks)
            }
        }
    )+};
}

reads! {
    GetTaskRequest, Fetched { task, .. } => vec![task.clone()];
    BatchGetTasksRequest, tasks => tasks.clone();
    ListTasksRequest, ListTasksResponse { tasks, .. } => tasks.clone();
    ListTaskEventsRequest, ListTaskEventsResponse { .. } => Vec::new();
    GetTaskStatsRequest, GetTaskStatsResponse { .. } => Vec::new();
    ExplainTaskRequest, ExplainTaskResponse { .. } => Vec::new();
    WaitTaskRequest, WaitTaskResponse { task, .. } => task.clone().into_iter().collect();
    GetServerInfoRequest, GetServerInfoResponse { .. } => Vec::new();
    AdvanceClockRequest, AdvanceClockResponse { .. } => Vec::new();
    BackupStoreRequest, BackupStoreResponse { .. } => Vec::new();
}
