//! The handlers that come with Baton: real programs, real sockets, and the real `baton worker`.

mod cleaned;
mod commands;
mod ends;
pub(crate) mod hook;
mod hostile;
mod notified;
mod programs;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use baton_client::{Client, Ended, NewTask, State};
use baton_proto::v1::Task;
use baton_runner::{RunError, Runner, RunnerConfig};
use baton_tests::harness::{TestDatabase, TestServer, binary};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

pub(crate) use hook::Hook;

use crate::support::created;

/// So long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with programs and a configuration, in which `$folder` stands for it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    database: OnceLock<TestDatabase>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
            database: OnceLock::new(),
        }
    }

    /// For a server in a process of its own.
    pub(crate) fn database(&self) -> &TestDatabase {
        self.database.get_or_init(TestDatabase::new)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a program.
    pub(crate) fn program(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::write(&path, self.fill(text)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A pipe with a name: who writes to it waits for somebody who reads.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("$folder", self.folder.path().to_str().unwrap())
    }

    /// The configuration, with a folder for programs in this one.
    pub(crate) fn config(&self, text: &str) -> String {
        let worker = if text.contains("[worker]") {
            ""
        } else {
            "[worker]\n"
        };
        let text = format!("{worker}{text}");
        self.fill(&text.replacen("[worker]", "[worker]\nfolder = \"$folder/work\"", 1))
    }

    pub(crate) fn runner(&self, text: &str) -> Runner {
        let config: RunnerConfig = toml::from_str(&self.config(text)).unwrap();
        Runner::new(config).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is left in the folder for programs.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("work")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "lock")
            .collect();
        names.sort();
        names
    }
}

/// Handlers in this process, beside a server of this process.
pub(crate) struct Handlers {
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<Result<Ended, RunError>>,
}

impl Handlers {
    pub(crate) fn start(server: &TestServer, runner: Runner) -> Self {
        let client = Client::builder()
            .endpoint(format!("http://{}", server.address()))
            .build()
            .unwrap();
        let stop = CancellationToken::new();
        let until = stop.clone();
        let ended = tokio::spawn(async move { runner.run_until(client, until.cancelled()).await });
        Handlers { stop, ended }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.ended.await.unwrap().unwrap(), Ended::Stopped);
    }
}

/// Creates a task, and answers it once it has settled.
pub(crate) async fn done(server: &TestServer, new: NewTask) -> Task {
    let task = created(server, new).await;
    settled(server, &task.id).await
}

pub(crate) async fn settled(server: &TestServer, id: &str) -> Task {
    let waited = server.client().wait(id, PATIENCE).await.unwrap();
    assert!(!waited.timed_out, "{:#?}", waited.task);
    waited.task
}

/// The task's output; it must have completed.
pub(crate) fn output(task: &Task) -> Value {
    assert_eq!(task.state(), State::Completed, "{task:#?}");
    let output = task.output.as_ref().unwrap();
    baton_client::value::read_json(output).unwrap()
}

/// The code and the message of the task's error; it must have failed.
pub(crate) fn error(task: &Task) -> (String, String) {
    assert_eq!(task.state(), State::Failed, "{task:#?}");
    let error = task.error.clone().unwrap();
    (error.code, error.message)
}

/// `baton worker` in a process of its own. It is killed when it is dropped.
pub(crate) struct WorkerProcess {
    child: Child,
    log: Arc<Mutex<String>>,
    keeper: Option<JoinHandle<()>>,
}

impl WorkerProcess {
    pub(crate) fn start(server: SocketAddr, place: &Place, config: &str) -> Self {
        let file = place.path("baton.toml");
        fs::write(&file, place.config(config)).unwrap();
        let mut command = Command::new(binary());
        command
            .args(["worker", "--server", &format!("http://{server}"), "--config"])
            .arg(file)
            .current_dir(place.folder.path())
            .env("BATON_LOG_FORMAT", "human")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, to) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        let keeper = std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr
                .by_ref()
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                to.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        WorkerProcess {
            child,
            log,
            keeper: Some(keeper),
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until it has written this to its log.
    pub(crate) async fn until_logged(&self, words: &str) {
        let logged = async {
            while !self.log.lock().unwrap().contains(words) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, logged).await;
        assert!(waited.is_ok(), "{words:?} is not in {}", self.log.lock().unwrap());
    }

    /// Waits for its end; answers how it ended and everything that it wrote to its log.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        self.keeper.take().unwrap().join().unwrap();
        let log = self.log.lock().unwrap().clone();
        (status, log)
    }

    /// SIGTERM, and what it wrote.
    pub(crate) fn stop(self) -> String {
        self.signal("-TERM");
        let (status, log) = self.ended();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads from a pipe with a name what one writer says: a line.
pub(crate) async fn heard(pipe: &Path) -> String {
    // Also for writing, so that it opens before anybody writes.
    let pipe = pipe::OpenOptions::new()
        .read_write(true)
        .open_receiver(pipe)
        .unwrap();
    let mut line = String::new();
    let mut pipe = tokio::io::BufReader::new(pipe);
    let read = tokio::time::timeout(PATIENCE, pipe.read_line(&mut line));
    read.await.expect("somebody says something").unwrap();
    line
}

/// Says something to whoever reads a pipe with a name; they hear no more until this is dropped.
pub(crate) async fn say(pipe: &Path) -> pipe::Sender {
    let mut pipe = pipe::OpenOptions::new()
        .read_write(true)
        .open_sender(pipe)
        .unwrap();
    pipe.write_all(b"go\n").await.unwrap();
    pipe
}

/// Waits until these processes are no more; one that only waits to be waited for counts as gone.
pub(crate) async fn gone(processes: &[&str]) {
    let is_there = |id: &&str| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
        state.is_some_and(|state| !"ZX".contains(state))
    };
    let all_gone = async {
        while processes.iter().any(is_there) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, all_gone).await;
    assert!(waited.is_ok(), "{processes:?} go on");
}
