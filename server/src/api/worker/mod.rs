//! WorkerService: one line a call. What is done stands in the modules beside this one.

mod lease;
mod registry;
mod renew;
mod report;
mod runs;
mod work;

use baton_domain::Timestamp;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::worker_service_server::WorkerService;
use tonic::{Request, Response, Status};

use super::TaskApi;
use crate::engine::Engine;
use crate::net::Shutdown;

/// Leases tasks to workers, hears of them, and knows them.
#[derive(Clone)]
pub(crate) struct WorkerApi {
    /// For the calls that move one task.
    tasks: TaskApi,
}

impl WorkerApi {
    /// Serves workers beside `tasks`.
    pub(crate) const fn new(tasks: TaskApi) -> Self {
        Self { tasks }
    }

    /// The engine.
    fn engine(&self) -> &Engine {
        &self.tasks.engine
    }

    /// By which long calls hear that the server stops.
    fn shutdown(&self) -> &Shutdown {
        &self.tasks.watches.shutdown
    }

    /// The server's clock.
    fn now(&self) -> Timestamp {
        self.tasks.now()
    }
}

#[tonic::async_trait]
impl WorkerService for WorkerApi {
    async fn lease_tasks(
        &self,
        request: Request<raw::LeaseTasksRequest>,
    ) -> Result<Response<raw::LeaseTasksResponse>, Status> {
        Self::lease_tasks(self, request).await
    }

    async fn renew_leases(
        &self,
        request: Request<raw::RenewLeasesRequest>,
    ) -> Result<Response<raw::RenewLeasesResponse>, Status> {
        Self::renew_leases(self, request).await
    }

    async fn report_tasks(
        &self,
        request: Request<raw::ReportTasksRequest>,
    ) -> Result<Response<raw::ReportTasksResponse>, Status> {
        Self::report_tasks(self, request).await
    }

    async fn save_checkpoint(
        &self,
        request: Request<raw::SaveCheckpointRequest>,
    ) -> Result<Response<raw::SaveCheckpointResponse>, Status> {
        Self::save_checkpoint(self, request).await
    }

    async fn append_output(
        &self,
        request: Request<raw::AppendOutputRequest>,
    ) -> Result<Response<raw::AppendOutputResponse>, Status> {
        Self::append_output(self, request).await
    }

    async fn list_task_runs(
        &self,
        request: Request<raw::ListTaskRunsRequest>,
    ) -> Result<Response<raw::ListTaskRunsResponse>, Status> {
        Self::list_task_runs(self, request).await
    }

    async fn list_workers(
        &self,
        request: Request<raw::ListWorkersRequest>,
    ) -> Result<Response<raw::ListWorkersResponse>, Status> {
        Self::list_workers(self, request).await
    }

    async fn get_worker(
        &self,
        request: Request<raw::GetWorkerRequest>,
    ) -> Result<Response<raw::GetWorkerResponse>, Status> {
        Self::get_worker(self, request).await
    }

    async fn drain_worker(
        &self,
        request: Request<raw::DrainWorkerRequest>,
    ) -> Result<Response<raw::DrainWorkerResponse>, Status> {
        Self::drain_worker(self, request).await
    }
}
