//! The load generator: measures Baton on this machine, every figure beside its reference of the same run.
//!
//! `cargo xtask bench` builds and runs it. It starts the servers that it measures as processes of their own: the
//! release `baton` with default settings, a bare gRPC echo, and `baton` with one thing changed. Modules in reading order:
//! [`catalogue`] (what is measured, and what it has to reach), [`suite`] (how), [`mod@bench`] (how a figure is framed),
//! [`load`] and [`lanes`] (the callers), [`results`] and [`report`].

mod bench;
mod catalogue;
mod echo;
mod lanes;
mod ledger;
mod load;
mod machine;
mod options;
mod peers;
mod postgres;
mod probe;
mod process;
mod processor;
mod raw;
mod report;
mod results;
mod row;
mod sample;
mod statistics;
mod suite;
mod variant;

use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Parser as _;
use tokio::net::TcpListener;

use bench::Bench;
use catalogue::ROWS;
use machine::Machine;
use options::{CommandLine, Options, Output, Role};
use report::Report;
use row::Verdict;

/// That of `baton`: what is compared allocates alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match run(line) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: CommandLine) -> anyhow::Result<ExitCode> {
    // The runtime of `baton serve`: what is compared runs on the same ground.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match line.role {
            Some(Role::Echo) => serve_echo().await?,
            Some(Role::Serve { variant, database }) => variant::serve(variant, database).await?,
            None => return measure(line.options).await,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn serve_echo() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::announce(listener.local_addr()?);
    echo::serve(listener).await
}

async fn measure(options: Options) -> anyhow::Result<ExitCode> {
    let unknown = options.unknown(ROWS);
    ensure!(
        unknown.is_empty(),
        "neither rows nor groups: {}",
        unknown.join(", ")
    );
    let needing = options.needing_peers(ROWS);
    ensure!(needing.is_empty(), "only with --peers: {}", needing.join(", "));
    let needing = options.needing_database(ROWS);
    ensure!(needing.is_empty(), "only with --database: {}", needing.join(", "));
    let needing = options.needing_finished(ROWS);
    ensure!(needing.is_empty(), "only with --finished: {}", needing.join(", "));
    let mut bench = Bench::new(options)?;
    let machine = Machine::look(bench.folder(), &bench.server);
    tokio::select! {
        done = suite::run(&mut bench) => done?,
        // Returning is what removes the files and ends the servers.
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
    let Options {
        seconds,
        rounds,
        tasks,
        finished,
        snapshot,
        ..
    } = bench.options;
    let report = Report {
        machine,
        seconds,
        rounds,
        tasks,
        growth: (finished.unwrap_or_default(), snapshot),
        rows: bench.results.outcomes(ROWS),
        skipped: bench.results.skipped(ROWS),
        peers: std::mem::take(&mut bench.versions),
        postgres: bench.postgres_version.take(),
    };
    match bench.options.output {
        Output::Table => report.print_table(),
        Output::Json => report.print_json()?,
    }
    if let Some(file) = &bench.options.report {
        report::write_page(&report, file)?;
    }
    Ok(match report.verdict() {
        Some(Verdict::Below) => ExitCode::FAILURE,
        Some(Verdict::Between | Verdict::Pass) | None => ExitCode::SUCCESS,
    })
}
