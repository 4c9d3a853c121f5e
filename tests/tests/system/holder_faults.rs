//! What holders ask comes twice at once, or in the wrong order: once it counts, and what comes too late changes nothing.

use std::collections::BTreeSet;

use baton_client::{EventType, NewTask, proto};
use baton_proto::v1::Task;
use baton_tests::harness::faults::Injected;
use baton_tests::harness::{TestServer, wire};
use futures::future::join_all;
use serde_json::{Value, json};
use tonic::{Response, Status};

use crate::leases::{reason, seconds};
use crate::support::{created, get};

/// A call, and its body but for the task and the token.
type Ask = (&'static str, &'static str);

const START: Ask = ("StartTask", "{}");
const COMPLETE: Ask = ("CompleteTask", r#"{"output": {"json": 1}}"#);
const PROGRESS: Ask = ("UpdateProgress", r#"{"progress": {"percent": 5}}"#);
const SAVE: Ask = ("SaveCheckpoint", r#"{"checkpoint": {"json": 7}}"#);
const APPEND: Ask = ("AppendOutput", r#"{"chunk": {"json": "Once"}, "index": 0}"#);
const ASK: Ask = ("RequestInput", r#"{"input_request": {"prompt": "?"}}"#);
const SUBMIT: Ask = ("SubmitForReview", "{}");
const FAIL: Ask = ("FailTask", r#"{"error": {"message": "no"}}"#);
const RELEASE: Ask = ("ReleaseTask", "{}");
const SNOOZE: Ask = ("SnoozeTask", r#"{"delay": "60s"}"#);
const RENEW: Ask = ("RenewLeases", "{}");
const RENEW_TELLING: Ask = ("RenewLeases", r#"{"progress": {"percent": 5}}"#);
const REPORT: Ask = ("ReportTasks", r#"{"complete": {"output": {"json": 1}}}"#);
const REPORT_FAIL: Ask = ("ReportTasks", r#"{"fail": {"error": {"message": "no"}}}"#);
const REPORT_RELEASE: Ask = ("ReportTasks", r#"{"release": {}}"#);
const REPORT_SNOOZE: Ask = ("ReportTasks", r#"{"snooze": {"delay": "60s"}}"#);
const GRANT: Ask = (
    "AssignTask",
    r#"{"assignee": {"type": "ACTOR_TYPE_AGENT", "id": "w"}, "lease_duration": "60s"}"#,
);
const GRANT_ANEW: Ask = (
    "AssignTask",
    r#"{"assignee": {"type": "ACTOR_TYPE_AGENT", "id": "v"}, "lease_duration": "60s"}"#,
);
const CANCEL: Ask = ("CancelTask", "{}");
const PAUSE: Ask = ("PauseTask", "{}");
const RESUME: Ask = ("ResumeTask", "{}");
/// Longer than the lease.
const PASS: Ask = ("AdvanceClock", r#"{"duration": "61s"}"#);
const UNTIL_BACK: Ask = (
    "WaitTask",
    r#"{"until_states": ["TASK_STATE_QUEUED", "TASK_STATE_SCHEDULED"], "timeout": "60s"}"#,
);

/// What comes before each call from the grant on, the call, and all that it does.
const EFFECTS: &[(&[Ask], Ask, &[EventType])] = &[
    (&[], START, &[EventType::Started]),
    (&[START], PROGRESS, &[EventType::Progress]),
    (&[START], SAVE, &[EventType::Checkpoint]),
    (&[START], APPEND, &[EventType::Output]),
    (&[START], ASK, &[EventType::InputRequested]),
    (&[START], SUBMIT, &[EventType::Submitted]),
    (&[START], COMPLETE, &[EventType::Completed]),
    // A late receipt: the lease ended with the question.
    (&[START, ASK], COMPLETE, &[EventType::Completed]),
    (&[START], FAIL, &[EventType::RetryScheduled]),
    (&[], FAIL, &[EventType::RetryScheduled]),
    (&[START], RELEASE, &[EventType::Released]),
    (&[], RELEASE, &[EventType::Released]),
    (&[START], SNOOZE, &[EventType::Snoozed]),
    (&[], RENEW, &[EventType::Started]),
    (&[], RENEW_TELLING, &[EventType::Started, EventType::Progress]),
    (&[START], RENEW, &[]),
    (&[START], RENEW_TELLING, &[EventType::Progress]),
    (&[], REPORT, &[EventType::Started, EventType::Completed]),
    (&[START], REPORT, &[EventType::Completed]),
    (&[], REPORT_FAIL, &[EventType::Started, EventType::RetryScheduled]),
    (&[], REPORT_RELEASE, &[EventType::Released]),
    (&[], REPORT_SNOOZE, &[EventType::Started, EventType::Snoozed]),
];

const ILLEGAL: &str = "INVALID_STATE_TRANSITION";
const LEASE_LOST: &str = "LEASE_LOST";
const LOST: &str = "LEASE_DIRECTIVE_LOST";

/// What comes before each call from the grant on, the call, and its answer: a reason, a directive, or OK.
const TOO_LATE: &[(&[Ask], Ask, &str)] = &[
    // After the end.
    (&[START, COMPLETE], RENEW, LOST),
    (&[START, COMPLETE], PROGRESS, ILLEGAL),
    (&[START, COMPLETE], REPORT_FAIL, ILLEGAL),
    (&[START, SUBMIT], SAVE, ILLEGAL),
    (&[START, ASK], RENEW, LOST),
    (&[START, FAIL], COMPLETE, LEASE_LOST),
    (&[START, SNOOZE], PROGRESS, LEASE_LOST),
    // After somebody else decided.
    (&[START, CANCEL], PROGRESS, LEASE_LOST),
    (&[START, CANCEL], RENEW_TELLING, "LEASE_DIRECTIVE_CANCEL"),
    (&[CANCEL], START, LEASE_LOST),
    (&[START, PAUSE], APPEND, LEASE_LOST),
    (&[START, PAUSE, RESUME], PROGRESS, LEASE_LOST),
    (&[START, PAUSE, RESUME], RENEW, LOST),
    // After it was given back.
    (&[START, RELEASE], SAVE, LEASE_LOST),
    (&[RELEASE], START, LEASE_LOST),
    // After a newer grant.
    (&[RELEASE, GRANT_ANEW], REPORT, LEASE_LOST),
    (&[RELEASE, GRANT_ANEW], START, LEASE_LOST),
    (&[RELEASE, GRANT_ANEW], RENEW_TELLING, LOST),
    // To the same holder: another grant all the same.
    (&[START, RELEASE, GRANT], SNOOZE, LEASE_LOST),
    // Repeats, and so no other moves.
    (&[START, RELEASE, GRANT_ANEW], RELEASE, "OK"),
    (&[START, PROGRESS, SAVE], START, "OK"),
    (&[START, ASK, COMPLETE], ASK, "OK"),
    (&[START, SUBMIT, FAIL], SUBMIT, "OK"),
    (&[START, SUBMIT, FAIL], FAIL, "OK"),
    // The renewal started it.
    (&[RENEW], START, "OK"),
    // After the lease ran out.
    (&[PASS, UNTIL_BACK], START, LEASE_LOST),
    (&[PASS, UNTIL_BACK], REPORT, LEASE_LOST),
    (&[PASS, UNTIL_BACK], RENEW, LOST),
    (&[START, PASS, UNTIL_BACK], COMPLETE, LEASE_LOST),
    (&[START, PASS, UNTIL_BACK], PROGRESS, LEASE_LOST),
    (&[START, PASS, UNTIL_BACK], RENEW_TELLING, LOST),
];

/// The field that holds what a call asks of each of many tasks.
fn list(call: &str) -> Option<&'static str> {
    match call {
        "ReportTasks" => Some("reports"),
        "RenewLeases" => Some("renewals"),
        _ => None,
    }
}

/// The request, with the task and the token where the call takes them.
fn request((call, body): Ask, id: &str, token: &str) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap();
    let input = wire::method(call).input();
    for (field, value) in [("id", id), ("lease_token", token)] {
        if list(call).is_some() || input.get_field_by_name(field).is_some() {
            body[field] = json!(value);
        }
    }
    match list(call) {
        Some(field) => json!({ field: [body] }),
        None => body,
    }
}

type Answer = Result<Response<Value>, Status>;

async fn send(server: &TestServer, asked: Ask, id: &str, token: &str) -> Answer {
    wire::call_json_whole(server.channel(), asked.0, &request(asked, id, token)).await
}

/// The reason of a refusal; for a renewal the directive, unless it is to go on; else OK.
fn answer_of((call, _): Ask, answer: &Answer) -> String {
    let answer = match answer {
        Ok(answer) => answer.get_ref(),
        Err(status) => return reason(status),
    };
    let told = match (call, &answer["results"][0], &answer["updates"][0]["directive"]) {
        ("ReportTasks", result, _) if result["task"].is_object() => "OK",
        ("ReportTasks", result, _) => result["error"]["reason"].as_str().unwrap(),
        ("RenewLeases", _, directive) if directive == "LEASE_DIRECTIVE_CONTINUE" => "OK",
        ("RenewLeases", _, directive) => directive.as_str().unwrap(),
        _ => "OK",
    };
    told.to_owned()
}

/// A task that was granted by lease and went through these calls, and the token of the first grant.
async fn held(server: &TestServer, before: &[Ask]) -> (Task, String) {
    // Longer than any test: nothing becomes due by itself.
    let policy = proto::RetryPolicy {
        initial_backoff: seconds(600),
        max_backoff: seconds(600),
        ..proto::RetryPolicy::default()
    };
    let task = created(server, NewTask::new("test").retry_policy(policy)).await;
    let granted = send(server, GRANT, &task.id, "").await.unwrap().into_inner();
    let token = granted["lease_token"].as_str().unwrap().to_owned();
    for asked in before {
        let answer = send(server, *asked, &task.id, &token).await;
        assert_eq!(answer_of(*asked, &answer), "OK", "{asked:?}: {answer:?}");
    }
    (get(server, &task.id).await, token)
}

#[test]
fn every_call_with_a_token_is_repeated_here() {
    let mut methods = wire::methods();
    methods.retain(|method| {
        list(method.name()).is_some() || method.input().get_field_by_name("lease_token").is_some()
    });
    let methods: BTreeSet<_> = methods.iter().map(|method| method.name()).collect();
    let rows: BTreeSet<_> = EFFECTS.iter().map(|(_, asked, _)| asked.0).collect();
    assert_eq!(rows, methods);
}

#[tokio::test]
async fn what_comes_many_times_at_once_happens_once() {
    let fault = Injected::new("F18");
    let server = TestServer::start().await;
    server.history().others_act_too();
    for (copies, (before, asked, effects)) in (2..=5).flat_map(|n| EFFECTS.iter().map(move |row| (n, row))) {
        fault.once();
        let (task, token) = held(&server, before).await;
        let answers = join_all((0..copies).map(|_| send(&server, *asked, &task.id, &token))).await;
        let row = format!("{copies} times {asked:?} after {before:?}: {answers:?}");
        assert!(
            answers.iter().all(|answer| answer_of(*asked, answer) == "OK"),
            "{row}"
        );
        if list(asked.0).is_none() {
            let replayed = |answer: &&Answer| {
                let answer = answer.as_ref().unwrap();
                answer.metadata().contains_key("baton-replayed")
            };
            assert_eq!(answers.iter().filter(replayed).count(), copies - 1, "{row}");
        }
        let log = server.ok(server.client().list_events(&task.id)).await.events;
        let news = log.iter().filter(|event| event.sequence > task.revision);
        assert_eq!(news.map(|e| e.r#type()).collect::<Vec<_>>(), *effects, "{row}");
    }
    server.finish().await;
}

#[tokio::test]
async fn what_comes_in_the_wrong_order_changes_nothing() {
    let fault = Injected::new("F19");
    let server = TestServer::start().await;
    server.history().others_act_too();
    for (before, asked, told) in TOO_LATE {
        fault.once();
        let (task, token) = held(&server, before).await;
        let answer = send(&server, *asked, &task.id, &token).await;
        let row = format!("{asked:?} after {before:?}: {answer:?}");
        assert_eq!(answer_of(*asked, &answer), *told, "{row}");
        assert_eq!(get(&server, &task.id).await, task, "{row}");
    }
    server.finish().await;
}

/// A refusal is not remembered: in its right place the same call counts.
#[tokio::test]
async fn what_came_too_early_can_come_again() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    for asked in [COMPLETE, PROGRESS, SAVE, APPEND, ASK, SUBMIT, SNOOZE] {
        let (task, token) = held(&server, &[]).await;
        for (call, told, news) in [(asked, ILLEGAL, 0), (START, "OK", 1), (asked, "OK", 2)] {
            let answer = send(&server, call, &task.id, &token).await;
            assert_eq!(answer_of(call, &answer), told, "{asked:?}: {answer:?}");
            let revision = get(&server, &task.id).await.revision;
            assert_eq!(revision, task.revision + news, "{asked:?}");
        }
    }
    server.finish().await;
}
