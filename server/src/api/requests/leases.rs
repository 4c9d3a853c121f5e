//! Calls of workers about leases: to get them, to keep them; and what is asked of workers.

use std::collections::HashSet;
use std::time::Duration;

use baton_domain::limits::{LEASE_DEFAULT, LINE_CHARS, REPLY_BYTES};
use baton_domain::{Actor, Progress, Span, TaskId};
use baton_proto::raw::v1 as raw;

use super::lists::{Page, read_page_of};
use crate::api::check;
use crate::api::convert::{actor, lease, progress};
use crate::api::violations::{Path, Rule, Violations};
use crate::engine::ClaimRequest;
use crate::engine::workers::WorkerKey;
use crate::store::Demand;
use crate::token::{Keyring, LeaseToken};

/// How long LeaseTasks waits where the request does not say.
const POLL_DEFAULT: Span = Span::from_secs(20);
/// The longest that LeaseTasks and RenewLeases wait.
const POLL: Span = Span::from_secs(60);
/// Queues, and types, that one call takes from.
const NAMES: usize = 16;
/// Tasks of one call.
const TASKS: i32 = 256;
/// Leases of one RenewLeases.
const RENEWALS: usize = 1_000;

/// What LeaseTasks asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Lease {
    pub(in crate::api) claim: ClaimRequest,
    pub(in crate::api) wait: Duration,
}

/// Reads LeaseTasks.
pub(in crate::api) fn read_lease(v: &mut Violations, request: raw::LeaseTasksRequest) -> Option<Lease> {
    let raw::LeaseTasksRequest {
        namespace,
        worker,
        queues,
        types,
        any_type,
        max_tasks,
        lease_duration,
        wait_timeout,
        max_bytes,
    } = request;
    let at = |field| Path::REQUEST.field(field);
    let namespace = check::name(v, &at("namespace"), namespace);
    let worker = check::present(v, &at("worker"), worker).and_then(|worker| {
        let worker = actor::read(v, &at("worker"), worker)?;
        lease::check_holder(v, &at("worker"), &worker)?;
        Some(worker)
    });
    let queues = read_queues(v, queues);
    let types = read_types(v, types, any_type);
    let max_tasks = check::within(v, &at("max_tasks"), max_tasks, 0..=TASKS);
    let duration = lease::read_duration(v, &at("lease_duration"), lease_duration);
    let wait = read_wait(v, wait_timeout, POLL_DEFAULT);
    let max_bytes = check::within(v, &at("max_bytes"), max_bytes, 0..=i32::MAX);
    let bytes = usize::try_from(max_bytes?).unwrap_or(0);
    Some(Lease {
        claim: ClaimRequest {
            demand: Demand {
                namespace: namespace?,
                queues: queues?,
                types: types?,
            },
            worker: worker?,
            terms: lease::terms(duration?.unwrap_or(LEASE_DEFAULT)),
            max_tasks: usize::try_from(max_tasks?.max(1)).unwrap_or(1),
            max_bytes: if bytes == 0 {
                REPLY_BYTES
            } else {
                bytes.min(REPLY_BYTES)
            },
        },
        wait: wait?,
    })
}

fn read_queues(v: &mut Violations, queues: Vec<String>) -> Option<Vec<String>> {
    if queues.is_empty() {
        return Some(vec![check::DEFAULT_NAME.to_owned()]);
    }
    read_names(v, &Path::REQUEST.field("queues"), queues, check::name)
}

fn read_types(v: &mut Violations, types: Vec<String>, any_type: bool) -> Option<Option<Vec<String>>> {
    let at = Path::REQUEST.field("types");
    match (types.is_empty(), any_type) {
        (true, true) => Some(None),
        (false, false) => read_names(v, &at, types, check::type_name).map(Some),
        (true, false) => {
            v.add(&at, "must be given, or any_type");
            None
        }
        (false, true) => {
            v.add(&at, "must not be given together with any_type");
            None
        }
    }
}

fn read_names(
    v: &mut Violations,
    at: &Path<'_>,
    names: Vec<String>,
    read: fn(&mut Violations, &Path<'_>, String) -> Option<String>,
) -> Option<Vec<String>> {
    if names.len() > NAMES {
        v.add(
            at,
            format!("must have at most {NAMES} entries, it has {}", names.len()),
        );
        return None;
    }
    let mut known: Vec<String> = Vec::with_capacity(names.len());
    let mut fine = true;
    for (index, name) in names.into_iter().enumerate() {
        let at = at.index(index);
        match read(v, &at, name) {
            Some(name) if known.contains(&name) => {
                v.add(&at, "must not be there twice");
                fine = false;
            }
            Some(name) => known.push(name),
            None => fine = false,
        }
    }
    fine.then_some(known)
}

fn read_wait(v: &mut Violations, timeout: Option<prost_types::Duration>, unset: Span) -> Option<Duration> {
    let span = match timeout {
        Some(timeout) => check::span(v, &Path::REQUEST.field("wait_timeout"), timeout, POLL)?,
        None => unset,
    };
    Some(Duration::from_micros(span.as_micros().unsigned_abs()))
}

/// What RenewLeases asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Renewals {
    pub(in crate::api) renewals: Vec<Renewal>,
    /// `None`: each as it was granted.
    pub(in crate::api) duration: Option<Span>,
    pub(in crate::api) wait: Duration,
}

