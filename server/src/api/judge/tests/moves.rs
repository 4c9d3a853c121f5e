use super::*;

#[test]
fn every_move_needs_an_id_and_knows_its_actor() {
    // Fields 1, 2 and 5 are the same in all of them, so one message stands for all.
    let common = v1::QueueTaskRequest {
        id: "no".to_owned(),
        request_id: "no".to_owned(),
        actor: Some(system()),
        ..Default::default()
    };
    let moves = [
        "QueueTask",
        "ScheduleTask",
        "AssignTask",
        "StartTask",
        "UpdateProgress",
        "CompleteTask",
        "FailTask",
        "CancelTask",
        "RetryTask",
        "DiscardTask",
        "PauseTask",
        "ResumeTask",
        "ReleaseTask",
        "SnoozeTask",
        "RequestInput",
        "ProvideInput",
        "SubmitForReview",
        "ApproveTask",
        "RequestRework",
        "RejectTask",
        "AddComment",
        "AddDependency",
        "RemoveDependency",
        "DeleteTask",
        "SaveCheckpoint",
        "AppendOutput",
    ];
    for method in moves {
        let found = violations(judged(method, &common).unwrap_err());
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths[..3], ["id", "request_id", "actor.type"], "{method}");
    }
}

#[test]
fn texts_are_bounded_and_findings_may_be_empty() {
    let cancel = |reason: String| v1::CancelTaskRequest {
        id: ID.to_owned(),
        reason,
        ..Default::default()
    };
    accepted("CancelTask", &cancel("ü".repeat(8_192)));
    refused(
        "CancelTask",
        &cancel("ü".repeat(8_193)),
        Reason::InvalidField,
        &[("reason", "8192")],
    );
    refused(
        "CancelTask",
        &cancel("\0".to_owned()),
        Reason::InvalidField,
        &[("reason", "NUL")],
    );
    let rework = v1::RequestReworkRequest {
        id: ID.to_owned(),
        ..Default::default()
    };
    accepted("RequestRework", &rework);
    let comment = v1::AddCommentRequest {
        id: ID.to_owned(),
        ..Default::default()
    };
    refused(
        "AddComment",
        &comment,
        Reason::InvalidField,
        &[("message", "empty")],
    );
}

#[test]
fn exactly_one_start_is_named() {
    let snooze = v1::SnoozeTaskRequest {
        id: ID.to_owned(),
        ..Default::default()
    };
    refused(
        "SnoozeTask",
        &snooze,
        Reason::InvalidField,
        &[("schedule_time", "or delay")],
    );
    let both = v1::ScheduleTaskRequest {
        id: ID.to_owned(),
        schedule_time: Some(Timestamp::default()),
        delay: Some(seconds(1)),
        ..Default::default()
    };
    let expected = [("schedule_time", "together with delay")];
    refused("ScheduleTask", &both, Reason::InvalidField, &expected);
    accepted("ScheduleTask", &v1::ScheduleTaskRequest { delay: None, ..both });
}

#[test]
fn failures_are_judged() {
    let fail = |error: Option<v1::TaskError>, outcome: i32| v1::FailTaskRequest {
        id: ID.to_owned(),
        error,
        outcome,
        ..Default::default()
    };
    let error = v1::TaskError {
        message: "m".to_owned(),
        ..Default::default()
    };
    for outcome in [0, 2, 3, 4, 5, 6] {
        accepted("FailTask", &fail(Some(error.clone()), outcome));
    }
    for outcome in [1, 7, 8, 9, 10, -1] {
        let request = fail(Some(error.clone()), outcome);
        refused(
            "FailTask",
            &request,
            Reason::InvalidField,
            &[("outcome", "must be")],
        );
    }
    refused(
        "FailTask",
        &fail(None, 0),
        Reason::InvalidField,
        &[("error", "must be given")],
    );
    let wrong = v1::TaskError {
        code: "x".repeat(65),
        details: Some(document(Value { kind: None })),
        retry_after: Some(seconds(7 * 86_400 + 1)),
        ..Default::default()
    };
    let expected = [
        ("error.code", "64"),
        ("error.message", "empty"),
        ("error.details.k", "kind"),
        ("error.retry_after", "7 days"),
    ];
    refused("FailTask", &fail(Some(wrong), 0), Reason::InvalidField, &expected);
}

