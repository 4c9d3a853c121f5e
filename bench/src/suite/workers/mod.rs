//! Tasks that workers lease: whole lives, the way from a create to its worker, many that are due at once, and what many
//! workers cost that only wait.

mod due;
mod starts;
mod waiting;
mod work;

use std::cell::Cell;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;

use crate::bench::{Bench, Measured};
use crate::probe::DiskProbe;
use crate::statistics::Latency;
use crate::suite::server::{Server, echo};

use starts::follow_limits;

pub(crate) use starts::follow_creates;
pub(crate) use work::{CREATORS, clear, drain, lives};

/// The queue of tasks that do not say another.
const QUEUE: &str = "default";

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["worker-lives"]) {
        measure_lives(bench).await?;
    }
    if bench.wants(&["worker-drain"]) {
        measure_drain(bench).await?;
    }
    if bench.wants(&["worker-start-p50", "worker-start-p99"]) {
        measure_starts(bench).await?;
    }
    if bench.wants(&["worker-due", "worker-due-others"]) {
        due::measure(bench).await?;
    }
    if bench.wants(&["worker-parked"]) {
        waiting::parked(bench).await?;
    }
    if bench.wants(&["worker-renewals"]) {
        waiting::renewals(bench).await?;
    }
    Ok(())
}

async fn measure_lives(bench: &mut Bench) -> anyhow::Result<()> {
    let echo_process = bench.start_echo().await?;
    let server = Server::start(bench).await?;
    let (counted, half) = (bench.counted(), bench.counted() / 2);
    let figure = async || Ok(Measured::number(lives(&server, counted).await?));
    let reference = async || Ok(vec![echo(&echo_process, work::CREATORS, half).await?]);
    bench
        .measure(&["worker-lives"], server.process.pid(), reference, figure)
        .await
}

async fn measure_drain(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let counted = bench.counted();
    let figure = async || Ok(Measured::number(drain(&server, counted).await?));
    let reference = async || Ok(Vec::new());
    bench
        .measure(&["worker-drain"], server.process.pid(), reference, figure)
        .await
}

/// Enough for the log to be full once.
const FIRST_USE: Duration = Duration::from_secs(2);

async fn measure_starts(bench: &mut Bench) -> anyhow::Result<()> {
    let echo_process = bench.start_echo().await?;
    let server = Server::start(bench).await?;
    let (counted, half) = (bench.counted(), bench.counted() / 2);
    let probe = DiskProbe::new(bench.folder())?;
    // SQLite's log has its size first, as that of a server which has been in use: while it grows, each flush writes its length too.
    lives(&server, FIRST_USE).await?;
    // Both rows tell of the same creates, and of the same limits.
    let (seen, limits) = (Cell::new(None), Cell::new(None));
    let reference = async || {
        let latency = follow_limits(&echo_process, &probe, half).await?;
        limits.set(Some(latency.p99_ms));
        Ok(vec![latency.p50_ms])
    };
    let figure = async || {
        let latency = follow_creates(&server, QUEUE, sleep(counted)).await?;
        seen.set(Some(latency));
        Ok(Measured {
            latency: Some(latency),
            ..Measured::number(latency.p50_ms)
        })
    };
    let pid = server.process.pid();
    bench
        .measure(&["worker-start-p50"], pid, reference, figure)
        .await?;
    let latency: Latency = seen.get().context("nothing was measured")?;
    let slowest = Measured {
        latency: Some(latency),
        ..Measured::number(latency.p99_ms)
    };
    bench.record_beside("worker-start-p99", slowest, limits.get())
}
