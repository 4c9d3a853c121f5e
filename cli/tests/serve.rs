//! The binary as its users meet it: what it prints where, and how it stops.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use baton_client::{Client, NewTask};
use futures::TryStreamExt as _;

/// The binary in a folder of its own, away from the settings of whoever runs the tests.
fn baton(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.current_dir(folder).env_clear();
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server that has said where it listens; killed if a test gives up on it.
struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    greeting: String,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = baton(folder)
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        stdout.read_line(&mut greeting).unwrap();
        let address = greeting.split_whitespace().find_map(|word| word.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {greeting:?}"));
        Serving {
            child,
            stdout,
            address,
            greeting,
        }
    }

    /// Sends a signal by name and waits for the end.
    fn end_with(mut self, signal: &str) -> Output {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let mut stdout = self.greeting.clone().into_bytes();
        self.stdout.read_to_end(&mut stdout).unwrap();
        let mut stderr = Vec::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_end(&mut stderr)
            .unwrap();
        let status = self.child.wait().unwrap();
        Output {
            status,
            stdout,
            stderr,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // An error means that it has ended already.
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("a server could not be waited for");
        }
    }
}

#[test]
fn it_serves_by_default_and_drains_on_both_signals() {
    for (signal, arguments) in [("TERM", &[][..]), ("INT", &["serve"][..])] {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), arguments);
        let call = format!("{} baton.v1.TaskService/CreateTask", serving.address);
        // A peer that never says anything must hold nobody up.
        let _silent = TcpStream::connect(serving.address).unwrap();
        let ended = serving.end_with(signal);
        assert_eq!(ended.status.code(), Some(0), "{signal}: {}", text(&ended.stderr));
        let greeting = text(&ended.stdout);
        assert!(
            greeting.contains("grpcurl -plaintext ") && greeting.contains(&call),
            "{greeting}"
        );
    }
}

#[test]
fn a_sqlite_database_is_made_by_either_command_and_kept_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("baton.db");
    let migrate = || {
        let migrated = baton(folder.path()).arg("migrate").output().unwrap();
        assert!(migrated.status.success(), "{}", text(&migrated.stderr));
        let told = text(&migrated.stdout);
        let (kept, schema) = told.split_once('\n').unwrap();
        assert!(schema.starts_with("Schema "), "{told}");
        format!("{kept}\n")
    };
    assert_eq!(
        migrate(),
        format!("Tasks are kept in {} (created)\n", path.display())
    );
    let current = format!(
        "Tasks are kept in {} (its schema is up to date)\n",
        path.display()
    );
    assert_eq!(migrate(), current);
    let serving = Serving::start(folder.path(), &["serve"]);
    // The file belongs to one process at a time.
    let second = baton(folder.path()).arg("migrate").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("baton.db"),
        "{}",
        text(&second.stderr)
    );
    assert!(text(&serving.end_with("TERM").stdout).contains(&current));
    assert_eq!(migrate(), current);
}

/// The tasks that a server has, and the epoch of its database.
async fn content(address: SocketAddr) -> (Vec<String>, String) {
    let client = Client::builder()
        .endpoint(format!("http://{address}"))
        .build()
        .unwrap();
    let tasks: Vec<_> = client.list().all().try_collect().await.unwrap();
    let ids = tasks.into_iter().map(|task| task.id).collect();
    (ids, client.server_info().await.unwrap().epoch)
}

async fn create_a_task(address: SocketAddr) {
    let client = Client::builder()
        .endpoint(format!("http://{address}"))
        .build()
        .unwrap();
    client.create(NewTask::new("test")).await.unwrap();
}

