//! What a task is created with so that it ends well: keys, timeouts, receipts, deadlines of questions.

use serde_json::json;

use crate::support::{Server, text};

#[test]
fn a_key_keeps_the_same_work_from_being_created_twice() {
    let server = Server::start();
    let create = ["invoice", "--dedup-key", "invoice-4711"];
    let id = server.create(&create);
    let output = server.run(&[&["task", "create"], &create[..]].concat());
    assert!(text(&output.stdout).contains(&id), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("nothing was created"),
        "{}",
        text(&output.stderr)
    );
    let sheet = server.ok(&["task", "get", &id]);
    assert!(sheet.contains("dedup key        invoice-4711"), "{sheet}");

    let reject = [&["task", "create"], &create[..], &["--dedup-policy", "reject"]].concat();
    let output = server.run(&reject);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("(DUPLICATE_TASK)") && text(&output.stderr).contains("--dedup-policy"),
        "{}",
        text(&output.stderr)
    );
    let replace = [
        &create[..],
        &["--dedup-policy", "replace-pending", "--dedup-window", "1h"],
    ]
    .concat();
    assert_ne!(server.create(&replace), id);
    assert_eq!(
        server.json(&["task", "get", &id])["state"],
        "TASK_STATE_CANCELLED"
    );

    let derived = ["invoice", "--title", "4712", "--dedup-derived"];
    assert_eq!(server.create(&derived), server.create(&derived));
    let orphan = server.run(&["task", "create", "a", "--dedup-window", "1h"]);
    assert_eq!(orphan.status.code(), Some(2), "a window of what?");
}

#[test]
fn timeouts_are_taken_and_shown() {
    let server = Server::start();
    let id = server.create(&[
        "a",
        "--queue-timeout",
        "1h",
        "--attempt-timeout",
        "10m",
        "--total-timeout",
        "48h",
    ]);
    let task = server.json(&["task", "get", &id]);
    assert_eq!(
        task["timeouts"],
        json!({ "queueTimeout": "3600s", "attemptTimeout": "600s", "totalTimeout": "172800s" })
    );
    let sheet = server.ok(&["task", "get", &id]);
    assert!(
        sheet.contains("timeouts         queue 1h, attempt 10m, total 48h"),
        "{sheet}"
    );
}

#[test]
fn a_receipt_is_handed_in_and_shown() {
    let server = Server::start();
    let id = server.create(&["report", "--needs-receipt", "--grace", "1h"]);
    server.ok(&["task", "start", &id, "--as", "agent:writer"]);
    let receipt = "{\"status\": \"completed\", \"summary\": \"12 pages\", \"verification\": [{\"kind\": \"command\", \
                   \"value\": \"pdfinfo report.pdf\"}]}";
    let handed = server.json(&["task", "complete", &id, "--receipt", receipt]);
    assert_eq!(handed["state"], "TASK_STATE_REVIEW");
    let sheet = server.ok(&["task", "get", &id]);
    for line in [
        "verification     needs receipt, grace 1h",
        "receipt          COMPLETED: 12 pages",
        "                 verify by: command; pdfinfo report.pdf",
    ] {
        assert!(sheet.contains(line), "{line} is missing in {sheet}");
    }

    server.ok(&["task", "rework", &id, "shorter"]);
    let blocked = "{\"status\": \"blocked\", \"blockers\": [{\"message\": \"No paper\"}]}";
    server.ok(&["task", "submit", &id, "--receipt", blocked]);
    let sheet = server.ok(&["task", "get", &id]);
    assert!(sheet.contains("state            INPUT_REQUIRED"), "{sheet}");
    assert!(sheet.contains("No paper"), "{sheet}");
    let wrong = server.run(&["task", "complete", &id, "--receipt", "{\"status\": \"perfect\"}"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_question_may_have_a_deadline_and_an_answer_of_its_own() {
    let server = Server::start();
    let id = server.create(&["article"]);
    server.ok(&["task", "start", &id]);
    server.ok(&[
        "task",
        "request-input",
        &id,
        "Which tone?",
        "--schema",
        "{\"type\": \"string\"}",
        "--deadline",
        "2036-01-01T00:00:00Z",
        "--default",
        "\"plain\"",
    ]);
    let sheet = server.ok(&["task", "get", &id]);
    assert!(
        sheet.contains("Which tone? (open until 2036-01-01T00:00:00Z, then \"plain\")"),
        "{sheet}"
    );
    let task = server.json(&["task", "get", &id]);
    assert_eq!(task["inputRequests"][0]["schema"], json!({ "type": "string" }));
}
