//! Servers as child processes: started, asked for their address, killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a server may take to say where it listens.
const START: Duration = Duration::from_secs(60);
/// What stands before the address in a server's greeting.
const LISTENS: &str = "listens on ";
/// Lines of its log that are shown when a server fails.
const LOG_LINES: usize = 15;

/// A running child process that listens. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    pid: u32,
    url: String,
    /// Keeps the pipe open: a server whose greeting nobody reads is not what users run.
    _stdout: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts `command`, whose log goes to the file `log`, and waits for its address.
    ///
    /// Errors: it does not start, ends, or says no address in time; the end of its log is told.
    pub(crate) async fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true);
        let started = Instant::now();
        let name = command.as_std().get_program().to_owned();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", name.display()))?;
        let pid = child.id().context("the server ended at once")?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = timeout(START, address(&mut lines))
            .await
            .unwrap_or_else(|_| Err(anyhow!("no address in time")));
        let address = address.with_context(|| failure(&log))?;
        Ok(Process {
            child,
            pid,
            url: format!("http://{address}"),
            _stdout: lines,
            log,
            started,
        })
    }

    /// Where it listens, as a URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Ends it by SIGKILL, as a crash does, and waits until it is gone.
    ///
    /// Errors: it had ended before; the end of its log is told.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it had ended before: {status}\n{}", failure(&self.log));
        }
        Ok(self.child.kill().await?)
    }
}

async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once(LISTENS) {
            let address = rest.split_whitespace().next().unwrap_or_default();
            return Ok(address.to_owned());
        }
    }
    bail!("it ended without saying where it listens")
}

fn failure(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(LOG_LINES);
    format!(
        "the server failed; the end of its log:\n{}",
        lines[last..].join("\n")
    )
}

/// Says where a server of this crate listens, as `baton serve` does.
pub(crate) fn announce(address: std::net::SocketAddr) {
    println!("{LISTENS}{address}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_process_is_asked_for_its_address_and_killed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo 'Baton 1 listens on 127.0.0.1:7 now'; exec sleep 1000";
        let process = Process::start(shell(script), folder.path().join("log"))
            .await
            .unwrap();
        assert_eq!(process.url(), "http://127.0.0.1:7");
        let pid = process.pid();
        process.kill().await.unwrap();
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[tokio::test]
    async fn a_process_that_ends_tells_why() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo 'no database' >&2";
        let error = Process::start(shell(script), folder.path().join("log"))
            .await
            .err()
            .unwrap();
        let text = format!("{error:#}");
        assert!(
            text.contains("no database") && text.contains("without saying"),
            "{text}"
        );
    }
}