/// One lease to be kept.
#[derive(Clone, Debug)]
pub(in crate::api) struct Renewal {
    pub(in crate::api) lease: LeaseToken,
    pub(in crate::api) progress: Option<Progress>,
    /// It is not renewed; the caller wants to hear of it.
    pub(in crate::api) listens_only: bool,
}

/// Reads RenewLeases.
pub(in crate::api) fn read_renewals(
    v: &mut Violations,
    request: raw::RenewLeasesRequest,
    keys: &Keyring,
) -> Option<Renewals> {
    let raw::RenewLeasesRequest {
        renewals,
        lease_duration,
        wait_timeout,
    } = request;
    let at = Path::REQUEST.field("renewals");
    if renewals.is_empty() {
        v.add(&at, "must have at least one entry");
    }
    if renewals.len() > RENEWALS {
        let what = format!("must have at most {RENEWALS} entries, it has {}", renewals.len());
        v.add_rule(&at, what, Rule::BatchSize);
        return None;
    }
    let mut seen = HashSet::with_capacity(renewals.len());
    let mut read = Vec::with_capacity(renewals.len());
    for (index, renewal) in renewals.into_iter().enumerate() {
        let at = at.index(index);
        let renewal = read_renewal(v, &at, renewal, keys);
        if let Some(renewal) = &renewal
            && !seen.insert((renewal.lease.task_id, renewal.lease.fence))
        {
            v.add(&at.field("id"), "must not be there twice");
        }
        read.push(renewal);
    }
    let at = Path::REQUEST.field("lease_duration");
    let duration = lease::read_duration(v, &at, lease_duration);
    let wait = read_wait(v, wait_timeout, Span::ZERO);
    Some(Renewals {
        renewals: read.into_iter().collect::<Option<_>>()?,
        duration: duration?,
        wait: wait?,
    })
}

fn read_renewal(
    v: &mut Violations,
    at: &Path<'_>,
    renewal: raw::LeaseRenewal,
    keys: &Keyring,
) -> Option<Renewal> {
    let raw::LeaseRenewal {
        id,
        lease_token,
        progress: told,
        listen_only,
    } = renewal;
    if listen_only && told.is_some() {
        let other = at.field("listen_only");
        v.add(
            &at.field("progress"),
            format!("must not be given together with {other}"),
        );
    }
    let id: Option<TaskId> = check::task_id(v, &at.field("id"), &id);
    let progress = match told {
        Some(told) => progress::read(v, &at.field("progress"), told).map(Some),
        None => Some(None),
    };
    let lease = lease::read_token(v, &at.field("lease_token"), (&lease_token, id?), keys);
    Some(Renewal {
        lease: lease?,
        progress: progress?,
        listens_only: listen_only,
    })
}

/// What ListWorkers asks for.
pub(in crate::api) fn read_list(
    v: &mut Violations,
    request: raw::ListWorkersRequest,
) -> Option<(String, Page)> {
    let raw::ListWorkersRequest {
        namespace,
        page_size,
        page_token,
    } = request;
    read_page_of(v, namespace, (page_size, page_token))
}

/// Reads which worker GetWorker answers.
pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetWorkerRequest) -> Option<WorkerKey> {
    let raw::GetWorkerRequest { namespace, id } = request;
    read_key(v, namespace, id)
}

/// Reads which worker DrainWorker asks, and whether to drain.
pub(in crate::api) fn read_drain(
    v: &mut Violations,
    request: raw::DrainWorkerRequest,
) -> Option<(WorkerKey, bool)> {
    let raw::DrainWorkerRequest {
        namespace,
        actor,
        id,
        resume,
    } = request;
    let asks = actor::read_or(v, &Path::REQUEST.field("actor"), actor, Actor::anonymous);
    let key = read_key(v, namespace, id);
    // Who asks is checked and goes nowhere: a worker has no log.
    asks?;
    Some((key?, !resume))
}

fn read_key(v: &mut Violations, namespace: String, id: String) -> Option<WorkerKey> {
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let id = check::required_word(v, &Path::REQUEST.field("id"), id, LINE_CHARS);
    Some(WorkerKey {
        namespace: namespace?,
        id: id?,
    })
}
