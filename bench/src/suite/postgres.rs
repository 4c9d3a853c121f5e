//! The same promises where the store is a PostgreSQL: one server, three of them, and whom users would pick instead.

use std::time::Duration;

use super::watches::{self, Crowd};
use super::workers;
use crate::bench::{Bench, Measured};
use crate::lanes::RequestIds;
use crate::load;
use crate::peers::{self, Installed, PEERS};
use crate::postgres::Postgres;
use crate::process::Process;
use crate::suite::server::{Server, echo};

const CALLERS: usize = 64;
/// Servers on one database.
const SERVERS: usize = 3;
/// Every flush of the log waits for so many microseconds, whoever else commits.
const SLOW_FLUSH: [(&str, &str); 2] = [("commit_delay", "4000"), ("commit_siblings", "0")];

/// One round: a server for each of its rows, on a database of its own.
struct Stage {
    postgres: Postgres,
    echo: Process,
    counted: Duration,
    /// Of a reference, which is measured twice.
    half: Duration,
}

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench, installed: Option<&Installed>) -> anyhow::Result<()> {
    let url = bench.options.database.clone().flatten();
    let postgres = Postgres::open(url.as_deref(), bench.folder()).await?;
    bench.postgres_version = Some(postgres.describe().await?);
    bench.programs = &["postgres", "baton"];
    let mut stage = Stage {
        postgres,
        echo: bench.start_echo().await?,
        counted: bench.counted(),
        half: bench.counted() / 2,
    };
    let measured = stage.rows(bench, installed).await;
    bench.programs = &[];
    // The databases go in any case; what went wrong first is what is told.
    let closed = stage.postgres.close().await;
    measured.and(closed)
}

impl Stage {
    async fn rows(&mut self, bench: &mut Bench, installed: Option<&Installed>) -> anyhow::Result<()> {
        if bench.wants(&["postgres-create"]) {
            self.creates(bench).await?;
        }
        if bench.wants(&["postgres-worker-lives"]) {
            self.worker_lives(bench).await?;
        }
        if bench.wants(&["postgres-lives"]) {
            self.lives(bench).await?;
        }
        if let Some(installed) = installed {
            self.peers(bench, installed).await?;
        }
        let each = [
            ("postgres-three", CALLERS * SERVERS),
            ("postgres-three-few", CALLERS),
        ];
        for (row, callers) in each {
            if bench.wants(&[row]) {
                self.three(bench, row, callers).await?;
            }
        }
        if bench.wants(&["postgres-three-feed"]) {
            self.feed_of_another(bench).await?;
        }
        if bench.wants(&["postgres-slow-flush"]) {
            self.slow_flush(bench).await?;
        }
        if bench.wants(&["postgres-lost"]) {
            self.kill(bench).await?;
        }
        Ok(())
    }

    async fn server(&mut self, bench: &mut Bench) -> anyhow::Result<Server> {
        let database = self.postgres.new_database(&[]).await?;
        Server::start_on(bench, database).await
    }

    async fn creates(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.server(bench).await?;
        let reference = async || Ok(vec![echo(&self.echo, CALLERS, self.half).await?]);
        let figure = async || Ok(Measured::rate(&server.create(CALLERS, self.counted).await?));
        let pid = server.process.pid();
        bench.measure(&["postgres-create"], pid, reference, figure).await
    }

    async fn worker_lives(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.server(bench).await?;
        let reference = async || Ok(vec![echo(&self.echo, workers::CREATORS, self.half).await?]);
        let figure = async || Ok(Measured::number(workers::lives(&server, self.counted).await?));
        let pid = server.process.pid();
        bench
            .measure(&["postgres-worker-lives"], pid, reference, figure)
            .await
    }

    async fn lives(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.server(bench).await?;
        let reference = async || Ok(vec![echo(&self.echo, CALLERS, self.half).await?]);
        let figure = async || {
            let living = server.living(CALLERS, RequestIds::Default)?;
            Ok(Measured::rate(&load::run(living, self.counted).await?))
        };
        let pid = server.process.pid();
        bench.measure(&["postgres-lives"], pid, reference, figure).await
    }

    /// Each of them before and after our own figure.
    async fn peers(&mut self, bench: &mut Bench, installed: &Installed) -> anyhow::Result<()> {
        for peer in PEERS {
            let Some(row) = peer.rows.create.filter(|row| bench.wants(&[row])) else {
                continue;
            };
            let theirs = self.postgres.new_database(&[]).await?;
            let log = bench.new_file("log");
            let server = self.server(bench).await?;
            let reference = async || {
                let told = peers::run_on(&theirs, peer, &["create"], installed, &log).await?;
                Ok(told.create.into_iter().collect())
            };
            if let Err(error) = reference().await {
                bench.skip(row, &format!("{error:#}"));
                continue;
            }
            let figure = async || Ok(Measured::rate(&server.create(CALLERS, self.counted).await?));
            let pid = server.process.pid();
            bench.measure(&[row], pid, reference, figure).await?;
        }
        Ok(())
    }

    /// As many `callers` over three servers as over one.
    async fn three(&mut self, bench: &mut Bench, row: &'static str, callers: usize) -> anyhow::Result<()> {
        let alone = self.server(bench).await?;
        let servers = self.servers(bench).await?;
        let reference = async || Ok(vec![alone.create(callers, self.half).await?.rate]);
        let figure = async || {
            let creators = servers.iter().enumerate().flat_map(|(at, server)| {
                let of_one = (callers + SERVERS - 1 - at) / SERVERS;
                server.creators(of_one, RequestIds::Default)
            });
            Ok(Measured::rate(&load::run(creators, self.counted).await?))
        };
        let pid = servers[0].process.pid();
        bench.measure(&[row], pid, reference, figure).await
    }

    async fn servers(&mut self, bench: &mut Bench) -> anyhow::Result<Vec<Server>> {
        let database = self.postgres.new_database(&[]).await?;
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            servers.push(Server::start_on(bench, database.clone()).await?);
        }
        Ok(servers)
    }

    async fn feed_of_another(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let mut servers = self.servers(bench).await?;
        let told = servers.remove(0);
        let watched = servers[0].process.url().to_owned();
        let crowd = Crowd {
            watchers: 100,
            events_per_second: 300,
        };
        let stage = watches::Stage::open(bench, told, &watched, crowd).await?;
        stage.measure(bench, "postgres-three-feed").await?;
        Ok(())
    }

    async fn slow_flush(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let quick = self.server(bench).await?;
        let database = self.postgres.new_database(&SLOW_FLUSH).await?;
        let slow = Server::start_on(bench, database).await?;
        let reference = async || Ok(vec![quick.create(CALLERS, self.half).await?.rate]);
        let figure = async || Ok(Measured::rate(&slow.create(CALLERS, self.counted).await?));
        let pid = slow.process.pid();
        bench
            .measure(&["postgres-slow-flush"], pid, reference, figure)
            .await
    }

    /// Kills the server in the middle of creates and moves, and looks for all that was acknowledged.
    async fn kill(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.server(bench).await?;
        let _load = server.keep_busy(CALLERS, self.half).await?;
        let server = server.restart(bench).await?;
        let found = server.check(bench).await?;
        bench.record("postgres-lost", found)
    }
}
