//! `baton dead`: the tasks whose attempts are spent.

use baton_client::View;
use clap::{Args, Subcommand};

use super::bulk;
use super::exit::{EXIT_CODES, Exit, Failure};
use super::filter::all_of;
use super::options::{Options, Session};
use super::pages;
use super::read::TaskFilter;

/// What makes a task one of these.
pub(super) const DEAD: &str = "state = DEAD";

const EXAMPLES: &str = "\
Examples:
  baton dead list --type report.generate
  baton dead redrive --filter 'type = \"report.generate\" AND labels.team = \"finance\"' --dry-run
  baton dead discard --filter 'end_time < \"2026-11-01T00:00:00Z\"'

By --filter they touch DEAD tasks only; by id they do what `baton task retry` and `baton task discard` do.";

/// `baton dead ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: DeadCommand,
}

/// Looking, then the two ways out.
#[derive(Subcommand)]
pub(super) enum DeadCommand {
    /// List dead tasks and what failed last, newest first
    List(ListArgs),
    /// Bring dead tasks back, with a fresh budget of attempts: by id, or all that match a filter (DEAD -> QUEUED or
    /// SCHEDULED)
    Redrive(bulk::RetryArgs),
    /// Give dead tasks up: by id, or all that match a filter (DEAD -> CANCELLED)
    Discard(bulk::DiscardArgs),
}

/// Which dead tasks; all that is said must be true of a task.
#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    which: TaskFilter,
    /// How many tasks to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    /// With input and output (in json)
    #[arg(long)]
    full: bool,
}

pub(super) async fn carry_out(session: &Session, command: DeadCommand) -> Result<Exit, Failure> {
    match command {
        DeadCommand::List(args) => list(session, args).await,
        DeadCommand::Redrive(args) => bulk::retry(session, args.of_the_dead()).await,
        DeadCommand::Discard(args) => bulk::discard(session, args.of_the_dead()).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<Exit, Failure> {
    let parts: Vec<_> = std::iter::once(DEAD.to_owned())
        .chain(args.which.parts())
        .collect();
    let mut call = session
        .client
        .list()
        .filter(all_of(&parts))
        .order_by("update_time desc");
    if args.full {
        call = call.view(View::Full);
    }
    let all = call.page_size(pages::page_size(args.limit)).all();
    pages::show(session, args.limit, all, |screen, tasks| screen.dead(tasks)).await
}
