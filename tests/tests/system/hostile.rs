//! Input that nobody should send: it is refused in words, and the server lives on.

use std::time::Duration;

use baton_client::proto::payload::Kind;
use baton_client::proto::{CreateTaskRequest, ListTasksRequest, Payload, Progress, TaskError, TaskFunction};
use baton_client::{Code, NewTask, Reason, Selection, value};
use baton_proto::v1::{Actor, RetryPolicy, Task};
use baton_tests::harness::{TestServer, wire};
use futures::StreamExt;
use prost::Message;
use prost_reflect::MethodDescriptor;
use prost_types::value::Kind as ValueKind;
use prost_types::{ListValue, Struct, Timestamp, Value};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use tonic::Status;

use crate::support::{created, get, id, queued, started};

/// What a hostile call may come back with: a reason of ours, never a fault of the server.
fn assert_civil(status: &Status, what: &str) {
    let civil = !matches!(
        status.code(),
        Code::Internal | Code::Unknown | Code::Cancelled | Code::DataLoss
    );
    assert!(civil, "{what}: {status:?}");
}

/// The server still does its work.
async fn assert_alive(server: &TestServer) {
    let task = queued(server).await;
    assert_eq!(get(server, &task.id).await.revision, 2);
}

async fn refused_with(server: &TestServer, request: CreateTaskRequest, field: &str) {
    let refusal = server.refused(server.client().create(request)).await;
    let fields: Vec<_> = refusal
        .violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert!(
        fields.iter().any(|told| told.starts_with(field)),
        "{field} is not among {fields:?}"
    );
}

fn task(change: impl FnOnce(&mut Task)) -> CreateTaskRequest {
    NewTask::new("test").with(change).into()
}

#[tokio::test]
async fn random_bytes_to_every_method() {
    const ROUNDS: usize = 40;
    let server = TestServer::start().await;
    server.history().others_act_too();
    let mut random = StdRng::seed_from_u64(2_026);
    for method in wire::methods() {
        for round in 0..ROUNDS {
            let mut bytes = vec![0; random.random_range(0..300)];
            random.fill_bytes(&mut bytes);
            tried(&server, &method, bytes, round).await;
        }
        // Bytes that are a message, but with one flipped.
        let mut bytes = sample(&method);
        for round in 0..ROUNDS {
            let place = random.random_range(0..bytes.len());
            bytes[place] ^= 1 << random.random_range(0..8);
            tried(&server, &method, bytes.clone(), round).await;
        }
    }
    assert_alive(&server).await;
    server.finish().await;
}

/// A message that most methods read as one of theirs: an id, a nested message, numbers, text.
fn sample(method: &MethodDescriptor) -> Vec<u8> {
    let mut bytes = CreateTaskRequest {
        task: Some(Task {
            id: id(),
            title: method.name().to_owned(),
            input: Some(value::json(&serde_json::json!({"a": [1, "b", null]})).unwrap()),
            ..Task::default()
        }),
        request_id: id(),
        hold: true,
        ..CreateTaskRequest::default()
    }
    .encode_to_vec();
    bytes.extend(
        ListTasksRequest {
            page_size: 3,
            filter: "state = QUEUED".to_owned(),
            ..ListTasksRequest::default()
        }
        .encode_to_vec(),
    );
    bytes
}

async fn tried(server: &TestServer, method: &MethodDescriptor, bytes: Vec<u8>, round: usize) {
    if method.name() == "AdvanceClock" {
        return; // Random leaps of time are not hostile here: the test server allows them.
    }
    let call = wire::call_bytes(server.channel(), method, bytes.into());
    // A watch or a wait that was understood stays open: that is fine too.
    if let Ok(Err(status)) = tokio::time::timeout(Duration::from_millis(500), call).await {
        assert_civil(&status, &format!("{} round {round}", method.name()));
    }
}

