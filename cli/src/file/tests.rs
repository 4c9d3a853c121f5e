use std::path::Path;

use super::*;

fn told(text: &str) -> Vec<String> {
    let found = BatonFile::understand(text).expect_err("it has mistakes");
    let told = Mistakes::new(Path::new("baton.toml"), text, found).to_string();
    told.lines().map(str::to_owned).collect()
}

/// Every table that there is.
const WHOLE: &str = r#"
database = "sqlite:orchestrator.db"
unknown_types = "refuse"
[limits]
max_watches = 7

[queues.agents]
concurrency_limit = 5
rate_limit = { count = 10, period = "1s" }
retention = "720h"

[types.doc-sync]
description = "keeps the index of the documents fresh"
exposure = "internal"
priority = "high"
retry_policy = { max_attempts = 3, initial_backoff = "500ms", retry_outcomes = ["error", "timeout"] }
timeouts = { attempt_timeout = "1h30m" }
[types.doc-sync.input_schema]
type = "object"
required = ["docsPath"]
properties.docsPath.type = "string"

[schedules.doc-sync]
cron = "30 2 * * MON-FRI"
time_zone = "Europe/Berlin"
overlap_policy = "buffer-one"
start_time = 2026-11-22T09:00:00Z
[schedules.doc-sync.task]
type = "doc-sync"
input = { docsPath = "docs", depth = 3, ratio = 0.5 }
labels = { team = "docs" }

[schedules.beat]
interval = "5m"
paused = true
task = { type = "doc-sync" }

[handlers.doc-sync]
kind = "heartbeat"
"#;

#[test]
fn a_whole_orchestrator_is_one_file() {
    let file = BatonFile::understand(WHOLE).unwrap();
    assert!(file.server.contains("max_watches = 7") && !file.server.contains("schedules"));
    assert_eq!(file.runner.handlers.len(), 1);
    let declared = file.declared.unwrap();
    let queue = &declared.queues[0];
    let rate = queue.queue.rate_limit.as_ref().unwrap();
    assert_eq!(
        (queue.queue.concurrency_limit, rate.count, queue.paused),
        (Some(5), 10, None)
    );
    let [doc_sync] = &declared.task_types[..] else {
        panic!("{declared:?}");
    };
    assert_eq!((doc_sync.name.as_str(), doc_sync.exposure), ("doc-sync", 2));
    let policy = doc_sync.retry_policy.as_ref().unwrap();
    assert_eq!(
        (policy.max_attempts, policy.retry_outcomes.as_slice()),
        (Some(3), &[2, 3][..])
    );
    assert_eq!(policy.initial_backoff.unwrap().nanos, 500_000_000);
    let paused: Vec<_> = declared
        .schedules
        .iter()
        .map(|declared| declared.paused)
        .collect();
    assert_eq!(paused, [Some(true), None]);
    let nightly = &declared.schedules[1].schedule;
    assert_eq!(
        (nightly.time_zone.as_str(), nightly.overlap_policy),
        ("Europe/Berlin", 2)
    );
    let task = nightly.task.as_ref().unwrap();
    assert_eq!(task.labels["team"], "docs");
    let input: serde_json::Value = baton_client::value::read_json(task.input.as_ref().unwrap()).unwrap();
    assert_eq!(
        input,
        serde_json::json!({"docsPath": "docs", "depth": 3, "ratio": 0.5})
    );
}

#[test]
fn every_mistake_is_told_with_its_line_and_column() {
    let text = r#"
databse = "sqlite:x"
drain_grace_ms = "long"

[limits]
max_watchs = 1

[types.sweep]
exposure = "privat"
input_schema = { properties = { n = { type = "whole" } } }
retry_policy = { max_attempts = 1000 }

[schedules.nightly]
cron = "0 0 30 2 *"
time_zone = "Mars/Olympus"
overlp_policy = "skip"
fired_count = 3

[schedules.often]
interval = "often"
task = { type = "no spaces", input = 3 }

[handlers.a]
kind = "proces"
[handlers.b]
kind = "process"
programm = "x"
"#;
    let told = told(text);
    let expected = [
        "baton.toml:2:1: databse: is not known; did you mean `database`?",
        "baton.toml:3:18: drain_grace_ms: ",
        "baton.toml:6:1: limits.max_watchs: is not known; did you mean `max_watches`?",
        "baton.toml:9:12: types.sweep.exposure: \"privat\" is not known; there are public, internal",
        "baton.toml:16:1: schedules.nightly.overlp_policy: is not known; did you mean `overlap_policy`?",
        "baton.toml:17:1: schedules.nightly.fired_count: is not known",
        "baton.toml:20:12: schedules.often.interval: must be a time such as",
        "baton.toml:24:8: handlers.a.proces: is not known; did you mean `process`?",
        "baton.toml:27:1: handlers.b.programm: is not known; did you mean `program`?",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
    }
}

#[test]
fn what_a_call_would_be_refused_for_is_told_where_it_stands() {
    let text = r#"
[queues.agents]
key_label = "customer"
rate_limit = { count = 0 }
[types.sweep]
input_schema = { properties = { n = { type = "whole" } } }
retry_policy = { max_attempts = 1000 }
[types."no spaces"]
[schedules.nightly]
cron = "0 0 30 2 *"
time_zone = "Mars/Olympus"
task = { type = "a b", labels = { "" = "x" } }
[schedules.neither]
task = {}
[schedules.Upper]
interval = "1ms"
task = {}
"#;
    let told = told(text);
    for expected in [
        "baton.toml:4:24: queues.agents.rate_limit.count: ",
        "baton.toml:6:46: types.sweep.input_schema.properties.n.type: must be null, boolean,",
        "baton.toml:7:33: types.sweep.retry_policy.max_attempts: must be 1 to 100",
        "baton.toml:8:8: types.no spaces.name: ",
        "baton.toml:10:8: schedules.nightly.cron: names no day that exists",
        "baton.toml:11:13: schedules.nightly.time_zone: must be the IANA name",
        "baton.toml:12:17: schedules.nightly.task.type: ",
        "baton.toml:13:12: schedules.neither.cron: must be given, or ",
        "baton.toml:15:12: schedules.Upper.name: ",
        "baton.toml:16:12: schedules.Upper.interval: must be at least 1 s",
    ] {
        assert!(
            told.iter().any(|told| told.starts_with(expected)),
            "{expected} is not in {told:#?}"
        );
    }
}

#[test]
fn what_is_no_toml_is_told_too_all_of_it() {
    let told = told("a = \nb = ]\n");
    assert!(
        told.len() >= 2 && told[0].starts_with("baton.toml:1:"),
        "{told:#?}"
    );
}

#[test]
fn what_a_runner_cannot_do_has_its_place() {
    let told = told("[worker]\nconcurrency = 0\n[handlers.a]\nkind = 'process'\nprogram = 'gone'\n");
    assert!(
        told[0].starts_with("baton.toml:2:15: worker.concurrency: "),
        "{told:#?}"
    );
    assert!(
        told[1].starts_with("baton.toml:5:11: handlers.a.program: "),
        "{told:#?}"
    );
}
