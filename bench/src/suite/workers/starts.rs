//! From just before a create is sent to the first line of its handler, in a worker with nothing else to do.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::proto::Payload;
use baton_client::{Client, Context, Failure, Outcome, Worker};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::echo::EchoLane;
use crate::lanes::clients;
use crate::load::Lane as _;
use crate::probe::DiskProbe;
use crate::process::Process;
use crate::sample;
use crate::statistics::Latency;
use crate::suite::server::Server;

/// Creates a second.
const CREATES_PER_SECOND: u32 = 50;
/// What SQLite writes for a create whose task is handed over at once, in bytes: 11 pages.
const WRITTEN: usize = 11 * 4_096;
/// How long a task may take to its handler.
const PATIENCE: Duration = Duration::from_secs(30);

/// Creates in `queue` at a steady pace, whatever becomes of the tasks, until `enough` is over.
///
/// Errors: a create fails, or a task does not come to its handler.
pub(crate) async fn follow_creates(
    server: &Server,
    queue: &str,
    enough: impl Future<Output = ()>,
) -> anyhow::Result<Latency> {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let running = start_worker(server, queue, begun)?;
    let mut pace = interval(Duration::from_secs(1) / CREATES_PER_SECOND);
    // Late creates follow at once: what the machine keeps waiting is waited for by somebody.
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut creates = JoinSet::new();
    let mut enough = std::pin::pin!(enough);
    loop {
        tokio::select! {
            biased;
            () = &mut enough => break,
            _ = pace.tick() => {}
        }
        let number = u32::try_from(creates.len())?;
        creates.spawn(create(server.clients[0].clone(), queue.to_owned(), number));
    }
    let mut times = Vec::with_capacity(creates.len());
    let mut sent = HashMap::with_capacity(creates.len());
    while let Some(created) = creates.join_next().await {
        let (id, at) = created??;
        sent.insert(id, at);
    }
    while !sent.is_empty() {
        let began = timeout(PATIENCE, begins.recv())
            .await
            .context("a task is not worked on")?;
        let (id, began): (String, Instant) = began.context("the worker has ended")?;
        let sent = sent.remove(&id).context("a task that nobody created")?;
        times.push(began.duration_since(sent));
    }
    drop(running);
    Latency::of(times).context("no task was created in time")
}

/// What it takes on this machine at least: a call that does nothing, and a flush of what a create writes, made as often. Both rest
/// in between, and a processor or a disk that rested takes longer.
///
/// Errors: the echo does not answer, the disk cannot be written to, or `counted` is too short for one.
pub(super) async fn follow_limits(
    echo: &Process,
    probe: &DiskProbe,
    counted: Duration,
) -> anyhow::Result<Latency> {
    let mut lane = EchoLane::open(echo.url(), 1, 1).await?.remove(0);
    let mut pace = interval(Duration::from_secs(1) / CREATES_PER_SECOND);
    let end = Instant::now() + counted;
    let written = vec![0x5a; WRITTEN];
    let mut times = Vec::new();
    while Instant::now() < end {
        pace.tick().await;
        let sent = Instant::now();
        lane.step().await?;
        times.push(sent.elapsed() + probe.flush(&written)?);
    }
    Latency::of(times).context("no call was made in time")
}

/// Answers the task's id, and when its create was sent: here and not where it was told to begin, which is another thread.
async fn create(client: Client, queue: String, number: u32) -> anyhow::Result<(String, Instant)> {
    let id = Uuid::now_v7().to_string();
    let task = sample::task(number).queue(queue).id(id.clone());
    let sent = Instant::now();
    client.create(task).await?;
    Ok((id, sent))
}

fn start_worker(
    server: &Server,
    queue: &str,
    begun: mpsc::UnboundedSender<(String, Instant)>,
) -> anyhow::Result<AbortOnDropHandle<()>> {
    let handler = move |context: Context, _: Option<Payload>| {
        let told = begun.send((context.id().to_owned(), Instant::now()));
        async move {
            told.map(|()| Outcome::done())
                .map_err(|_| Failure::new("nobody counts any more"))
        }
    };
    let client = clients(server.process.url(), 1, |settings| settings)?;
    let worker = Worker::builder(client.into_iter().next().context("one client")?)
        .queue(queue)
        .concurrency(20)
        .raw_handler(sample::TYPE, handler);
    Ok(AbortOnDropHandle::new(tokio::spawn(async {
        if let Err(error) = worker.run_until(std::future::pending()).await {
            eprintln!("the worker ended: {error}");
        }
    })))
}
