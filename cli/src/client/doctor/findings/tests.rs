//! What each fact is taken for.

use baton_client::proto::WebhookStatus;

use super::*;

const NOW: i64 = 1_800_000_000;

fn ago(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: NOW - seconds,
        nanos: 0,
    })
}

fn group(state: State, count: i64, waits: i64) -> TaskStatsGroup {
    TaskStatsGroup {
        state: state.into(),
        queue: "mail".to_owned(),
        r#type: "send".to_owned(),
        count,
        oldest_ready_time: ago(waits),
        ..TaskStatsGroup::default()
    }
}

fn worker(id: &str, seen: i64) -> Worker {
    Worker {
        id: id.to_owned(),
        queues: vec!["mail".to_owned()],
        types: vec!["send".to_owned()],
        last_seen_time: ago(seen),
        ..Worker::default()
    }
}

fn facts(groups: Vec<TaskStatsGroup>, workers: Vec<Worker>) -> Facts {
    Facts {
        now: ago(0).unwrap(),
        groups,
        workers,
        queues: Vec::new(),
        silent: Vec::new(),
        webhooks: Vec::new(),
    }
}

/// The findings that are not fine: level, message, what to do.
fn told(facts: &Facts) -> Vec<String> {
    let findings = facts.findings().into_iter();
    let told = findings
        .filter(|finding| finding.level != Level::Ok)
        .map(|finding| {
            let next = finding
                .next
                .expect("whoever is told of something is told what to do");
            format!(
                "{} {}: {} -> {next}",
                finding.level.word(),
                finding.check,
                finding.message
            )
        });
    told.collect()
}

fn queue(limits: Queue, stats: QueueStats) -> QueueFacts {
    QueueFacts {
        name: "mail".to_owned(),
        limits: Some(limits),
        stats,
    }
}

#[test]
fn a_quiet_server_is_fine() {
    let all = facts(vec![group(State::Queued, 3, 10)], vec![worker("w", 20)]);
    assert_eq!(told(&all), Vec::<String>::new());
    let checks: Vec<&str> = all.findings().iter().map(|finding| finding.check).collect();
    assert_eq!(checks, ["database", "queues", "workers", "dead tasks"]);
}

#[test]
fn a_worker_that_was_not_started_is_missed() {
    let told_of = |workers: Vec<Worker>, waits| told(&facts(vec![group(State::Queued, 3, waits)], workers));
    let missed = "no worker asks for `send` in `mail`; 3 tasks wait, the oldest for 2m";
    let start = "start a worker for queue mail: `baton worker --queue mail` with a handler of that type, or your own program";
    assert_eq!(
        told_of(vec![], 120),
        [format!("wrong queues: {missed} -> {start}")]
    );
    // One that was heard of long ago, and one for other types.
    let other = Worker {
        types: vec!["print".to_owned()],
        ..worker("other", 0)
    };
    assert_eq!(told_of(vec![worker("gone", 200), other], 120).len(), 1);
    assert!(
        told_of(vec![], 5)[0].starts_with("look queues"),
        "it may be about to start"
    );
    let draining = Worker {
        draining: true,
        ..worker("w", 0)
    };
    assert_eq!(
        told_of(vec![draining], 120),
        [format!(
            "wrong queues: {missed} -> those who would are draining: `baton worker drain w --resume`"
        )]
    );
}

#[test]
fn a_queue_that_holds_its_tasks_up_is_named() {
    let with = |limits, stats| {
        let mut all = facts(vec![group(State::Queued, 3, 400)], vec![worker("w", 0)]);
        all.queues.push(queue(limits, stats));
        told(&all)
    };
    let stats = QueueStats {
        ready_count: 3,
        leased_count: 5,
        ..QueueStats::default()
    };
    let paused = Queue {
        paused: true,
        ..Queue::default()
    };
    assert_eq!(
        with(paused, stats.clone()),
        ["look queues: `mail` is paused; 3 tasks wait in it -> `baton queue resume mail`"]
    );
    let full = Queue {
        concurrency_limit: Some(5),
        ..Queue::default()
    };
    assert!(with(full, stats.clone())[0].contains("all 5 places are taken"));
    let spent = QueueStats {
        rate_next_time: ago(-2),
        ..stats.clone()
    };
    assert!(with(Queue::default(), spent)[0].contains("by its rate limit"));
    assert!(with(Queue::default(), stats)[0].contains("its workers do not keep up"));
}

#[test]
fn what_waits_for_a_person_is_counted() {
    let mut all = facts(
        vec![
            group(State::Dead, 2, 0),
            group(State::InputRequired, 1, 0),
            group(State::Review, 4, 0),
        ],
        vec![],
    );
    all.silent.push(Task {
        id: "a".to_owned(),
        update_time: ago(7_200),
        ..Task::default()
    });
    let told = told(&all);
    assert!(told[0].starts_with("look dead tasks: 2 tasks: their attempts are spent"));
    assert!(told[1].starts_with("look people: 1 task waits for an answer"));
    assert!(told[2].starts_with("look people: 4 tasks wait for somebody to approve"));
    assert!(told[3].contains("`baton task explain a`"), "{}", told[3]);
}

#[test]
fn a_webhook_whose_messages_do_not_arrive_is_named() {
    let status = |last_error: &str| WebhookStatus {
        lag_count: 3,
        last_error: last_error.to_owned(),
        ..WebhookStatus::default()
    };
    let named = |name: &str, status| Webhook {
        name: name.to_owned(),
        status: Some(status),
        ..Webhook::default()
    };
    let mut all = facts(Vec::new(), Vec::new());
    all.webhooks.push(named("fine", status("")));
    all.webhooks.push(named("down", status("connection refused")));
    all.webhooks.push(Webhook {
        paused: true,
        note: "answered 410".to_owned(),
        ..named("gone", status("410"))
    });
    let told = told(&all);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`down` is not taken: connection refused; 3 events are behind it"));
    assert!(told[1].contains("`gone` is paused (answered 410)") && told[1].contains("webhook resume gone"));
}
