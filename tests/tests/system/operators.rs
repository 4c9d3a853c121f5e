//! What those who run a server see: metrics, health, the log, and browsers at the same port.

use std::net::SocketAddr;
use std::time::Duration;

use baton_client::proto::{CreateTaskRequest, LeaseTasksRequest, RetryPolicy, WatchStart, WatchTasksRequest};
use baton_client::{NewTask, State, actor};
use baton_tests::harness::{Process, TestDatabase, TestServer, wire};
use baton_tests::oracle::Scope;
use prost::Message as _;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{queued, started};

/// One exchange of HTTP/1.1; answers everything that came back.
async fn http(address: SocketAddr, head: &str, body: &[u8]) -> Vec<u8> {
    let mut peer = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{head}\r\nHost: baton\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    peer.write_all(head.as_bytes()).await.unwrap();
    peer.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    answer
}

struct Metrics(String);

impl Metrics {
    async fn of(server: &TestServer) -> Self {
        let address = server.metrics_address().expect("metrics are on");
        let page = http(address, "GET /metrics HTTP/1.1", b"").await;
        Metrics(String::from_utf8(page).unwrap())
    }

    fn value(&self, series: &str) -> Option<f64> {
        let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.0.lines().find_map(value)
    }

    fn at_least(&self, series: &str, least: f64) {
        let value = self.value(series);
        assert!(
            value.is_some_and(|value| value >= least),
            "{series} is {value:?} and not {least} or more in\n{}",
            self.0
        );
    }
}

#[tokio::test]
async fn metrics_tell_the_backlog_the_commits_and_the_watches() {
    let server = TestServer::start_with(|config| {
        config.metrics_listen = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let client = server.client();
    for _ in 0..3 {
        queued(&server).await;
    }
    started(&server, NewTask::new("test")).await;
    let mut opening = WatchTasksRequest::default();
    opening.set_start(WatchStart::Oldest);
    let watch = server.watch(opening, Scope::all()).await;
    watch.until_events(10).await;
    // The backlog is counted every ten seconds of the server's clock.
    server.ok(client.advance_clock(Duration::from_secs(60))).await;
    let queued_tasks = "baton_tasks_open{state=\"QUEUED\"}";
    let metrics = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let metrics = Metrics::of(&server).await;
            if metrics
                .value("baton_oldest_ready_seconds")
                .is_some_and(|waited| waited >= 60.0)
            {
                return metrics;
            }
        }
    })
    .await
    .expect("the backlog is counted");
    assert_eq!(metrics.value(queued_tasks), Some(3.0));
    assert_eq!(
        metrics.value("baton_tasks_open{state=\"IN_PROGRESS\"}"),
        Some(1.0)
    );
    assert_eq!(metrics.value("baton_tasks_open{state=\"BLOCKED\"}"), Some(0.0));
    assert_eq!(metrics.value("baton_commands_waiting"), Some(0.0));
    for (series, least) in [
        ("baton_commit_duration_seconds_count", 5.0),
        ("baton_batch_commands_count", 5.0),
        ("baton_batch_commands_sum", 5.0),
        ("baton_events_total", 10.0),
        ("baton_watches_open", 1.0),
        ("baton_watch_lag_events_count", 1.0),
        (
            "baton_rpc_duration_seconds_count{method=\"baton.v1.TaskService/CreateTask\"}",
            4.0,
        ),
        ("baton_connections_open", 1.0),
    ] {
        metrics.at_least(series, least);
    }
    server.finish_with(vec![watch]).await;
}

