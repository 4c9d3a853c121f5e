//! ListWorkers, GetWorker and DrainWorker: what is known of workers.

use baton_proto::raw::v1 as raw;
use tonic::{Request, Response, Status};

use super::WorkerApi;
use crate::api::convert::{actor, time};
use crate::api::judge;
use crate::api::page::{Listing, other_list};
use crate::api::requests::leases::{read_drain, read_get, read_list};
use crate::api::status::{Reason, Refusal};
use crate::engine::workers::{WorkerKey, WorkerView};

/// Leases that one worker is shown with.
const LEASES_SHOWN: usize = 1_000;

impl WorkerApi {
    /// Answers the workers of a namespace.
    pub(super) async fn list_workers(
        &self,
        request: Request<raw::ListWorkersRequest>,
    ) -> Result<Response<raw::ListWorkersResponse>, Status> {
        let request = request.into_inner();
        let (namespace, page) = judge::read(|v| read_list(v, request))?;
        let listing = Listing {
            method: "ListWorkers",
            scope: &namespace,
            filter: String::new(),
            order: String::new(),
        };
        let keyring = self.engine().store().keyring();
        let after = match listing.open(keyring, &page.token)? {
            Some(key) => Some(String::from_utf8(key).map_err(|_| other_list())?),
            None => None,
        };
        let registry = &self.engine().workers().registry;
        // One more than the page tells whether there is another.
        let mut found = registry.list((&namespace, after.as_deref()), page.size + 1, self.now());
        let more = found.len() > page.size;
        found.truncate(page.size);
        let last = found.last().filter(|_| more);
        let next = last.map(|worker| listing.next(keyring, worker.actor.id.clone().into_bytes()));
        Ok(Response::new(raw::ListWorkersResponse {
            workers: found.iter().map(|worker| write(worker, 0)).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    /// Answers one worker.
    pub(super) async fn get_worker(
        &self,
        request: Request<raw::GetWorkerRequest>,
    ) -> Result<Response<raw::GetWorkerResponse>, Status> {
        let request = request.into_inner();
        let key = judge::read(|v| read_get(v, request))?;
        let found = self.engine().workers().registry.get(&key, self.now());
        let worker = found.ok_or_else(|| not_found(&key))?;
        Ok(Response::new(raw::GetWorkerResponse {
            worker: Some(write(&worker, LEASES_SHOWN)),
        }))
    }

    /// Asks a worker to drain, or takes that back.
    pub(super) async fn drain_worker(
        &self,
        request: Request<raw::DrainWorkerRequest>,
    ) -> Result<Response<raw::DrainWorkerResponse>, Status> {
        let request = request.into_inner();
        let (key, draining) = judge::read(|v| read_drain(v, request))?;
        let registry = &self.engine().workers().registry;
        let found = registry.drain(&key, draining, self.now());
        let worker = found.ok_or_else(|| not_found(&key))?;
        Ok(Response::new(raw::DrainWorkerResponse {
            worker: Some(write(&worker, LEASES_SHOWN)),
        }))
    }
}

fn not_found(key: &WorkerKey) -> Refusal {
    let message = format!("no worker {:?} was heard of in this namespace", key.id);
    Refusal::new(Reason::WorkerNotFound, message)
        .with("id", &key.id)
        .resource("worker", &key.id)
}

/// Writes a worker with at most `leases` of its leases.
fn write(worker: &WorkerView, leases: usize) -> raw::Worker {
    let WorkerView {
        namespace,
        actor,
        asks,
        draining,
        first_seen,
        last_seen,
        leases: held,
    } = worker;
    let queues = asks.as_ref().map(|asks| asks.queues.clone());
    let types = asks.as_ref().and_then(|asks| asks.types.clone());
    let shown = held.iter().take(leases);
    raw::Worker {
        namespace: namespace.clone(),
        actor: Some(actor::write(actor)),
        queues: queues.unwrap_or_default(),
        types: types.unwrap_or_default(),
        any_type: asks.as_ref().is_some_and(|asks| asks.types.is_none()),
        draining: *draining,
        id: actor.id.clone(),
        first_seen_time: Some(time::write(*first_seen)),
        last_seen_time: Some(time::write(*last_seen)),
        lease_count: i32::try_from(held.len()).unwrap_or(i32::MAX),
        leases: shown
            .map(|(task_id, fence, end)| raw::WorkerLease {
                task_id: task_id.to_string(),
                fence: *fence,
                lease_expire_time: Some(time::write(*end)),
            })
            .collect(),
    }
}
