//! What many workers cost that only wait, and many leases that are only kept.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use baton_client::proto::{LeaseDirective, LeaseRenewal};
use futures::TryStreamExt as _;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::work::{Work, batch};
use crate::bench::{Bench, Measured};
use crate::lanes::clients;
use crate::load::Lane as _;
use crate::processor::{mebibytes, resident_bytes, time_of};
use crate::suite::server::Server;

/// LeaseTasks calls that wait at once, and leases that are renewed.
const MANY: usize = 10_000;
/// Connections of these calls.
const CONNECTIONS: usize = 16;
/// How often each lease is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(10);
/// How long what must come may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Leases of one RenewLeases.
const RENEWED_TOGETHER: usize = 500;

/// Memory of calls that wait for tasks.
pub(super) async fn parked(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let pid = server.process.pid();
    let clients = clients(server.process.url(), CONNECTIONS, |settings| settings)?;
    let before = resident_bytes(pid)?;
    let mut waiting = JoinSet::new();
    for n in 0..MANY {
        let work = Work::new(clients[n % CONNECTIONS].clone(), n, 1);
        waiting.spawn(async move { work.lease(Duration::from_secs(60)).await });
    }
    let probe = &server.clients[0];
    let standing = async {
        // A worker is known once its call has come in.
        while probe
            .list_workers()
            .page_size(1_000)
            .all()
            .try_fold(0, async |all, _| Ok(all + 1))
            .await?
            < MANY
        {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, standing)
        .await
        .context("not all calls came in")??;
    let held = resident_bytes(pid)?.saturating_sub(before);
    let answered = waiting
        .try_join_next()
        .map(|ended| format!("a call did not wait: {ended:?}"));
    let measured = Measured {
        broken: answered,
        ..Measured::number(mebibytes(held))
    };
    drop(waiting);
    bench.record("worker-parked", measured)
}

/// Processor time of many leases that are only kept.
pub(super) async fn renewals(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let mut batch = batch(&server)?;
    let mut created = 0;
    while created < MANY {
        created += batch.step().await? as usize;
    }
    let work = Work::new(server.clients[0].clone(), 0, 256);
    let mut leases = Vec::new();
    while leases.len() < MANY {
        let leased = work.lease(Duration::ZERO).await?;
        ensure!(!leased.is_empty(), "only {} tasks were leased", leases.len());
        leases.extend(leased.into_iter().map(|leased| LeaseRenewal {
            id: leased.task.unwrap_or_default().id,
            lease_token: leased.lease_token,
            progress: None,
            listen_only: false,
        }));
    }
    // The first renewal starts the work, and that is another thing.
    let client = &server.clients[0];
    for together in leases.chunks(RENEWED_TOGETHER) {
        client.renew_leases(together.to_vec()).await?;
    }
    let pid = server.process.pid();
    let calls = u32::try_from(leases.len().div_ceil(RENEWED_TOGETHER))?;
    let mut pace = interval(RENEWED_EVERY / calls);
    let (began, used) = (Instant::now(), time_of(pid)?);
    for together in leases.chunks(RENEWED_TOGETHER) {
        pace.tick().await;
        let renewed = client.renew_leases(together.to_vec()).await?;
        let lost = renewed
            .updates
            .iter()
            .find(|update| update.directive() != LeaseDirective::Continue);
        ensure!(lost.is_none(), "a lease is not kept: {lost:?}");
    }
    pace.tick().await;
    let used = time_of(pid)?.saturating_sub(used);
    let percent = 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64();
    bench.record("worker-renewals", Measured::number(percent))
}
