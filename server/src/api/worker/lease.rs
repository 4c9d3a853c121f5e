//! LeaseTasks.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn lease_tasks(
        &self,
        _: Request<raw::LeaseTasksRequest>,
    ) -> Result<Response<raw::LeaseTasksResponse>, Status> {
        Err(Status::unimplemented("LeaseTasks"))
    }
}
