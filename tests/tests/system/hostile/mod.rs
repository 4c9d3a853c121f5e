//! Input that nobody should send: it is refused in words, and the server lives on.

mod numbers;
mod payloads;
mod text;
mod tokens;

use std::time::Duration;

use baton_client::proto::{CreateTaskRequest, ListTasksRequest};
use baton_client::{Code, NewTask, Reason, Selection, value};
use baton_proto::v1::Task;
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{TestServer, wire};
use futures::StreamExt;
use prost::Message;
use prost_reflect::MethodDescriptor;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use tonic::Status;

use crate::support::{created, get, id, queued};

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
    let fault = Injected::new("F32");
    let rounds = usize::try_from(count(40, 200)).unwrap();
    let server = TestServer::start().await;
    server.history().others_act_too();
    let mut random = StdRng::seed_from_u64(2_026);
    for method in wire::methods() {
        fault.add(2 * u64::try_from(rounds).unwrap());
        for round in 0..rounds {
            let mut bytes = vec![0; random.random_range(0..300)];
            random.fill_bytes(&mut bytes);
            tried(&server, &method, bytes, round).await;
        }
        // Bytes that are a message, but with one flipped.
        let mut bytes = sample(&method);
        for round in 0..rounds {
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
    let call = wire::call_bytes(server.channel(), method, bytes.into());
    // A watch or a wait that was understood stays open: that is fine too.
    if let Ok(Err(status)) = tokio::time::timeout(Duration::from_millis(500), call).await {
        assert_civil(&status, &format!("{} round {round}", method.name()));
    }
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
    let fault = Injected::new("F31");
    fault.add(4);
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
    let fault = Injected::new("F31");
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
        fault.once();
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
