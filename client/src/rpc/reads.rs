//! The RPCs that only read, and those of the server as a whole.

use std::time::Duration;

use baton_proto::v1 as pb;

use super::{Rpc, fill_in_namespace, lacking, sealed};
use crate::Error;
use crate::answers::Fetched;
use crate::settings::Defaults;

/// Reads, which may always be repeated. In brackets the fields that take the client's namespace.
macro_rules! reads {
    ($($service:ident $method:ident $request:ident $response:ident -> $output:ty, $take:expr $(, $namespace:ident)?;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = $output;
            wire!($service, $method, $response);

            fn fill_in(&mut self, _defaults: &Defaults) {
                $(fill_in_namespace(&mut self.$namespace, _defaults);)?
            }

            fn repeatable(&self) -> bool {
                true
            }

            fn output(answer: pb::$response, _replayed: bool) -> Result<Self::Output, Error> {
                let take: fn(pb::$response) -> Option<$output> = $take;
                lacking(take(answer), Self::METHOD, "answer")
            }
        }
    )+};
}

reads! {
    TaskService GetTask GetTaskRequest GetTaskResponse -> Fetched, |response| Fetched::of(response);
    TaskService BatchGetTasks BatchGetTasksRequest BatchGetTasksResponse -> Vec<pb::Task>, |response| Some(response.tasks);
    TaskService ListTasks ListTasksRequest ListTasksResponse -> pb::ListTasksResponse, Some, namespace;
    TaskService ListTaskEvents ListTaskEventsRequest ListTaskEventsResponse -> pb::ListTaskEventsResponse, Some;
    TaskService GetTaskStats GetTaskStatsRequest GetTaskStatsResponse -> pb::GetTaskStatsResponse, Some, namespace;
    TaskService ExplainTask ExplainTaskRequest ExplainTaskResponse -> pb::ExplainTaskResponse, Some;
    WorkerService ListTaskRuns ListTaskRunsRequest ListTaskRunsResponse -> pb::ListTaskRunsResponse, Some, namespace;
    WorkerService ListWorkers ListWorkersRequest ListWorkersResponse -> pb::ListWorkersResponse, Some, namespace;
    WorkerService GetWorker GetWorkerRequest GetWorkerResponse -> pb::Worker, |response| response.worker, namespace;
    ScheduleService GetSchedule GetScheduleRequest GetScheduleResponse -> pb::Schedule, |response| response.schedule, namespace;
    ScheduleService ListSchedules ListSchedulesRequest ListSchedulesResponse -> pb::ListSchedulesResponse, Some, namespace;
    ScheduleService PreviewSchedule PreviewScheduleRequest PreviewScheduleResponse -> pb::PreviewScheduleResponse, Some, namespace;
    TaskTypeService GetTaskType GetTaskTypeRequest GetTaskTypeResponse -> pb::TaskType, |response| response.task_type, namespace;
    TaskTypeService ListTaskTypes ListTaskTypesRequest ListTaskTypesResponse -> pb::ListTaskTypesResponse, Some, namespace;
    QueueService GetQueue GetQueueRequest GetQueueResponse -> pb::Queue, |response| response.queue, namespace;
    QueueService ListQueues ListQueuesRequest ListQueuesResponse -> pb::ListQueuesResponse, Some, namespace;
    QueueService GetQueueStats GetQueueStatsRequest GetQueueStatsResponse -> pb::GetQueueStatsResponse, Some, namespace;
    WebhookService GetWebhook GetWebhookRequest GetWebhookResponse -> pb::Webhook, |response| response.webhook, namespace;
    WebhookService ListWebhooks ListWebhooksRequest ListWebhooksResponse -> pb::ListWebhooksResponse, Some, namespace;
    AdminService GetServerInfo GetServerInfoRequest GetServerInfoResponse -> pb::GetServerInfoResponse, Some;
}

impl sealed::Sealed for pb::WaitTaskRequest {}
impl Rpc for pb::WaitTaskRequest {
    type Output = pb::WaitTaskResponse;
    const WAITS: bool = true;
    wire!(TaskService, WaitTask, WaitTaskResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        true
    }

    fn own_time(&self) -> Duration {
        let asked = self.timeout.and_then(|asked| Duration::try_from(asked).ok());
        asked.unwrap_or(SERVER_WAIT)
    }

    fn output(answer: pb::WaitTaskResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}

impl sealed::Sealed for pb::TestWebhookRequest {}
impl Rpc for pb::TestWebhookRequest {
    type Output = pb::TestWebhookResponse;
    wire!(WebhookService, TestWebhook, TestWebhookResponse);

    fn fill_in(&mut self, defaults: &Defaults) {
        fill_in_namespace(&mut self.namespace, defaults);
    }

    fn repeatable(&self) -> bool {
        false // Twice sends two messages.
    }

    fn own_time(&self) -> Duration {
        WEBHOOK_WAIT
    }

    fn output(answer: pb::TestWebhookResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}

/// How long TestWebhook waits for the other side.
const WEBHOOK_WAIT: Duration = Duration::from_secs(10);

/// How long WaitTask waits that does not say how long.
const SERVER_WAIT: Duration = Duration::from_secs(30);

impl sealed::Sealed for pb::AdvanceClockRequest {}
impl Rpc for pb::AdvanceClockRequest {
    type Output = pb::AdvanceClockResponse;
    wire!(AdminService, AdvanceClock, AdvanceClockResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        false // Twice goes twice as far.
    }

    fn output(answer: pb::AdvanceClockResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}

/// So long a copy of a large database may take.
const BACKUP_TIME: Duration = Duration::from_secs(24 * 60 * 60);

impl sealed::Sealed for pb::BackupStoreRequest {}
impl Rpc for pb::BackupStoreRequest {
    type Output = pb::BackupStoreResponse;
    const WAITS: bool = true;
    wire!(AdminService, BackupStore, BackupStoreResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        false // The second finds the file of the first.
    }

    fn own_time(&self) -> Duration {
        BACKUP_TIME
    }

    fn output(answer: pb::BackupStoreResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}
