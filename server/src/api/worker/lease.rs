//! LeaseTasks: waits for tasks that are ready, and for news of what the worker holds already.

use std::time::Duration;

use baton_domain::{Directive, Timestamp};
use baton_proto::raw::v1 as raw;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};

use super::WorkerApi;
use super::renew::update;
use crate::api::convert::task::{self, Shown};
use crate::api::convert::{lease, payload, time};
use crate::api::requests::leases::{Lease, read_lease};
use crate::api::task_service::time_left;
use crate::api::wait::BEFORE_DEADLINE;
use crate::api::{failed, judge};
use crate::engine::workers::{OpenCall, Place, Seen, WorkerKey, kind};
use crate::engine::{ClaimRequest, Done, Error};
use crate::net::Shutdown;
use crate::seams::monotonic_now;

/// How long a worker that drains waits before it asks again: the answer is the same until somebody takes it back.
const DRAINING_PAUSE: Duration = Duration::from_secs(5);

/// When a caller should try again where too many calls wait already: some of them end every second.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);

/// Why a call rests no more.
enum Rested {
    /// It was given these.
    Handed(Vec<Done>),
    /// There may be something for it.
    Again,
    /// Its time is over.
    Over,
    ShutDown,
}

impl WorkerApi {
    /// Leases ready tasks.
    pub(super) async fn lease_tasks(
        &self,
        request: Request<raw::LeaseTasksRequest>,
    ) -> Result<Response<raw::LeaseTasksResponse>, Status> {
        let left = time_left(&request);
        let request = request.into_inner();
        let Lease { claim, wait } = judge::read(|v| read_lease(v, request))?;
        let wait = left.map_or(wait, |left| wait.min(left.saturating_sub(BEFORE_DEADLINE)));
        let key = WorkerKey::of(&claim.demand.namespace, &claim.worker);
        let registry = &self.engine().workers().registry;
        let now = self.now();
        registry.seen(&key, &claim.worker, (Seen::Asks(&claim.demand), now));
        let open = registry.open_call(&key, &claim.worker, now);
        let open = open.ok_or_else(|| {
            failed::failed(Error::Overloaded {
                retry_after: CROWDED_PAUSE,
            })
        })?;
        let answer = self.poll(&claim, (&key, open), wait).await;
        registry.seen(&key, &claim.worker, (Seen::Speaks, self.now()));
        answer.map(Response::new)
    }

    /// Looks until there is something to answer or the time is over.
    async fn poll(
        &self,
        claim: &ClaimRequest,
        (key, mut open): (&WorkerKey, OpenCall<'_>),
        wait: Duration,
    ) -> Result<raw::LeaseTasksResponse, Status> {
        let workers = self.engine().workers();
        let place = workers.parked.place(claim.demand.clone(), claim.max_tasks);
        let until = monotonic_now() + wait;
        loop {
            if workers.registry.is_draining(key) {
                return Ok(self.drained(key));
            }
            let updates = self.news(key);
            // In line before it looks: what becomes ready meanwhile wakes it again.
            place.stand();
            let granted = self.engine().claim(claim.clone()).await.map_err(failed::failed)?;
            place.looked(granted.iter().map(|done| kind(&done.task)));
            if !granted.is_empty() || !updates.is_empty() || monotonic_now() >= until {
                return Ok(self.leases(&granted, updates));
            }
            match self.rest(claim, (&place, &mut open), until).await {
                Rested::Handed(granted) => return Ok(self.leases(&granted, self.news(key))),
                Rested::Again => {}
                Rested::Over => return Ok(raw::LeaseTasksResponse::default()),
                Rested::ShutDown => return Err(Shutdown::refusal().into()),
            }
        }
    }

    /// Waits for something to answer.
    async fn rest(
        &self,
        claim: &ClaimRequest,
        (place, open): (&Place, &mut OpenCall<'_>),
        until: Instant,
    ) -> Rested {
        let mut handed = place.rest(claim.clone());
        let rested = tokio::select! {
            biased;
            granted = &mut handed => return granted.map_or(Rested::Again, Rested::Handed),
            () = self.shutdown().draining().cancelled() => Rested::ShutDown,
            () = place.woken() => Rested::Again,
            _ = open.told() => Rested::Again,
            () = sleep_until(until) => Rested::Over,
        };
        if place.rise() {
            return rested;
        }
        // A commit is under way by which it gets tasks.
        handed.await.map_or(rested, Rested::Handed)
    }

    fn leases(&self, granted: &[Done], updates: Vec<raw::LeaseUpdate>) -> raw::LeaseTasksResponse {
        raw::LeaseTasksResponse {
            leased_tasks: granted.iter().filter_map(|done| self.leased(done)).collect(),
            updates,
            poll_after: None,
        }
    }

    /// What the worker was not told yet of leases that it lost.
    fn news(&self, key: &WorkerKey) -> Vec<raw::LeaseUpdate> {
        let news = self.engine().workers().registry.take_news(key);
        let told = news
            .iter()
            .map(|news| update((news.task_id, news.fence), news.directive, None));
        told.collect()
    }

    /// The answer to a worker that is to take nothing new.
    fn drained(&self, key: &WorkerKey) -> raw::LeaseTasksResponse {
        let mut updates = self.news(key);
        let held = self.engine().workers().registry.get(key, self.now());
        let held = held.map(|worker| worker.leases).unwrap_or_default();
        let drain = |(task_id, fence, end): (_, i64, Timestamp)| {
            update((task_id, fence), Directive::Drain, Some(end))
        };
        updates.extend(held.into_iter().map(drain));
        raw::LeaseTasksResponse {
            leased_tasks: Vec::new(),
            updates,
            poll_after: prost_types::Duration::try_from(DRAINING_PAUSE).ok(),
        }
    }

    fn leased(&self, done: &Done) -> Option<raw::LeasedTask> {
        let granted = &done.task;
        let grant = lease::grant(granted, self.engine().store().keyring())?;
        Some(raw::LeasedTask {
            task: Some(task::write(granted, Shown::FULL)),
            lease_token: grant.token,
            fence: granted.fence,
            lease_expire_time: granted.lease_end().map(time::write),
            attempt: granted.attempt,
            checkpoint: granted.checkpoint.as_ref().and_then(payload::write),
        })
    }
}
