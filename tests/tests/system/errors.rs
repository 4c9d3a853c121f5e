//! Every reason for a refusal: on the page, and provoked.

mod archives;
mod doors;
mod queues;
mod schedules;
mod types;
mod webhooks;

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::{NewTask, Selection, proto, value};
use baton_server::api::status::{Reason, code_name};
use baton_server::engine::IntakeLimits;
use baton_tests::harness::{Opening, TestServer, wire};
use baton_tests::oracle::Scope;
use futures::future::join_all;
use serde_json::json;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{Holder, created, from_oldest, id, queued, refused_future_token, started, worker};

/// Reasons that no call from outside can bring about; tests beside the code do.
const FROM_INSIDE: &[(&str, &str)] = &[
    ("BUG", include_str!("../../../server/src/net/tests/calls.rs")),
    ("STORE_UNAVAILABLE", include_str!("sqlite_disk.rs")),
    ("OUTCOME_UNKNOWN", include_str!("sqlite_disk.rs")),
    ("EVENT_LIMIT", include_str!("limits.rs")),
];

/// The rows of the page: reason and code.
fn page() -> Vec<(String, String)> {
    let page = include_str!("../../../docs/errors.md");
    let (table, _) = page
        .split_once("## Refused below gRPC")
        .expect("the page has both parts");
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let is_reason = cells.len() > 2 && cells[1].chars().all(|c| c.is_ascii_uppercase() || c == '_');
        (is_reason && !cells[1].is_empty()).then(|| (cells[1].to_owned(), cells[2].to_owned()))
    });
    rows.collect()
}

#[test]
fn the_page_has_every_reason_with_its_code() {
    let known: BTreeSet<_> = Reason::ALL
        .iter()
        .map(|reason| (reason.as_str().to_owned(), code_name(reason.code()).to_owned()))
        .collect();
    let told: BTreeSet<_> = page().into_iter().collect();
    assert_eq!(told, known);
}

/// What was refused, and how.
#[derive(Default)]
struct Provoked(BTreeSet<String>);

impl Provoked {
    /// Looks at a refusal: one ErrorInfo, the code of its reason, and the detail that goes with the code.
    fn add(&mut self, status: &Status) {
        let details = status.get_error_details();
        let info = details
            .error_info()
            .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(info.domain, "baton.dev");
        let known = Reason::ALL.iter().find(|reason| reason.as_str() == info.reason);
        assert_eq!(
            known.map(|reason| reason.code()),
            Some(status.code()),
            "{status:?}"
        );
        let fits = match status.code() {
            Code::NotFound | Code::AlreadyExists => {
                details.resource_info().is_some() || info.reason == "REQUEST_ID_REUSED"
            }
            Code::FailedPrecondition => details.precondition_failure().is_some(),
            Code::ResourceExhausted => details.quota_failure().is_some(),
            Code::Unavailable => details.retry_info().is_some(),
            Code::InvalidArgument if info.reason == "INVALID_FIELD" => details.bad_request().is_some(),
            _ => true,
        };
        assert!(fits, "{status:?} lacks its detail: {details:?}");
        assert!(
            status.details().len() <= 4 * 1024,
            "{} bytes of details",
            status.details().len()
        );
        assert!(!status.message().is_empty());
        self.0.insert(info.reason.clone());
    }

    async fn json(&mut self, channel: Channel, call: &str, request: serde_json::Value) {
        let answer = wire::call_json(channel, call, &request).await;
        self.add(&answer.expect_err("the call is refused"));
    }
}

#[tokio::test]
async fn every_reason_is_provoked() {
    let mut provoked = Provoked::default();
    broken_requests(&mut provoked).await;
    states(&mut provoked).await;
    tokens(&mut provoked).await;
    loads(&mut provoked).await;
    doors::provoke(&mut provoked).await;
    let from_inside = FROM_INSIDE.iter().map(|(reason, test)| {
        let named = test.contains(reason) || test.contains(&camel(reason));
        assert!(named, "the test of {reason} is gone");
        (*reason).to_owned()
    });
    let all: BTreeSet<_> = provoked.0.into_iter().chain(from_inside).collect();
    let page: BTreeSet<_> = page().into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(all, page);
}

fn camel(reason: &str) -> String {
    let words = reason
        .split('_')
        .map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
    words.collect()
}

