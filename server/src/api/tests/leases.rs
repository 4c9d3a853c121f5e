//! Leases of which the server's memory knows nothing yet.

use baton_proto::raw::v1::worker_service_server::WorkerService;

use super::*;
use crate::api::worker::WorkerApi;

fn one() -> raw::LeaseTasksRequest {
    raw::LeaseTasksRequest {
        worker: Some(human("w")),
        any_type: true,
        max_tasks: 1,
        wait_timeout: Some(prost_types::Duration::default()),
        ..Default::default()
    }
}

/// Memory begins empty, and beside other servers knows of a part: only the store can say that a lease is gone.
#[tokio::test]
async fn a_lease_that_is_not_known_is_not_lost() {
    let bench = Bench::new().await;
    bench.create_id().await;
    let workers = WorkerApi::new(bench.tasks.clone());
    let leased = ok(WorkerService::lease_tasks(&workers, Request::new(one())).await);
    let lease = leased.leased_tasks.into_iter().next().unwrap();
    let listen = raw::RenewLeasesRequest {
        renewals: vec![raw::LeaseRenewal {
            id: lease.task.unwrap().id,
            lease_token: lease.lease_token,
            listen_only: true,
            ..Default::default()
        }],
        ..Default::default()
    };
    let known = &bench.engine.workers().registry;
    known.reset(Vec::new(), bench.tasks.now());
    let told = ok(WorkerService::renew_leases(&workers, Request::new(listen.clone())).await);
    assert_eq!(told.updates[0].directive(), raw::LeaseDirective::Continue);
    assert_eq!(told.updates[0].lease_expire_time, lease.lease_expire_time);
    bench.advance(11).await;
    let told = ok(WorkerService::renew_leases(&workers, Request::new(listen)).await);
    assert_eq!(told.updates[0].directive(), raw::LeaseDirective::Lost);
    bench.finish().await;
}
