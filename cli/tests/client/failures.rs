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

    let table: [(&[&str], i32); 10] = [
        (&["task", "complete", &held], 1),
        (&["task", "get", "nonsense"], 2),
        (&["task", "list", "--filter", "state ="], 2),
        (&["task", "create"], 2),
        (&["task", "get", NOBODY], 3),
        (&["queue", "get", "nobody"], 3),
        (&["dead", "redrive", "--filter", ""], 2),
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

/// A variable of a script may be empty: that is not to mean every dead task.
#[test]
fn an_empty_filter_touches_nothing() {
    let server = Server::start();
    for arguments in [
        &["dead", "redrive", "--filter", ""][..],
        &["dead", "discard", "--filter", " "],
        &["task", "cancel", "--filter", ""],
    ] {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains("--filter is empty"), "{told}");
    }
}

#[test]
fn what_is_not_there_is_looked_for_elsewhere() {
    let server = Server::start();
    let open = server.create(&["a"]);
    let nowhere = server.folder().join("nowhere/a.baton");
    let nowhere = nowhere.to_str().unwrap();
    let table: [(&[&str], &str); 8] = [
        (&["queue", "get", "x"], "`baton queue list`"),
        (&["schedule", "get", "x"], "`baton schedule list`"),
        (&["type", "get", "x"], "`baton type list`"),
        (&["webhook", "get", "x"], "`baton webhook list`"),
        (&["backup", "a.db"], "docs/operations.md"),
        (&["task", "delete", &open], "`baton task cancel ID` ends it first"),
        (&["watch", "--resume", "x"], "begin again without --resume"),
        (&["export", nowhere], "nowhere/a.baton.part cannot be written"),
    ];
    for (arguments, next) in table {
        let output = server.run(arguments);
        let told = text(&output.stderr);
        assert!(
            !output.status.success() && told.contains(next),
            "{arguments:?}: {told}"
        );
    }
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
    // An empty one is none, and the doctor knows what is missing.
    let doctor = server
        .command(&["doctor"])
        .env("BATON_API_KEY", "")
        .output()
        .unwrap();
    assert_eq!(doctor.status.code(), Some(1));
    let found = text(&doctor.stdout);
    assert!(
        found.contains("API_KEY_MISSING")
            && found.contains("set BATON_API_KEY")
            && !found.contains("baton serve"),
        "{found}"
    );
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
