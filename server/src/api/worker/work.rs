//! SaveCheckpoint and AppendOutput.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    pub(super) async fn save_checkpoint(
        &self,
        request: Request<raw::SaveCheckpointRequest>,
    ) -> Result<Response<raw::SaveCheckpointResponse>, Status> {
        self.tasks.run(request).await
    }

    pub(super) async fn append_output(
        &self,
        request: Request<raw::AppendOutputRequest>,
    ) -> Result<Response<raw::AppendOutputResponse>, Status> {
        self.tasks.run(request).await
    }
}
