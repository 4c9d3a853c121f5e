//! Gets and lists among very many tasks, and the start of a server on such a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

use crate::bench::{Bench, Measured};
use crate::lanes::{Get, List, RequestIds, spread};
use crate::load;
use crate::process::Process;
use crate::sample;
use crate::statistics::milliseconds;
use crate::suite::server::{Server, echo};

/// Tasks of one call that fills the database.
const BATCH: u32 = 500;
/// Such calls in flight.
const FILLERS: u32 = 8;
/// How long a started server may take until it is healthy.
const HEALTHY: Duration = Duration::from_secs(60);
const ENDLESS: Duration = Duration::from_secs(86_400);
const LISTS: [(&str, &str, usize); 5] = [
    ("list-state", "state = QUEUED", 50),
    (
        "list-state-type",
        "state = QUEUED AND type = \"invoice.audit\"",
        50,
    ),
    ("list-label", "labels.order = \"urgent\"", 50),
    ("list-label-none", "labels.order = \"nobody\"", 0),
    ("list-label-unindexed", "labels.customer = \"nobody\"", 0),
];

/// A server with many tasks.
pub(super) struct Stage {
    echo: Process,
    baton: Server,
    ids: Arc<Vec<Uuid>>,
}

/// Fills a database.
pub(super) async fn open(bench: &mut Bench) -> anyhow::Result<Stage> {
    let baton = Server::start(bench).await?;
    let ids = fill(bench, &baton).await?;
    Ok(Stage {
        echo: bench.start_echo().await?,
        baton,
        ids: Arc::new(ids),
    })
}

async fn fill(bench: &Bench, server: &Server) -> anyhow::Result<Vec<Uuid>> {
    let all = bench.options.tasks;
    bench.progress.set_length(all.into());
    bench.progress.set_message("filling a database");
    let mut fillers = JoinSet::new();
    for filler in 0..FILLERS {
        let (client, ledger) = (
            server.clients[filler as usize % server.clients.len()].clone(),
            Arc::clone(&server.ledger),
        );
        let progress = bench.progress.clone();
        fillers.spawn(async move {
            let mut ids = Vec::new();
            let mine = (0..all)
                .step_by(BATCH as usize)
                .skip(filler as usize)
                .step_by(FILLERS as usize);
            for first in mine {
                let numbers = first..all.min(first + BATCH);
                let tasks = numbers.map(|n| sample::stored_task(n, all));
                for task in client.batch_create(tasks).await?.into_inner() {
                    ledger.note(&task)?;
                    ids.push(Uuid::try_parse(&task.id)?);
                }
                progress.inc(BATCH.into());
            }
            anyhow::Ok(ids)
        });
    }
    let mut ids = Vec::new();
    while let Some(filled) = fillers.join_next().await {
        ids.append(&mut filled??);
    }
    bench.progress.set_length(0);
    Ok(ids)
}

impl Stage {
    /// Measures every row of the group once.
    pub(super) async fn round(mut self, bench: &mut Bench) -> anyhow::Result<Self> {
        if bench.wants(&["start"]) {
            self = self.start(bench).await?;
        }
        if bench.wants(&["get"]) {
            self.gets(bench).await?;
        }
        for (row, filter, expected) in LISTS {
            if bench.wants(&[row]) {
                self.lists(bench, row, (filter, expected)).await?;
            }
        }
        if bench.wants(&["get-under-writer"]) {
            self.gets_under_writer(bench).await?;
        }
        Ok(self)
    }

    /// Kills the server a last time and looks for all that it had acknowledged.
    pub(super) async fn close(self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.baton.restart(bench).await?;
        let found = server.check(bench).await?;
        bench.record("lost", found)
    }

    async fn start(self, bench: &mut Bench) -> anyhow::Result<Self> {
        let baton = self.baton.restart(bench).await?;
        let healthy = timeout(HEALTHY, first_health(&baton.process)).await;
        let elapsed = healthy.context("the server does not become healthy")??;
        bench.record("start", Measured::number(milliseconds(elapsed)))?;
        Ok(Stage { baton, ..self })
    }

    async fn gets(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let half = bench.counted() / 2;
        let counted = bench.counted();
        let reference = async || Ok(vec![echo(&self.echo, 64, half).await?]);
        let figure = async || Ok(Measured::rate(&load::run(self.getters(), counted).await?));
        bench
            .measure(&["get"], self.baton.process.pid(), reference, figure)
            .await
    }

    /// One list at a time: the row is about how much a list reads, not about how many fit beside each other.
    async fn lists(
        &self,
        bench: &mut Bench,
        row: &'static str,
        (filter, expected): (&str, usize),
    ) -> anyhow::Result<()> {
        let counted = bench.counted() / 2;
        let found = Arc::new(AtomicUsize::new(0));
        let lane = || List {
            client: self.baton.clients[0].clone(),
            filter: filter.to_owned(),
            found: Arc::clone(&found),
        };
        let figure = async || {
            let load = load::run([lane()], counted).await?;
            let found = found.load(Ordering::Relaxed);
            let broken = (found != expected).then(|| format!("a page of {found} tasks, not {expected}"));
            Ok(Measured {
                broken,
                ..Measured::latency(&load, |latency| latency.p99_ms)
            })
        };
        bench
            .measure(&[row], self.baton.process.pid(), async || Ok(Vec::new()), figure)
            .await
    }

    async fn gets_under_writer(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let half = bench.counted() / 2;
        let counted = bench.counted();
        let reference = async || Ok(vec![load::run(self.getters(), half).await?.latency.p99_ms]);
        let figure = async || {
            let creators = self.baton.creators(64, RequestIds::Default);
            tokio::select! {
                load = load::run(self.getters(), counted) => {
                    Ok(Measured::latency(&load?, |latency| latency.p99_ms))
                }
                ended = load::run(creators, ENDLESS) => bail!("the writer ended: {ended:?}"),
            }
        };
        bench
            .measure(&["get-under-writer"], self.baton.process.pid(), reference, figure)
            .await
    }

    fn getters(&self) -> Vec<Get> {
        spread(&self.baton.clients, 64, |client, n| {
            Get::new(client, n, Arc::clone(&self.ids))
        })
    }
}

/// From the start of the process until it says that it serves.
async fn first_health(process: &Process) -> anyhow::Result<Duration> {
    let channel = Endpoint::from_shared(process.url().to_owned())?.connect_lazy();
    let mut health = HealthClient::new(channel);
    loop {
        let answer = health.check(HealthCheckRequest::default()).await;
        if answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving) {
            let now = Instant::now();
            return Ok(now.duration_since(process.started()));
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_name_what_the_tasks_have() {
        let filter = |row: &str| LISTS.iter().find(|(id, ..)| *id == row).unwrap().1;
        assert!(filter("list-state-type").contains(sample::RARER_TYPE));
        assert_eq!(
            filter("list-label"),
            format!("labels.{} = \"{}\"", sample::INDEXED, sample::RARE)
        );
        assert!(filter("list-label-none").contains(sample::INDEXED));
    }
}
