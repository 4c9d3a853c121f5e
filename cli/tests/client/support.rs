//! A server of the binary's own, and commands against it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use baton_test_database::TestDatabase;
use serde_json::Value;

/// The binary in a folder of its own, away from the settings of whoever runs the tests.
pub(crate) fn baton(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.current_dir(folder).env_clear();
    command
}

/// A running server; it is killed with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    database: TestDatabase,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let database = TestDatabase::new();
        let (child, address) = serve(&database, "127.0.0.1:0", arguments);
        Server {
            child,
            address,
            database,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.database.folder()
    }

    /// Where it keeps its tasks, as `--database` has it.
    pub(crate) fn database(&self) -> String {
        self.database.url()
    }

    /// Stops the server in good order and starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.stop();
        (self.child, self.address) = serve(&self.database, &self.address, &[]);
    }

    /// Stops the server in good order.
    pub(crate) fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", "TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
    }

    /// A client command against this server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = baton(self.database.folder());
        command
            .env("BATON_SERVER", &self.address)
            .env("USER", "ada")
            .args(arguments);
        command
    }

    /// Runs a client command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a client command that must succeed; what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a client command that must succeed; the one object that it printed.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.ok(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Creates a task; its id.
    #[track_caller]
    pub(crate) fn create(&self, arguments: &[&str]) -> String {
        let task = self.json(&[&["task", "create"], arguments].concat());
        task["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; what counts is that it is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve(database: &TestDatabase, listen: &str, arguments: &[&str]) -> (Child, String) {
    let mut child = baton(database.folder())
        .args(["serve", "--listen", listen, "--database", &database.url()])
        .args(arguments)
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
        .find(|word| word.parse::<std::net::SocketAddr>().is_ok());
    let address = address
        .unwrap_or_else(|| panic!("no address in {greeting:?}"))
        .to_owned();
    (child, address)
}

/// A command that goes on, and its lines as they come; it is killed with the test.
pub(crate) struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    /// The next line as JSON; nothing at the end of the output.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Waits for the end of the command: the lines that were left, and its exit code.
    pub(crate) fn rest(mut self) -> (Vec<String>, Option<i32>) {
        let lines = self.lines.by_ref().map(Result::unwrap).collect();
        (lines, self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; what counts is that it is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command with this on its standard input.
pub(crate) fn fed(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
