//! ReportTasks.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn report_tasks(
        &self,
        _: Request<raw::ReportTasksRequest>,
    ) -> Result<Response<raw::ReportTasksResponse>, Status> {
        Err(Status::unimplemented("ReportTasks"))
    }
}
