//! `baton worker`: who takes tasks from queues.

use clap::{Args, Subcommand};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Options, Session};
use super::pages;

const EXAMPLES: &str = "\
Examples:
  baton worker list
  baton worker drain reports-1 && baton worker get reports-1
  baton worker drain reports-1 --resume";

/// `baton worker ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: WorkerCommand,
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
