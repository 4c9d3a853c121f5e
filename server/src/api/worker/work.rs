//! SaveCheckpoint and AppendOutput.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn save_checkpoint(
        &self,
        _: Request<raw::SaveCheckpointRequest>,
    ) -> Result<Response<raw::SaveCheckpointResponse>, Status> {
        Err(Status::unimplemented("SaveCheckpoint"))
    }

    /// Not there yet.
    pub(super) async fn append_output(
        &self,
        _: Request<raw::AppendOutputRequest>,
    ) -> Result<Response<raw::AppendOutputResponse>, Status> {
        Err(Status::unimplemented("AppendOutput"))
    }
}
