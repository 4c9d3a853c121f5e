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
task = { type = "beat" }

[webhooks.chat]
url = "https://hooks.slack.com/services/T0/B0/x"
event_types = ["dead"]
format = "slack"
filter = "queue = \"agents\""

[handlers.doc-sync]
kind = "heartbeat"
"#;

#[test]
fn a_whole_orchestrator_is_one_file() {
    let file = BatonFile::understand(WHOLE).unwrap();
    assert!(file.server.contains("max_watches = 7") && !file.server.contains("schedules"));
    assert_eq!(file.runner.handlers.len(), 1);
    let declared = file.declared.unwrap();
    let chat = &declared.webhooks[0].webhook;
    assert_eq!(
        (chat.name.as_str(), chat.format, chat.event_types.len()),
        ("chat", 2, 1)
    );
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
        "baton.toml:10:46: types.sweep.input_schema.properties.n.type: must be null, boolean,",
        "baton.toml:11:33: types.sweep.retry_policy.max_attempts: must be 1 to 100",
        "baton.toml:14:8: schedules.nightly.cron: names no day that exists",
        "baton.toml:15:13: schedules.nightly.time_zone: must be the IANA name",
        "baton.toml:16:1: schedules.nightly.overlp_policy: is not known; did you mean `overlap_policy`?",
        "baton.toml:17:1: schedules.nightly.fired_count: is not known",
        "baton.toml:20:12: schedules.often.interval: must be a time such as",
        "baton.toml:21:17: schedules.often.task.type: ",
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
fn what_a_schedule_makes_is_judged_by_the_types_of_the_file() {
    let text = r#"
[types.sweep.input_schema]
type = "object"
required = ["url"]
properties.depth = { type = "integer", minimum = 1 }
[types.broken]
input_schema = { type = "objct" }
exposure = "privat"
[types.sealed]
exposure = "internal"
input_schema = { type = "object", required = ["n"] }
namespace = "inside"
[schedules.a]
cron = "30 2 * * *"
task = { type = "sweep", input = { depth = 0 } }
[schedules.b]
cron = "0 0 30 2 *"
overlp_policy = "skip"
[schedules.b.task]
type = "sweep"
labels = 3
[schedules.b.task.input]
url = "x"
depth = "deep"
[schedules.c]
interval = "5m"
namespace = "inside"
task = { type = "sealed" }
[schedules.d]
interval = "5m"
task = { type = "sealed" }
[schedules.e]
interval = "5m"
task = { type = "broken", input = 3 }
"#;
    let told = told(text);
    let expected = [
        "baton.toml:7:25: types.broken.input_schema.type: must be null, boolean,",
        "baton.toml:8:12: types.broken.exposure: \"privat\" is not known",
        "baton.toml:15:34: schedules.a.task.input.url: Config missing: url",
        "baton.toml:15:44: schedules.a.task.input.depth: is less than the minimum of 1",
        "baton.toml:17:8: schedules.b.cron: names no day that exists",
        "baton.toml:18:1: schedules.b.overlp_policy: is not known; did you mean `overlap_policy`?",
        "baton.toml:21:10: schedules.b.task.labels: must be a table",
        "baton.toml:24:9: schedules.b.task.input.depth: must be of type integer",
        "baton.toml:28:8: schedules.c.task.input.n: Config missing: n",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
    }
}

#[test]
fn what_could_not_be_read_is_not_said_to_be_missing_too() {
    let told = told(
        "[schedules.a]\nintervall = '5m'\ntask = {}\n[schedules.b]\ncron = 3\ntask = {}\n[types.c]\nretry_policy = 1\n",
    );
    let expected = [
        "baton.toml:2:1: schedules.a.intervall: is not known; did you mean `interval`?",
        "baton.toml:5:8: schedules.b.cron: must be text: \"..\"",
        "baton.toml:8:16: types.c.retry_policy: must be a table",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_webhook_says_where_its_secrets_stand() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let secret = secret.display();
    let good = format!("[webhooks.a]\nurl = 'https://example.com/'\nsecrets_file = '{secret}'\n");
    let declared = BatonFile::understand(&good).unwrap().declared.unwrap();
    let webhook = &declared.webhooks[0];
    assert_eq!(
        webhook.webhook.secrets,
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    );
    assert!(!format!("{declared:?}").contains("whsec_"));
    let text = format!(
        "[webhooks.a]\nurl_env = 'BATON_TEST_NO_SUCH_VARIABLE'\nsecrets_file = 'gone'\n\
         [webhooks.b]\nurl = 'https://example.com/'\nfilter = 'queue ='\n\
         [webhooks.c]\nurl = 'https://example.com/'\nurl_file = '{secret}'\nevent_types = ['died']\nsecret_env = 'X'\n\
         [webhooks.d]\nsecrets_file = '{secret}'\n",
    );
    let told = told(&text);
    let expected = [
        "baton.toml:2:11: webhooks.a.url_env: the variable BATON_TEST_NO_SUCH_VARIABLE is not set",
        "baton.toml:3:16: webhooks.a.secrets_file: cannot read gone: ",
        "baton.toml:4:11: webhooks.b.secrets_env: must be given, or `secrets_file`",
        "baton.toml:6:10: webhooks.b.filter: ",
        "baton.toml:7:11: webhooks.c.secrets_env: must be given",
        "baton.toml:9:1: webhooks.c.url_file: stands beside another",
        "baton.toml:10:16: webhooks.c.event_types[0]: \"died\" is not known",
        "baton.toml:11:1: webhooks.c.secret_env: is not known; did you mean `secrets_env`?",
        "baton.toml:12:11: webhooks.d.url: must be a URL",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
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
