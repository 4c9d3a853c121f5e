//! `baton`: the one binary. It serves by default.

mod serve;
mod settings;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use settings::Flags;

/// Durable tasks for people, programs and agents, over gRPC.
#[derive(Parser)]
#[command(name = "baton", version, args_conflicts_with_subcommands = true)]
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
    Migrate(ServerArgs),
    /// Prints the effective settings of the server, secrets hidden.
    Config(ServerArgs),
}

#[derive(Args)]
struct ServerArgs {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::serve(&args.flags),
        Command::Migrate(args) => serve::migrate(&args.flags),
        Command::Config(args) => settings::print(&args.flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
