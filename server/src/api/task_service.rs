//! TaskService: one line a call. What is done stands in the modules beside this one.

use std::time::Duration;

use baton_domain::Timestamp;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::task_service_server::TaskService;
use tonic::{Request, Response, Status};

use super::convert::Draw;
use super::wait::wait_task;
use super::watch::{Answers, Watches};
use crate::engine::Engine;
use crate::net::Deadline;
use crate::seams::monotonic_now;

/// Reads requests, asks the engine, the store or the feed, and answers.
#[derive(Clone)]
pub(crate) struct TaskApi {
    pub(super) engine: Engine,
    pub(super) watches: Watches,
}

impl TaskApi {
    /// Serves the tasks of the engine that `watches` follows.
    pub(crate) fn new(watches: Watches) -> Self {
        Self {
            engine: watches.engine.clone(),
            watches,
        }
    }

    /// What a request that is read now may draw.
    pub(super) fn draw(&self) -> Draw<'_> {
        Draw {
            ids: self.engine.ids(),
            now_micros: self.engine.clock().now_micros(),
        }
    }

    /// The server's clock.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.engine.clock().now_micros())
    }

    async fn wait(
        &self,
        request: Request<raw::WaitTaskRequest>,
    ) -> Result<Response<raw::WaitTaskResponse>, Status> {
        let left = time_left(&request);
        let answer = wait_task(&self.engine, &self.watches.shutdown, request.into_inner(), left).await?;
        Ok(Response::new(answer))
    }
}

/// Until the call's own deadline.
pub(super) fn time_left<R>(request: &Request<R>) -> Option<Duration> {
    let Deadline(at) = request.extensions().get::<Deadline>()?;
    Some(at.saturating_duration_since(monotonic_now()))
}

#[tonic::async_trait]
impl TaskService for TaskApi {
    type WatchTaskStream = Answers<raw::WatchTaskResponse>;
    type WatchTasksStream = Answers<raw::WatchTasksResponse>;

    async fn create_task(
        &self,
        request: Request<raw::CreateTaskRequest>,
    ) -> Result<Response<raw::CreateTaskResponse>, Status> {
        Self::create_task(self, request).await
    }

    async fn batch_create_tasks(
        &self,
        request: Request<raw::BatchCreateTasksRequest>,
    ) -> Result<Response<raw::BatchCreateTasksResponse>, Status> {
        Self::batch_create_tasks(self, request).await
    }

    async fn get_task(
        &self,
        request: Request<raw::GetTaskRequest>,
    ) -> Result<Response<raw::GetTaskResponse>, Status> {
        Self::get_task(self, request).await
    }

    async fn batch_get_tasks(
        &self,
        request: Request<raw::BatchGetTasksRequest>,
    ) -> Result<Response<raw::BatchGetTasksResponse>, Status> {
        Self::batch_get_tasks(self, request).await
    }

    async fn list_tasks(
        &self,
        request: Request<raw::ListTasksRequest>,
    ) -> Result<Response<raw::ListTasksResponse>, Status> {
        Self::list_tasks(self, request).await
    }

    async fn update_task(
        &self,
        request: Request<raw::UpdateTaskRequest>,
    ) -> Result<Response<raw::UpdateTaskResponse>, Status> {
        self.run(request).await
    }

    async fn delete_task(
        &self,
        request: Request<raw::DeleteTaskRequest>,
    ) -> Result<Response<raw::DeleteTaskResponse>, Status> {
        Self::delete_task(self, request).await
    }

    async fn queue_task(
        &self,
        request: Request<raw::QueueTaskRequest>,
    ) -> Result<Response<raw::QueueTaskResponse>, Status> {
        self.run(request).await
    }

    async fn schedule_task(
        &self,
        request: Request<raw::ScheduleTaskRequest>,
    ) -> Result<Response<raw::ScheduleTaskResponse>, Status> {
        self.run(request).await
    }

    async fn assign_task(
        &self,
        request: Request<raw::AssignTaskRequest>,
    ) -> Result<Response<raw::AssignTaskResponse>, Status> {
        self.run(request).await
    }

    async fn start_task(
        &self,
        request: Request<raw::StartTaskRequest>,
    ) -> Result<Response<raw::StartTaskResponse>, Status> {
        self.run(request).await
    }

    async fn update_progress(
        &self,
        request: Request<raw::UpdateProgressRequest>,
    ) -> Result<Response<raw::UpdateProgressResponse>, Status> {
        self.run(request).await
    }

    async fn complete_task(
        &self,
        request: Request<raw::CompleteTaskRequest>,
    ) -> Result<Response<raw::CompleteTaskResponse>, Status> {
        self.run(request).await
    }

    async fn fail_task(
        &self,
        request: Request<raw::FailTaskRequest>,
    ) -> Result<Response<raw::FailTaskResponse>, Status> {
        self.run(request).await
    }

    async fn cancel_task(
        &self,
        request: Request<raw::CancelTaskRequest>,
    ) -> Result<Response<raw::CancelTaskResponse>, Status> {
        self.run(request).await
    }

