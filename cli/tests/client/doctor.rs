//! `baton doctor`: what is wrong with a real server, and what to do.

use serde_json::Value;

use crate::support::{Server, text};

/// The findings: level, check and message of each.
fn findings(server: &Server) -> Vec<(String, String, String)> {
    let output = server.run(&["doctor", "--output", "json"]);
    let printed = text(&output.stdout);
    let read = printed.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(finding["next"].is_null(), word("level") == "ok", "{line}");
        (word("level"), word("check"), word("message"))
    });
    read.collect()
}

#[test]
fn a_server_without_trouble_is_fine() {
    let server = Server::start();
    let all = findings(&server);
    assert!(all.iter().all(|(level, _, _)| level == "ok"), "{all:?}");
    let table = server.ok(&["doctor"]);
    assert!(
        table.contains("database") && table.contains("0 tasks in it"),
        "{table}"
    );
}

#[test]
fn a_server_that_is_not_there_is_told_with_what_to_do() {
    let server = Server::start();
    let output = server.run(&["doctor", "--server", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("does not answer") && printed.contains("`baton serve` starts one"),
        "{printed}"
    );
}

#[test]
fn a_task_that_nobody_takes_and_a_paused_queue_are_named() {
    let server = Server::start_with(&["--test-mode"]);
    server.create(&["send", "--queue", "mail"]);
    let told = |wanted: &str| {
        let all = findings(&server);
        let found = all.iter().find(|(_, _, message)| message.contains(wanted));
        found.unwrap_or_else(|| panic!("{wanted}: {all:?}")).0.clone()
    };
    assert_eq!(told("no worker asks for `send` in `mail`; 1 task waits"), "look");
    assert_eq!(told("in test mode"), "look");
    server.ok(&["queue", "create", "mail", "--concurrency", "5"]);
    server.ok(&["queue", "pause", "mail"]);
    assert_eq!(told("`mail` is paused; 1 task waits"), "look");
}
