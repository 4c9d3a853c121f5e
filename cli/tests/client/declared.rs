//! `baton.toml`: what it declares is there after a start, and what it declares no more is not taken away.

use std::process::Stdio;

use crate::support::{Server, baton, text};

const FIRST: &str = r#"
[queues.slow]
concurrency_limit = 2
[types.beat]
exposure = "internal"
[schedules.my-task]
interval = "5m"
task = { type = "beat", input = { n = 1 } }
[schedules.nightly]
cron = "30 2 * * *"
task = { type = "report" }
"#;

const SECOND: &str = r#"
[queues.slow]
concurrency_limit = 3
paused = true
[schedules.my-task]
interval = "1h"
task = { type = "beat", input = { n = 2 } }
"#;

fn declare(server: &mut Server, text: &str) {
    std::fs::write(server.folder().join("baton.toml"), text).unwrap();
    server.restart();
}

#[test]
fn a_file_is_brought_about_at_each_start() {
    let mut server = Server::start();
    let by_call = ["schedule", "create", "own", "report", "--every", "1h"];
    let own = server.json(&by_call);
    declare(&mut server, FIRST);
    let my_task = server.json(&["schedule", "get", "my-task"]);
    assert_eq!(my_task["interval"], "300s");
    assert_eq!(my_task["creator"]["id"], "baton.toml");
    let beat = server.json(&["type", "get", "beat"]);
    assert_eq!(beat["exposure"], "TASK_TYPE_EXPOSURE_INTERNAL");
    let slow = server.json(&["queue", "get", "slow"]);
    assert_eq!(
        (slow["concurrencyLimit"].as_i64(), slow["creator"]["id"].as_str()),
        (Some(2), Some("baton.toml"))
    );
    // The same again changes nothing.
    server.restart();
    assert_eq!(server.json(&["queue", "get", "slow"])["etag"], slow["etag"]);
    assert_eq!(
        server.json(&["schedule", "get", "my-task"])["etag"],
        my_task["etag"]
    );
    assert_eq!(server.json(&["type", "get", "beat"])["etag"], beat["etag"]);
    // Whoever pauses a schedule has the say while the file has none.
    server.ok(&["schedule", "pause", "my-task", "--note", "holiday"]);

    declare(&mut server, SECOND);
    let changed = server.json(&["schedule", "get", "my-task"]);
    assert_eq!(
        (changed["interval"].as_str(), changed["paused"].as_bool()),
        (Some("3600s"), Some(true))
    );
    assert_eq!(changed["task"]["input"]["json"]["n"], 2.0);
    let slow = server.json(&["queue", "get", "slow"]);
    assert_eq!(
        (slow["concurrencyLimit"].as_i64(), slow["paused"].as_bool()),
        (Some(3), Some(true))
    );
    let gone = server.json(&["schedule", "get", "nightly"]);
    assert_eq!(gone["paused"], true);
    assert!(
        gone["note"].as_str().unwrap().contains("declares it no more"),
        "{gone}"
    );
    // A type stays, or anybody could create what it kept inside.
    assert_eq!(server.json(&["type", "get", "beat"])["etag"], beat["etag"]);
    let left = server.json(&["schedule", "get", "own"]);
    assert_eq!((&left["etag"], left["paused"].is_null()), (&own["etag"], true));

    declare(&mut server, &format!("{FIRST}paused = false\n"));
    let back = server.json(&["schedule", "get", "nightly"]);
    assert!(back["paused"].is_null() && back["nextTime"].is_string(), "{back}");
    // Without a file nothing is declared, and nothing is taken back.
    std::fs::remove_file(server.folder().join("baton.toml")).unwrap();
    server.restart();
    assert!(server.json(&["schedule", "get", "nightly"])["paused"].is_null());
}

#[test]
fn a_file_with_mistakes_starts_nothing_and_all_of_them_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "[types.a]\nexposure = \"privat\"\n[schedules.b]\ncron = \"0 0 30 2 *\"\ntask = {}\n";
    std::fs::write(folder.path().join("baton.toml"), broken).unwrap();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["check-config"]] {
        let run = baton(folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(1));
        let told = text(&run.stderr);
        for place in [
            "baton.toml:2:12: types.a.exposure: ",
            "baton.toml:4:8: schedules.b.cron: ",
        ] {
            assert!(told.contains(place), "{place} is not in {told}");
        }
    }
    assert!(!folder.path().join("baton.db").exists());
    let none = baton(folder.path())
        .args(["check-config", "gone.toml"])
        .output()
        .unwrap();
    assert!(text(&none.stderr).contains("gone.toml"));
    std::fs::write(folder.path().join("baton.toml"), FIRST).unwrap();
    let good = baton(folder.path()).arg("check-config").output().unwrap();
    assert_eq!(
        text(&good.stdout),
        "baton.toml: no mistakes; 1 queue, 1 type, 2 schedules, 0 webhooks, 0 handlers\n"
    );
    let strict = format!("unknown_types = \"refuse\"\n{FIRST}");
    std::fs::write(folder.path().join("baton.toml"), strict).unwrap();
    let doubtful = baton(folder.path()).arg("check-config").output().unwrap();
    let told = text(&doubtful.stdout);
    assert!(doubtful.status.success(), "{told}");
    assert!(
        told.contains("baton.toml:12:17: schedules.nightly.task.type: is not declared here")
            && !told.contains("my-task"),
        "{told}"
    );
}

/// What the file itself says is told by both with its line; what calls have registered only the start can know.
#[test]
fn a_schedule_must_fit_the_type_of_its_task() {
    let mut server = Server::start();
    let schema = r#"{"type": "object", "required": ["url"]}"#;
    server.ok(&["type", "register", "sweep", "--input-schema", schema]);
    let (folder, database) = (server.folder().to_owned(), server.database());
    let run = |arguments: &[&str], file: &str| {
        std::fs::write(folder.join("baton.toml"), file).unwrap();
        let run = baton(&folder)
            .args(arguments)
            .env("BATON_DATABASE", &database)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (run.status.code(), text(&run.stderr))
    };
    let schedule = "[schedules.a]\ninterval = \"1h\"\ntask = { type = \"sweep\" }\n";
    let own = format!("{schedule}[types.sweep]\ninput_schema = {{ required = [\"url\"] }}\n");
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for arguments in [&serve[..], &["check-config"]] {
        let (code, told) = run(arguments, &own);
        assert_eq!(code, Some(1));
        let place = "baton.toml:3:8: schedules.a.task.input.url: Config missing: url";
        assert!(told.contains(place), "{told}");
    }
    assert_eq!(run(&["check-config"], schedule).0, Some(0));
    server.stop();
    let (code, told) = run(&serve, schedule);
    assert_eq!(code, Some(1));
    assert!(
        told.contains("schedules.a: ")
            && told.contains("Config missing: url")
            && told.contains("SCHEMA_VIOLATION"),
        "{told}"
    );
}
