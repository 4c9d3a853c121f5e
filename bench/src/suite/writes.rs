//! Creates, moves and batches; at the end the server is killed under load.

use std::time::Duration;

use crate::bench::{Bench, Measured};
use crate::lanes::{Batch, CONNECTIONS, RequestIds};
use crate::load::{self, Load};
use crate::process::Process;
use crate::raw::Rows;
use crate::suite::server::{Server, echo};
use crate::variant::Variant;

/// Tasks of one BatchCreateTasks.
const BATCH: usize = 500;
/// Such calls in flight: 64 would be more tasks than the server lets wait.
const BATCHES: usize = 8;

/// How long the tasks are created whose rows the raw inserts write again: some ten thousand.
const RAW: Duration = Duration::from_millis(400);

/// All servers of one round. They wait while they are not asked.
struct Stage {
    echo: Process,
    baton: Server,
    nothing: Server,
    per_request: Server,
    counted: Duration,
    /// Of a reference, which is measured twice.
    half: Duration,
}

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench) -> anyhow::Result<()> {
    let stage = Stage {
        echo: bench.start_echo().await?,
        baton: Server::start(bench).await?,
        nothing: Server::start_variant(bench, Variant::WritesNothing).await?,
        per_request: Server::start_variant(bench, Variant::CommitPerRequest).await?,
        counted: bench.counted(),
        half: bench.counted() / 2,
    };
    if bench.wants(&["create-64", "create-64-x", "batched-64"]) {
        stage.creates_64(bench).await?;
    }
    if bench.wants(&["create-256"]) {
        stage.creates_256(bench).await?;
    }
    if bench.wants(&["batched-1"]) {
        stage.one_in_flight(bench).await?;
    }
    if bench.wants(&["lives", "lives-x"]) {
        stage.lives(bench).await?;
    }
    if bench.wants(&["request-id"]) {
        stage.request_ids(bench).await?;
    }
    if bench.wants(&["request-id-lives"]) {
        stage.request_ids_of_lives(bench).await?;
    }
    if bench.wants(&["batch-500"]) {
        stage.batches(bench).await?;
    }
    if bench.wants(&["lost"]) {
        stage.kill(bench).await?;
    }
    Ok(())
}

impl Stage {
    async fn creates_64(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let rows = ["create-64", "create-64-x", "batched-64"];
        let references = async || {
            let echo = echo(&self.echo, 64, self.half).await?;
            let nothing = self.nothing.create(64, self.half).await?.rate;
            let per_request = self.per_request.create(64, self.half).await?.rate;
            Ok(vec![echo, nothing, per_request])
        };
        let figure = async || Ok(Measured::rate(&self.baton.create(64, self.counted).await?));
        bench
            .measure(&rows, self.baton.process.pid(), references, figure)
            .await
    }

    async fn creates_256(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let reference = async || Ok(vec![echo(&self.echo, 256, self.half).await?]);
        let figure = async || Ok(Measured::rate(&self.baton.create(256, self.counted).await?));
        bench
            .measure(&["create-256"], self.baton.process.pid(), reference, figure)
            .await
    }

    async fn one_in_flight(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let reference = async || Ok(vec![self.per_request.create(1, self.half).await?.latency.p50_ms]);
        let figure = async || {
            let load = self.baton.create(1, self.counted).await?;
            Ok(Measured::latency(&load, |latency| latency.p50_ms))
        };
        bench
            .measure(&["batched-1"], self.baton.process.pid(), reference, figure)
            .await
    }

    async fn lives(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let references = async || {
            let echo = echo(&self.echo, 64, self.half).await?;
            let nothing = self.nothing.create(64, self.half).await?.rate;
            Ok(vec![echo, nothing / 4.0])
        };
        let figure = async || {
            Ok(Measured::rate(
                &self.live(RequestIds::Default, self.counted).await?,
            ))
        };
        bench
            .measure(
                &["lives", "lives-x"],
                self.baton.process.pid(),
                references,
                figure,
            )
            .await
    }

    async fn live(&self, request_ids: RequestIds, counted: Duration) -> anyhow::Result<Load> {
        load::run(self.baton.living(64, request_ids)?, counted).await
    }

    async fn request_ids(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let create =
            async |request_ids, counted| load::run(self.baton.creators(64, request_ids), counted).await;
        let reference = async || Ok(vec![create(RequestIds::Never, self.half).await?.rate]);
        let figure = async || Ok(Measured::rate(&create(RequestIds::Always, self.counted).await?));
        bench
            .measure(&["request-id"], self.baton.process.pid(), reference, figure)
            .await
    }

    async fn request_ids_of_lives(&self, bench: &mut Bench) -> anyhow::Result<()> {
        let reference = async || Ok(vec![self.live(RequestIds::Never, self.half).await?.rate]);
        let figure = async || {
            Ok(Measured::rate(
                &self.live(RequestIds::Always, self.counted).await?,
            ))
        };
        bench
            .measure(&["request-id-lives"], self.baton.process.pid(), reference, figure)
            .await
    }

    async fn batches(&self, bench: &mut Bench) -> anyhow::Result<()> {
        // The rows of the reference come from a server of their own: those and no others.
        let source = Server::start(bench).await?;
        load::run(batches(&source, CONNECTIONS), RAW).await?;
        source.process.kill().await?;
        let rows = Rows::read(&source.database).await?;
        let folder = tempfile::tempdir_in(bench.folder())?;
        let reference = async || {
            let file = folder.path().join("raw.db");
            let rate = rows.insert(&file, BATCH).await?;
            std::fs::remove_file(file)?;
            Ok(vec![rate])
        };
        let figure = async || {
            let load = load::run(batches(&self.baton, BATCHES), self.counted).await?;
            Ok(Measured::rate(&load))
        };
        bench
            .measure(&["batch-500"], self.baton.process.pid(), reference, figure)
            .await
    }

    /// Kills the server in the middle of creates and moves, and looks for all that was acknowledged in this round.
    async fn kill(self, bench: &mut Bench) -> anyhow::Result<()> {
        let _load = self.baton.keep_busy(64, self.half).await?;
        let Stage {
            baton, per_request, ..
        } = self;
        for server in [baton, per_request] {
            let server = server.restart(bench).await?;
            let found = server.check(bench).await?;
            bench.record("lost", found)?;
            server.process.kill().await?;
        }
        Ok(())
    }
}

fn batches(server: &Server, callers: usize) -> Vec<Batch> {
    let creators = server.creators(callers, RequestIds::Default);
    creators
        .into_iter()
        .map(|create| Batch {
            create,
            size: BATCH,
            schedule_time: None,
        })
        .collect()
}
