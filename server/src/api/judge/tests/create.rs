use super::*;

pub(super) fn with(task: v1::Task) -> v1::CreateTaskRequest {
    v1::CreateTaskRequest {
        task: Some(task),
        ..Default::default()
    }
}

fn on(task_id: &str, sibling: &str) -> v1::Dependency {
    v1::Dependency {
        task_id: task_id.to_owned(),
        r#ref: sibling.to_owned(),
        ..Default::default()
    }
}

pub(super) fn full_task() -> v1::Task {
    v1::Task {
        namespace: "acme".to_owned(),
        queue: "reports".to_owned(),
        r#type: "report/generate.V2".to_owned(),
        priority: v1::TaskPriority::High.into(),
        title: "Write the report \u{202e}".to_owned(),
        input: Some(number(1.5)),
        description: "ü".repeat(16_384),
        labels: BTreeMap::from([("app.kubernetes.io/name".to_owned(), "ü".repeat(256))]),
        metadata: Some(document(deep(23))),
        assignee: Some(human("ada")),
        parent_id: OTHER.to_uppercase(),
        dependencies: vec![on(OTHER, "")],
        schedule_time: Some(Timestamp {
            seconds: -1,
            nanos: 5,
        }),
        retry_policy: Some(v1::RetryPolicy {
            max_attempts: Some(100),
            initial_backoff: Some(seconds(0)),
            max_backoff: Some(seconds(7 * 86_400)),
            backoff_multiplier: Some(10.0),
            jitter: Some(0.0),
            retry_outcomes: vec![
                v1::AttemptOutcome::Killed.into(),
                v1::AttemptOutcome::LeaseExpired.into(),
            ],
            non_retryable_codes: vec!["bad_input".to_owned()],
        }),
        verification: Some(v1::Verification {
            mode: v1::VerificationMode::Manual.into(),
            grace: None,
        }),
        function: Some(v1::TaskFunction {
            kind: v1::TaskFunctionKind::Agentic.into(),
            name: "generate".to_owned(),
            args: Some(document(deep(1))),
            output: Some(deep(24)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[test]
fn a_task_may_be_empty_and_may_be_full() {
    accepted("CreateTask", &with(v1::Task::default()));
    let request = v1::CreateTaskRequest {
        request_id: ID.to_owned(),
        task_id: ID.to_owned(),
        actor: Some(human("ada")),
        hold: true,
        ..with(full_task())
    };
    accepted("CreateTask", &request);
}

#[test]
fn what_is_the_servers_is_ignored() {
    let request = with(v1::Task {
        id: "no id".to_owned(),
        state: 99,
        output: Some(v1::Payload::default()),
        creator: Some(system()),
        revision: -1,
        attempt: -1,
        create_time: Some(Timestamp {
            seconds: i64::MAX,
            nanos: -1,
        }),
        ..Default::default()
    });
    accepted("CreateTask", &request);
}

#[test]
fn every_field_is_judged_and_everything_wrong_is_told() {
    let task = v1::Task {
        namespace: "Default".to_owned(),
        queue: "x".repeat(65),
        r#type: "a b".to_owned(),
        priority: 6,
        title: "x".repeat(257),
        input: Some(v1::Payload::default()),
        description: "\0".to_owned(),
        labels: BTreeMap::from([
            ("a b".to_owned(), String::new()),
            ("k".to_owned(), "\0".to_owned()),
        ]),
        assignee: Some(v1::Actor::default()),
        parent_id: "x".to_owned(),
        dependencies: vec![
            on("", ""),
            on(ID, "a"),
            on("", "a"),
            v1::Dependency {
                on_failure: 9,
                ..on(ID, "")
            },
        ],
        schedule_time: Some(Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        verification: Some(v1::Verification { mode: 4, grace: None }),
        function: Some(v1::TaskFunction::default()),
        ..Default::default()
    };
    let expected = [
        ("task.namespace", "a-z 0-9 . _ -"),
        ("task.queue", "1 to 64 characters"),
        ("task.type", "letters, digits and . _ / -"),
        ("task.function.kind", "must be given"),
        ("task.function.name", "must not be empty"),
        ("task.title", "at most 256 characters"),
        ("task.description", "NUL"),
        ("task.input", "must be given"),
        ("task.priority", "6 is none"),
        (r#"task.labels["a b"]"#, "key of 1 to 63"),
        ("task.labels.k", "NUL"),
        ("task.assignee.type", "must be given"),
        ("task.assignee.id", "must not be empty"),
        ("task.parent_id", "must be a UUID"),
        ("task.dependencies[0].task_id", "must be given"),
        ("task.dependencies[1].task_id", "together with ref"),
        ("task.dependencies[2].ref", "outside BatchCreateTasks"),
        ("task.dependencies[3].on_failure", "9 is none"),
        ("task.schedule_time", "year 1 to 9999"),
        ("task.verification.mode", "4 is none"),
    ];
    refused("CreateTask", &with(task), Reason::InvalidField, &expected);
}

#[test]
fn the_call_around_the_task_is_judged_too() {
    let request = v1::CreateTaskRequest {
        task: None,
        request_id: "1".to_owned(),
        actor: Some(system()),
        r#ref: "a".to_owned(),
        task_id: "2".to_owned(),
        ..Default::default()
    };
    let expected = [
        ("task_id", "UUID"),
        ("request_id", "UUID"),
        ("actor.type", "ACTOR_TYPE_SYSTEM"),
        ("ref", "outside BatchCreateTasks"),
        ("task", "must be given"),
    ];
    refused("CreateTask", &request, Reason::InvalidField, &expected);
}

#[test]
fn a_start_is_named_once() {
    let delayed = |delay| v1::CreateTaskRequest {
        delay: Some(delay),
        ..with(v1::Task::default())
    };
    accepted("CreateTask", &delayed(seconds(3_650 * 86_400)));
    for wrong in [
        seconds(-1),
        seconds(3_650 * 86_400 + 1),
        Duration {
            seconds: 1,
            nanos: -1,
        },
    ] {
        refused(
            "CreateTask",
            &delayed(wrong),
            Reason::InvalidField,
            &[("delay", "must")],
        );
    }
    let mut both = delayed(seconds(1));
    both.task = Some(v1::Task {
        schedule_time: Some(Timestamp::default()),
        ..Default::default()
    });
    let expected = [("task.schedule_time", "together with delay")];
    refused("CreateTask", &both, Reason::InvalidField, &expected);
}

#[test]
fn payloads_are_judged_by_size_and_content() {
    let input = |input| {
        with(v1::Task {
            input: Some(input),
            ..Default::default()
        })
    };
    // 1 MiB counts the tag and the length too.
    accepted("CreateTask", &input(data(1024 * 1024 - 4)));
    let expected = [("task.input", "1048576 bytes")];
    refused(
        "CreateTask",
        &input(data(1024 * 1024 - 3)),
        Reason::PayloadTooLarge,
        &expected,
    );
    let of = |kind| v1::Payload {
        kind: Some(kind),
        ..Default::default()
    };
    accepted(
        "CreateTask",
        &input(of(Kind::JsonText("[9007199254740993]".to_owned()))),
    );
    let typed = v1::Payload {
        media_type: "a\u{200b}".to_owned(),
        ..data(1)
    };
    for (payload, path, what) in [
        (number(f64::NAN), "task.input.json", "NaN"),
        (number(9_007_199_254_740_993.0), "task.input.json", "2^53"),
        (of(Kind::Json(Value { kind: None })), "task.input.json", "kind"),
        (
            of(Kind::JsonText("{".to_owned())),
            "task.input.json_text",
            "is not JSON",
        ),
        (of(Kind::Uri(String::new())), "task.input.uri", "empty"),
        (typed, "task.input.media_type", "U+200B"),
    ] {
        refused(
            "CreateTask",
            &input(payload),
            Reason::InvalidField,
            &[(path, what)],
        );
    }
}

#[test]
fn documents_beside_payloads_have_64_kib_and_24_levels() {
    let text = |len| Value {
        kind: Some(value::Kind::StringValue("x".repeat(len))),
    };
    let metadata = |inner| {
        with(v1::Task {
            metadata: Some(document(inner)),
            ..Default::default()
        })
    };
    accepted("CreateTask", &metadata(text(65_000)));
    let expected = [("task.metadata", "at most 65536 bytes")];
    refused(
        "CreateTask",
        &metadata(text(65_536)),
        Reason::InvalidField,
        &expected,
    );
    let path = format!("task.metadata.k{}", "[0]".repeat(23));
    let expected = [(path.as_str(), "deeper than 24")];
    refused("CreateTask", &metadata(deep(24)), Reason::InvalidField, &expected);
    let function = v1::TaskFunction {
        kind: v1::TaskFunctionKind::Code.into(),
        name: "f".to_owned(),
        args: Some(document(text(40_000))),
        output: Some(text(40_000)),
        ..Default::default()
    };
    let request = with(v1::Task {
        function: Some(function),
        ..Default::default()
    });
    let expected = [("task.function", "at most 65536 bytes")];
    refused("CreateTask", &request, Reason::InvalidField, &expected);
}

#[test]
fn policies_are_judged() {
    let policy = |policy| {
        with(v1::Task {
            retry_policy: Some(policy),
            ..Default::default()
        })
    };
    accepted("CreateTask", &policy(v1::RetryPolicy::default()));
    let all_wrong = v1::RetryPolicy {
        max_attempts: Some(0),
        initial_backoff: Some(seconds(-1)),
        max_backoff: Some(seconds(7 * 86_400 + 1)),
        backoff_multiplier: Some(f64::NAN),
        jitter: Some(1.5),
        retry_outcomes: vec![v1::AttemptOutcome::Ok.into()],
        non_retryable_codes: vec![String::new(), "a\n".to_owned()],
    };
    let expected = [
        ("task.retry_policy.max_attempts", "1 to 100"),
        ("task.retry_policy.initial_backoff", "negative"),
        ("task.retry_policy.max_backoff", "7 days"),
        ("task.retry_policy.backoff_multiplier", "1 to 10"),
        ("task.retry_policy.jitter", "0 to 1"),
        ("task.retry_policy.retry_outcomes[0]", "OK is none"),
        ("task.retry_policy.non_retryable_codes[0]", "empty"),
        ("task.retry_policy.non_retryable_codes[1]", "U+000A"),
    ];
    refused("CreateTask", &policy(all_wrong), Reason::InvalidField, &expected);
    let crossed = v1::RetryPolicy {
        initial_backoff: Some(seconds(10)),
        max_backoff: Some(seconds(9)),
        ..Default::default()
    };
    let expected = [("task.retry_policy.max_backoff", "10 s")];
    refused("CreateTask", &policy(crossed), Reason::InvalidField, &expected);
    let above_default = v1::RetryPolicy {
        initial_backoff: Some(seconds(61)),
        ..Default::default()
    };
    let expected = [("task.retry_policy.initial_backoff", "max_backoff, 60 s")];
    refused(
        "CreateTask",
        &policy(above_default),
        Reason::InvalidField,
        &expected,
    );
}
