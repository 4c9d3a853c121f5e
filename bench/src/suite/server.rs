//! A server under load, with its callers and what it said to them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use baton_client::Client;
use tokio_util::task::AbortOnDropHandle;

use crate::bench::{Bench, Measured};
use crate::echo::EchoLane;
use crate::lanes::{CONNECTIONS, Create, Live, RequestIds, clients, spread};
use crate::ledger::Ledger;
use crate::load::{self, Load};
use crate::process::Process;
use crate::variant::Variant;

/// The load that only a kill ends.
const ENDLESS: Duration = Duration::from_secs(86_400);

/// A running server and its store.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Its URL.
    pub(crate) database: String,
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Server {
    /// The `baton` under test, on a new file.
    pub(crate) async fn start(bench: &mut Bench) -> anyhow::Result<Self> {
        let database = bench.new_database();
        Self::start_on(bench, database).await
    }

    /// The `baton` under test, on the database at this URL.
    pub(crate) async fn start_on(bench: &mut Bench, database: String) -> anyhow::Result<Self> {
        let process = bench.start_baton(&database).await?;
        Self::on(process, database, Arc::default())
    }

    /// A server with one thing changed, on a new file.
    pub(crate) async fn start_variant(bench: &mut Bench, variant: Variant) -> anyhow::Result<Self> {
        let database = bench.new_database();
        let process = bench.start_variant(variant, &database).await?;
        Self::on(process, database, Arc::default())
    }

    fn on(process: Process, database: String, ledger: Arc<Ledger>) -> anyhow::Result<Self> {
        Ok(Server {
            clients: clients(process.url(), CONNECTIONS, |settings| settings)?,
            process,
            database,
            ledger,
        })
    }

    /// So many callers that create.
    pub(crate) fn creators(&self, callers: usize, request_ids: RequestIds) -> Vec<Create> {
        self.creators_on(&self.clients, callers, request_ids)
    }

    fn creators_on(&self, clients: &[Client], callers: usize, request_ids: RequestIds) -> Vec<Create> {
        spread(clients, callers, |client, n| {
            Create::new(client, n, Arc::clone(&self.ledger), request_ids)
        })
    }

    /// So many callers that live whole lives.
    pub(crate) fn living(&self, callers: usize, request_ids: RequestIds) -> anyhow::Result<Vec<Live>> {
        let wanted = request_ids != RequestIds::Never;
        let clients = clients(self.process.url(), CONNECTIONS, |settings| {
            settings.request_ids(wanted)
        })?;
        let creators = self.creators_on(&clients, callers, request_ids);
        Ok(creators.into_iter().map(Live).collect())
    }

    /// Creates as fast as so many callers can.
    pub(crate) async fn create(&self, callers: usize, counted: Duration) -> anyhow::Result<Load> {
        load::run(self.creators(callers, RequestIds::Default), counted).await
    }

    /// So many callers create and live for `time`, and go on for as long as what is returned is kept.
    pub(crate) async fn keep_busy(
        &self,
        callers: usize,
        time: Duration,
    ) -> anyhow::Result<[AbortOnDropHandle<anyhow::Result<Load>>; 2]> {
        let creators = self.creators(callers / 2, RequestIds::Default);
        let creating = tokio::spawn(load::run(creators, ENDLESS));
        let lives = self.living(callers / 2, RequestIds::Default)?;
        let living = tokio::spawn(load::run(lives, ENDLESS));
        let load = [creating, living].map(AbortOnDropHandle::new);
        tokio::time::sleep(time).await;
        let failed = load.iter().any(AbortOnDropHandle::is_finished);
        ensure!(!failed, "a caller failed before the kill");
        Ok(load)
    }

    /// Ends the server by SIGKILL and starts the `baton` under test on its store.
    pub(crate) async fn restart(self, bench: &mut Bench) -> anyhow::Result<Self> {
        self.process.kill().await?;
        let process = bench.start_baton(&self.database).await?;
        Self::on(process, self.database, self.ledger)
    }

    /// Looks for everything that was acknowledged. Answers how many tasks are lost.
    pub(crate) async fn check(&self, bench: &Bench) -> anyhow::Result<Measured> {
        bench.progress.set_message("looking for what was acknowledged");
        let check = self.ledger.check(&self.clients[0]).await?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let lost = check.lost.len() as f64;
        Ok(Measured {
            broken: check.lost.first().map(|id| format!("lost, among others: {id}")),
            note: Some(format!("{} acknowledged tasks looked up", check.tasks)),
            ..Measured::number(lost)
        })
    }
}

/// Echoes as fast as so many callers can, on as many connections as the others use. Answers calls a second.
pub(crate) async fn echo(process: &Process, callers: usize, counted: Duration) -> anyhow::Result<f64> {
    let lanes = EchoLane::open(process.url(), callers, CONNECTIONS).await?;
    Ok(load::run(lanes, counted).await?.rate)
}
