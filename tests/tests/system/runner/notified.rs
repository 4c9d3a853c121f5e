//! `notify`: what is posted, and what becomes of it where that fails.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use baton_client::{EventType, NewTask, State, WatchItem, WatchOptions};
use baton_egress::{Secret, verify};
use baton_proto::v1::RetryPolicy;
use baton_runner::{Runner, RunnerConfig};
use http::{HeaderMap, HeaderName};
use serde_json::json;

use super::{Handlers, Hook, Place, done, error, output};
use crate::support::{created, until};
use crate::workers::server;

/// Lets requests go to this machine, at this port.
fn egress(hook: std::net::SocketAddr) -> String {
    format!(
        "[egress]\nallow_http = true\nallow_private = ['127.0.0.1/32']\nports = [{}]\nallow_hosts = ['127.0.0.1', 'localhost']\n",
        hook.port()
    )
}

/// Tried again at once, and again.
fn patient(task: NewTask) -> NewTask {
    task.retry_policy(RetryPolicy {
        max_attempts: Some(100),
        initial_backoff: Some(prost_types::Duration {
            seconds: 0,
            nanos: 100_000_000,
        }),
        backoff_multiplier: Some(1.0),
        jitter: Some(0.0),
        ..RetryPolicy::default()
    })
}

#[tokio::test]
async fn a_text_is_posted_and_signed_so_that_its_receiver_can_tell() {
    let server = server().await;
    let (place, hook) = (Place::new(), Hook::start().await);
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    std::fs::write(place.path("secrets"), format!("{secret}\n")).unwrap();
    std::fs::write(place.path("url"), format!("http://{}/T000/B000\n", hook.address)).unwrap();
    let text = egress(hook.address)
        + "[endpoints.chat]\nurl_file = '$folder/url'\nsecrets_file = '$folder/secrets'\n\
           [handlers.say]\nkind = 'notify'\nendpoint = 'chat'\n";
    let handlers = Handlers::start(&server, place.runner(&text));
    let task = done(
        &server,
        NewTask::new("say").input_json(&json!({ "text": "done: <b> & \"c\"" })),
    )
    .await;
    assert_eq!(output(&task), json!({ "notificationsSent": 1 }));
    let sent = hook.sent().remove(0);
    assert_eq!(
        (sent.path.as_str(), sent.header("webhook-id")),
        ("/T000/B000", Some(task.id.as_str()))
    );
    assert_eq!(sent.body, json!({ "text": "done: <b> & \"c\"" }).to_string());
    let headers: HeaderMap = sent
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let secrets = [Secret::parse(secret).unwrap()];
    let judged = verify(
        &headers,
        sent.body.as_bytes(),
        &secrets,
        now,
        Duration::from_secs(300),
    );
    assert_eq!(judged, Ok(()));
    handlers.stop().await;
    server.finish().await;
}

