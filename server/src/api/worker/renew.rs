//! RenewLeases.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;

impl WorkerApi {
    /// Not there yet.
    pub(super) async fn renew_leases(
        &self,
        _: Request<raw::RenewLeasesRequest>,
    ) -> Result<Response<raw::RenewLeasesResponse>, Status> {
        Err(Status::unimplemented("RenewLeases"))
    }
}