#[test]
fn progress_is_judged() {
    let told = |progress| v1::UpdateProgressRequest {
        id: ID.to_owned(),
        progress,
        ..Default::default()
    };
    accepted("UpdateProgress", &told(Some(v1::Progress::default())));
    refused(
        "UpdateProgress",
        &told(None),
        Reason::InvalidField,
        &[("progress", "must be given")],
    );
    let wrong = v1::Progress {
        percent: Some(101),
        current_step: "x".repeat(257),
        estimated_time_remaining: Some(seconds(-1)),
        ..Default::default()
    };
    let expected = [
        ("progress.percent", "0 to 100"),
        ("progress.current_step", "256"),
        ("progress.estimated_time_remaining", "negative"),
    ];
    refused(
        "UpdateProgress",
        &told(Some(wrong)),
        Reason::InvalidField,
        &expected,
    );
}

#[test]
fn questions_and_answers_are_judged() {
    let ask = |input_request| v1::RequestInputRequest {
        id: ID.to_owned(),
        input_request: Some(input_request),
        ..Default::default()
    };
    let question = v1::InputRequest {
        prompt: "Which?".to_owned(),
        ..Default::default()
    };
    accepted("RequestInput", &ask(question));
    let wrong = v1::InputRequest {
        key: "k\u{200b}".to_owned(),
        choices: vec!["a".to_owned(), String::new()],
        ..Default::default()
    };
    let expected = [
        ("input_request.key", "U+200B"),
        ("input_request.prompt", "empty"),
        ("input_request.choices[1]", "empty"),
    ];
    refused("RequestInput", &ask(wrong), Reason::InvalidField, &expected);

    let answer = |input| v1::ProvideInputRequest {
        id: ID.to_owned(),
        input,
        ..Default::default()
    };
    let red = json(value::Kind::StringValue("red".to_owned()));
    accepted("ProvideInput", &answer(Some(red)));
    refused(
        "ProvideInput",
        &answer(None),
        Reason::InvalidField,
        &[("input", "must be given")],
    );
    let large = answer(Some(data(65_536)));
    refused(
        "ProvideInput",
        &large,
        Reason::PayloadTooLarge,
        &[("input", "65536 bytes")],
    );
}

#[test]
fn dependencies_are_named_by_id() {
    let add = |dependency| v1::AddDependencyRequest {
        id: ID.to_owned(),
        dependency,
        ..Default::default()
    };
    let on = v1::Dependency {
        task_id: OTHER.to_owned(),
        ..Default::default()
    };
    accepted("AddDependency", &add(Some(on.clone())));
    refused(
        "AddDependency",
        &add(None),
        Reason::InvalidField,
        &[("dependency", "must be given")],
    );
    let by_ref = v1::Dependency {
        r#ref: "a".to_owned(),
        ..Default::default()
    };
    let expected = [("dependency.ref", "outside")];
    refused(
        "AddDependency",
        &add(Some(by_ref)),
        Reason::InvalidField,
        &expected,
    );
    // What is not looked at is not judged.
    let odd = v1::Dependency {
        on_failure: 77,
        result: 77,
        ..on
    };
    let remove = v1::RemoveDependencyRequest {
        id: ID.to_owned(),
        dependency: Some(odd),
        ..Default::default()
    };
    accepted("RemoveDependency", &remove);
}

#[test]
fn assignees_are_anybody_but_the_system() {
    let assign = |assignee| v1::AssignTaskRequest {
        id: ID.to_owned(),
        assignee,
        ..Default::default()
    };
    accepted("AssignTask", &assign(Some(human("ada"))));
    let hidden = human("a\u{202e}da");
    for (assignee, path, what) in [
        (None, "assignee", "must be given"),
        (Some(system()), "assignee.type", "SYSTEM"),
        (Some(hidden), "assignee.id", "U+202E"),
    ] {
        refused(
            "AssignTask",
            &assign(assignee),
            Reason::InvalidField,
            &[(path, what)],
        );
    }
    let unknown = v1::Actor {
        r#type: 9,
        ..human("ada")
    };
    let start = v1::StartTaskRequest {
        id: ID.to_owned(),
        assignee: Some(unknown),
        ..Default::default()
    };
    refused(
        "StartTask",
        &start,
        Reason::InvalidField,
        &[("assignee.type", "9 is none")],
    );
}

#[test]
fn the_clock_moves_forward_only() {
    let advance = |duration| v1::AdvanceClockRequest { duration };
    let microsecond = Duration {
        seconds: 0,
        nanos: 1_000,
    };
    accepted("AdvanceClock", &advance(Some(microsecond)));
    for wrong in [
        None,
        Some(seconds(0)),
        Some(seconds(-1)),
        Some(seconds(3_650 * 86_400 + 1)),
    ] {
        refused(
            "AdvanceClock",
            &advance(wrong),
            Reason::InvalidField,
            &[("duration", "must")],
        );
    }
}
