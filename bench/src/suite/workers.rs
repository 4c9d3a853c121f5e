//! Tasks that workers lease: whole lives, the way from a create to its worker, and what many workers cost that only wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use baton_client::proto::task_report::Result as Ended;
use baton_client::proto::{
    Actor, LeaseDirective, LeaseRenewal, LeasedTask, Payload, ReportedCompletion, TaskReport,
};
use baton_client::{Client, Context, Failure, Outcome, Worker, actor};
use futures::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::bench::{Bench, Measured};
use crate::lanes::{Batch, Create, RequestIds, clients};
use crate::load::{self, Lane};
use crate::processor::{mebibytes, resident_bytes, time_of};
use crate::sample;
use crate::statistics::Latency;
use crate::suite::server::{Server, echo};

/// Callers that create while others work.
const CREATORS: usize = 64;
/// Workers that lease what they create.
const WORKERS: usize = 8;
/// Tasks of a BatchCreateTasks that fills a queue.
const BATCH: usize = 500;
/// Creates a second while the way to a worker is measured.
const CREATES_PER_SECOND: u32 = 50;
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

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["worker-lives"]) {
        lives(bench).await?;
    }
    if bench.wants(&["worker-drain"]) {
        drain(bench).await?;
    }
    if bench.wants(&["worker-start-p50", "worker-start-p99"]) {
        starts(bench).await?;
    }
    if bench.wants(&["worker-parked"]) {
        parked(bench).await?;
    }
    if bench.wants(&["worker-renewals"]) {
        renewals(bench).await?;
    }
    Ok(())
}

/// Leases tasks and reports them done, many a call.
struct Work {
    client: Client,
    worker: Actor,
    most: i32,
}

impl Work {
    fn new(client: Client, n: usize, most: i32) -> Self {
        let worker = actor::service(format!("worker-{n}"));
        Work { client, worker, most }
    }

    async fn lease(&self, wait: Duration) -> anyhow::Result<Vec<LeasedTask>> {
        let call = self
            .client
            .lease_tasks()
            .worker(self.worker.clone())
            .types([sample::TYPE]);
        let leased = call.max_tasks(self.most).wait_timeout(wait).await?;
        Ok(leased.leased_tasks)
    }

    async fn report(&self, leased: Vec<LeasedTask>) -> anyhow::Result<u32> {
        let reports = leased.into_iter().map(|leased| TaskReport {
            id: leased.task.unwrap_or_default().id,
            lease_token: leased.lease_token,
            start_time: None,
            result: Some(Ended::Complete(ReportedCompletion::default())),
        });
        let reports: Vec<TaskReport> = reports.collect();
        if reports.is_empty() {
            return Ok(0);
        }
        let results = self.client.report_tasks(reports).await?;
        let refused = results.iter().find_map(|result| result.error.as_ref());
        ensure!(refused.is_none(), "a report was refused: {refused:?}");
        Ok(u32::try_from(results.len())?)
    }
}

/// Whoever creates, or works until nobody creates any more.
enum Party {
    Creator(Create),
    Worker(Work),
}

impl Lane for Party {
    async fn step(&mut self) -> anyhow::Result<u32> {
        match self {
            // A life counts where it ends.
            Party::Creator(create) => create.step().await.map(|_| 0),
            Party::Worker(work) => {
                let leased = work.lease(Duration::from_millis(100)).await?;
                work.report(leased).await
            }
        }
    }
}

async fn lives(bench: &mut Bench) -> anyhow::Result<()> {
    let echo_process = bench.start_echo().await?;
    let server = Server::start(bench).await?;
    let (counted, half) = (bench.counted(), bench.counted() / 2);
    let figure = async || {
        let creators = server
            .creators(CREATORS, RequestIds::Default)
            .into_iter()
            .map(Party::Creator);
        let workers = (0..WORKERS).map(|n| {
            let client = server.clients[n % server.clients.len()].clone();
            Party::Worker(Work::new(client, n, 10))
        });
        let load = load::run(creators.chain(workers), counted).await?;
        Ok(Measured::number(load.rate))
    };
    let reference = async || Ok(vec![echo(&echo_process, CREATORS, half).await?]);
    bench
        .measure(&["worker-lives"], server.process.pid(), reference, figure)
        .await
}

