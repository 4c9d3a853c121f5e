//! Very many tasks that are due in the same second: how late the last one is, and whether others have to wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::follow_creates;
use super::work::{WORKERS, Work, batch, drain};
use crate::bench::{Bench, Measured};
use crate::lanes::Batch;
use crate::load::Lane as _;
use crate::statistics::Latency;
use crate::suite::server::Server;

/// Tasks that are due together.
const TASKS: u32 = 100_000;
/// The queue of those who must not wait for them.
const OTHERS: &str = "others";
/// How much sooner than needed the tasks are said to be due, as a factor: whatever was measured before may have had a
/// better disk.
const HASTE: f64 = 2.0;
/// Longer than this takes.
const FAR: Duration = Duration::from_secs(86_400);
/// How long a worker waits for the next task.
const WAIT: Duration = Duration::from_secs(1);

/// Measures both rows once.
pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let counted = bench.counted();
    bench.progress.set_message("worker-due");
    let rate = drain(&server, counted).await?;
    let expected_ms = 1e3 * f64::from(TASKS) / rate;
    let due = fill(&server, counted).await?;
    let before = follow_creates(&server, OTHERS, sleep(counted)).await?;
    ensure!(Instant::now() < due, "the tasks were due before all was ready");
    sleep_until(due.into()).await;
    let (ended, end) = oneshot::channel();
    // It ends with the drain, however that ends.
    let over = async { end.await.unwrap_or_default() };
    let drained = async {
        let late = start_all(&server, due).await;
        drop::<oneshot::Sender<()>>(ended);
        late
    };
    let both = async {
        let (late, during) = tokio::join!(drained, follow_creates(&server, OTHERS, over));
        Ok((late?, during?))
    };
    let ((late, during), frame) = bench.frame(server.process.pid(), both).await?;
    let measured = |latency: Latency, figure| Measured {
        latency: Some(latency),
        ..Measured::number(figure)
    };
    bench.add(
        "worker-due",
        Measured {
            note: Some(format!("half of them were started within {:.0} ms", late.p50_ms)),
            ..measured(late, late.max_ms)
        },
        Some(expected_ms),
        frame,
    );
    let others = measured(during, during.p99_ms);
    bench.add("worker-due-others", others, Some(before.p99_ms), frame);
    Ok(())
}

/// Creates all tasks, with time enough before they are due to look at the others; answers when that is.
async fn fill(server: &Server, counted: Duration) -> anyhow::Result<Instant> {
    let mut batch: Batch = batch(server)?;
    // How fast it is just now is seen by tasks that are not due while this runs.
    batch.schedule_time = Some(SystemTime::now() + FAR);
    let (began, sample) = (Instant::now(), batch.step().await?);
    let share = f64::from(TASKS) / f64::from(sample);
    let needed = began.elapsed().mul_f64(HASTE * share) + 2 * counted + Duration::from_secs(1);
    let due = SystemTime::now() + needed;
    let due_at = Instant::now() + needed;
    batch.schedule_time = Some(due);
    let mut tasks = 0;
    while tasks < TASKS {
        tasks += batch.step().await?;
    }
    ensure!(tasks == TASKS, "{tasks} tasks were created");
    Ok(due_at)
}

/// Starts and ends every task; answers how late they were started.
async fn start_all(server: &Server, due: Instant) -> anyhow::Result<Latency> {
    let left = Arc::new(AtomicU32::new(TASKS));
    let mut running = JoinSet::new();
    for work in Work::many(server, WORKERS, 50) {
        let left = Arc::clone(&left);
        running.spawn(async move {
            let mut late = Vec::new();
            while left.load(Ordering::Relaxed) > 0 {
                let leased = work.lease(WAIT).await?;
                let lateness = due.elapsed();
                late.extend(leased.iter().map(|_| lateness));
                let done = work.report(leased).await?;
                left.fetch_sub(done, Ordering::Relaxed);
            }
            anyhow::Ok(late)
        });
    }
    let mut late = Vec::new();
    while let Some(worker) = running.join_next().await {
        late.extend(worker??);
    }
    ensure!(late.len() == TASKS as usize, "{} tasks were started", late.len());
    Latency::of(late).context("no task was started")
}
