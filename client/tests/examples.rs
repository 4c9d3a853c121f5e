//! The examples do what they say, against a server.

#[path = "../examples/handlers/clean_up.rs"]
mod clean_up;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime};

use baton_server::{Config, Server};
use baton_test_database::TestDatabase;
use clean_up::{Record, Retained, State};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Starts a server on a database of its own; where it listens, and what it goes with.
async fn serve() -> (String, TestDatabase) {
    let database = TestDatabase::new();
    let config = Config {
        database: database.url(),
        ..Config::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::open(config, listener).await.expect("a new database");
    let url = format!("http://{}", server.address());
    // It ends with the test's runtime.
    tokio::spawn(server.serve(CancellationToken::new()));
    (url, database)
}

/// Runs an example, which cargo builds before it runs tests, to its end.
async fn run(example: &str) -> Output {
    run_with(example, &[]).await
}

async fn run_with(example: &str, more: &[&str]) -> Output {
    let (url, _database) = serve().await;
    let tests = std::env::current_exe().expect("a test is a file");
    let path = tests
        .ancestors()
        .nth(2)
        .expect("it lies in deps")
        .join("examples")
        .join(example);
    let output = Command::new(&path)
        .arg(url)
        .args(more)
        .kill_on_drop(true)
        .output()
        .await;
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

/// Takes one post and likes it or not; answers its body.
async fn take_post(listener: TcpListener, status: u16) -> serde_json::Value {
    let (stream, _) = listener.accept().await.expect("the example posts");
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a header");
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    let answer = format!("HTTP/1.1 {status} Word\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.expect("it listens");
    serde_json::from_slice(&body).expect("JSON")
}

/// The handlers with a webhook that answers so: what they print, and what was posted.
async fn handlers(status: u16) -> (String, serde_json::Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let arguments = [url.as_str()];
    let (output, posted) = tokio::join!(run_with("handlers", &arguments), take_post(listener, status));
    (told(&output), posted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_do_their_work_and_tell_errors_to_a_webhook() {
    let (told, posted) = handlers(200).await;
    let lines = [
        "my-task: {\"items_processed\":3}",
        "my-task: Config missing: my_field",
        "slack-notify: {\"errorCount\":1,\"notificationsSent\":1}",
        "db-cleanup: {\"redditRetained\":0,\"rssRetained\":0,\"tasksRetained\":0}",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), lines);
    let text = "🚨 Baton errors (1)\n• my-task: Config missing: my_field";
    assert_eq!(posted, serde_json::json!({ "text": text }));
    let (told, _) = handlers(503).await;
    assert!(told.contains("slack-notify: Slack API error: 503\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_without_a_webhook_does_not_say_that_it_was_sent() {
    let told = told(&run("handlers").await);
    let line = "slack-notify: {\"errorCount\":1,\"notificationsSent\":0,\"reason\":\"no webhook\"}\n";
    assert!(told.contains(line), "{told}");
}

#[test]
fn a_clean_up_keeps_what_is_younger_than_30_days() {
    let day = Duration::from_secs(24 * 60 * 60);
    let now = SystemTime::UNIX_EPOCH + 20_000 * day;
    let aged = |days| Record {
        timestamp: now - days * day,
    };
    let mut state = State {
        task_history: vec![aged(0), aged(29), aged(30)],
        reddit_responses: vec![aged(31)],
        ..State::default()
    };
    let retained = Retained {
        tasks_retained: 2,
        reddit_retained: 0,
        rss_retained: 0,
    };
    assert_eq!(clean_up::clean_up(&mut state, now), retained);
    assert_eq!(clean_up::clean_up(&mut state, now), retained);
}

/// What the guide shows is what is compiled and run here.
#[test]
fn the_code_of_the_guide_is_that_of_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("it reads");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let files = ["main.rs", "digest.rs", "clean_up.rs"];
    let examples = files.map(|name| flat(&read(&format!("examples/handlers/{name}"))));
    let guide = read("../docs/handlers.md");
    let blocks: Vec<_> = guide.split("```rust\n").skip(1).collect();
    assert!(blocks.len() >= 4, "the guide shows code");
    for block in blocks {
        let block = block.split("\n```").next().unwrap_or_default();
        // Each part, as parts of the example stand between them.
        for part in block.split("\n\n").map(flat).filter(|part| !part.is_empty()) {
            let is_there = examples.iter().any(|example| example.contains(&part));
            assert!(is_there, "no example has\n{part}");
        }
    }
}
