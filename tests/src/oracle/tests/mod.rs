//! The oracle on a story typed by hand: it finds nothing wrong with a good one, and every planted bug in a bad one.

mod script;

use baton_proto::v1::payload::Kind;
use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{
    AttemptOutcome, Dependency, Payload, PayloadRef, PayloadRole, Progress, RetryPolicy, TaskAssigned,
    TaskError, TaskEventType as Type, TaskFailure, TaskResult, TaskRetried, TaskScheduled,
    TaskState as State,
};
use prost::Message as _;
use prost_types::{Duration, Timestamp};
use sha2::{Digest, Sha256};

use super::evidence::{Call, Evidence, Message, Outcome, Rule, Start, Watch};
use super::{check, plant::BUGS};
use script::{Script, ada, line, second};

fn output(text: &str) -> PayloadRef {
    let payload = Payload {
        kind: Some(Kind::JsonText(text.to_owned())),
        media_type: String::new(),
    };
    PayloadRef {
        role: PayloadRole::Output.into(),
        version: 1,
        size: i64::try_from(payload.encoded_len()).unwrap(),
        sha256: Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        payload: Some(payload),
    }
}

fn to_ada(fence: i64) -> Detail {
    Detail::Assigned(TaskAssigned {
        lease_expire_time: None,
        assignee: Some(ada()),
        fence,
    })
}

fn failure(retry_time: Option<Timestamp>) -> Detail {
    let error = TaskError {
        message: "429".to_owned(),
        ..TaskError::default()
    };
    Detail::Failure(TaskFailure {
        receipt: None,
        outcome: AttemptOutcome::Error.into(),
        error: Some(error),
        retry_time,
    })
}

fn on_a(result: State) -> Dependency {
    Dependency {
        task_id: "a".to_owned(),
        result: result.into(),
        ..Dependency::default()
    }
}

/// A task that is done, one that waited for it, and one that failed until it was dead, and came back.
fn story() -> Script {
    let mut script = Script::default();
    script.create("a", |_| {});
    script.also(line("a", Type::Queued, State::Queued, "ready"));
    script.answer("CreateTask", "a");
    script.create("b", |task| task.dependencies = vec![on_a(State::Unspecified)]);
    script.also(line("b", Type::Blocked, State::Blocked, "dependencies_open"));
    script.answer("CreateTask", "b");
    let grant = line("a", Type::Assigned, State::Assigned, "assigned");
    script.tell(grant.with(to_ada(1)).fence(1));
    script.also(line("a", Type::Started, State::InProgress, "started"));
    script.answer("StartTask", "a");
    let progress = line("a", Type::Progress, State::InProgress, "started");
    script.tell(progress.with(Detail::Progress(Progress::default())));
    script.answer("UpdateProgress", "a");
    let output = Some(output("[1]"));
    let completed = line("a", Type::Completed, State::Completed, "completed");
    script.tell(completed.with(Detail::Result(TaskResult {
        output,
        receipt: None,
    })));
    script.answer("CompleteTask", "a");
    let settled = line(
        "b",
        Type::DependencySettled,
        State::Queued,
        "dependencies_settled",
    );
    script.tell(
        settled
            .with(Detail::Dependency(on_a(State::Completed)))
            .by_baton(),
    );
    hard_life(&mut script);
    script.tell(line("b", Type::Cancelled, State::Cancelled, "cancelled"));
    script.answer("CancelTask", "b");
    script
}

fn hard_life(script: &mut Script) {
    let policy = RetryPolicy {
        max_attempts: Some(2),
        jitter: Some(0.0),
        ..RetryPolicy::default()
    };
    script.create("c", |task| task.retry_policy = Some(policy));
    script.also(line("c", Type::Queued, State::Queued, "ready"));
    script.answer("CreateTask", "c");
    let grant = line("c", Type::Assigned, State::Assigned, "assigned");
    script.tell(grant.with(to_ada(1)).fence(1));
    script.answer("AssignTask", "c");
    let retry_time = Timestamp {
        nanos: 500_000_000,
        ..second(script.seconds + 2)
    };
    let backoff = line("c", Type::RetryScheduled, State::Scheduled, "retry_backoff");
    script.tell(backoff.with(failure(Some(retry_time))).attempt(2));
    script.answer("FailTask", "c");
    script.tell(line("c", Type::Comment, State::Scheduled, "retry_backoff"));
    script.answer("AddComment", "c");
    script.seconds += 1;
    let due = line("c", Type::Assigned, State::Assigned, "assigned");
    script.tell(due.with(to_ada(2)).fence(2).by_baton());
    let dead = line("c", Type::Dead, State::Dead, "retry_budget_spent");
    script.tell(dead.with(failure(None)));
    script.answer("FailTask", "c");
    let retried = Detail::Retried(TaskRetried {
        retry_count: 1,
        input: None,
        delay: Some(Duration {
            seconds: 60,
            nanos: 0,
        }),
    });
    let back = line("c", Type::Retried, State::Scheduled, "retried");
    script.tell(back.with(retried).attempt(1));
    script.answer("RetryTask", "c");
    let schedule_time = Some(second(1_000));
    let later = line("c", Type::Scheduled, State::Scheduled, "scheduled");
    script.tell(later.with(Detail::Scheduled(TaskScheduled { schedule_time })));
    script.answer("ScheduleTask", "c");
}

