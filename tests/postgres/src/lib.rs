//! A PostgreSQL of a test run's own: found among what is installed, started on a free port, gone with its owner.
//!
//! Nothing here is needed to build or run Baton.

mod find;

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use find::{Account, unprivileged};
pub use find::{HOW_TO_GET, Installation};

/// Settings for tests: nothing is flushed, as what a test wrote is worth nothing after a power cut, and many tests have
/// connections at once.
pub const FAST: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=400",
];

/// The superuser of the cluster; it needs no password.
const USER: &str = "baton";
/// From the start until it answers. A second is usual; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Somebody else may take a port between our choice and its use; then it says this.
const PORT_IS_TAKEN: &str = "could not create any TCP/IP sockets";
const TRIES: u32 = 5;
/// What it says while the processes of one that was killed are still there.
const STILL_IN_USE: &str = "is still in use";
/// What those are told who connect too early.
const IS_STARTING: &str = "the database system is";

/// Starts a server for each line on its stdin, and ends it at once when nobody holds the other end any more, however that
/// one ended; then takes its folder away.
const KEEPER: &str = r#"
folder=$1; shift
while read -r _; do
    "$@" </dev/null >"$folder/log" 2>&1 & server=$!
done
kill -QUIT $server 2>/dev/null; wait $server
rm -rf "$folder"
"#;

/// A running PostgreSQL with databases of its own. It ends when this is dropped, or with the process that holds it.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes a cluster in a temporary folder and starts it with `settings`, each `name=value`, such as [`FAST`].
    ///
    /// # Errors
    /// Nobody is there to run it as (PostgreSQL refuses root), or it does not start: the error has its log.
    pub fn start(installation: &Installation, settings: &[&str]) -> anyhow::Result<Self> {
        Self::start_in(&std::env::temp_dir(), installation, settings)
    }

    /// As [`Self::start`], in a folder of its own within `folder`, through which everybody has to come.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(folder: &Path, installation: &Installation, settings: &[&str]) -> anyhow::Result<Self> {
        let account = unprivileged()?;
        let mut tried = 0;
        loop {
            tried += 1;
            match Self::try_start(folder, installation, account, settings) {
                Err(error) if tried < TRIES && error.to_string().contains(PORT_IS_TAKEN) => {}
                outcome => return outcome.context("PostgreSQL does not start"),
            }
        }
    }

    /// The URL of the database from which others are made. Whoever connects is a superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}:{}/postgres", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Where it keeps everything; `data/postmaster.pid` has the id of its process.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn try_start(
        within: &Path,
        installation: &Installation,
        account: Option<Account>,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("baton-postgres-")
            .tempdir_in(within)?;
        if let Some(Account { user, group }) = account {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let mut init = command(&installation.program("initdb"), account, &folder);
        init.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--username", USER, "--pgdata"])
            .arg(&data);
        quietly(&mut init)?;
        let port = free_port()?;
        let mut keeper = command(Path::new("/bin/sh"), account, &folder);
        keeper.args(["-c", KEEPER, "keeper"]).arg(folder.path());
        keeper.arg(installation.program("postgres")).arg("-D").arg(&data);
        keeper.args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
        keeper.args(settings.iter().flat_map(|setting| ["-c", setting]));
        // A group of its own: Ctrl-C ends whoever runs the tests, and with them this.
        keeper.process_group(0).stdin(Stdio::piped());
        let mut cluster = Self {
            keeper: keeper.spawn().context("cannot start /bin/sh")?,
            // From now on the keeper takes it away.
            folder: folder.keep(),
            port,
        };
        cluster.launch("")?;
        Ok(cluster)
    }

    /// The id of its main process, as it wrote it down; `None` where there is none yet.
    #[must_use]
    pub fn main_process(&self) -> Option<u32> {
        let lock = fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        lock.lines().next()?.trim().parse().ok()
    }

    /// Starts the server again after its main process was killed. The processes that it left behind end by themselves, and
    /// until they have, nobody can start.
    ///
    /// # Errors
    /// It does not start: the error has its log.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let gone = self.main_process().map(|id| id.to_string()).unwrap_or_default();
        let began = Instant::now();
        loop {
            match self.launch(&gone) {
                Err(error) if began.elapsed() < PATIENCE && error.to_string().contains(STILL_IN_USE) => {
                    std::thread::park_timeout(LOOK_EVERY);
                }
                outcome => return outcome,
            }
        }
    }

    /// `gone`: the main process that was killed, whose lock file may still lie there.
    fn launch(&mut self, gone: &str) -> anyhow::Result<()> {
        // Or the log of the last start would be taken for that of this one.
        drop(fs::remove_file(self.folder.join("log")));
        let stdin = self.keeper.stdin.as_mut().context("the keeper listens")?;
        stdin.write_all(b"start\n").context("the keeper runs")?;
        self.wait_until_ready(gone)
    }

    /// The server itself writes into its lock file when it is ready, which needs no connection to see.
    fn wait_until_ready(&self, gone: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        loop {
            let lock = read("data/postmaster.pid");
            let is_of_this_one = lock.lines().next().is_some_and(|id| id.trim() != gone);
            if is_of_this_one && lock.lines().any(|line| line.trim() == "ready") {
                return Ok(());
            }
            let log = read("log");
            // Whoever connects while it recovers is told so, which is FATAL for him alone.
            let is_fatal = |line: &&str| line.contains("FATAL") && !line.contains(IS_STARTING);
            ensure!(!log.lines().any(|line| is_fatal(&line)), "{log}");
            ensure!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}:\n{log}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("PostgreSQL in {} may still run: {error}", self.folder.display());
        }
    }
}

/// `program`, as the user that PostgreSQL accepts.
fn command(program: &Path, account: Option<Account>, folder: &TempDir) -> Command {
    let mut command = Command::new(program);
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
    command.current_dir(folder.path()).env("LC_ALL", "C");
    command
}

/// Runs `command`; what it wrote is shown only where it fails.
fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
