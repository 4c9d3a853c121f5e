//! ListTaskRuns.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn list_task_runs(
        &self,
        _: Request<raw::ListTaskRunsRequest>,
    ) -> Result<Response<raw::ListTaskRunsResponse>, Status> {
        Err(Status::unimplemented("ListTaskRuns"))
    }
}
