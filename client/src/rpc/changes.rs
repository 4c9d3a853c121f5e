//! The RPCs that change something.

use std::time::Duration;

use baton_proto::v1 as pb;

use super::{Change, Guarded, Rpc, fill_in_change, fill_in_namespace, lacking, new_id, sealed};
use crate::Error;
use crate::answers::{BulkOutcome, Commented, Lease};
use crate::call::Reply;
use crate::settings::Defaults;

/// Changes with `request_id` and `actor`; what is taken out of the answer, and the lease that it may tell of.
macro_rules! changes {
    ($($method:ident $request:ident $response:ident -> $output:ty, $take:expr $(, $lease:expr)?;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<$output>;
            wire!(TaskService, $method, $response);

            fn fill_in(&mut self, defaults: &Defaults) {
                fill_in_change(self, defaults);
            }

            fn repeatable(&self) -> bool {
                !self.request_id.is_empty()
            }

            fn output(answer: pb::$response, replayed: bool) -> Result<Self::Output, Error> {
                let take: fn(pb::$response) -> Option<$output> = $take;
                let lease = None$(.or({
                    let lease: fn(&pb::$response) -> Option<Lease> = $lease;
                    lease(&answer)
                }))?;
                let output = lacking(take(answer), Self::METHOD, "task")?;
                let mut reply = Reply::new(output, replayed);
                reply.lease = lease;
                Ok(reply)
            }
        }
        has_actor!($request);
    )+};
}

macro_rules! has_actor {
    ($request:ident) => {
        impl Change for pb::$request {
            fn actor_mut(&mut self) -> &mut Option<pb::Actor> {
                &mut self.actor
            }

            fn request_id_mut(&mut self) -> &mut String {
                &mut self.request_id
            }
        }
    };
}

macro_rules! guarded {
    ($($request:ident)+) => {$(
        impl Guarded for pb::$request {
            fn etag_mut(&mut self) -> &mut String {
                &mut self.etag
            }
        }
    )+};
}

changes! {
    UpdateTask UpdateTaskRequest UpdateTaskResponse -> pb::Task, |response| response.task;
    DeleteTask DeleteTaskRequest DeleteTaskResponse -> (), |pb::DeleteTaskResponse {}| Some(());
    QueueTask QueueTaskRequest QueueTaskResponse -> pb::Task, |response| response.task;
    ScheduleTask ScheduleTaskRequest ScheduleTaskResponse -> pb::Task, |response| response.task;
    AssignTask AssignTaskRequest AssignTaskResponse -> pb::Task, |response| response.task, Lease::of_assign;
    StartTask StartTaskRequest StartTaskResponse -> pb::Task, |response| response.task, Lease::of_start;
    UpdateProgress UpdateProgressRequest UpdateProgressResponse -> pb::Task, |response| response.task;
    CompleteTask CompleteTaskRequest CompleteTaskResponse -> pb::Task, |response| response.task;
    FailTask FailTaskRequest FailTaskResponse -> pb::Task, |response| response.task;
    CancelTask CancelTaskRequest CancelTaskResponse -> pb::Task, |response| response.task;
    RetryTask RetryTaskRequest RetryTaskResponse -> pb::Task, |response| response.task;
    DiscardTask DiscardTaskRequest DiscardTaskResponse -> pb::Task, |response| response.task;
    PauseTask PauseTaskRequest PauseTaskResponse -> pb::Task, |response| response.task;
    ResumeTask ResumeTaskRequest ResumeTaskResponse -> pb::Task, |response| response.task;
    ReleaseTask ReleaseTaskRequest ReleaseTaskResponse -> pb::Task, |response| response.task;
    SnoozeTask SnoozeTaskRequest SnoozeTaskResponse -> pb::Task, |response| response.task;
    RequestInput RequestInputRequest RequestInputResponse -> pb::Task, |response| response.task;
    ProvideInput ProvideInputRequest ProvideInputResponse -> pb::Task, |response| response.task;
    SubmitForReview SubmitForReviewRequest SubmitForReviewResponse -> pb::Task, |response| response.task;
    ApproveTask ApproveTaskRequest ApproveTaskResponse -> pb::Task, |response| response.task;
    RequestRework RequestReworkRequest RequestReworkResponse -> pb::Task, |response| response.task;
    RejectTask RejectTaskRequest RejectTaskResponse -> pb::Task, |response| response.task;
    AddDependency AddDependencyRequest AddDependencyResponse -> pb::Task, |response| response.task;
    RemoveDependency RemoveDependencyRequest RemoveDependencyResponse -> pb::Task, |response| response.task;
    AddComment AddCommentRequest AddCommentResponse -> Commented, |response| Commented::of(response);
}

