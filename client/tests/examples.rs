//! The examples do what they say, against a server.

use std::process::Output;

use baton_server::{Config, Server};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Starts a server on a file of its own; where it listens, and what it goes with.
async fn serve() -> (String, TempDir) {
    let folder = tempfile::tempdir().expect("room for a folder");
    let config = Config {
        database: format!("sqlite:{}", folder.path().join("baton.db").display()),
        ..Config::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::open(config, listener).await.expect("a new database");
    let url = format!("http://{}", server.address());
    // It ends with the test's runtime.
    tokio::spawn(server.serve(CancellationToken::new()));
    (url, folder)
}

/// Runs an example, which cargo builds before it runs tests, to its end.
async fn run(example: &str) -> Output {
    let (url, _folder) = serve().await;
    let tests = std::env::current_exe().expect("a test is a file");
    let path = tests
        .ancestors()
        .nth(2)
        .expect("it lies in deps")
        .join("examples")
        .join(example);
    let output = Command::new(&path).arg(url).kill_on_drop(true).output().await;
    output.unwrap_or_else(|error| {
        panic!(
            "{}: {error}; `cargo test -p baton-client` builds it",
            path.display()
        )
    })
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("examples print text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_and_wait() {
    let told = told(&run("create_and_wait").await);
    assert!(told.ends_with("the sum is 42\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follow() {
    let told = told(&run("follow").await);
    for event in [
        "CREATED",
        "QUEUED",
        "ASSIGNED",
        "STARTED",
        "PROGRESS",
        "COMPLETED",
    ] {
        assert!(
            told.contains(&format!("had TASK_EVENT_TYPE_{event}\n")),
            "{event} is missing in {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agent_loop() {
    let told = told(&run("agent_loop").await);
    assert_eq!(told.matches("agent: took").count(), 3, "{told}");
    assert_eq!(told.matches("person: approved").count(), 3, "{told}");
}