    async fn retry_task(
        &self,
        request: Request<raw::RetryTaskRequest>,
    ) -> Result<Response<raw::RetryTaskResponse>, Status> {
        self.run(request).await
    }

    async fn discard_task(
        &self,
        request: Request<raw::DiscardTaskRequest>,
    ) -> Result<Response<raw::DiscardTaskResponse>, Status> {
        self.run(request).await
    }

    async fn pause_task(
        &self,
        request: Request<raw::PauseTaskRequest>,
    ) -> Result<Response<raw::PauseTaskResponse>, Status> {
        self.run(request).await
    }

    async fn resume_task(
        &self,
        request: Request<raw::ResumeTaskRequest>,
    ) -> Result<Response<raw::ResumeTaskResponse>, Status> {
        self.run(request).await
    }

    async fn release_task(
        &self,
        request: Request<raw::ReleaseTaskRequest>,
    ) -> Result<Response<raw::ReleaseTaskResponse>, Status> {
        self.run(request).await
    }

    async fn snooze_task(
        &self,
        request: Request<raw::SnoozeTaskRequest>,
    ) -> Result<Response<raw::SnoozeTaskResponse>, Status> {
        self.run(request).await
    }

    async fn request_input(
        &self,
        request: Request<raw::RequestInputRequest>,
    ) -> Result<Response<raw::RequestInputResponse>, Status> {
        self.run(request).await
    }

    async fn provide_input(
        &self,
        request: Request<raw::ProvideInputRequest>,
    ) -> Result<Response<raw::ProvideInputResponse>, Status> {
        self.run(request).await
    }

    async fn submit_for_review(
        &self,
        request: Request<raw::SubmitForReviewRequest>,
    ) -> Result<Response<raw::SubmitForReviewResponse>, Status> {
        self.run(request).await
    }

    async fn approve_task(
        &self,
        request: Request<raw::ApproveTaskRequest>,
    ) -> Result<Response<raw::ApproveTaskResponse>, Status> {
        self.run(request).await
    }

    async fn request_rework(
        &self,
        request: Request<raw::RequestReworkRequest>,
    ) -> Result<Response<raw::RequestReworkResponse>, Status> {
        self.run(request).await
    }

    async fn reject_task(
        &self,
        request: Request<raw::RejectTaskRequest>,
    ) -> Result<Response<raw::RejectTaskResponse>, Status> {
        self.run(request).await
    }

    async fn add_comment(
        &self,
        request: Request<raw::AddCommentRequest>,
    ) -> Result<Response<raw::AddCommentResponse>, Status> {
        self.run(request).await
    }

    async fn add_dependency(
        &self,
        request: Request<raw::AddDependencyRequest>,
    ) -> Result<Response<raw::AddDependencyResponse>, Status> {
        self.run(request).await
    }

    async fn remove_dependency(
        &self,
        request: Request<raw::RemoveDependencyRequest>,
    ) -> Result<Response<raw::RemoveDependencyResponse>, Status> {
        self.run(request).await
    }

    async fn bulk_update_state(
        &self,
        request: Request<raw::BulkUpdateStateRequest>,
    ) -> Result<Response<raw::BulkUpdateStateResponse>, Status> {
        self.run_bulk(request).await
    }

    async fn bulk_cancel(
        &self,
        request: Request<raw::BulkCancelRequest>,
    ) -> Result<Response<raw::BulkCancelResponse>, Status> {
        self.run_bulk(request).await
    }

    async fn bulk_retry(
        &self,
        request: Request<raw::BulkRetryRequest>,
    ) -> Result<Response<raw::BulkRetryResponse>, Status> {
        self.run_bulk(request).await
    }

    async fn bulk_discard(
        &self,
        request: Request<raw::BulkDiscardRequest>,
    ) -> Result<Response<raw::BulkDiscardResponse>, Status> {
        self.run_bulk(request).await
    }

    async fn wait_task(
        &self,
        request: Request<raw::WaitTaskRequest>,
    ) -> Result<Response<raw::WaitTaskResponse>, Status> {
        self.wait(request).await
    }

    async fn list_task_events(
        &self,
        request: Request<raw::ListTaskEventsRequest>,
    ) -> Result<Response<raw::ListTaskEventsResponse>, Status> {
        Self::list_task_events(self, request).await
    }

    async fn get_task_stats(
        &self,
        request: Request<raw::GetTaskStatsRequest>,
    ) -> Result<Response<raw::GetTaskStatsResponse>, Status> {
        Self::get_task_stats(self, request).await
    }

    async fn explain_task(
        &self,
        request: Request<raw::ExplainTaskRequest>,
    ) -> Result<Response<raw::ExplainTaskResponse>, Status> {
        Self::explain_task(self, request).await
    }

    async fn watch_task(
        &self,
        request: Request<raw::WatchTaskRequest>,
    ) -> Result<Response<Self::WatchTaskStream>, Status> {
        self.watches
            .watch_task(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn watch_tasks(
        &self,
        request: Request<raw::WatchTasksRequest>,
    ) -> Result<Response<Self::WatchTasksStream>, Status> {
        let answers = self.watches.watch_tasks(request.into_inner()).await;
        answers.map(Response::new)
    }
}
