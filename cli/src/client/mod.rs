//! `baton` as a client: one subcommand for each thing one can do to tasks.

mod backup;
mod bulk;
mod create;
mod dead;
mod doctor;
mod edit;
mod exit;
mod filter;
mod moves;
mod names;
mod options;
mod pages;
mod parse;
mod queue;
mod read;
mod runs;
mod schedule;
mod show;
mod task_type;
mod transfer;
mod watch;
mod webhook;
mod work;
mod worker;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use backup::BackupArgs;
pub(crate) use dead::DeadArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use exit::EXIT_CODES;
use exit::{Exit, Failure};
use options::{Options, Session};
pub(crate) use queue::QueueArgs;
pub(crate) use schedule::ScheduleArgs;
pub(crate) use task_type::TypeArgs;
pub(crate) use transfer::{ExportArgs, ImportArgs};
pub(crate) use watch::WatchArgs;
pub(crate) use webhook::WebhookArgs;
pub(crate) use worker::WorkerArgs;

const TASK_EXAMPLES: &str = "\
Examples:
  baton task create report.generate --title 'Quarterly report' --input '{\"quarter\": 3}'
  baton task list --state queued --label team=finance
  baton task start ID && baton task progress ID 50 && baton task complete ID --result '{\"pages\": 12}'
  baton task start ID --lease-duration 10m    # prints the token of the lease
  BATON_LEASE_TOKEN=TOKEN baton task complete ID
  baton task wait ID --timeout 5m && echo done
  baton task list --state failed --output json | jq -r .id";

/// `baton task ...`
#[derive(Args)]
#[command(after_help = format!("{TASK_EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct TaskArgs {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: TaskCommand,
}

/// In the order of a task's life.
#[derive(Subcommand)]
enum TaskCommand {
    /// Create a task
    Create(create::CreateArgs),
    /// Show a task with its input, output and questions
    Get(read::GetArgs),
    /// List tasks, newest first
    List(read::ListArgs),
    /// Edit fields of a task
    Update(edit::UpdateArgs),
    /// Delete a settled task, or with --force any task
    Delete(edit::DeleteArgs),
    /// Make a held, scheduled or unblocked task ready now (PENDING, SCHEDULED -> QUEUED)
    Queue(moves::One),
    /// Make a task ready later (PENDING, QUEUED -> SCHEDULED)
    Schedule(moves::LaterArgs),
    /// Give a ready task to somebody (QUEUED -> ASSIGNED)
    Assign(moves::AssignArgs),
    /// Begin to work on a task (ASSIGNED, QUEUED -> IN_PROGRESS)
    Start(work::StartArgs),
    /// Tell how far the work is (IN_PROGRESS)
    Progress(work::ProgressArgs),
    /// Finish a task (IN_PROGRESS -> COMPLETED, or REVIEW where it needs approval)
    Complete(work::ResultArgs),
    /// Report that the attempt failed (ASSIGNED, IN_PROGRESS -> SCHEDULED, FAILED or DEAD)
    Fail(work::FailArgs),
    /// Give a task back, for somebody else to take (ASSIGNED, IN_PROGRESS -> QUEUED)
    Release(moves::Held),
    /// Put the work off (IN_PROGRESS -> SCHEDULED)
    Snooze(moves::SnoozeArgs),
    /// Ask a question without whose answer the work cannot go on (IN_PROGRESS -> INPUT_REQUIRED)
    RequestInput(work::RequestInputArgs),
    /// Answer such a question (INPUT_REQUIRED -> IN_PROGRESS)
    ProvideInput(moves::ProvideInputArgs),
    /// Hand the work in for review (IN_PROGRESS -> REVIEW)
    Submit(work::ResultArgs),
    /// Accept the work (REVIEW -> COMPLETED)
    Approve(moves::ApproveArgs),
    /// Send the work back, with what is to be done better (REVIEW -> IN_PROGRESS)
    Rework(moves::MessageArgs),
    /// Reject the work for good (REVIEW -> FAILED)
    Reject(moves::ReasonArgs),
    /// Stop a task for now (any open state -> PAUSED)
    Pause(moves::ReasonArgs),
    /// Let a paused task go on (PAUSED -> where it was)
    Resume(moves::One),
    /// Call tasks off: by id, or all that match a filter (any open state -> CANCELLED)
    Cancel(bulk::CancelArgs),
    /// Bring failed tasks back: by id, or all that match a filter (FAILED, DEAD -> QUEUED or SCHEDULED)
    Retry(bulk::RetryArgs),
    /// Give failed tasks up: by id, or all that match a filter (FAILED, DEAD -> CANCELLED)
    Discard(bulk::DiscardArgs),
    /// Add a comment, in any state
    Comment(moves::CommentArgs),
    /// Make a task wait for another one
    AddDependency(moves::AddDependencyArgs),
    /// End such a wait
    RemoveDependency(moves::RemoveDependencyArgs),
    /// Wait until a task settles, and say by the exit code how
    Wait(read::WaitArgs),
    /// Say why a task is not running, and when that can change
    Explain(read::IdArgs),
    /// List what happened to a task, oldest first
    Events(read::EventsArgs),
    /// List the times that somebody worked on tasks, newest first
    Runs(runs::RunsArgs),
    /// Count tasks by state, queue and type
    Stats(read::StatsArgs),
}

/// Runs `baton task ...`.
pub(crate) fn task(args: TaskArgs) -> ExitCode {
    let TaskArgs { options, command } = args;
    run(&options, |session| Box::pin(carry_out(session, command)))
}