/// The endpoint is away, comes back, and gets the message; every attempt before is in the task's history.
#[tokio::test]
async fn an_endpoint_that_is_down_gets_its_message_when_it_is_back() {
    let server = server().await;
    let (place, address) = (Place::new(), Hook::nowhere().await);
    let text = egress(address)
        + &format!(
            "[endpoints.chat]\nurl = 'http://{address}/'\n[handlers.say]\nkind = 'notify'\nendpoint = 'chat'\n"
        );
    let handlers = Handlers::start(&server, place.runner(&text));
    let mut watch = server
        .client()
        .watch(WatchOptions::tasks().event_types([EventType::Scheduled, EventType::RetryScheduled]))
        .await
        .unwrap();
    let task = created(
        &server,
        patient(NewTask::new("say").input_json(&json!({ "text": "hello" }))),
    )
    .await;
    let mut attempts = 0;
    while attempts < 4 {
        if let WatchItem::Event(_) = watch.next().await.unwrap().unwrap() {
            attempts += 1;
        }
    }
    let hook = Hook::at(address).await;
    let task = until(&server, &task.id, State::Completed).await;
    assert!(task.attempt > 4, "{task:#?}");
    assert_eq!(hook.texts(), ["hello"]);
    let filter = format!("task_id = {}", json!(task.id));
    let runs = server.client().list_task_runs().filter(filter).page_size(1_000);
    let runs = runs.await.unwrap().runs;
    let (last, before) = runs.split_first().unwrap();
    assert!(last.error.is_none());
    assert!(
        before
            .iter()
            .all(|run| run.error.as_ref().unwrap().code == "WEBHOOK_UNREACHABLE")
    );
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn an_answer_that_cannot_change_is_not_asked_for_again() {
    let server = server().await;
    let (place, hook) = (Place::new(), Hook::start().await);
    let mut text = egress(hook.address);
    for status in ["404", "503"] {
        text += &format!(
            "[endpoints.at-{status}]\nurl = 'http://{}/{status}'\n\
             [handlers.say-{status}]\nkind = 'notify'\nendpoint = 'at-{status}'\n",
            hook.address
        );
    }
    let handlers = Handlers::start(&server, place.runner(&text));
    let say = |name: &str| NewTask::new(name).input_json(&json!({ "text": "x" }));
    let task = done(&server, patient(say("say-404"))).await;
    assert_eq!(
        error(&task),
        ("WEBHOOK_REFUSED".to_owned(), "Slack API error: 404".to_owned())
    );
    assert_eq!(task.attempt, 1);
    let task = done(
        &server,
        say("say-503").retry_policy(RetryPolicy {
            max_attempts: Some(2),
            initial_backoff: Some(prost_types::Duration::default()),
            jitter: Some(0.0),
            ..RetryPolicy::default()
        }),
    )
    .await;
    assert_eq!((task.state(), task.attempt), (State::Dead, 2));
    assert_eq!(task.error.unwrap().message, "Slack API error: 503");
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_task_reaches_no_place_that_the_operator_did_not_allow() {
    let server = server().await;
    let (place, hook) = (Place::new(), Hook::start().await);
    let inner = Hook::start().await;
    // What the policy allows by name alone: the address behind it is judged as well.
    let text = format!(
        "[egress]\nallow_http = true\nports = [{0}, {1}]\nallow_hosts = ['localhost', '127.0.0.1']\n\
         [handlers.open]\nkind = 'notify'\ntask_url = true\n[handlers.closed]\nkind = 'notify'\n",
        hook.address.port(),
        inner.address.port()
    );
    let handlers = Handlers::start(&server, place.runner(&text));
    let port = inner.address.port();
    for url in [
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://elsewhere.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "not a url".to_owned(),
    ] {
        let input = json!({ "text": "x", "url": url });
        let task = done(&server, patient(NewTask::new("open").input_json(&input))).await;
        assert_eq!(error(&task).0, "EGRESS_REFUSED", "{url}");
    }
    let input = json!({ "text": "x", "url": format!("http://localhost:{port}/") });
    let task = done(&server, NewTask::new("closed").input_json(&input)).await;
    assert_eq!(error(&task).0, "EGRESS_REFUSED");
    for (input, field) in [(json!({}), "text"), (json!({ "text": "x" }), "endpoint")] {
        let task = done(&server, NewTask::new("closed").input_json(&input)).await;
        assert_eq!(error(&task).1, format!("Config missing: {field}"));
    }
    handlers.stop().await;
    assert!(inner.sent().is_empty() && hook.sent().is_empty());
    server.finish().await;
}

#[test]
fn an_endpoint_that_the_policy_refuses_is_told_at_the_start_without_its_secret() {
    let config: RunnerConfig = toml::from_str(
        "[endpoints.chat]\nurl = 'https://127.0.0.1/T000/secret'\n[handlers.say]\nkind = 'notify'\nendpoint = 'chat'\n",
    )
    .unwrap();
    let error = Runner::new(config).unwrap_err().to_string();
    assert!(
        error.contains("endpoints.chat") && error.contains("127.0.0.1"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}