/// Empties the queue, then ends.
struct Drain {
    work: Work,
    empty: Arc<AtomicBool>,
}

async fn drain(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let counted = bench.counted();
    let figure = async || {
        let create = server
            .creators(1, RequestIds::Default)
            .pop()
            .context("one creator")?;
        let tasks = fill(create, counted).await?;
        let empty = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        let began = Instant::now();
        for n in 0..WORKERS {
            let client = server.clients[n % server.clients.len()].clone();
            let drain = Drain {
                work: Work::new(client, n, 50),
                empty: Arc::clone(&empty),
            };
            running.spawn(drain.run());
        }
        let mut done = 0;
        while let Some(worker) = running.join_next().await {
            done += worker??;
        }
        ensure!(done == tasks, "{done} of {tasks} tasks were done");
        Ok(Measured::number(f64::from(done) / began.elapsed().as_secs_f64()))
    };
    bench
        .measure(
            &["worker-drain"],
            server.process.pid(),
            async || Ok(Vec::new()),
            figure,
        )
        .await
}

impl Drain {
    async fn run(self) -> anyhow::Result<u32> {
        let mut done = 0;
        while !self.empty.load(Ordering::Relaxed) {
            let leased = self.work.lease(Duration::ZERO).await?;
            if leased.is_empty() {
                self.empty.store(true, Ordering::Relaxed);
            }
            done += self.work.report(leased).await?;
        }
        Ok(done)
    }
}

/// Creates as many tasks as take about the time to drain; answers how many.
async fn fill(create: Create, counted: Duration) -> anyhow::Result<u32> {
    let mut batch = Batch { create, size: BATCH };
    let mut tasks = 0;
    for _ in 0..(20.0 * counted.as_secs_f64()).ceil() as u32 {
        tasks += batch.step().await?;
    }
    Ok(tasks)
}

/// From just before a create is sent to the first line of its handler, in a worker with nothing else to do.
async fn starts(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let counted = bench.counted();
    // Both rows tell of the same creates.
    let seen = std::cell::Cell::new(None);
    let figure = async || {
        let latency = follow_creates(&server, counted).await?;
        seen.set(Some(latency));
        Ok(Measured {
            latency: Some(latency),
            ..Measured::number(latency.p50_ms)
        })
    };
    let pid = server.process.pid();
    bench
        .measure(&["worker-start-p50"], pid, async || Ok(Vec::new()), figure)
        .await?;
    let latency: Latency = seen.get().context("nothing was measured")?;
    bench.record(
        "worker-start-p99",
        Measured {
            latency: Some(latency),
            ..Measured::number(latency.p99_ms)
        },
    )
}

async fn follow_creates(server: &Server, counted: Duration) -> anyhow::Result<Latency> {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let handler = move |context: Context, _: Option<Payload>| {
        let told = begun.send((context.id().to_owned(), Instant::now()));
        async move {
            told.map(|()| Outcome::done())
                .map_err(|_| Failure::new("nobody counts any more"))
        }
    };
    let mut worker = clients(server.process.url(), 1, |settings| settings)?;
    let worker = worker.pop().context("one client")?;
    let running = Worker::builder(worker)
        .concurrency(20)
        .raw_handler(sample::TYPE, handler);
    let running = AbortOnDropHandle::new(tokio::spawn(running.run_until(std::future::pending())));
    let mut pace = interval(Duration::from_secs(1) / CREATES_PER_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    let until = Instant::now() + counted;
    for n in 0_u32.. {
        pace.tick().await;
        let sent = Instant::now();
        if sent >= until {
            break;
        }
        let created = server.clients[0].create(sample::task(n)).await?;
        let began = timeout(PATIENCE, begins.recv())
            .await
            .context("a task is not worked on")?;
        let (id, began) = began.context("the worker has ended")?;
        ensure!(id == created.id, "another task than the one created");
        times.push(began.duration_since(sent));
    }
    drop(running);
    Latency::of(times).context("no task was created in time")
}

/// Memory of calls that wait for tasks.
async fn parked(bench: &mut Bench) -> anyhow::Result<()> {
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
async fn renewals(bench: &mut Bench) -> anyhow::Result<()> {
    let server = Server::start(bench).await?;
    let mut batch = Batch {
        create: server
            .creators(1, RequestIds::Default)
            .pop()
            .context("one creator")?,
        size: BATCH,
    };
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