/// Runs `baton watch ...`.
pub(crate) fn watch(args: WatchArgs) -> ExitCode {
    let WatchArgs { options, what } = args;
    run(&options, |session| Box::pin(watch::watch(session, what)))
}

/// Runs `baton worker ...`.
pub(crate) fn worker(args: WorkerArgs) -> ExitCode {
    let WorkerArgs {
        options,
        run: own,
        command,
    } = args;
    match (command, own.given()) {
        (Some(_), Some(flag)) => {
            eprintln!("error: {flag} is for a worker that does tasks: leave the command away");
            ExitCode::from(2)
        }
        (Some(command), None) => run(&options, |session| Box::pin(worker::carry_out(session, command))),
        (None, _) => match worker::run(&options, own) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Runs `baton queue ...`.
pub(crate) fn queue(args: QueueArgs) -> ExitCode {
    let QueueArgs { options, command } = args;
    run(&options, |session| Box::pin(queue::carry_out(session, command)))
}

/// Runs `baton schedule ...`.
pub(crate) fn schedule(args: ScheduleArgs) -> ExitCode {
    let ScheduleArgs { options, command } = args;
    run(&options, |session| {
        Box::pin(schedule::carry_out(session, command))
    })
}

/// Runs `baton type ...`.
pub(crate) fn task_type(args: TypeArgs) -> ExitCode {
    let TypeArgs { options, command } = args;
    run(&options, |session| {
        Box::pin(task_type::carry_out(session, command))
    })
}

/// Runs `baton webhook ...`.
pub(crate) fn webhook(args: WebhookArgs) -> ExitCode {
    let WebhookArgs { options, command } = args;
    run(&options, |session| Box::pin(webhook::carry_out(session, command)))
}

/// Runs `baton dead ...`.
pub(crate) fn dead(args: DeadArgs) -> ExitCode {
    let DeadArgs { options, command } = args;
    run(&options, |session| Box::pin(dead::carry_out(session, command)))
}

/// Runs `baton export`.
pub(crate) fn export(args: ExportArgs) -> ExitCode {
    let ExportArgs { options, file } = args;
    run(&options, |session| Box::pin(transfer::export(session, file)))
}

/// Runs `baton import`.
pub(crate) fn import(args: ImportArgs) -> ExitCode {
    let ImportArgs { options, file } = args;
    let what = (file, options.namespace());
    run(&options, |session| Box::pin(transfer::import(session, what)))
}

/// Runs `baton backup`.
pub(crate) fn backup(args: BackupArgs) -> ExitCode {
    let BackupArgs { options, name } = args;
    run(&options, |session| Box::pin(backup::copy(session, name)))
}

/// Runs `baton doctor`.
pub(crate) fn doctor(args: DoctorArgs) -> ExitCode {
    let DoctorArgs { options } = args;
    run(&options, |session| Box::pin(doctor::examine(session)))
}

type Work<'a> = futures::future::BoxFuture<'a, Result<Exit, Failure>>;

/// Connects, does the work, tells what went wrong.
fn run(options: &Options, work: impl FnOnce(&Session) -> Work<'_>) -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Output)
        .and_then(|runtime| {
            runtime.block_on(async {
                let session = Session::open(options)?;
                work(&session).await
            })
        });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => exit::report(&failure, options).into(),
    }
}

async fn carry_out(session: &Session, command: TaskCommand) -> Result<Exit, Failure> {
    match command {
        TaskCommand::Create(args) => create::create(session, args).await,
        TaskCommand::Get(args) => read::get(session, args).await,
        TaskCommand::List(args) => read::list(session, args).await,
        TaskCommand::Update(args) => edit::update(session, args).await,
        TaskCommand::Delete(args) => edit::delete(session, args).await,
        TaskCommand::Queue(args) => moves::queue(session, args).await,
        TaskCommand::Schedule(args) => moves::schedule(session, args).await,
        TaskCommand::Assign(args) => moves::assign(session, args).await,
        TaskCommand::Start(args) => work::start(session, args).await,
        TaskCommand::Progress(args) => work::progress(session, args).await,
        TaskCommand::Complete(args) => work::complete(session, args).await,
        TaskCommand::Fail(args) => work::fail(session, args).await,
        TaskCommand::Release(args) => moves::release(session, args).await,
        TaskCommand::Snooze(args) => moves::snooze(session, args).await,
        TaskCommand::RequestInput(args) => work::request_input(session, args).await,
        TaskCommand::ProvideInput(args) => moves::provide_input(session, args).await,
        TaskCommand::Submit(args) => work::submit(session, args).await,
        TaskCommand::Approve(args) => moves::approve(session, args).await,
        TaskCommand::Rework(args) => moves::rework(session, args).await,
        TaskCommand::Reject(args) => moves::reject(session, args).await,
        TaskCommand::Pause(args) => moves::pause(session, args).await,
        TaskCommand::Resume(args) => moves::resume(session, args).await,
        TaskCommand::Cancel(args) => bulk::cancel(session, args).await,
        TaskCommand::Retry(args) => bulk::retry(session, args).await,
        TaskCommand::Discard(args) => bulk::discard(session, args).await,
        TaskCommand::Comment(args) => moves::comment(session, args).await,
        TaskCommand::AddDependency(args) => moves::add_dependency(session, args).await,
        TaskCommand::RemoveDependency(args) => moves::remove_dependency(session, args).await,
        TaskCommand::Wait(args) => read::wait(session, args).await,
        TaskCommand::Explain(args) => read::explain(session, args).await,
        TaskCommand::Events(args) => read::events(session, args).await,
        TaskCommand::Runs(args) => runs::runs(session, args).await,
        TaskCommand::Stats(args) => read::stats(session, args).await,
    }
}
