//! `baton`: the one binary. It serves by default.

mod client;
mod file;
mod serve;
mod settings;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use settings::Flags;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Durable tasks for people, programs and agents, over gRPC.
#[derive(Parser)]
#[command(
    name = "baton",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 120
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServerArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serves tasks (the default).
    Serve(ServerArgs),
    /// Makes the database, or brings its schema up to date, without serving.
    Migrate(MigrateArgs),
    /// Prints the effective settings of the server, secrets hidden.
    Config(ServerArgs),
    /// Checks a file of settings and declarations, and tells every mistake with its line.
    CheckConfig(file::CheckArgs),
    /// Creates, moves, finishes and shows tasks on a server.
    Task(Box<client::TaskArgs>),
    /// Follows tasks: a progress bar for each that runs, or JSON lines.
    Watch(Box<client::WatchArgs>),
    /// Does tasks by the handlers of a file; shows workers, and drains them.
    Worker(Box<client::WorkerArgs>),
    /// Creates queues, limits them, pauses and empties them, shows how they stand.
    Queue(Box<client::QueueArgs>),
    /// Creates schedules, shows what becomes of their ticks, pauses and triggers them.
    Schedule(Box<client::ScheduleArgs>),
    /// Registers task types: what their inputs and outputs are checked against, and who may create them.
    Type(Box<client::TypeArgs>),
    /// Posts events to URLs: creates webhooks, shows how far they are, pauses and tries them.
    Webhook(Box<client::WebhookArgs>),
    /// Shows the tasks whose attempts are spent, brings them back or gives them up.
    Dead(Box<client::DeadArgs>),
    /// Lets a server copy its SQLite file while it serves.
    Backup(Box<client::BackupArgs>),
    /// Writes a namespace into a file, for another server and database.
    Export(Box<client::ExportArgs>),
    /// Makes a namespace out of such a file.
    Import(Box<client::ImportArgs>),
    /// Looks at a server and its tasks, and says what is wrong and what to do.
    Doctor(Box<client::DoctorArgs>),
    /// Prints a script that completes commands, for a shell to read when it starts.
    #[command(
        after_help = "Example:\n  baton completions bash > ~/.local/share/bash-completion/completions/baton"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Args)]
#[command(after_help = settings::OTHER_WAYS)]
struct ServerArgs {
    #[command(flatten)]
    flags: Flags,
}

#[derive(Args)]
#[command(after_help = settings::OTHER_WAYS)]
struct MigrateArgs {
    #[command(flatten)]
    flags: Flags,
    /// Take away too what only servers of the versions before need: from then on they cannot use the database.
    #[arg(long)]
    contract: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::serve(&args.flags),
        Command::Migrate(args) => serve::migrate(&args.flags, args.contract),
        Command::Config(args) => settings::print(&args.flags),
        Command::CheckConfig(args) => file::check(args),
        Command::Task(args) => return client::task(*args),
        Command::Watch(args) => return client::watch(*args),
        Command::Worker(args) => return client::worker(*args),
        Command::Queue(args) => return client::queue(*args),
        Command::Schedule(args) => return client::schedule(*args),
        Command::Type(args) => return client::task_type(*args),
        Command::Webhook(args) => return client::webhook(*args),
        Command::Dead(args) => return client::dead(*args),
        Command::Backup(args) => return client::backup(*args),
        Command::Export(args) => return client::export(*args),
        Command::Import(args) => return client::import(*args),
        Command::Doctor(args) => return client::doctor(*args),
        Command::Completions { shell } => complete(shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn complete(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "baton", &mut script);
    write_out(&script)
}

/// Writes a result to stdout. Whoever reads it may have seen enough: `baton config | head -1` is no failure.
fn write_out(text: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the result"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// A newcomer finds every command and every argument explained.
    #[test]
    fn everything_has_a_help_text() {
        let mut missing = Vec::new();
        let mut open = vec![Cli::command()];
        while let Some(command) = open.pop() {
            if command.get_about().is_none() {
                missing.push(command.get_name().to_owned());
            }
            for argument in command
                .get_arguments()
                .filter(|argument| argument.get_help().is_none())
            {
                missing.push(format!("{} {}", command.get_name(), argument.get_id()));
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