async fn broken_requests(provoked: &mut Provoked) {
    let server = TestServer::start().await;
    let channel = || server.channel();
    provoked
        .json(channel(), "CreateTask", json!({"task": {"queue": "No Queue"}}))
        .await;
    let garbage = wire::call_bytes(channel(), &wire::method("CreateTask"), vec![0xff; 40].into()).await;
    provoked.add(&garbage.unwrap_err());
    provoked
        .json(channel(), "ListTasks", json!({"page_token": "x"}))
        .await;
    provoked
        .json(channel(), "ListTasks", json!({"filter": "("}))
        .await;
    let large = "x".repeat(1 << 20);
    provoked
        .json(
            channel(),
            "CreateTask",
            json!({"task": {"input": {"json_text": format!("\"{large}\"")}}}),
        )
        .await;
    let ids: Vec<_> = (0..1_001).map(|_| id()).collect();
    provoked
        .json(channel(), "BatchGetTasks", json!({"ids": ids}))
        .await;
    provoked.json(channel(), "GetTask", json!({"id": id()})).await;
    let huge = vec![0_u8; 5 << 20];
    let answer = wire::call_bytes(channel(), &wire::method("CreateTask"), huge.into()).await;
    provoked.add(&answer.unwrap_err());
    let mut unknown = tonic::client::Grpc::new(channel());
    unknown.ready().await.unwrap();
    let path = "/baton.v1.TaskService/MakeCoffee".parse().unwrap();
    let request = tonic::Request::new(bytes::Bytes::new());
    let answer = unknown.unary(request, path, wire::Bare).await;
    provoked.add(&answer.unwrap_err());
    server.finish().await;
}

async fn leases(server: &TestServer, provoked: &mut Provoked) {
    let task = queued(server).await;
    let start = json!({"id": task.id, "lease_duration": "30s"});
    let granted = wire::call_json(server.channel(), "StartTask", &start)
        .await
        .unwrap();
    let channel = || server.channel();
    provoked
        .json(channel(), "CompleteTask", json!({"id": task.id}))
        .await;
    server.ok(server.client().cancel(&task.id)).await;
    let late = json!({"id": task.id, "lease_token": granted["lease_token"]});
    provoked.json(channel(), "CompleteTask", late).await;
    provoked
        .json(channel(), "GetWorker", json!({"id": "nobody"}))
        .await;
}

async fn states(provoked: &mut Provoked) {
    let server = TestServer::start().await;
    // Some of the calls are made past the record.
    server.history().others_act_too();
    let client = server.client();
    let channel = || server.channel();
    let task = queued(&server).await;
    let waits = created(&server, NewTask::new("test").depends_on(&task.id)).await;
    provoked
        .json(channel(), "CompleteTask", json!({"id": task.id}))
        .await;
    provoked
        .json(channel(), "DeleteTask", json!({"id": task.id}))
        .await;
    provoked
        .json(channel(), "CancelTask", json!({"id": task.id, "etag": "\"0\""}))
        .await;
    let circle = json!({"id": task.id, "dependency": {"task_id": waits.id}});
    provoked.json(channel(), "AddDependency", circle).await;
    provoked
        .json(
            channel(),
            "CreateTask",
            json!({"task_id": task.id, "task": {"title": "another"}}),
        )
        .await;
    let keyed = json!({"task": {"title": "a"}, "dedup": {"key": "k", "policy": "DEDUP_POLICY_REJECT"}});
    let dedup = proto::Dedup {
        key: "k".to_owned(),
        ..proto::Dedup::default()
    };
    let holder = proto::CreateTaskRequest {
        task: Some(proto::Task::default()),
        dedup: Some(dedup),
        ..proto::CreateTaskRequest::default()
    };
    server.ok(client.call(holder)).await;
    provoked.json(channel(), "CreateTask", keyed).await;
    let once = id();
    server
        .ok(client.comment(&task.id, "once").request_id(&once))
        .await;
    let again = json!({"id": task.id, "message": "twice", "request_id": once});
    provoked.json(channel(), "AddComment", again).await;
    let reviewed = started(&server, NewTask::new("test").needs_approval()).await;
    server.ok(client.complete(&reviewed.id)).await;
    let own = json!({"id": reviewed.id, "actor": {"type": "ACTOR_TYPE_AGENT", "id": worker().id}});
    provoked.json(channel(), "ApproveTask", own).await;
    leases(&server, provoked).await;
    schedules::provoke(&server, provoked).await;
    types::provoke(&server, provoked).await;
    webhooks::provoke(&server, provoked).await;
    queues::provoke(&server, provoked).await;
    let production = TestServer::start_with(|config| config.test_mode = false).await;
    provoked
        .json(production.channel(), "AdvanceClock", json!({"duration": "1s"}))
        .await;
    production.finish().await;
    backups(provoked).await;
    archives::provoke(&server, provoked).await;
    server.finish().await;
}

