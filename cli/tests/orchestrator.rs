//! The example of the documentation, run as it is: a schedule, a program, and a digest that arrives.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use baton_test_database::TestDatabase;
use serde_json::Value;

/// How long something may take that takes moments.
const PATIENCE: Duration = Duration::from_secs(60);

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/orchestrator")
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Takes one request after the other, answers each with 200, and hands out their bodies.
fn endpoint() -> (SocketAddr, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (bodies, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                let lower = line.to_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            stream.get_mut().write_all(answer).unwrap();
            if bodies.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (address, received)
}

struct Orchestrator {
    child: Child,
    database: TestDatabase,
    address: String,
}

impl Drop for Orchestrator {
    fn drop(&mut self) {
        // It may have ended by itself; what counts is that it is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Orchestrator {
    fn start(webhook: SocketAddr) -> Self {
        let database = TestDatabase::new();
        copy(&example(), database.folder());
        // The one thing that a test cannot have: a webhook with a certificate on the public network.
        let file = database.folder().join("baton.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        let port = webhook.port();
        text +=
            &format!("\n[egress]\nallow_http = true\nallow_private = [\"127.0.0.1/32\"]\nports = [{port}]\n");
        std::fs::write(&file, text).unwrap();
        // On SQLite in the file that the example names.
        let elsewhere = (database.kind() != "sqlite").then(|| ("BATON_DATABASE", database.url()));
        let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
            .current_dir(database.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(elsewhere)
            .env("SLACK_WEBHOOK", format!("http://{webhook}/services/T0/B0/secret"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut greeting)
            .unwrap();
        let address = greeting
            .split_whitespace()
            .find(|word| word.parse::<SocketAddr>().is_ok());
        let address = address.unwrap_or_else(|| panic!("no address in {greeting:?}"));
        let address = address.to_owned();
        Orchestrator {
            child,
            database,
            address,
        }
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command
            .current_dir(self.database.folder())
            .env_clear()
            .env("BATON_SERVER", &self.address);
        command.args(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until a task has settled, and answers it whole.
    fn settled(&self, id: &str) -> Value {
        let timeout = format!("{}s", PATIENCE.as_secs());
        // Its code says how it ended; that is looked at below.
        drop(self.run(&["task", "wait", id, "--timeout", &timeout]));
        self.json(&["task", "get", id])
    }

    fn trigger(&self, schedule: &str) -> Value {
        let task = self.json(&["schedule", "trigger", schedule]);
        self.settled(task["id"].as_str().unwrap())
    }
}

fn read(payload: &Value) -> Value {
    match payload.get("jsonText").and_then(Value::as_str) {
        Some(text) => serde_json::from_str(text).unwrap(),
        None => payload["json"].clone(),
    }
}

#[test]
fn the_example_does_what_it_says() {
    let (webhook, received) = endpoint();
    let baton = Orchestrator::start(webhook);
    let checked = baton.run(&["check-config"]);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(
        told,
        "baton.toml: no mistakes; 1 queue, 5 types, 5 schedules, 0 webhooks, 5 handlers\n"
    );

    // The program reads its payload and counts the documents of the example: README.md is one.
    let done = baton.trigger("doc-sync");
    assert_eq!(done["state"], "TASK_STATE_COMPLETED", "{done}");
    assert_eq!(read(&done["output"])["agentResult"]["docsIndexed"], 1);

    // What fails is told of, once; without retries, so that nobody has to wait.
    let create = ["task", "create", "doc-sync", "--max-attempts", "1", "--input"];
    let nowhere = baton.json(&[&create[..], &[r#"{"docsPath": "nowhere"}"#]].concat());
    let failed = baton.settled(nowhere["id"].as_str().unwrap());
    assert_eq!(failed["state"], "TASK_STATE_DEAD", "{failed}");
    let digest = baton.trigger("slack-notify");
    assert_eq!(digest["state"], "TASK_STATE_COMPLETED", "{digest}");
    let body = received.recv_timeout(PATIENCE).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("(1)") && text.contains("• doc-sync: "), "{text}");

    let missing = baton.run(&["task", "create", "doc-sync", "--input", "{}"]);
    let told = String::from_utf8(missing.stderr).unwrap();
    assert!(told.contains("Config missing: docsPath"), "{told}");
    let inside = baton.run(&["task", "create", "heartbeat"]);
    let told = String::from_utf8(inside.stderr).unwrap();
    assert!(told.contains("TYPE_INTERNAL"), "{told}");
    let start = baton.json(&["task", "list", "--filter", "type = startup"]);
    let start = baton.settled(start["id"].as_str().unwrap());
    assert_eq!(start["state"], "TASK_STATE_COMPLETED", "{start}");
    assert_eq!(baton.trigger("heartbeat")["state"], "TASK_STATE_COMPLETED");
    assert_eq!(baton.trigger("db-cleanup")["state"], "TASK_STATE_COMPLETED");
}
