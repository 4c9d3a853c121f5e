//! The RPCs that only read, and those of the server as a whole.

use std::time::Duration;

use baton_proto::v1 as pb;
use baton_proto::v1::admin_service_client::AdminServiceClient;
use baton_proto::v1::task_service_client::TaskServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::{Rpc, fill_in_namespace, lacking, sealed};
use crate::Error;
use crate::answers::Fetched;
use crate::settings::Defaults;

/// Reads, which may always be repeated. In brackets the fields that take the client's namespace.
macro_rules! reads {
    ($($service:ident $request:ident $method:ident $response:ident -> $output:ty, $take:expr $(, $namespace:ident)?;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = $output;
            wire!($service, $request, $method, $response);

            fn fill_in(&mut self, _defaults: &Defaults) {
                $(fill_in_namespace(&mut self.$namespace, _defaults);)?
            }

            fn repeatable(&self) -> bool {
                true
            }

            fn output(response: Response<pb::$response>) -> Result<Self::Output, Error> {
                let take: fn(pb::$response) -> Option<$output> = $take;
                lacking(take(response.into_inner()), Self::METHOD, "task")
            }
        }
    )+};
}

reads! {
    TaskServiceClient GetTaskRequest get_task GetTaskResponse -> Fetched, |response| Fetched::of(response);
    TaskServiceClient BatchGetTasksRequest batch_get_tasks BatchGetTasksResponse -> Vec<pb::Task>, |response| Some(response.tasks);
    TaskServiceClient ListTasksRequest list_tasks ListTasksResponse -> pb::ListTasksResponse, Some, namespace;
    TaskServiceClient ListTaskEventsRequest list_task_events ListTaskEventsResponse -> pb::ListTaskEventsResponse, Some;
    TaskServiceClient GetTaskStatsRequest get_task_stats GetTaskStatsResponse -> pb::GetTaskStatsResponse, Some, namespace;
    TaskServiceClient ExplainTaskRequest explain_task ExplainTaskResponse -> pb::ExplainTaskResponse, Some;
    AdminServiceClient GetServerInfoRequest get_server_info GetServerInfoResponse -> pb::GetServerInfoResponse, Some;
}

impl sealed::Sealed for pb::WaitTaskRequest {}
impl Rpc for pb::WaitTaskRequest {
    type Output = pb::WaitTaskResponse;
    const WAITS: bool = true;
    wire!(TaskServiceClient, WaitTaskRequest, wait_task, WaitTaskResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        true
    }

    fn own_time(&self) -> Duration {
        let asked = self.timeout.and_then(|asked| Duration::try_from(asked).ok());
        asked.unwrap_or(SERVER_WAIT)
    }

    fn output(response: Response<pb::WaitTaskResponse>) -> Result<Self::Output, Error> {
        Ok(response.into_inner())
    }
}

/// How long WaitTask waits that does not say how long.
const SERVER_WAIT: Duration = Duration::from_secs(30);

impl sealed::Sealed for pb::AdvanceClockRequest {}
impl Rpc for pb::AdvanceClockRequest {
    type Output = pb::AdvanceClockResponse;
    wire!(
        AdminServiceClient,
        AdvanceClockRequest,
        advance_clock,
        AdvanceClockResponse
    );

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        false // Twice goes twice as far.
    }

    fn output(response: Response<pb::AdvanceClockResponse>) -> Result<Self::Output, Error> {
        Ok(response.into_inner())
    }
}
