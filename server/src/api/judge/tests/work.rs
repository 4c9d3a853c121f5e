//! What holders say: receipts, questions, checkpoints, parts of the output, reports; and by what tasks are told apart.

use baton_proto::v1::task_report::Result as Told;

use super::*;

fn create(dedup: v1::Dedup) -> v1::CreateTaskRequest {
    v1::CreateTaskRequest {
        task: Some(v1::Task::default()),
        dedup: Some(dedup),
        ..Default::default()
    }
}

fn keyed(key: &str) -> v1::Dedup {
    v1::Dedup {
        key: key.to_owned(),
        ..Default::default()
    }
}

#[test]
fn a_key_is_given_or_derived_and_never_both() {
    let derived = v1::Dedup {
        derive_key: true,
        window: Some(seconds(1)),
        policy: v1::DedupPolicy::ReplacePending.into(),
        ..Default::default()
    };
    accepted("CreateTask", &create(derived.clone()));
    accepted("CreateTask", &create(keyed(&"ü".repeat(256))));
    let both = v1::Dedup {
        key: "k".to_owned(),
        ..derived
    };
    let cases = [
        (both, "dedup.key", "together with dedup.derive_key"),
        (keyed(""), "dedup.key", "must be given"),
        (keyed(&"k".repeat(257)), "dedup.key", "256"),
        (keyed("a\u{200b}"), "dedup.key", "invisible"),
        (
            v1::Dedup {
                window: Some(seconds(0)),
                ..keyed("k")
            },
            "dedup.window",
            "more than 0",
        ),
        (
            v1::Dedup {
                window: Some(seconds(3_650 * 86_400 + 1)),
                ..keyed("k")
            },
            "dedup.window",
            "3650 days",
        ),
        (
            v1::Dedup {
                policy: 4,
                ..keyed("k")
            },
            "dedup.policy",
            "4 is none",
        ),
    ];
    for (dedup, path, what) in cases {
        refused(
            "CreateTask",
            &create(dedup),
            Reason::InvalidField,
            &[(path, what)],
        );
    }
}

fn complete(receipt: v1::Receipt) -> v1::CompleteTaskRequest {
    v1::CompleteTaskRequest {
        id: ID.to_owned(),
        receipt: Some(receipt),
        ..Default::default()
    }
}

fn done() -> v1::Receipt {
    v1::Receipt {
        status: v1::ReceiptStatus::Completed.into(),
        ..Default::default()
    }
}

#[test]
fn receipts_are_bounded_in_every_part() {
    let full = v1::Receipt {
        blockers: vec![v1::Blocker::default(); 64],
        artifacts: vec![v1::Artifact::default(); 64],
        verification: vec![
            v1::VerificationItem {
                kind: "command".to_owned(),
                value: "ü".repeat(8_192),
                expected: String::new(),
            };
            2
        ],
        summary: "ü".repeat(4_096),
        ..done()
    };
    accepted("CompleteTask", &complete(full.clone()));
    let submit = v1::SubmitForReviewRequest {
        id: ID.to_owned(),
        receipt: Some(full),
        ..Default::default()
    };
    accepted("SubmitForReview", &submit);
    let blocker = v1::Blocker {
        r#type: "t".repeat(65),
        message: "\0".to_owned(),
        ..Default::default()
    };
    let broken = v1::Receipt {
        status: 0,
        blockers: vec![v1::Blocker::default(), blocker],
        artifacts: vec![v1::Artifact::default(); 65],
        summary: "s".repeat(16_385),
        ..Default::default()
    };
    let expected = [
        ("receipt.status", "must be given"),
        ("receipt.blockers[1].type", "64"),
        ("receipt.blockers[1].message", "NUL"),
        ("receipt.artifacts", "64 entries"),
        ("receipt.summary", "16384"),
    ];
    refused("CompleteTask", &complete(broken), Reason::InvalidField, &expected);
    let item = v1::VerificationItem {
        value: "v".repeat(8_000),
        ..Default::default()
    };
    let large = v1::Receipt {
        verification: vec![item; 9],
        ..done()
    };
    let expected = [("receipt", "65536 bytes")];
    refused("CompleteTask", &complete(large), Reason::InvalidField, &expected);
}

#[test]
fn a_question_has_a_default_that_fits_and_a_time_for_it() {
    let ask = |request: v1::InputRequest| v1::RequestInputRequest {
        id: ID.to_owned(),
        input_request: Some(v1::InputRequest {
            prompt: "Which colour?".to_owned(),
            ..request
        }),
        ..Default::default()
    };
    let text = |text: &str| json(value::Kind::StringValue(text.to_owned()));
    let choices = vec!["red".to_owned(), "blue".to_owned()];
    let full = v1::InputRequest {
        schema: Some(document(deep(23))),
        choices,
        deadline_time: Some(Timestamp::default()),
        default_input: Some(text("blue")),
        ..Default::default()
    };
    accepted("RequestInput", &ask(full.clone()));
    let green = v1::InputRequest {
        default_input: Some(text("green")),
        ..full.clone()
    };
    let whenever = v1::InputRequest {
        deadline_time: None,
        ..full.clone()
    };
    let deep = v1::InputRequest {
        schema: Some(document(deep(24))),
        ..full.clone()
    };
    let never = v1::InputRequest {
        deadline_time: Some(Timestamp {
            seconds: 0,
            nanos: -1,
        }),
        ..full
    };
    let cases = [
        (green, "input_request.default_input", "one of the choices"),
        (
            whenever,
            "input_request.deadline_time",
            "input_request.default_input",
        ),
        (never, "input_request.deadline_time", "year 1"),
    ];
    for (request, path, what) in cases {
        refused(
            "RequestInput",
            &ask(request),
            Reason::InvalidField,
            &[(path, what)],
        );
    }
    let found = violations(judged("RequestInput", &ask(deep)).unwrap_err());
    assert!(found[0].0.starts_with("input_request.schema"), "{found:?}");
}