guarded! {
    DeleteTaskRequest QueueTaskRequest ScheduleTaskRequest AssignTaskRequest StartTaskRequest UpdateProgressRequest
    CompleteTaskRequest FailTaskRequest CancelTaskRequest RetryTaskRequest DiscardTaskRequest PauseTaskRequest
    ResumeTaskRequest ReleaseTaskRequest SnoozeTaskRequest RequestInputRequest ProvideInputRequest
    SubmitForReviewRequest ApproveTaskRequest RequestReworkRequest RejectTaskRequest AddDependencyRequest
    RemoveDependencyRequest
}

impl Guarded for pb::UpdateTaskRequest {
    fn etag_mut(&mut self) -> &mut String {
        &mut self.task.get_or_insert_default().etag
    }
}

/// Bulk calls: changes that may search a namespace, and take longer.
macro_rules! bulk {
    ($($method:ident $request:ident $response:ident;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<BulkOutcome>;
            wire!(TaskService, $method, $response);

            fn fill_in(&mut self, defaults: &Defaults) {
                fill_in_change(self, defaults);
                fill_in_namespace(&mut self.namespace, defaults);
            }

            fn repeatable(&self) -> bool {
                self.validate_only || !self.request_id.is_empty()
            }

            fn own_time(&self) -> Duration {
                BULK_TIME
            }

            fn output(answer: pb::$response, replayed: bool) -> Result<Self::Output, Error> {
                let pb::$response { results, done_count, failed_count, next_page_token } = answer;
                let outcome = BulkOutcome { results, done_count, failed_count, next_page_token };
                Ok(Reply::new(outcome, replayed))
            }
        }
        has_actor!($request);
    )+};
}

/// The most that a bulk call of 10,000 tasks should take while others work too.
const BULK_TIME: Duration = Duration::from_secs(30);

bulk! {
    BulkUpdateState BulkUpdateStateRequest BulkUpdateStateResponse;
    BulkCancel BulkCancelRequest BulkCancelResponse;
    BulkRetry BulkRetryRequest BulkRetryResponse;
    BulkDiscard BulkDiscardRequest BulkDiscardResponse;
}

impl sealed::Sealed for pb::CreateTaskRequest {}
impl Rpc for pb::CreateTaskRequest {
    type Output = Reply<pb::Task>;
    wire!(TaskService, CreateTask, CreateTaskResponse);

    fn fill_in(&mut self, defaults: &Defaults) {
        if self.actor.is_none() {
            self.actor.clone_from(&defaults.actor);
        }
        fill_in_member(self, defaults);
    }

    fn repeatable(&self) -> bool {
        true // It always has a task_id.
    }

    fn output(answer: pb::CreateTaskResponse, replayed: bool) -> Result<Self::Output, Error> {
        let mut reply = Reply::new(lacking(answer.task, Self::METHOD, "task")?, replayed);
        reply.deduplicated = answer.deduplicated;
        Ok(reply)
    }
}
has_actor!(CreateTaskRequest);

/// What a task to be created needs, alone or in a batch.
fn fill_in_member(request: &mut pb::CreateTaskRequest, defaults: &Defaults) {
    if request.task_id.is_empty() {
        request.task_id = new_id();
    }
    fill_in_namespace(&mut request.task.get_or_insert_default().namespace, defaults);
}

impl sealed::Sealed for pb::BatchCreateTasksRequest {}
impl Rpc for pb::BatchCreateTasksRequest {
    type Output = Reply<Vec<pb::Task>>;
    wire!(TaskService, BatchCreateTasks, BatchCreateTasksResponse);

    fn fill_in(&mut self, defaults: &Defaults) {
        fill_in_change(self, defaults);
        for member in &mut self.requests {
            fill_in_member(member, defaults);
        }
    }

    fn repeatable(&self) -> bool {
        true // All of its members have a task_id.
    }

    fn output(answer: pb::BatchCreateTasksResponse, replayed: bool) -> Result<Self::Output, Error> {
        Ok(Reply::new(answer.tasks, replayed))
    }
}
has_actor!(BatchCreateTasksRequest);