#[tokio::test]
async fn unknown_numbers_of_every_enum_are_refused() {
    let server = TestServer::start().await;
    let client = server.client();
    let of = |change: fn(&mut Task)| task(change);
    let cases = [
        (of(|task| task.priority = 77), "task.priority"),
        (of(|task| task.priority = -1), "task.priority"),
        (
            of(|task| {
                task.assignee = Some(Actor {
                    r#type: 9,
                    id: "a".into(),
                    name: String::new(),
                })
            }),
            "task.assignee.type",
        ),
        (
            of(|task| {
                task.function = Some(TaskFunction {
                    kind: 99,
                    name: "f".into(),
                    ..TaskFunction::default()
                })
            }),
            "task.function.kind",
        ),
        (
            of(|task| task.verification = Some(baton_proto::v1::Verification { mode: 2 })),
            "task.verification.mode",
        ),
        (
            of(|task| {
                task.retry_policy = Some(RetryPolicy {
                    retry_outcomes: vec![2, 50],
                    ..RetryPolicy::default()
                });
            }),
            "task.retry_policy.retry_outcomes[1]",
        ),
        (
            of(|task| {
                task.dependencies = vec![baton_proto::v1::Dependency {
                    task_id: id(),
                    on_failure: 8,
                    ..baton_proto::v1::Dependency::default()
                }];
            }),
            "task.dependencies[0].on_failure",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    let known = queued(&server).await;
    let view = server
        .refused(client.get(&known.id).with(|request| request.view = 5))
        .await;
    assert_eq!(view.violations[0].field, "view");
    let state = client.bulk_cancel(Selection::ids([&known.id]));
    drop(state);
    let state = client.call(baton_client::proto::WaitTaskRequest {
        id: known.id.clone(),
        until_states: vec![99],
        ..Default::default()
    });
    assert_eq!(server.refused(state).await.violations[0].field, "until_states[0]");
    assert_alive(&server).await;
    server.finish().await;
}

fn nested(depth: usize) -> Value {
    let mut value = Value {
        kind: Some(ValueKind::NumberValue(1.0)),
    };
    for _ in 0..depth {
        value = Value {
            kind: Some(ValueKind::ListValue(ListValue { values: vec![value] })),
        };
    }
    value
}

fn json(value: Value) -> Payload {
    Payload {
        kind: Some(Kind::Json(value)),
        media_type: String::new(),
    }
}

#[tokio::test]
async fn payloads_have_their_bounds() {
    let server = TestServer::start().await;
    let with = |payload: Payload| NewTask::new("test").input_payload(payload);
    // Depth, in every message that can carry JSON, and in text.
    server.ok(server.client().create(with(json(nested(23))))).await;
    let deep_text = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let number = |number: f64| {
        json(Value {
            kind: Some(ValueKind::NumberValue(number)),
        })
    };
    let structure = |value: Value| Struct {
        fields: [("a".to_owned(), value)].into(),
    };
    let cases: Vec<(CreateTaskRequest, &str)> = vec![
        (with(json(nested(25))).into(), "task.input.json"),
        (with(value::json_text(deep_text)).into(), "task.input.json_text"),
        (
            with(value::json_text("{\"a\": 1,}")).into(),
            "task.input.json_text",
        ),
        (with(value::json_text("")).into(), "task.input.json_text"),
        (with(json(Value { kind: None })).into(), "task.input.json"),
        (with(number(f64::NAN)).into(), "task.input.json"),
        (with(number(f64::INFINITY)).into(), "task.input.json"),
        (with(number(9_007_199_254_740_992.0)).into(), "task.input.json"),
        (with(number(-1e300)).into(), "task.input.json"),
        (
            with(Payload {
                kind: None,
                media_type: "a/b".to_owned(),
            })
            .into(),
            "task.input",
        ),
        (
            task(|task| task.metadata = Some(structure(nested(25)))),
            "task.metadata",
        ),
        (
            task(|task| task.metadata = Some(structure(Value { kind: None }))),
            "task.metadata",
        ),
        (
            task(|task| task.metadata = Some(structure(text("x".repeat(70_000))))),
            "task.metadata",
        ),
        (
            task(|task| {
                task.function = Some(TaskFunction {
                    kind: 1,
                    name: "f".to_owned(),
                    output: Some(nested(30)),
                    args: Some(structure(nested(30))),
                    ..TaskFunction::default()
                });
            }),
            "task.function",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    // 1 MiB is the encoded Payload: the last byte decides.
    let sized = |bytes: usize| Payload {
        kind: Some(Kind::Data(vec![7; bytes].into())),
        media_type: String::new(),
    };
    let room = (1 << 20) - (sized(1 << 20).encoded_len() - (1 << 20));
    assert_eq!(sized(room).encoded_len(), 1 << 20);
    created(&server, with(sized(room))).await;
    let larger = server
        .refused(server.client().create(with(sized(room + 1))))
        .await;
    assert_eq!(larger.reason, Reason::PayloadTooLarge);
    // Ten megabytes do not come in at all.
    let huge = server.client().create(with(sized(10 << 20)));
    assert_eq!(server.refused(huge).await.reason, Reason::MessageTooLarge);
    // What JSON holds exactly is kept exactly.
    let exact = value::json_text("{\"b\": 9007199254740993, \"a\": 0.1, \"b\": 1e400}");
    let kept = created(&server, with(exact.clone())).await;
    assert_eq!(get(&server, &kept.id).await.input, Some(exact));
    server.finish().await;
}

fn text(text: String) -> Value {
    Value {
        kind: Some(ValueKind::StringValue(text)),
    }
}

#[tokio::test]
async fn strange_text_is_kept_or_refused_but_never_changed() {
    let server = TestServer::start().await;
    for strange in [
        "\u{202e}drowssap",
        "e\u{301}",
        "\u{200b}",
        "🤖👩‍👩‍👧",
        "'; DROP TABLE task; --",
        "%_\\",
        "\r\n\t",
    ] {
        let new = NewTask::new("test")
            .title(strange)
            .description(strange)
            .label("k", strange);
        let task = get(&server, &created(&server, new).await.id).await;
        assert_eq!(
            (
                task.title.as_str(),
                task.description.as_str(),
                task.labels["k"].as_str()
            ),
            (strange, strange, strange)
        );
        let quoted = strange.replace('\\', "\\\\").replace('"', "\\\"");
        let found = server
            .send(server.client().list().filter(format!("title = \"{quoted}\"")))
            .await;
        if let Ok(page) = found {
            assert!(page.tasks.iter().any(|found| found.id == task.id), "{strange:?}");
        }
    }
    // A NUL would be cut off by the database: it is refused wherever text can stand.
    let nul = "a\0b";
    let cases = [
        (task(|task| task.title = nul.to_owned()), "task.title"),
        (task(|task| task.description = nul.to_owned()), "task.description"),
        (task(|task| task.queue = nul.to_owned()), "task.queue"),
        (
            task(|task| task.labels = [("k".to_owned(), nul.to_owned())].into()),
            "task.labels",
        ),
        (
            NewTask::new("test").input_payload(value::uri(nul, "")).into(),
            "task.input",
        ),
        (
            NewTask::new("test")
                .assignee(baton_client::actor::human(nul))
                .into(),
            "task.assignee.id",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    let running = started(&server, NewTask::new("test")).await;
    let client = server.client();
    let comment = server.refused(client.comment(&running.id, nul)).await;
    assert_eq!(comment.violations[0].field, "message");
    let failing = server.refused(client.fail(&running.id, nul)).await;
    assert_eq!(failing.violations[0].field, "error.message");
    let filter = server
        .refused(client.list().filter(format!("title = \"{nul}\"")))
        .await;
    assert_eq!(filter.reason, Reason::InvalidFilter);
    assert_alive(&server).await;
    server.finish().await;
}

#[tokio::test]
async fn extreme_times_and_numbers() {
    let server = TestServer::start().await;
    let client = server.client();
    let at =
        |seconds: i64, nanos: i32| task(move |task| task.schedule_time = Some(Timestamp { seconds, nanos }));
    for (seconds, nanos) in [
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -1),
        (0, 1_000_000_000),
        (253_402_300_800, 0),
    ] {
        refused_with(&server, at(seconds, nanos), "task.schedule_time").await;
    }
    let after = |seconds: i64, nanos: i32| CreateTaskRequest {
        delay: Some(prost_types::Duration { seconds, nanos }),
        ..NewTask::new("test").into()
    };
    for (seconds, nanos) in [
        (-1, 0),
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -5),
        (1, -5),
        (3_650 * 86_400 + 1, 0),
    ] {
        refused_with(&server, after(seconds, nanos), "delay").await;
    }
    let policy = |change: fn(&mut RetryPolicy)| {
        let mut policy = RetryPolicy::default();
        change(&mut policy);
        task(move |task| task.retry_policy = Some(policy))
    };
    let cases = [
        (
            policy(|p| p.max_attempts = Some(0)),
            "task.retry_policy.max_attempts",
        ),
        (
            policy(|p| p.max_attempts = Some(i32::MAX)),
            "task.retry_policy.max_attempts",
        ),
        (
            policy(|p| p.backoff_multiplier = Some(f64::NAN)),
            "task.retry_policy.backoff_multiplier",
        ),
        (
            policy(|p| p.backoff_multiplier = Some(0.5)),
            "task.retry_policy.backoff_multiplier",
        ),
        (
            policy(|p| p.jitter = Some(f64::INFINITY)),
            "task.retry_policy.jitter",
        ),
        (policy(|p| p.jitter = Some(-0.1)), "task.retry_policy.jitter"),
        (
            policy(|p| {
                p.initial_backoff = Some(prost_types::Duration {
                    seconds: -1,
                    nanos: 0,
                })
            }),
            "task.retry_policy.initial_backoff",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    let running = started(&server, NewTask::new("test")).await;
    for percent in [-1, 101, i32::MIN] {
        let refusal = server
            .refused(client.progress(&running.id).percent(percent))
            .await;
        assert_eq!(refusal.violations[0].field, "progress.percent");
    }
    let negative = client.progress(&running.id).with(|request| {
        let guess = Some(prost_types::Duration {
            seconds: -1,
            nanos: 0,
        });
        request.progress = Some(Progress {
            estimated_time_remaining: guess,
            ..Progress::default()
        });
    });
    assert_eq!(
        server.refused(negative).await.violations[0].field,
        "progress.estimated_time_remaining"
    );
    let wait = client.fail(&running.id, "x").with(|request| {
        let error = request.error.get_or_insert_with(TaskError::default);
        error.retry_after = Some(prost_types::Duration {
            seconds: i64::MAX,
            nanos: 0,
        });
    });
    assert_eq!(
        server.refused(wait).await.violations[0].field,
        "error.retry_after"
    );
    assert_eq!(
        server.refused(client.list().page_size(i32::MIN)).await.reason,
        Reason::InvalidField
    );
    let limit = server.refused(client.get(&running.id).event_limit(101)).await;
    assert_eq!(limit.violations[0].field, "event_limit");
    assert_alive(&server).await;
    server.finish().await;
}

#[tokio::test]
async fn sql_in_filters_is_text() {
    let server = TestServer::start().await;
    let kept = created(&server, NewTask::new("test").title("x' OR '1'='1")).await;
    for filter in [
        "title = \"x' OR '1'='1\"",
        "title = \"'; DELETE FROM task; --\"",
        "labels.\"a' OR 1=1 --\" = \"b\"",
        "queue = \"default\" OR 1=1",
        "title = \"\" UNION SELECT * FROM token_key",
        "json_extract(labels, '$') = 1",
    ] {
        match server.send(server.client().list().filter(filter)).await {
            Ok(page) => assert!(page.tasks.iter().all(|task| task.title == kept.title), "{filter}"),
            Err(error) => assert_eq!(error.reason(), Some(&Reason::InvalidFilter), "{filter}"),
        }
    }
    assert_eq!(get(&server, &kept.id).await.title, kept.title);
    server.finish().await;
}

#[tokio::test]
async fn a_hundred_thousand_ids() {
    let server = TestServer::start().await;
    let client = server.client();
    let ids: Vec<_> = (0..100_000).map(|_| id()).collect();
    let batch = server.refused(client.batch_get(&ids)).await;
    assert_eq!(batch.reason, Reason::BatchTooLarge);
    let bulk = server.refused(client.bulk_cancel(Selection::ids(&ids))).await;
    assert_eq!(bulk.reason, Reason::BatchTooLarge);
    let many = task(|task| {
        task.dependencies = ids
            .iter()
            .map(|id| baton_proto::v1::Dependency {
                task_id: id.clone(),
                ..Default::default()
            })
            .collect();
    });
    refused_with(&server, many, "task.dependencies").await;
    let labels = task(|task| {
        task.labels = (0..100_000)
            .map(|number| (format!("k{number}"), String::new()))
            .collect();
    });
    refused_with(&server, labels, "task.labels").await;
    assert_alive(&server).await;
    server.finish().await;
}

/// A name in every place where one can stand, just inside and just outside of its bounds.
#[tokio::test]
async fn names_have_their_bounds() {
    let server = TestServer::start().await;
    let long = |length: usize| "x".repeat(length);
    let good = [
        task(|task| task.queue = "x".repeat(64)),
        task(|task| task.title = "ü".repeat(256)),
        task(|task| task.description = "ü".repeat(16_384)),
        task(|task| task.labels = [("k".repeat(63), "ü".repeat(256))].into()),
        NewTask::new(long(64)).into(),
    ];
    for request in good {
        server.ok(server.client().create(request)).await;
    }
    let bad = [
        (task(|task| task.queue = "x".repeat(65)), "task.queue"),
        (task(|task| task.queue = "UPPER".to_owned()), "task.queue"),
        (
            task(|task| task.namespace = "../etc".to_owned()),
            "task.namespace",
        ),
        (task(|task| task.title = "ü".repeat(257)), "task.title"),
        (
            task(|task| task.description = "ü".repeat(16_385)),
            "task.description",
        ),
        (
            task(|task| task.labels = [("k".repeat(64), String::new())].into()),
            "task.labels",
        ),
        (
            task(|task| task.labels = [("k".to_owned(), "v".repeat(257))].into()),
            "task.labels",
        ),
        (NewTask::new(long(65)).into(), "task.type"),
        (NewTask::new("test").id("not-a-uuid").into(), "task_id"),
    ];
    for (request, field) in bad {
        refused_with(&server, request, field).await;
    }
    server.finish().await;
}

/// Many callers that send nothing but nonsense do not keep others from working.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_nonsense_disturbs_nobody() {
    let server = TestServer::start().await;
    let method = wire::method("CreateTask");
    let flood = futures::stream::iter(0..2_000_usize)
        .map(|number| wire::call_bytes(server.channel(), &method, vec![0xff; number % 100 + 1].into()))
        .buffer_unordered(64)
        .for_each(|answer| {
            assert_civil(&answer.expect_err("nonsense is refused"), "nonsense");
            std::future::ready(())
        });
    let work = async {
        for _ in 0..50 {
            assert_alive(&server).await;
        }
    };
    tokio::join!(flood, work);
    server.finish().await;
}
