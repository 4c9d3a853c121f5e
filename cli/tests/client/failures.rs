//! Commands that fail: what scripts read from the exit code, and people from stderr.

use serde_json::Value;

use crate::support::{Server, text};

const NOBODY: &str = "019a0000-0000-7000-8000-00000000dead";

#[test]
fn exit_codes_tell_failures_apart() {
    let server = Server::start();
    let held = server.create(&["a", "--hold"]);
    let failed = server.create(&["a"]);
    server.ok(&["task", "start", &failed]);
    server.ok(&["task", "fail", &failed, "broken"]);

    let table: [(&[&str], i32); 8] = [
        (&["task", "complete", &held], 1),
        (&["task", "get", "nonsense"], 2),
        (&["task", "list", "--filter", "state ="], 2),
        (&["task", "create"], 2),
        (&["task", "get", NOBODY], 3),
        (&["task", "get", &held, "--server", "127.0.0.1:1"], 4),
        (&["task", "wait", &held, "--timeout", "0s"], 5),
        (&["task", "wait", &failed, "--timeout", "10s"], 6),
    ];
    for (arguments, code) in table {
        let output = server.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_refusal_says_why_what_is_allowed_and_what_to_do_next() {
    let server = Server::start();
    let held = server.create(&["a", "--hold"]);
    let output = server.run(&["task", "complete", &held]);
    let told = text(&output.stderr);
    assert!(
        told.starts_with("error: ") && told.contains("(INVALID_STATE_TRANSITION)"),
        "{told}"
    );
    assert!(
        told.contains("  allowed now: ") && told.contains("queue"),
        "{told}"
    );
    assert!(told.contains("  next: "), "{told}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn every_violation_is_told() {
    let server = Server::start();
    let long = "x".repeat(600);
    let output = server.run(&["task", "create", "a", "--title", &long, "--queue", "No Such Name"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("  task.title: ") && told.contains("  task.queue: "),
        "{told}"
    );
}

#[test]
fn programs_get_failures_as_json_too() {
    let server = Server::start();
    let output = server.run(&["task", "get", NOBODY, "--output", "json"]);
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["error"]["reason"], "TASK_NOT_FOUND");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_server_with_keys_wants_one() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let key = "k".repeat(40);
    std::fs::write(&keys, format!("ci:{key}\n")).unwrap();
    let server = Server::start_with(&["--api-key-file", keys.to_str().unwrap()]);
    let output = server.run(&["task", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("BATON_API_KEY"),
        "{}",
        text(&output.stderr)
    );
    let output = server
        .command(&["task", "list"])
        .env("BATON_API_KEY", &key)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn an_etag_guards_a_change() {
    let server = Server::start();
    let id = server.create(&["a"]);
    let task = server.json(&["task", "get", &id]);
    server.ok(&["task", "update", &id, "--title", "changed"]);
    let output = server.run(&["task", "start", &id, "--etag", task["etag"].as_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("(ETAG_MISMATCH)"),
        "{}",
        text(&output.stderr)
    );
}
