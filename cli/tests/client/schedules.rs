//! Schedules, from the first look to the last.

use crate::support::{Server, text};

#[test]
fn a_schedule_is_created_shown_edited_triggered_and_deleted() {
    let server = Server::start();
    let created = server.json(&[
        "schedule", "create", "my-task", "report", "--every", "5m", "--queue", "slow",
    ]);
    assert_eq!(
        (created["interval"].as_str(), created["task"]["queue"].as_str()),
        (Some("300s"), Some("slow"))
    );
    let zone = ["--cron", "30 2 * * *", "--time-zone", "Europe/Berlin"];
    let nightly = [&["schedule", "create", "nightly", "report"], &zone[..]].concat();
    let rows = server.ok(&[&nightly[..], &["--overlap", "buffer-one", "--paused"]].concat());
    assert!(
        rows.contains("30 2 * * * (Europe/Berlin)") && rows.contains("BUFFER_ONE"),
        "{rows}"
    );
    let listed = server.ok(&["schedule", "list"]);
    assert!(
        listed.contains("every 5m") && listed.contains("paused"),
        "{listed}"
    );

    let preview = [&["schedule", "preview"], &zone[..]].concat();
    let output = server.run(&[&preview[..], &["--after", "2027-03-28T00:00:00Z", "--count", "1"]].concat());
    assert!(
        text(&output.stdout).contains("2027-03-28T01:00:00Z"),
        "{}",
        text(&output.stdout)
    );
    assert!(
        text(&output.stderr).contains("at 02:30 (Europe/Berlin)"),
        "{}",
        text(&output.stderr)
    );

    let task = server.json(&["schedule", "trigger", "nightly"]);
    let id = task["id"].as_str().unwrap();
    let sheet = server.ok(&["schedule", "get", "nightly"]);
    assert!(
        sheet.contains(&format!("TRIGGERED {id}")) && sheet.contains("BUFFER_ONE"),
        "{sheet}"
    );
    let found = server.ok(&[
        "task",
        "list",
        "--filter",
        "labels.\"baton.schedule\" = \"nightly\"",
    ]);
    assert!(found.contains(id), "{found}");

    let paused = server.json(&["schedule", "pause", "my-task", "--note", "the feed moves house"]);
    assert_eq!(paused["note"], "the feed moves house");
    let resumed = server.json(&["schedule", "resume", "my-task"]);
    assert!(resumed["nextTime"].is_string() && resumed["paused"].is_null());
    let etag = resumed["etag"].as_str().unwrap();
    let updated = server.json(&["schedule", "update", "my-task", "--every", "1h", "--etag", etag]);
    assert_eq!(updated["interval"], "3600s");
    let late = server.run(&["schedule", "update", "my-task", "--every", "2h", "--etag", etag]);
    assert_eq!(late.status.code(), Some(1));
    server.ok(&["schedule", "delete", "my-task"]);
    let gone = server.run(&["schedule", "get", "my-task"]);
    assert!(
        text(&gone.stderr).contains("(SCHEDULE_NOT_FOUND)"),
        "{}",
        text(&gone.stderr)
    );
}

#[test]
fn what_is_wrong_is_told_before_the_server_is_asked_or_by_it() {
    let server = Server::start();
    let neither = server.run(&["schedule", "preview"]);
    assert_eq!(neither.status.code(), Some(2));
    let both = server.run(&[
        "schedule", "create", "a", "b", "--cron", "@daily", "--every", "1h",
    ]);
    assert_eq!(both.status.code(), Some(2));
    let never = server.run(&["schedule", "create", "a", "b", "--cron", "0 0 30 2 *"]);
    let told = text(&never.stderr);
    assert!(
        told.contains("schedule.cron") && told.contains("no day that exists"),
        "{told}"
    );
}