/// Of a server that was stopped in order, the one file is the whole database.
#[tokio::test]
async fn after_an_orderly_stop_the_sqlite_file_alone_has_everything() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let serving = Serving::start(folder.path(), &["serve"]);
    let address = serving.address;
    // Reads that go on all the time hold connections when the stop begins.
    let reads = tokio::spawn(async move {
        let client = Client::builder()
            .endpoint(format!("http://{address}"))
            .build()
            .unwrap();
        while client.list().await.is_ok() {}
    });
    for _ in 0..20 {
        create_a_task(address).await;
    }
    let before = content(address).await;
    assert_eq!(before.0.len(), 20);
    let ended = tokio::task::spawn_blocking(|| serving.end_with("TERM"))
        .await
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    reads.await.unwrap();
    for beside in ["baton.db-wal", "baton.db-shm"] {
        assert!(!folder.path().join(beside).exists(), "{beside} was left behind");
    }
    std::fs::copy(folder.path().join("baton.db"), elsewhere.path().join("baton.db")).unwrap();
    let copy = Serving::start(elsewhere.path(), &["serve"]);
    assert_eq!(content(copy.address).await, before);
}

#[tokio::test]
async fn a_sqlite_file_is_copied_by_command_where_the_operator_allows_it() {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copies = copies.path().canonicalize().unwrap();
    let allowed = copies.to_str().unwrap();
    for (arguments, code) in [(&["serve"][..], 1), (&["serve", "--backup-folder", allowed], 0)] {
        let serving = Serving::start(folder.path(), arguments);
        create_a_task(serving.address).await;
        let copied = baton(folder.path())
            .args([
                "backup",
                "a.db",
                "--server",
                &format!("http://{}", serving.address),
            ])
            .output()
            .unwrap();
        let (stdout, stderr) = (text(&copied.stdout), text(&copied.stderr));
        assert_eq!(copied.status.code(), Some(code), "{stdout}{stderr}");
        if code == 0 {
            assert!(stdout.contains(copies.join("a.db").to_str().unwrap()), "{stdout}");
        } else {
            assert!(stderr.contains("backup_folder"), "{stderr}");
        }
        serving.end_with("TERM");
    }
    std::fs::rename(copies.join("a.db"), copies.join("baton.db")).unwrap();
    let restored = Serving::start(&copies, &["serve"]);
    assert_eq!(content(restored.address).await.0.len(), 2);
}

#[test]
fn the_log_goes_to_stderr_as_json_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Serving::start(folder.path(), &["serve"]).end_with("TERM");
    assert!(!ended.stderr.is_empty());
    for line in text(&ended.stderr).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string());
    }
    assert!(!text(&ended.stdout).contains("draining"));
}

#[test]
fn the_version_and_the_settings_go_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let version = baton(folder.path()).arg("--version").output().unwrap();
    assert_eq!(
        text(&version.stdout),
        format!("baton {}\n", env!("CARGO_PKG_VERSION"))
    );

    std::fs::write(folder.path().join("baton.toml"), "drain_grace_ms = 7\n").unwrap();
    let shown = baton(folder.path())
        .env("BATON_LIMITS__MAX_WATCHES", "9")
        .args(["config", "--database", "sqlite:here.db"])
        .output()
        .unwrap();
    assert!(shown.status.success() && shown.stderr.is_empty());
    let shown = text(&shown.stdout);
    for line in [
        "drain_grace_ms = 7",
        "max_watches = 9",
        "database = \"sqlite:here.db\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line} in\n{shown}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_told_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ["--listen", "0.0.0.0:0", "--database", "nowhere"];
    for command in ["serve", "config"] {
        let refused = baton(folder.path()).arg(command).args(wrong).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        let told = text(&refused.stderr);
        assert!(
            told.contains("--api-key-file") && told.contains("sqlite:<path>"),
            "{told}"
        );
    }
    // A secret in the wrong place is not shown for it.
    let secret = ["config", "--database", "postgres://me:secret@host/db"];
    let refused = baton(folder.path()).args(secret).output().unwrap();
    assert!(!text(&refused.stdout).contains("secret") && !text(&refused.stderr).contains("secret"));
}
