//! The RPCs of those who hold tasks by lease, and of those who look after them.

use std::time::Duration;

use baton_proto::v1 as pb;

use super::{Change, Guarded, Rpc, fill_in_change, fill_in_namespace, lacking, sealed};
use crate::Error;
use crate::call::Reply;
use crate::settings::Defaults;

/// How long LeaseTasks waits that does not say how long.
const SERVER_WAIT: Duration = Duration::from_secs(20);

fn given(wait: Option<prost_types::Duration>) -> Option<Duration> {
    wait.and_then(|wait| Duration::try_from(wait).ok())
}

impl sealed::Sealed for pb::LeaseTasksRequest {}
impl Rpc for pb::LeaseTasksRequest {
    type Output = pb::LeaseTasksResponse;
    const WAITS: bool = true;
    wire!(WorkerService, LeaseTasks, LeaseTasksResponse);

    fn fill_in(&mut self, defaults: &Defaults) {
        fill_in_namespace(&mut self.namespace, defaults);
        if self.worker.is_none() {
            self.worker.clone_from(&defaults.actor);
        }
    }

    fn repeatable(&self) -> bool {
        false // Twice leases twice as many.
    }

    fn own_time(&self) -> Duration {
        given(self.wait_timeout).unwrap_or(SERVER_WAIT)
    }

    fn output(answer: pb::LeaseTasksResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}

impl sealed::Sealed for pb::RenewLeasesRequest {}
impl Rpc for pb::RenewLeasesRequest {
    type Output = pb::RenewLeasesResponse;
    const WAITS: bool = true;
    wire!(WorkerService, RenewLeases, RenewLeasesResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        true
    }

    fn own_time(&self) -> Duration {
        given(self.wait_timeout).unwrap_or_default()
    }

    fn output(answer: pb::RenewLeasesResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer)
    }
}

impl sealed::Sealed for pb::ReportTasksRequest {}
impl Rpc for pb::ReportTasksRequest {
    type Output = Vec<pb::BulkTaskResult>;
    wire!(WorkerService, ReportTasks, ReportTasksResponse);

    fn fill_in(&mut self, _defaults: &Defaults) {}

    fn repeatable(&self) -> bool {
        true // Every report has its token.
    }

    fn output(answer: pb::ReportTasksResponse, _replayed: bool) -> Result<Self::Output, Error> {
        Ok(answer.results)
    }
}

impl sealed::Sealed for pb::DrainWorkerRequest {}
impl Rpc for pb::DrainWorkerRequest {
    type Output = pb::Worker;
    wire!(WorkerService, DrainWorker, DrainWorkerResponse);

    fn fill_in(&mut self, defaults: &Defaults) {
        fill_in_namespace(&mut self.namespace, defaults);
        if self.actor.is_none() {
            self.actor.clone_from(&defaults.actor);
        }
    }

    fn repeatable(&self) -> bool {
        true // Who drains, drains.
    }

    fn output(answer: pb::DrainWorkerResponse, _replayed: bool) -> Result<Self::Output, Error> {
        lacking(answer.worker, Self::METHOD, "worker")
    }
}

/// Changes by the holder. Its token says who acts, and is a name for the call where the content is the same.
macro_rules! held {
    ($($method:ident $request:ident $response:ident, $is_named:expr;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<pb::Task>;
            wire!(WorkerService, $method, $response);

            fn fill_in(&mut self, defaults: &Defaults) {
                if !self.repeatable() {
                    let actor = self.actor.clone();
                    fill_in_change(self, defaults);
                    if !self.lease_token.is_empty() {
                        self.actor = actor;
                    }
                }
            }

            fn repeatable(&self) -> bool {
                let is_named: fn(&pb::$request) -> bool = $is_named;
                !self.request_id.is_empty() || (!self.lease_token.is_empty() && is_named(self))
            }

            fn output(answer: pb::$response, replayed: bool) -> Result<Self::Output, Error> {
                let task = lacking(answer.task, Self::METHOD, "task")?;
                Ok(Reply::new(task, replayed))
            }
        }

        impl Change for pb::$request {
            fn actor_mut(&mut self) -> &mut Option<pb::Actor> {
                &mut self.actor
            }

            fn request_id_mut(&mut self) -> &mut String {
                &mut self.request_id
            }
        }

        impl Guarded for pb::$request {
            fn etag_mut(&mut self) -> &mut String {
                &mut self.etag
            }
        }
    )+};
}

held! {
    SaveCheckpoint SaveCheckpointRequest SaveCheckpointResponse, |_| true;
    AppendOutput AppendOutputRequest AppendOutputResponse, |part| part.index.is_some();
}
