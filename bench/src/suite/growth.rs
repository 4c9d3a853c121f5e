//! What very many finished tasks cost those that come after them, and what a snapshot costs that somebody holds open.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use baton_client::{NewTask, WatchItem, WatchOptions};
use baton_test_database::Shell;

use super::server::Server;
use super::workers;
use crate::bench::{Bench, Measured};
use crate::postgres::Postgres;

const CALLERS: usize = 64;
/// Finished tasks of the reference: enough to read the log from.
const FEW: u64 = 20_000;
/// Events that are read from a token.
const REPLAYED: u32 = 40_000;
/// How far behind the beginning of the log they begin.
const SKIPPED: u32 = 10_000;

const FINISHED: &str =
    "SELECT CAST(coalesce(sum(count), 0) AS bigint) FROM task_count WHERE state = 'COMPLETED'";

/// The rows of one database, in the order: create, lease, replay.
struct Rows {
    grown: [&'static str; 3],
    /// The same while a snapshot is open.
    held: Option<[&'static str; 3]>,
}

const OF_SQLITE: Rows = Rows {
    grown: ["growth-create", "growth-lease", "growth-replay"],
    held: None,
};
const OF_POSTGRES: Rows = Rows {
    grown: [
        "growth-postgres-create",
        "growth-postgres-lease",
        "growth-postgres-replay",
    ],
    held: Some([
        "growth-snapshot-create",
        "growth-snapshot-lease",
        "growth-snapshot-replay",
    ]),
};

/// Measures every row of SQLite.
pub(super) async fn sqlite(bench: &mut Bench) -> anyhow::Result<()> {
    let urls = [bench.new_database(), bench.new_database()];
    Stage::open(bench, urls).await?.rows(bench, &OF_SQLITE).await
}

/// Measures every row of PostgreSQL.
pub(super) async fn postgres(bench: &mut Bench) -> anyhow::Result<()> {
    let url = bench.options.database.clone().flatten();
    let mut postgres = Postgres::open(url.as_deref(), bench.folder()).await?;
    bench.postgres_version = Some(postgres.describe().await?);
    bench.programs = &["postgres", "baton"];
    let urls = [
        postgres.new_database(&[]).await?,
        postgres.new_database(&[]).await?,
    ];
    let measured = match Stage::open(bench, urls).await {
        Ok(stage) => stage.rows(bench, &OF_POSTGRES).await,
        Err(error) => Err(error),
    };
    bench.programs = &[];
    let closed = postgres.close().await;
    measured.and(closed)
}

/// A server with few finished tasks, and one with very many.
struct Stage {
    few: Server,
    many: Server,
}

impl Stage {
    async fn open(bench: &mut Bench, [few, many]: [String; 2]) -> anyhow::Result<Self> {
        let finished = bench.options.finished.unwrap_or_default();
        let many = bench.options.finished_in.clone().unwrap_or(many);
        Ok(Stage {
            few: filled(bench, few, FEW).await?,
            many: filled(bench, many, finished.max(FEW)).await?,
        })
    }

    async fn rows(self, bench: &mut Bench, rows: &Rows) -> anyhow::Result<()> {
        for _ in 0..bench.options.rounds {
            self.measure(bench, rows.grown).await?;
        }
        if let Some(held) = rows.held.filter(|held| bench.wants(held)) {
            let mut holder = shell(&self.many.database).await?;
            holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
            holder.number("SELECT count(*) FROM namespace").await;
            bench.progress.set_message("working while a snapshot is open");
            let span = Duration::from_secs(bench.options.snapshot);
            workers::lives(&self.many, span).await?;
            self.measure(bench, held).await?;
            holder.close().await;
        }
        Ok(())
    }

    async fn measure(
        &self,
        bench: &mut Bench,
        [create, lease, replayed]: [&'static str; 3],
    ) -> anyhow::Result<()> {
        let (counted, pid) = (bench.counted(), self.many.process.pid());
        if bench.wants(&[create]) {
            let reference = async || Ok(vec![self.few.create(CALLERS, counted).await?.rate]);
            let figure = async || Ok(Measured::rate(&self.many.create(CALLERS, counted).await?));
            bench.measure(&[create], pid, reference, figure).await?;
        }
        if bench.wants(&[lease]) {
            let reference = async || Ok(vec![workers::drain(&self.few, counted).await?]);
            let figure = async || Ok(Measured::number(workers::drain(&self.many, counted).await?));
            for server in [&self.few, &self.many] {
                workers::clear(server).await?;
            }
            bench.measure(&[lease], pid, reference, figure).await?;
        }
        if bench.wants(&[replayed]) {
            let reference = async || Ok(vec![replay(&self.few).await?]);
            let figure = async || Ok(Measured::number(replay(&self.many).await?));
            bench.measure(&[replayed], pid, reference, figure).await?;
        }
        Ok(())
    }
}

/// A server on a database with so many tasks that are finished: copies of one that the server finished itself.
async fn filled(bench: &mut Bench, database: String, tasks: u64) -> anyhow::Result<Server> {
    bench.progress.set_message("filling a database");
    let server = Server::start_on(bench, database).await?;
    let client = &server.clients[0];
    let id = client
        .create(NewTask::new("finished").title("Send the invoice"))
        .await?
        .id
        .clone();
    client.start(&id).await?;
    client.complete(&id).await?;
    let database = server.database.clone();
    server.process.kill().await?;
    let mut shell = shell(&database).await?;
    let there = shell.number(FINISHED).await;
    let missing = tasks.saturating_sub(u64::try_from(there)?);
    if missing > 0 {
        shell.fill(&id.replace('-', ""), missing).await;
        // What the database would do by itself, in the middle of what is measured.
        match shell {
            Shell::Sqlite(_) => shell.run("PRAGMA wal_checkpoint(TRUNCATE)").await,
            Shell::Postgres(_) => shell.run("VACUUM ANALYZE").await,
        };
    }
    shell.close().await;
    let server = Server::start_on(bench, database).await?;
    check(&server).await?;
    Ok(server)
}

/// Whether the server takes the copies for tasks of its own.
async fn check(server: &Server) -> anyhow::Result<()> {
    let client = &server.clients[0];
    let page = client.list().filter("state = COMPLETED").page_size(2).await?;
    for task in &page.tasks {
        let got = client.get(&task.id).await?;
        let is_same = (got.task.state, got.task.revision) == (task.state, task.revision);
        ensure!(is_same, "task {} is not what the list says", task.id);
        let events = client.list_events(&task.id).await?;
        let last = events.events.last().context("a task without events")?;
        ensure!(
            last.sequence == task.revision,
            "the log of task {} ends early",
            task.id
        );
    }
    ensure!(page.tasks.len() == 2, "the copies are not there");
    Ok(())
}

async fn shell(database: &str) -> anyhow::Result<Shell> {
    Ok(match database.strip_prefix("sqlite:") {
        Some(file) => Shell::of_file(file.as_ref(), false).await,
        None => Shell::of_postgres(database).await,
    })
}

/// Events a second, read from a token.
async fn replay(server: &Server) -> anyhow::Result<f64> {
    let client = &server.clients[0];
    let mut watch = client.watch(WatchOptions::tasks().from_oldest()).await?;
    let mut read = 0;
    while read < SKIPPED {
        read += count(&watch.next().await.context("the watch ended")??);
    }
    let token = watch.resume_token().context("no token came")?.to_owned();
    drop(watch);
    let began = Instant::now();
    let mut watch = client.watch(WatchOptions::tasks().resume(token)).await?;
    let mut read = 0;
    while read < REPLAYED {
        read += count(&watch.next().await.context("the watch ended")??);
    }
    Ok(f64::from(read) / began.elapsed().as_secs_f64())
}

fn count(item: &WatchItem) -> u32 {
    u32::from(matches!(item, WatchItem::Event(_)))
}