async fn backups(provoked: &mut Provoked) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.db"), "mine").unwrap();
    for allowed in [None, Some(folder.path().to_owned())] {
        let server = TestServer::start_with(|config| config.backup_folder = allowed).await;
        let request = json!({"name": "a.db"});
        provoked.json(server.channel(), "BackupStore", request).await;
        server.finish().await;
    }
}

async fn tokens(provoked: &mut Provoked) {
    provoked.add(&refused_future_token().await);
    let server = TestServer::start_with(|config| {
        config.limits.max_watches = 1;
        config.feed_retention_secs = 3_600;
        config.upkeep_interval_ms = 20;
    })
    .await;
    let resumed = |token: &str| Opening::from(from_oldest()).resumed(token);
    let forged = server.try_watch(resumed("x"), Scope::all()).await;
    provoked.add(&forged.unwrap_err());
    queued(&server).await;
    let watch = server.watch(from_oldest(), Scope::all()).await;
    watch.until_events(2).await;
    let one_more = server.try_watch(from_oldest(), Scope::all()).await;
    provoked.add(&one_more.unwrap_err());
    let token = watch.messages()[0].token.clone();
    drop(watch);
    queued(&server).await;
    server
        .ok(server.client().advance_clock(Duration::from_secs(4_000)))
        .await;
    queued(&server).await;
    // Upkeep moves the horizon soon; until then the old token still works, or the place of the one before is not free.
    let expired = loop {
        match server.try_watch(resumed(&token), Scope::all()).await {
            Ok(early) => drop(early),
            Err(status) if status.code() == Code::ResourceExhausted => {}
            Err(status) => break status,
        }
    };
    provoked.add(&expired);
    while server.try_watch(from_oldest(), Scope::all()).await.is_err() {}
}

async fn loads(provoked: &mut Provoked) {
    let few = IntakeLimits {
        commands: 10,
        ..IntakeLimits::default()
    };
    let server = TestServer::start_limited(|config| config.limits.max_unary_ms = 40_000, few).await;
    let client = server.client();
    let crowd = (0..200).map(|_| server.send(client.create(NewTask::new("test"))));
    let answers = join_all(crowd).await;
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let overloaded = refused
        .filter(|error| error.reason() == Some(&baton_client::Reason::Overloaded))
        .count();
    assert!(
        overloaded > 0 && answers.iter().any(Result::is_ok),
        "some come in, some do not"
    );
    let crowd = (0..200).map(|_| wire::call_json(server.channel(), "CreateTask", &CREATE));
    let refused = join_all(crowd).await.into_iter().filter_map(Result::err);
    server.history().others_act_too();
    refused.take(1).for_each(|status| provoked.add(&status));
    // Somebody else holds the database: first the store gives up, after ten seconds, and as many for what stands before the
    // call; then, with less time, the call.
    let holder = Holder::of(&server).await;
    provoked
        .json(server.channel(), "CreateTask", json!({"task": {}}))
        .await;
    holder.let_go().await;
    server.finish().await;
    let hurried = TestServer::start_with(|config| config.limits.max_unary_ms = 300).await;
    let holder = Holder::of(&hurried).await;
    provoked
        .json(hurried.channel(), "CreateTask", json!({"task": {}}))
        .await;
    holder.let_go().await;
    hurried.history().others_act_too();
    hurried.finish().await;
}

static CREATE: std::sync::LazyLock<serde_json::Value> = std::sync::LazyLock::new(|| json!({"task": {}}));

/// Everything that is wrong with a request is told at once.
#[tokio::test]
async fn all_violations_come_at_once() {
    let server = TestServer::start().await;
    let new = NewTask::new("te st")
        .queue("No Queue")
        .title("x".repeat(257))
        .label("bad key", "v")
        .input_payload(value::json_text("{"))
        .parent("not-an-id");
    let refusal = server.refused(server.client().create(new)).await;
    let fields: BTreeSet<_> = refusal
        .violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    for field in [
        "task.type",
        "task.queue",
        "task.title",
        "task.input.json_text",
        "task.parent_id",
    ] {
        assert!(fields.contains(field), "{field} is not in {fields:?}");
    }
    assert!(
        fields.iter().any(|field| field.starts_with("task.labels")),
        "{fields:?}"
    );
    // Of very many, the first twenty and how many more.
    let ids: Vec<_> = (0..100).map(|number| format!("not-an-id-{number}")).collect();
    let refusal = server
        .refused(server.client().bulk_cancel(Selection::ids(ids)))
        .await;
    assert_eq!(refusal.violations.len(), 21);
    assert!(
        refusal.violations[20].description.contains("80"),
        "{:?}",
        refusal.violations[20]
    );
    server.finish().await;
}
