//! Leasing and reporting many tasks a call, and what is measured of it: whole lives, and a backlog emptied.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use baton_client::proto::task_report::Result as Ended;
use baton_client::proto::{Actor, LeasedTask, ReportedCompletion, TaskReport};
use baton_client::{Client, actor};
use tokio::task::JoinSet;

use crate::lanes::{Batch, Create, RequestIds};
use crate::load::{self, Lane as _};
use crate::sample;
use crate::suite::server::Server;

/// Callers that create while others work.
pub(crate) const CREATORS: usize = 64;
/// Workers that lease at once.
pub(super) const WORKERS: usize = 8;
/// Workers that lease while others create. Each makes two calls for ten tasks, so it takes 13 to keep up with the creators; with
/// fewer, what is measured is their waiting.
const WORKERS_OF_LIVES: usize = 16;
/// Tasks of a BatchCreateTasks that fills a queue.
const BATCH: usize = 500;

/// Leases tasks and reports them done, many a call.
pub(super) struct Work {
    client: Client,
    worker: Actor,
    most: i32,
}

impl Work {
    pub(super) fn new(client: Client, n: usize, most: i32) -> Self {
        let worker = actor::service(format!("worker-{n}"));
        Work { client, worker, most }
    }

    /// The workers of a server, spread over its connections, that lease at most so many tasks a call.
    pub(super) fn many(server: &Server, workers: usize, most: i32) -> impl Iterator<Item = Self> {
        (0..workers).map(move |n| {
            let client = server.clients[n % server.clients.len()].clone();
            Work::new(client, n, most)
        })
    }

    pub(super) async fn lease(&self, wait: Duration) -> anyhow::Result<Vec<LeasedTask>> {
        let call = self
            .client
            .lease_tasks()
            .worker(self.worker.clone())
            .types([sample::TYPE]);
        let leased = call.max_tasks(self.most).wait_timeout(wait).await?;
        Ok(leased.leased_tasks)
    }

    pub(super) async fn report(&self, leased: Vec<LeasedTask>) -> anyhow::Result<u32> {
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

/// What a stretch of lives has come to.
#[derive(Default)]
struct Lives {
    created: AtomicU32,
    done: AtomicU32,
    /// Nobody creates any more.
    all: AtomicBool,
}

impl Lives {
    async fn create(&self, mut create: Create, until: Instant) -> anyhow::Result<()> {
        while Instant::now() < until {
            self.created.fetch_add(create.step().await?, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Answers when the last of its own was done.
    async fn work(&self, work: Work) -> anyhow::Result<Instant> {
        let mut ended = Instant::now();
        while !self.all.load(Ordering::SeqCst)
            || self.done.load(Ordering::SeqCst) < self.created.load(Ordering::SeqCst)
        {
            let leased = work.lease(Duration::from_millis(100)).await?;
            let done = work.report(leased).await?;
            self.done.fetch_add(done, Ordering::SeqCst);
            if done > 0 {
                ended = Instant::now();
            }
        }
        Ok(ended)
    }
}

/// Lives a second: created one by one, leased and reported ten a call, from the first create to the last report. As the
/// scripts of the peers count: what is created and not done yet when the creates end is waited for.
pub(crate) async fn lives(server: &Server, counted: Duration) -> anyhow::Result<f64> {
    stretch_of_lives(server, counted.mul_f64(load::WARM_UP)).await?;
    stretch_of_lives(server, counted).await
}

async fn stretch_of_lives(server: &Server, creating: Duration) -> anyhow::Result<f64> {
    let lives = Arc::new(Lives::default());
    let began = Instant::now();
    let (mut creates, mut works) = (JoinSet::new(), JoinSet::new());
    for create in server.creators(CREATORS, RequestIds::Default) {
        let lives = Arc::clone(&lives);
        creates.spawn(async move { lives.create(create, began + creating).await });
    }
    for work in Work::many(server, WORKERS_OF_LIVES, 10) {
        let lives = Arc::clone(&lives);
        works.spawn(async move { lives.work(work).await });
    }
    while let Some(ended) = creates.join_next().await {
        ended??;
    }
    lives.all.store(true, Ordering::SeqCst);
    let mut ended = began;
    while let Some(worker) = works.join_next().await {
        ended = ended.max(worker??);
    }
    let done = lives.done.load(Ordering::SeqCst);
    Ok(f64::from(done) / (ended - began).as_secs_f64())
}

/// Creates in batches.
pub(super) fn batch(server: &Server) -> anyhow::Result<Batch> {
    let mut creators = server.creators(1, RequestIds::Default);
    Ok(Batch {
        create: creators.pop().context("one creator")?,
        size: BATCH,
        schedule_time: None,
    })
}

/// Tasks a second: a backlog that takes about the time to empty, leased and reported fifty a call.
pub(crate) async fn drain(server: &Server, counted: Duration) -> anyhow::Result<f64> {
    let mut batch = batch(server)?;
    let mut tasks = 0;
    for _ in 0..(20.0 * counted.as_secs_f64()).ceil() as u32 {
        tasks += batch.step().await?;
    }
    let empty = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    let began = Instant::now();
    for work in Work::many(server, WORKERS, 50) {
        running.spawn(until_empty(work, Arc::clone(&empty)));
    }
    let mut done = 0;
    while let Some(worker) = running.join_next().await {
        done += worker??;
    }
    ensure!(done == tasks, "{done} of {tasks} tasks were done");
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// Does all that is ready.
pub(crate) async fn clear(server: &Server) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for work in Work::many(server, WORKERS, 50) {
        running.spawn(until_empty(work, Arc::default()));
    }
    while let Some(worker) = running.join_next().await {
        worker??;
    }
    Ok(())
}

async fn until_empty(work: Work, empty: Arc<AtomicBool>) -> anyhow::Result<u32> {
    let mut done = 0;
    while !empty.load(Ordering::Relaxed) {
        let leased = work.lease(Duration::ZERO).await?;
        if leased.is_empty() {
            empty.store(true, Ordering::Relaxed);
        }
        done += work.report(leased).await?;
    }
    Ok(done)
}