#[test]
fn checkpoints_are_payloads_and_parts_are_small_ones() {
    let checkpoint = |checkpoint| v1::SaveCheckpointRequest {
        id: ID.to_owned(),
        checkpoint,
        ..Default::default()
    };
    accepted("SaveCheckpoint", &checkpoint(Some(data(1 << 19))));
    let expected = [("checkpoint", "must be given")];
    refused(
        "SaveCheckpoint",
        &checkpoint(None),
        Reason::InvalidField,
        &expected,
    );
    let expected = [("checkpoint", "1048576")];
    let large = checkpoint(Some(data(1 << 20)));
    refused("SaveCheckpoint", &large, Reason::PayloadTooLarge, &expected);
    let append = |len, index| v1::AppendOutputRequest {
        id: ID.to_owned(),
        chunk: Some(data(len)),
        index,
        ..Default::default()
    };
    accepted("AppendOutput", &append(65_000, None));
    accepted("AppendOutput", &append(1, Some(0)));
    let expected = [("chunk", "65536")];
    refused(
        "AppendOutput",
        &append(65_536, None),
        Reason::PayloadTooLarge,
        &expected,
    );
    let expected = [("index", "0 to")];
    refused(
        "AppendOutput",
        &append(1, Some(-1)),
        Reason::InvalidField,
        &expected,
    );
}

fn report(id: &str, told: Told) -> v1::TaskReport {
    v1::TaskReport {
        id: id.to_owned(),
        lease_token: "t".to_owned(),
        result: Some(told),
        ..Default::default()
    }
}

fn reports(reports: Vec<v1::TaskReport>) -> v1::ReportTasksRequest {
    v1::ReportTasksRequest { reports }
}

#[test]
fn reports_are_judged_as_the_calls_that_they_stand_for() {
    let release = || Told::Release(v1::ReportedRelease {});
    let snooze = |delay| {
        Told::Snooze(v1::ReportedSnooze {
            delay,
            ..Default::default()
        })
    };
    let fail = |outcome: v1::AttemptOutcome, message: &str| {
        Told::Fail(v1::ReportedFailure {
            error: Some(v1::TaskError {
                message: message.to_owned(),
                ..Default::default()
            }),
            outcome: outcome.into(),
        })
    };
    let complete = |receipt| {
        Told::Complete(v1::ReportedCompletion {
            output: Some(number(1.0)),
            receipt,
        })
    };
    for told in [
        release(),
        snooze(Some(seconds(1))),
        fail(v1::AttemptOutcome::Killed, "no"),
        complete(Some(done())),
    ] {
        accepted("ReportTasks", &reports(vec![report(ID, told)]));
    }
    let broken = |told| reports(vec![report(OTHER, release()), report(ID, told)]);
    let cases = [
        (snooze(None), "reports[1].snooze.schedule_time", "must be given"),
        (
            fail(v1::AttemptOutcome::LeaseExpired, "no"),
            "reports[1].fail.outcome",
            "ERROR, TIMEOUT",
        ),
        (
            fail(v1::AttemptOutcome::Error, ""),
            "reports[1].fail.error.message",
            "empty",
        ),
        (
            complete(Some(v1::Receipt::default())),
            "reports[1].complete.receipt.status",
            "must be given",
        ),
    ];
    for (told, path, what) in cases {
        refused(
            "ReportTasks",
            &broken(told),
            Reason::InvalidField,
            &[(path, what)],
        );
    }
}

#[test]
fn every_report_of_a_call_is_for_another_task() {
    let release = || Told::Release(v1::ReportedRelease {});
    let silent = v1::TaskReport {
        id: ID.to_owned(),
        ..Default::default()
    };
    let expected = [
        ("reports[0].lease_token", "given"),
        ("reports[0]", "one of complete"),
    ];
    refused(
        "ReportTasks",
        &reports(vec![silent]),
        Reason::InvalidField,
        &expected,
    );
    let twice = reports(vec![report(ID, release()), report(ID, release())]);
    let expected = [("reports[1].id", "already")];
    refused("ReportTasks", &twice, Reason::InvalidField, &expected);
    refused(
        "ReportTasks",
        &reports(vec![]),
        Reason::InvalidField,
        &[("reports", "at least one")],
    );
    let many = reports(vec![report(ID, release()); 501]);
    refused("ReportTasks", &many, Reason::BatchTooLarge, &[("reports", "500")]);
}

#[test]
fn runs_are_filtered_by_what_runs_have() {
    let list = |filter: &str| v1::ListTaskRunsRequest {
        filter: filter.to_owned(),
        page_size: 20,
        ..Default::default()
    };
    accepted(
        "ListTaskRuns",
        &list("type = \"my-task\" AND outcome != ATTEMPT_OUTCOME_OK"),
    );
    let all = format!("task_id = {ID} AND queue = a AND assignee.id = b AND attempt > 1 AND NOT outcome:*");
    accepted("ListTaskRuns", &list(&all));
    for filter in [
        "state = QUEUED",
        "labels.a = b",
        "outcome > OK",
        "outcome = BAD",
        "id = 1",
    ] {
        let found = judged("ListTaskRuns", &list(filter)).expect_err(filter);
        assert_eq!(found.reason(), Reason::InvalidFilter, "{filter}");
    }
    let negative = v1::ListTaskRunsRequest {
        page_size: -1,
        ..Default::default()
    };
    refused(
        "ListTaskRuns",
        &negative,
        Reason::InvalidField,
        &[("page_size", "negative")],
    );
}
