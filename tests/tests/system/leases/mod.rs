//! Leases: how workers get tasks, keep them and lose them.

mod claims;
mod kept;
mod storm;

use std::time::Duration;

use baton_client::{Error, actor};
use baton_proto::v1::{
    GetWorkerRequest, LeaseDirective, LeaseRenewal, LeaseTasksRequest, LeaseTasksResponse, LeaseUpdate,
    LeasedTask, RenewLeasesRequest, RenewLeasesResponse, Task, Worker,
};
use baton_tests::harness::TestServer;
use tonic::Status;
use tonic_types::StatusExt;

/// Longer than any test waits: who answers sooner was woken.
pub(crate) const LONG: u64 = 60;

pub(crate) fn seconds(seconds: u64) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(Duration::from_secs(seconds)).ok()
}

/// One task of any type from the default queue, without a wait.
pub(crate) fn one(worker: &str) -> LeaseTasksRequest {
    LeaseTasksRequest {
        worker: Some(actor::service(worker)),
        any_type: true,
        max_tasks: 1,
        wait_timeout: seconds(0),
        ..LeaseTasksRequest::default()
    }
}

pub(crate) async fn lease(server: &TestServer, request: LeaseTasksRequest) -> LeaseTasksResponse {
    server.lease_tasks(request).await.unwrap()
}

/// Leases the one task that is ready.
pub(crate) async fn leased(server: &TestServer, worker: &str) -> LeasedTask {
    let mut answer = lease(server, one(worker)).await;
    assert_eq!(answer.leased_tasks.len(), 1, "{answer:?}");
    answer.leased_tasks.pop().unwrap()
}

/// As [`leased`], and begins the work.
pub(crate) async fn begun(server: &TestServer, worker: &str) -> LeasedTask {
    let lease = leased(server, worker).await;
    let update = renew(server, &lease).await;
    assert_eq!(update.directive(), LeaseDirective::Continue);
    lease
}

pub(crate) fn id(lease: &LeasedTask) -> &str {
    &lease.task.as_ref().unwrap().id
}

pub(crate) fn renewal(lease: &LeasedTask) -> LeaseRenewal {
    LeaseRenewal {
        id: id(lease).to_owned(),
        lease_token: lease.lease_token.clone(),
        progress: None,
        listen_only: false,
    }
}

pub(crate) async fn renew_all(
    server: &TestServer,
    renewals: Vec<LeaseRenewal>,
    wait: u64,
) -> Result<RenewLeasesResponse, Status> {
    let request = RenewLeasesRequest {
        renewals,
        lease_duration: None,
        wait_timeout: seconds(wait),
    };
    server.renew_leases(request).await
}

pub(crate) async fn renew(server: &TestServer, lease: &LeasedTask) -> LeaseUpdate {
    let answer = renew_all(server, vec![renewal(lease)], 0).await.unwrap();
    answer.updates.into_iter().next().unwrap()
}

pub(crate) async fn complete(server: &TestServer, lease: &LeasedTask) -> Result<Task, Error> {
    let token = lease.lease_token.clone();
    let call = server.client().complete(id(lease));
    let answer = server
        .send(call.with(|request| request.lease_token = token))
        .await?;
    Ok(answer.into_inner())
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

pub(crate) async fn pass(server: &TestServer, seconds: u64) {
    let passed = server.client().advance_clock(Duration::from_secs(seconds));
    // The answer comes when all that is due has been moved: thousands of tasks, in a test, on a machine that does other things.
    server.ok(passed.timeout(Duration::from_secs(120))).await;
}

/// Waits until the worker is heard of.
pub(crate) async fn heard(server: &TestServer, worker: &str) -> Worker {
    loop {
        let request = GetWorkerRequest {
            id: worker.to_owned(),
            ..GetWorkerRequest::default()
        };
        match server.workers().get_worker(request).await {
            Ok(found) => return found.into_inner().worker.unwrap(),
            Err(status) => assert_eq!(reason(&status), "WORKER_NOT_FOUND"),
        }
    }
}

/// Waits until a call of the worker waits: from then on it counts as heard of now, whatever the clock says.
pub(crate) async fn until_open(server: &TestServer, worker: &str) {
    loop {
        let before = heard(server, worker).await.last_seen_time;
        let after = heard(server, worker).await.last_seen_time;
        if before != after {
            return;
        }
    }
}
