//! Commands that do what they are asked.

use serde_json::{Value, json};

use crate::support::{Server, fed, text};

#[test]
fn a_life_from_create_to_complete() {
    let server = Server::start();
    let id = server.create(&[
        "report",
        "--title",
        "Quarterly report",
        "--input",
        "{\"quarter\": 3}",
        "--label",
        "team=finance",
        "--priority",
        "high",
    ]);

    let created = server.json(&["task", "get", &id]);
    assert_eq!(created["state"], "TASK_STATE_QUEUED");
    assert_eq!(created["priority"], "TASK_PRIORITY_HIGH");
    assert_eq!(created["input"], json!({ "jsonText": "{\"quarter\": 3}" }));
    assert_eq!(
        created["creator"],
        json!({ "type": "ACTOR_TYPE_HUMAN", "id": "ada" })
    );

    server.ok(&["task", "start", &id, "--actor", "agent:writer"]);
    server.ok(&["task", "progress", &id, "40", "--step", "reading"]);
    let table = server.ok(&[
        "task",
        "list",
        "--state",
        "in-progress",
        "--label",
        "team=finance",
    ]);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("ID "), "{table}");
    for part in [
        &id,
        "IN_PROGRESS",
        "Quarterly report",
        "HIGH",
        "writer",
        "40% reading",
    ] {
        assert!(rows[1].contains(part), "{part} is missing in {table}");
    }

    server.ok(&["task", "complete", &id, "--result", "{\"pages\": 12}"]);
    let sheet = server.ok(&["task", "get", &id, "--events", "1"]);
    assert!(sheet.contains("state            COMPLETED"), "{sheet}");
    assert!(sheet.contains("output           {\"pages\": 12}"), "{sheet}");
    assert!(sheet.contains("IN_PROGRESS -> COMPLETED"), "{sheet}");
    assert!(!sheet.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn questions_reviews_and_comments() {
    let server = Server::start();
    let id = server.create(&["article", "--needs-approval"]);
    server.ok(&["task", "start", &id, "--actor", "agent:writer"]);
    server.ok(&[
        "task",
        "request-input",
        &id,
        "Which tone?",
        "--key",
        "tone",
        "--choice",
        "plain",
        "--choice",
        "funny",
    ]);
    let sheet = server.ok(&["task", "get", &id]);
    assert!(
        sheet.contains("tone: Which tone? [plain | funny] (open)"),
        "{sheet}"
    );

    server.ok(&["task", "provide-input", &id, "plain"]);
    server.ok(&["task", "complete", &id, "--result", "\"done\""]);
    server.ok(&["task", "rework", &id, "shorter"]);
    server.ok(&["task", "submit", &id, "--result", "\"short\""]);
    server.ok(&["task", "comment", &id, "much better"]);
    let approved = server.json(&["task", "approve", &id, "--message", "good"]);
    assert_eq!(approved["state"], "TASK_STATE_COMPLETED");

    let events = server.ok(&["task", "events", &id, "--output", "json"]);
    let types: Vec<String> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected = [
        "CREATED",
        "QUEUED",
        "ASSIGNED",
        "STARTED",
        "INPUT_REQUESTED",
        "INPUT_PROVIDED",
        "SUBMITTED",
        "REWORK_REQUESTED",
        "SUBMITTED",
        "COMMENT",
        "APPROVED",
    ];
    assert_eq!(types, expected.map(|name| format!("TASK_EVENT_TYPE_{name}")));
    let comments = server.ok(&["task", "events", &id, "--type", "comment"]);
    assert!(
        comments.contains("much better") && comments.lines().count() == 2,
        "{comments}"
    );
}

#[test]
fn placing_stopping_and_waiting_for_others() {
    let server = Server::start();
    let first = server.create(&["a", "--hold"]);
    let second = server.create(&["b", "--depends-on", &first]);
    let explained = server.ok(&["task", "explain", &second]);
    assert!(explained.contains(&first), "{explained}");

    server.ok(&["task", "remove-dependency", &second, &first]);
    assert_eq!(
        server.json(&["task", "get", &second])["state"],
        "TASK_STATE_QUEUED"
    );
    server.ok(&[
        "task",
        "add-dependency",
        &second,
        &first,
        "--on-failure",
        "cancel",
    ]);
    server.ok(&["task", "schedule", &first, "--in", "2h"]);
    server.ok(&["task", "queue", &first]);
    server.ok(&["task", "assign", &first, "human:bob"]);
    server.ok(&["task", "pause", &first, "--reason", "lunch"]);
    server.ok(&["task", "resume", &first]);
    server.ok(&["task", "start", &first]);
    server.ok(&["task", "snooze", &first, "--at", "2036-01-01T00:00:00Z"]);
    server.ok(&["task", "queue", &first]);
    server.ok(&["task", "start", &first]);
    server.ok(&["task", "release", &first]);
    server.ok(&["task", "start", &first]);
    let failed = server.json(&[
        "task",
        "fail",
        &first,
        "no paper",
        "--code",
        "paper_out",
        "--non-retryable",
    ]);
    assert_eq!(
        failed["error"],
        json!({ "code": "paper_out", "message": "no paper", "nonRetryable": true })
    );
    let waited = server.run(&["task", "wait", &second, "--timeout", "30s"]);
    assert_eq!(waited.status.code(), Some(6), "cancelled by its rule");

    server.ok(&["task", "retry", &first, "--input", "[1]"]);
    server.ok(&["task", "cancel", &first, "--reason", "enough"]);
    let sheet = server.ok(&["task", "get", &first]);
    assert!(sheet.contains("enough"), "{sheet}");
    server.ok(&["task", "delete", &first]);
    assert_eq!(server.run(&["task", "get", &first]).status.code(), Some(3));
}

#[test]
fn an_update_changes_what_it_names_and_keeps_other_labels() {
    let server = Server::start();
    let id = server.create(&["a", "--title", "old", "--label", "a=1", "--label", "b=2"]);
    server.ok(&[
        "task",
        "update",
        &id,
        "--title",
        "new",
        "--label",
        "c=3",
        "--remove-label",
        "a",
    ]);
    let task = server.json(&["task", "get", &id]);
    assert_eq!(task["title"], "new");
    assert_eq!(task["labels"], json!({ "b": "2", "c": "3" }));
    assert_eq!(
        server.run(&["task", "update", &id]).status.code(),
        Some(2),
        "nothing was named"
    );
}

#[test]
fn many_tasks_at_once() {
    let server = Server::start();
    for _ in 0..3 {
        server.create(&["a", "--queue", "mail"]);
    }
    let other = server.create(&["a"]);
    let tried = server.json(&["task", "cancel", "--filter", "queue = mail", "--dry-run"]);
    assert_eq!(tried["doneCount"], 3);
    assert_eq!(
        server.ok(&["task", "list", "--state", "queued"]).lines().count(),
        5,
        "a header and all four"
    );
    assert_eq!(
        server.json(&["task", "cancel", "--filter", "queue = mail"])["doneCount"],
        3
    );

    // One of the two is no longer open: it refuses, the other one is cancelled.
    let listed = server.ok(&[
        "task", "list", "--queue", "mail", "--limit", "1", "--output", "json",
    ]);
    let cancelled: Value = serde_json::from_str(&listed).unwrap();
    let output = server.run(&["task", "cancel", &other, cancelled["id"].as_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(
        told.starts_with("done: 1  refused: 1\n") && told.contains("INVALID_STATE_TRANSITION"),
        "{told}"
    );

    let stats = server.json(&["task", "stats"]);
    assert_eq!(stats["total"], "4");
}

#[test]
fn a_list_says_when_there_is_more() {
    let server = Server::start();
    for _ in 0..3 {
        server.create(&["a"]);
    }
    let output = server.run(&["task", "list", "--limit", "2"]);
    assert_eq!(text(&output.stdout).lines().count(), 3);
    assert!(
        text(&output.stderr).contains("--limit"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(
        server
            .ok(&["task", "list", "--limit", "0", "-o", "json"])
            .lines()
            .count(),
        3
    );
}

#[test]
fn input_comes_from_files_and_from_standard_input() {
    let server = Server::start();
    std::fs::write(server.folder().join("in.json"), "{\"from\": \"file\"}\n").unwrap();
    let id = server.create(&["a", "--input", "@in.json"]);
    assert_eq!(
        server.json(&["task", "get", &id])["input"]["jsonText"],
        "{\"from\": \"file\"}"
    );

    let output = fed(
        server.command(&["task", "create", "a", "--input", "-", "-o", "json"]),
        "[1, 2]",
    );
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(created["input"]["jsonText"], "[1, 2]");
}

#[test]
fn a_create_with_an_id_can_be_repeated() {
    let server = Server::start();
    let id = "019a0000-0000-7000-8000-000000000001";
    let create = ["task", "create", "a", "--title", "once", "--id", id];
    assert_eq!(server.json(&create)["id"], id);
    assert_eq!(server.json(&create)["id"], id);
    assert_eq!(server.json(&["task", "stats"])["total"], "1");
}

/// What the help shows as an example works.
#[test]
fn the_filters_in_the_help_are_taken() {
    let server = Server::start();
    let help = text(&server.run(&["task", "list", "--help"]).stdout);
    let filters: Vec<&str> = help
        .lines()
        .filter_map(|line| line.split_once("--filter '")?.1.strip_suffix('\''))
        .collect();
    assert_eq!(filters.len(), 2, "{help}");
    for filter in filters {
        server.ok(&["task", "list", "--filter", filter]);
    }
}