#[test]
fn a_good_story_has_no_findings() {
    let evidence = story().evidence();
    let findings = check(&evidence);
    assert!(findings.is_empty(), "{findings:#?}");
    let done = &evidence.namespaces["default"].rows[0];
    let two_seconds = Some(Duration { seconds: 2, nanos: 0 });
    assert_eq!((done.state(), done.duration), (State::Completed, two_seconds));
}

#[test]
fn every_planted_bug_is_found() {
    for bug in BUGS {
        let mut evidence = story().evidence();
        assert!(
            (bug.plant)(&mut evidence),
            "the story has no place for: {}",
            bug.name
        );
        let findings = check(&evidence);
        let told = findings
            .iter()
            .any(|finding| bug.found_by.contains(&finding.rule));
        assert!(told, "{}: found {findings:#?}", bug.name);
    }
}

/// The rule that tells a bug, where it is a subtler one.
fn assert_found(rule: Rule, spoil: impl FnOnce(&mut Evidence)) {
    let mut evidence = story().evidence();
    spoil(&mut evidence);
    let findings = check(&evidence);
    assert!(
        findings.iter().any(|finding| finding.rule == rule),
        "{rule:?}: {findings:#?}"
    );
}

#[test]
fn a_task_that_waits_for_ever_is_found() {
    assert_found(Rule::Settles, |evidence| {
        let namespace = evidence.namespaces.get_mut("default").unwrap();
        namespace
            .feed
            .retain(|event| event.task_id != "b" || event.sequence < 3);
    });
}

#[test]
fn a_change_that_nobody_asked_for_is_found() {
    assert_found(Rule::Trace, |evidence| {
        evidence.calls.retain(|call| call.method != "ScheduleTask");
    });
}

#[test]
fn a_refused_call_that_changed_something_is_found() {
    assert_found(Rule::Trace, |evidence| {
        let last = evidence.calls.last_mut().unwrap();
        last.outcome = Outcome::Refused(baton_client::Code::Unavailable, "OVERLOADED".to_owned());
    });
}

#[test]
fn one_event_for_two_calls_is_found() {
    assert_found(Rule::Trace, |evidence| {
        let again = evidence.calls.last().unwrap().clone();
        evidence.calls.push(again);
    });
}

#[test]
fn a_read_from_the_past_is_found() {
    assert_found(Rule::BackInTime, |evidence| {
        let Outcome::Changed { tasks, .. } = evidence.calls[0].outcome.clone() else {
            panic!("the story begins with a change")
        };
        evidence.calls.push(Call {
            begun: 1_000,
            ended: 1_001,
            method: "GetTask",
            actor: None,
            named: Vec::new(),
            outcome: Outcome::Read(tasks),
        });
    });
}

#[test]
fn a_token_that_says_too_much_is_found() {
    assert_found(Rule::Token, |evidence| {
        let whole = evidence.watches.pop().unwrap();
        let cut = |range: &[Message], start| Watch {
            messages: range.to_vec(),
            caught_up: false,
            start,
            ..whole.clone()
        };
        let first = cut(&whole.messages[..3], Start::Oldest);
        let second = cut(&whole.messages[4..], Start::Resume { watch: 0, message: 2 });
        evidence.watches = vec![first, second];
    });
}

#[test]
fn a_final_state_that_is_left_is_found() {
    assert_found(Rule::Final, |evidence| {
        assert!(super::plant::reopen_a_task(evidence));
    });
}
