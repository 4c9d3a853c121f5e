//! The RPCs that change something.

use std::time::Duration;

use baton_proto::v1 as pb;
use baton_proto::v1::task_service_client::TaskServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::{Change, Guarded, Rpc, fill_in_change, fill_in_namespace, lacking, new_id, replayed, sealed};
use crate::Error;
use crate::answers::{BulkOutcome, Commented};
use crate::call::Reply;
use crate::settings::Defaults;

/// Changes with `request_id` and `actor`; `task` where the answer is the task.
macro_rules! changes {
    ($($request:ident $method:ident $response:ident -> $output:ty, $take:expr;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<$output>;
            wire!(TaskServiceClient, $request, $method, $response);

            fn fill_in(&mut self, defaults: &Defaults) {
                fill_in_change(self, defaults);
            }

            fn repeatable(&self) -> bool {
                !self.request_id.is_empty()
            }

            fn output(response: Response<pb::$response>) -> Result<Self::Output, Error> {
                let replayed = replayed(&response);
                let take: fn(pb::$response) -> Option<$output> = $take;
                let output = lacking(take(response.into_inner()), Self::METHOD, "task")?;
                Ok(Reply::new(output, replayed))
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
    UpdateTaskRequest update_task UpdateTaskResponse -> pb::Task, |response| response.task;
    DeleteTaskRequest delete_task DeleteTaskResponse -> (), |pb::DeleteTaskResponse {}| Some(());
    QueueTaskRequest queue_task QueueTaskResponse -> pb::Task, |response| response.task;
    ScheduleTaskRequest schedule_task ScheduleTaskResponse -> pb::Task, |response| response.task;
    AssignTaskRequest assign_task AssignTaskResponse -> pb::Task, |response| response.task;
    StartTaskRequest start_task StartTaskResponse -> pb::Task, |response| response.task;
    UpdateProgressRequest update_progress UpdateProgressResponse -> pb::Task, |response| response.task;
    CompleteTaskRequest complete_task CompleteTaskResponse -> pb::Task, |response| response.task;
    FailTaskRequest fail_task FailTaskResponse -> pb::Task, |response| response.task;
    CancelTaskRequest cancel_task CancelTaskResponse -> pb::Task, |response| response.task;
    RetryTaskRequest retry_task RetryTaskResponse -> pb::Task, |response| response.task;
    DiscardTaskRequest discard_task DiscardTaskResponse -> pb::Task, |response| response.task;
    PauseTaskRequest pause_task PauseTaskResponse -> pb::Task, |response| response.task;
    ResumeTaskRequest resume_task ResumeTaskResponse -> pb::Task, |response| response.task;
    ReleaseTaskRequest release_task ReleaseTaskResponse -> pb::Task, |response| response.task;
    SnoozeTaskRequest snooze_task SnoozeTaskResponse -> pb::Task, |response| response.task;
    RequestInputRequest request_input RequestInputResponse -> pb::Task, |response| response.task;
    ProvideInputRequest provide_input ProvideInputResponse -> pb::Task, |response| response.task;
    SubmitForReviewRequest submit_for_review SubmitForReviewResponse -> pb::Task, |response| response.task;
    ApproveTaskRequest approve_task ApproveTaskResponse -> pb::Task, |response| response.task;
    RequestReworkRequest request_rework RequestReworkResponse -> pb::Task, |response| response.task;
    RejectTaskRequest reject_task RejectTaskResponse -> pb::Task, |response| response.task;
    AddDependencyRequest add_dependency AddDependencyResponse -> pb::Task, |response| response.task;
    RemoveDependencyRequest remove_dependency RemoveDependencyResponse -> pb::Task, |response| response.task;
    AddCommentRequest add_comment AddCommentResponse -> Commented, |response| Commented::of(response);
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
    ($($request:ident $method:ident $response:ident;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<BulkOutcome>;
            wire!(TaskServiceClient, $request, $method, $response);

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

            fn output(response: Response<pb::$response>) -> Result<Self::Output, Error> {
                let replayed = replayed(&response);
                let pb::$response { results, done_count, failed_count, next_page_token } = response.into_inner();
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
    BulkUpdateStateRequest bulk_update_state BulkUpdateStateResponse;
    BulkCancelRequest bulk_cancel BulkCancelResponse;
    BulkRetryRequest bulk_retry BulkRetryResponse;
    BulkDiscardRequest bulk_discard BulkDiscardResponse;
}

impl sealed::Sealed for pb::CreateTaskRequest {}
impl Rpc for pb::CreateTaskRequest {
    type Output = Reply<pb::Task>;
    wire!(
        TaskServiceClient,
        CreateTaskRequest,
        create_task,
        CreateTaskResponse
    );

    fn fill_in(&mut self, defaults: &Defaults) {
        if self.actor.is_none() {
            self.actor.clone_from(&defaults.actor);
        }
        fill_in_member(self, defaults);
    }

    fn repeatable(&self) -> bool {
        true // It always has a task_id.
    }

    fn output(response: Response<pb::CreateTaskResponse>) -> Result<Self::Output, Error> {
        let replayed = replayed(&response);
        let task = lacking(response.into_inner().task, Self::METHOD, "task")?;
        Ok(Reply::new(task, replayed))
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
    wire!(
        TaskServiceClient,
        BatchCreateTasksRequest,
        batch_create_tasks,
        BatchCreateTasksResponse
    );

    fn fill_in(&mut self, defaults: &Defaults) {
        fill_in_change(self, defaults);
        for member in &mut self.requests {
            fill_in_member(member, defaults);
        }
    }

    fn repeatable(&self) -> bool {
        true // All of its members have a task_id.
    }

    fn output(response: Response<pb::BatchCreateTasksResponse>) -> Result<Self::Output, Error> {
        let replayed = replayed(&response);
        Ok(Reply::new(response.into_inner().tasks, replayed))
    }
}
has_actor!(BatchCreateTasksRequest);
