//! One measurement of one peer.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::Peer;
use super::install::Installed;
use super::server::{PeerServer, last_line};
use crate::statistics::Latency;

/// How long a peer may take for all that it is asked.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is known of one who did the work; what it was not asked is not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Of a backlog, jobs a second.
    pub(crate) drain: Option<f64>,
    /// Created while others are run, jobs a second.
    pub(crate) lives: Option<f64>,
    /// From a create to the first line of its handler.
    pub(crate) start: Option<Latency>,
    /// Created one by one while nobody works, jobs a second.
    pub(crate) create: Option<f64>,
}

/// One line of a script.
#[derive(Debug, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
enum Told {
    Drain { per_second: f64 },
    Lives { per_second: f64 },
    Start(Latency),
    Create { per_second: f64 },
}

/// Runs a peer's script on a new server with its files in `folder`; `phases` are those that are wanted.
///
/// Errors: something is not installed, or fails; what, in one line.
pub(crate) async fn run(
    peer: &Peer,
    phases: &[&str],
    installed: &Installed,
    folder: &Path,
    counted: Duration,
) -> anyhow::Result<Figures> {
    let mut script = script(peer, phases, installed, counted)?;
    let server = PeerServer::start(peer.server, installed, folder).await?;
    script.envs(server.environment.iter().map(|(name, value)| (name, value)));
    let log = folder.join("script.log");
    let told = tell(&mut script, &log).await;
    // Before anything is said about what it told: it must not go on beside others.
    server.stop().await?;
    read(&told?, phases.len())
}

/// Runs a peer's script on the PostgreSQL database at `url`; its log is written to the file `log`.
///
/// Errors: as [`run`].
pub(crate) async fn run_on(
    url: &str,
    peer: &Peer,
    phases: &[&str],
    installed: &Installed,
    log: &Path,
) -> anyhow::Result<Figures> {
    let mut script = script(peer, phases, installed, Duration::ZERO)?;
    read(&tell(script.env("PGURL", url), log).await?, phases.len())
}

fn script(peer: &Peer, phases: &[&str], installed: &Installed, counted: Duration) -> anyhow::Result<Command> {
    let mut script = Command::new(installed.interpreter(peer)?);
    script
        .arg(peer.script)
        .current_dir(installed.folder())
        .envs(peer.environment.iter().copied())
        .env("JOBS", peer.jobs.to_string())
        .env("RATE", peer.rate.to_string())
        .env("SECONDS", counted.as_secs_f64().ceil().to_string())
        .env("PHASES", phases.join(","))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(script)
}

/// Answers what the script printed.
async fn tell(script: &mut Command, log: &Path) -> anyhow::Result<String> {
    script.stderr(std::fs::File::create(log)?);
    let told = timeout(PATIENCE, script.output()).await;
    let told = told.context("it does not come to an end")??;
    ensure!(told.status.success(), "{}: {}", told.status, last_line(log));
    Ok(String::from_utf8_lossy(&told.stdout).into_owned())
}

fn read(text: &str, phases: usize) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let mut read = 0;
    for line in text.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line).with_context(|| format!("not a figure: {line}"))? {
            Told::Drain { per_second } => figures.drain = Some(per_second),
            Told::Lives { per_second } => figures.lives = Some(per_second),
            Told::Start(latency) => figures.start = Some(latency),
            Told::Create { per_second } => figures.create = Some(per_second),
        }
        read += 1;
    }
    ensure!(read == phases, "it told {read} of {phases} figures");
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "a library's greeting\n{\"phase\":\"drain\",\"per_second\":12.5}\n\
        {\"phase\":\"start\",\"p50_ms\":1,\"p99_ms\":2,\"max_ms\":3}\n";

    #[test]
    fn figures_are_read_from_lines() {
        let figures = read(TOLD, 2).unwrap();
        assert_eq!((figures.drain, figures.lives), (Some(12.5), None));
        assert_eq!(figures.start.unwrap().p99_ms, 2.0);
    }

    #[test]
    fn a_figure_that_was_not_told_is_an_error() {
        assert!(read(TOLD, 3).is_err());
        assert!(read("{\"phase\":\"sleep\"}", 1).is_err());
    }
}