#[tokio::test]
async fn metrics_tell_the_dead_the_leases_and_who_waits() {
    let server = TestServer::start_with(|config| {
        config.metrics_listen = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let client = server.client();
    let once = RetryPolicy {
        max_attempts: Some(1),
        ..RetryPolicy::default()
    };
    let task = started(
        &server,
        NewTask::new("test").queue("graveyard").retry_policy(once),
    )
    .await;
    let dead = server.ok(client.fail(&task.id, "no")).await;
    assert_eq!(dead.state(), State::Dead);
    let poll = |wait| LeaseTasksRequest {
        worker: Some(actor::service("w")),
        any_type: true,
        wait_timeout: prost_types::Duration::try_from(Duration::from_secs(wait)).ok(),
        ..LeaseTasksRequest::default()
    };
    queued(&server).await;
    assert_eq!(server.lease_tasks(poll(0)).await.unwrap().leased_tasks.len(), 1);
    let seen = async {
        loop {
            let metrics = Metrics::of(&server).await;
            if metrics
                .value("baton_polls_parked")
                .is_some_and(|parked| parked >= 1.0)
            {
                return metrics;
            }
        }
    };
    let metrics = tokio::select! {
        answer = server.lease_tasks(poll(60)) => panic!("nothing is ready: {answer:?}"),
        metrics = seen => metrics,
    };
    metrics.at_least("baton_tasks_dead_total{queue=\"graveyard\"}", 1.0);
    metrics.at_least("baton_leases_live", 1.0);
    server.finish().await;
}

#[tokio::test]
async fn health_names_the_services_of_the_contract() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel());
    for service in [
        "",
        "baton.v1.TaskService",
        "baton.v1.WorkerService",
        "baton.v1.AdminService",
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    server.finish().await;
}

/// gRPC-Web, as a browser sends it: HTTP/1.1, and the trailers at the end of the body.
#[tokio::test]
async fn a_browser_creates_a_task_at_the_same_port() {
    let server = TestServer::start().await;
    let head = "POST /baton.v1.TaskService/CreateTask HTTP/1.1\r\nContent-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1";
    let message = CreateTaskRequest {
        task: Some(baton_proto::v1::Task::default()),
        ..CreateTaskRequest::default()
    }
    .encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0][..], &length, &message].concat();
    let answer = http(server.address(), head, &body).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("grpc-status:0"), "{answer}");
    let page = server.ok(server.client().list()).await;
    assert_eq!(page.tasks.len(), 1);
    server.history().others_act_too();
    server.finish().await;
}

/// Whatever happens to a call, the log does not tell what it carried.
#[tokio::test]
async fn the_log_keeps_payloads_and_keys_to_itself() {
    const SECRET: &str = "swordfish";
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let database = TestDatabase::new();
    let keys = database.folder().join("keys");
    std::fs::write(&keys, format!("test:{KEY}\n")).unwrap();
    let process = Process::start(&database, |command| {
        command
            .env("BATON_LOG_FILTER", "debug")
            .arg("--api-key-file")
            .arg(&keys);
    })
    .unwrap();
    let client = baton_client::Client::builder()
        .endpoint(format!("http://{}", process.address()))
        .actor(actor::service(SECRET))
        .api_key(KEY)
        .build()
        .unwrap();
    let task = client
        .create(
            NewTask::new("test")
                .title(SECRET)
                .retry_policy(RetryPolicy {
                    max_attempts: Some(1),
                    ..RetryPolicy::default()
                })
                .input_json(&json!({ SECRET: SECRET })),
        )
        .await
        .unwrap();
    client.start(&task.id).await.unwrap();
    client.comment(&task.id, SECRET).await.unwrap();
    client.fail(&task.id, SECRET).await.unwrap();
    for refused in [
        client
            .create(NewTask::new("test").queue(SECRET.to_uppercase()))
            .await
            .err(),
        client
            .create(NewTask::new("test").label("no key", SECRET))
            .await
            .err(),
    ] {
        assert!(refused.is_some());
    }
    client
        .list()
        .filter(format!("title = {SECRET} nonsense"))
        .await
        .unwrap_err();
    let forged = json!({"page_token": SECRET});
    wire::call_json(process.channel(), "ListTasks", &forged)
        .await
        .unwrap_err();
    let log = process.stop_and_read();
    assert!(
        log.contains("baton.v1.TaskService/FailTask"),
        "calls are told: {log}"
    );
    assert!(log.contains("a task is dead"), "{log}");
    let log = log.to_lowercase();
    for kept in [SECRET, KEY] {
        assert!(!log.contains(kept), "{kept} is in {log}");
    }
}
