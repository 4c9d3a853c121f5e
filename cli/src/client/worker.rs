//! `baton worker`: who takes tasks from queues; by itself it is one.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use baton_client::{Ended, actor};
use baton_runner::Runner;
use baton_server::telemetry;

use clap::{Args, Subcommand};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Options, Session};
use super::pages;
use crate::serve::stop_on_signals;
use crate::settings::{self, Flags};

const EXAMPLES: &str = "\
Examples:
  baton worker --config baton.toml --concurrency 5    # does tasks, by the [handlers] of the file
  baton worker list
  baton worker drain reports-1 && baton worker get reports-1
  baton worker drain reports-1 --resume";

/// `baton worker ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(subcommand)]
    pub(super) command: Option<WorkerCommand>,
}

/// Of the worker that this process is.
#[derive(Args)]
#[command(next_help_heading = "To do tasks, without a command")]
pub(super) struct RunArgs {
    /// File that says which handler does which type [default: baton.toml]
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Queue to take tasks from; may be repeated [default: as the file says, or default]
    #[arg(long, value_name = "NAME")]
    queue: Vec<String>,
    /// How many tasks to do at once [default: as the file says, or 5]
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<usize>,
    /// Name of the worker, of which one runs at a time [default: as the file says, or a new one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// Looking, then asking.
#[derive(Subcommand)]
pub(super) enum WorkerCommand {
    /// List workers that hold tasks or were heard of in the last hour
    List(ListArgs),
    /// Show a worker and the tasks that it holds
    Get(GetArgs),
    /// Ask a worker to finish what it holds and take nothing new
    Drain(DrainArgs),
}

/// How many.
#[derive(Args)]
pub(super) struct ListArgs {
    /// How many workers to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

/// A worker.
#[derive(Args)]
pub(super) struct GetArgs {
    /// Worker to look at
    #[arg(value_name = "ID")]
    id: String,
}

/// A worker, and which way.
#[derive(Args)]
pub(super) struct DrainArgs {
    /// Worker to ask
    #[arg(value_name = "ID")]
    id: String,
    /// Take it back: the worker may take tasks again
    #[arg(long)]
    resume: bool,
}

impl RunArgs {
    /// The first flag that means nothing beside a command. (The file may be named by the environment for others.)
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--queue", !self.queue.is_empty()),
            ("--concurrency", self.concurrency.is_some()),
            ("--id", self.id.is_some()),
        ];
        flags.iter().find(|(_, given)| *given).map(|(flag, _)| *flag)
    }
}

/// Does tasks until SIGTERM or SIGINT, then finishes what it holds.
pub(super) fn run(options: &Options, args: RunArgs) -> anyhow::Result<()> {
    let (config, file) = settings::load_all(&Flags::of_file(args.config))?;
    let mut settings = file.runner;
    telemetry::init(&config)?;
    if settings.handlers.is_empty() {
        bail!("there is nothing to do: no file was read that has a table [handlers.TYPE] (docs/runner.md)");
    }
    if !args.queue.is_empty() {
        settings.worker.queues = args.queue;
    }
    settings.worker.concurrency = args.concurrency.unwrap_or(settings.worker.concurrency);
    settings.worker.id = args.id.or(settings.worker.id);
    let runner = Runner::new(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = options.client().actor(actor::service(runner.id())).build()?;
        let stop = stop_on_signals()?;
        match runner
            .run_until(client, stop.cancelled())
            .await
            .context("the worker ended")?
        {
            Ended::Stopped => tracing::info!("stopped"),
            Ended::Drained => tracing::info!("drained: `baton worker drain --resume` takes it back"),
        }
        Ok(())
    })
}

pub(super) async fn carry_out(session: &Session, command: WorkerCommand) -> Result<Exit, Failure> {
    match command {
        WorkerCommand::List(args) => list(session, args).await,
        WorkerCommand::Get(args) => get(session, args).await,
        WorkerCommand::Drain(args) => drain(session, args).await,
    }
}

async fn list(session: &Session, ListArgs { limit }: ListArgs) -> Result<Exit, Failure> {
    let all = session
        .client
        .list_workers()
        .page_size(pages::page_size(limit))
        .all();
    pages::show(session, limit, all, |screen, workers| screen.worker_rows(workers)).await
}

async fn get(session: &Session, GetArgs { id }: GetArgs) -> Result<Exit, Failure> {
    let worker = session.client.get_worker(id).await?;
    session.screen.worker(&worker)?;
    Ok(Exit::Done)
}

async fn drain(session: &Session, DrainArgs { id, resume }: DrainArgs) -> Result<Exit, Failure> {
    let call = session.client.drain_worker(id);
    let worker = if resume { call.resume() } else { call }.await?;
    session.screen.worker_rows(std::slice::from_ref(&worker))?;
    Ok(Exit::Done)
}
