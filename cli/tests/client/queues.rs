//! Queues, from the first look to the last.

use crate::support::{Server, text};

#[test]
fn a_queue_is_created_shown_edited_and_paused() {
    let server = Server::start();
    let limits = ["--concurrency", "5", "--rate", "10/1s", "--retention", "30d"];
    let created = server.json(&[&["queue", "create", "steps"], &limits[..]].concat());
    assert_eq!(
        (
            created["concurrencyLimit"].as_i64(),
            created["retention"].as_str()
        ),
        (Some(5), Some("2592000s"))
    );
    let mail = [
        "queue",
        "create",
        "mail",
        "--key",
        "tenant",
        "--key-concurrency",
        "1",
        "--max-attempts",
        "4",
    ];
    let rows = server.ok(&[&mail[..], &["--paused"]].concat());
    assert!(
        rows.contains("1 of a tenant") && rows.contains("paused"),
        "{rows}"
    );
    let listed = server.ok(&["queue", "list"]);
    assert!(listed.contains("10/1s") && listed.contains("mail"), "{listed}");

    let updated = server.json(&[
        "queue",
        "update",
        "steps",
        "--concurrency",
        "8",
        "--clear",
        "rate_limit",
    ]);
    assert_eq!(updated["concurrencyLimit"], 8);
    assert!(updated["rateLimit"].is_null());
    let paused = server.json(&["queue", "pause", "steps", "--note", "the model is down"]);
    assert_eq!(paused["note"], "the model is down");
    let sheet = server.ok(&["queue", "get", "steps"]);
    assert!(
        sheet.contains("the model is down") && sheet.contains("etag"),
        "{sheet}"
    );
    let resumed = server.json(&["queue", "resume", "steps"]);
    assert!(resumed["paused"].is_null());
}

#[test]
fn a_queue_tells_how_it_stands_and_is_purged_and_deleted() {
    let server = Server::start();
    server.ok(&["queue", "create", "steps", "--concurrency", "5"]);
    server.ok(&["task", "create", "step", "--queue", "steps"]);
    server.ok(&["task", "create", "step", "--queue", "steps"]);
    let stats = server.ok(&["queue", "stats", "steps"]);
    assert!(stats.contains("ready") && stats.contains("QUEUED 2"), "{stats}");
    let stats = server.json(&["queue", "stats", "steps"]);
    assert_eq!(stats["stats"]["readyCount"], "2");
    let full = server.run(&["queue", "delete", "steps"]);
    assert!(
        text(&full.stderr).contains("(NOT_EMPTY)"),
        "{}",
        text(&full.stderr)
    );
    let purged = server.ok(&["queue", "purge", "steps", "--reason", "by mistake"]);
    assert!(
        purged.contains("2 cancelled") && purged.contains("0 ready tasks left"),
        "{purged}"
    );
    server.ok(&["queue", "delete", "steps"]);
    let gone = server.run(&["queue", "get", "steps"]);
    assert!(
        text(&gone.stderr).contains("(QUEUE_NOT_FOUND)"),
        "{}",
        text(&gone.stderr)
    );
}
