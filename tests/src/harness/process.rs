//! The real binary in a process of its own: to be killed, to be stopped, to be talked to by anybody.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use baton_client::Client;
use baton_test_database::TestDatabase;
use tonic::transport::Channel;

use super::History;
use super::collect::collect;
use super::judge::judge;
use super::server::{channel, client};
use crate::oracle::Evidence;

/// The binary, built as `cargo run` builds it.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("BATON_BINARY") {
            return named.into();
        }
        let here = std::env::current_exe().expect("a test runs from a file");
        let target = here
            .ancestors()
            .find(|folder| folder.ends_with("deps"))
            .and_then(Path::parent)
            .expect("tests are built in <target>/<profile>/deps");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        xtask::run::forget_package(&mut build);
        let built = build
            .args(["build", "--quiet", "--package", "baton", "--target-dir"])
            .arg(
                target
                    .parent()
                    .expect("a profile's folder is in the target folder"),
            )
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the binary is built");
        target.join("baton")
    })
}

/// A running `baton serve`. It is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    keeper: Option<JoinHandle<()>>,
    history: Arc<History>,
}

impl Process {
    /// Starts the binary on a database, and waits until it says where it listens.
    ///
    /// Errors: what it wrote, where it ended instead.
    pub fn start(database: &TestDatabase, change: impl FnOnce(&mut Command)) -> Result<Self, String> {
        Self::start_at(database, &database.url(), change)
    }

    /// As [`Self::start`], by another way to the database than its own: through a proxy.
    ///
    /// Errors: as there.
    pub fn start_at(
        database: &TestDatabase,
        url: &str,
        change: impl FnOnce(&mut Command),
    ) -> Result<Self, String> {
        let mut command = Command::new(binary());
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--test-mode",
                "--log-format",
                "json",
            ])
            .arg("--database")
            .arg(url)
            .current_dir(database.folder())
            .env("BATON_WATCH_BOOKMARK_INTERVAL_MS", "50");
        change(&mut command);
        Self::run(command)
    }

    /// Runs a command that serves, and waits until it says where it listens.
    ///
    /// Errors: what it wrote, where it ended instead.
    pub fn run(mut command: Command) -> Result<Self, String> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let log = Arc::new(Mutex::new(String::new()));
        let keeper = keep(child.stderr.take().expect("stderr is piped"), Arc::clone(&log));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let greeting = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("listens on ")?;
            address.trim().parse().ok()
        });
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        match greeting {
            Some(address) => Ok(Process {
                child,
                address,
                log,
                keeper: Some(keeper),
                history: Arc::default(),
            }),
            None => {
                child.wait().expect("a child can be waited for");
                keeper.join().expect("reading does not panic");
                Err(written(&log))
            }
        }
    }

    /// Keeps the record of another process: the same database, before a crash.
    #[must_use]
    pub fn with_history(mut self, history: &Arc<History>) -> Self {
        self.history = Arc::clone(history);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A client of it that repeats nothing.
    pub fn client(&self) -> Client {
        client(self.address)
    }

    /// A connection to it.
    pub fn channel(&self) -> Channel {
        channel(self.address)
    }

    /// The record of what was asked of it.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|sent| sent.success()), "the process is there");
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        written(&self.log)
    }

    /// Ends it at once: SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn terminate(mut self) -> ExitStatus {
        self.end_in_order()
    }

    /// As [`Self::terminate`]; answers everything that it wrote to stderr.
    pub fn stop_and_read(mut self) -> String {
        self.end_in_order();
        let keeper = self.keeper.take().expect("nobody else reads it to the end");
        keeper.join().expect("reading does not panic");
        written(&self.log)
    }

    fn end_in_order(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "the process is there");
        self.child.wait().expect("a child can be waited for")
    }

    /// Reads everything and lets the oracle judge it.
    pub async fn finish(self) {
        judge(&self.evidence().await);
    }

    /// Everything that is known now, once nothing more is to happen by itself.
    pub async fn evidence(&self) -> Evidence {
        collect(&self.client(), self.channel(), &self.history).await
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn keep(from: impl std::io::Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut text = to.lock().expect("no holder panics");
            text.push_str(&line);
            text.push('\n');
        }
    })
}

fn written(log: &Mutex<String>) -> String {
    log.lock().expect("no holder panics").clone()
}
