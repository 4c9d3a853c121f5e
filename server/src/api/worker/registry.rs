//! ListWorkers, GetWorker and DrainWorker.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn list_workers(
        &self,
        _: Request<raw::ListWorkersRequest>,
    ) -> Result<Response<raw::ListWorkersResponse>, Status> {
        Err(Status::unimplemented("ListWorkers"))
    }

    /// Not there yet.
    pub(super) async fn get_worker(
        &self,
        _: Request<raw::GetWorkerRequest>,
    ) -> Result<Response<raw::GetWorkerResponse>, Status> {
        Err(Status::unimplemented("GetWorker"))
    }

    /// Not there yet.
    pub(super) async fn drain_worker(
        &self,
        _: Request<raw::DrainWorkerRequest>,
    ) -> Result<Response<raw::DrainWorkerResponse>, Status> {
        Err(Status::unimplemented("DrainWorker"))
    }
}
