//! Webhooks: what is posted, in which order, and what becomes of it when nobody takes it.

mod calls;
mod crashes;
mod delivered;
mod guarded;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use baton_client::proto::Webhook;
use baton_client::{Client, Error, NewTask, Refusal};
use baton_egress::{NotGenuine, Secret, verify};
use baton_server::config::WebhookRules;
use baton_tests::harness::TestServer;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::runner::hook::Sent;
use crate::runner::{Hook, PATIENCE};

/// A server that may post to this machine, whose webhooks act beside the recorded calls.
async fn server() -> TestServer {
    let server = TestServer::start_with(|config| config.webhook_rules = open()).await;
    server.history().others_act_too();
    server
}

fn open() -> WebhookRules {
    WebhookRules {
        allow_private_networks: true,
        allow_http: true,
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("was to be refused, but: {other:?}"),
    }
}

fn url(hook: &Hook, path: &str) -> String {
    format!("http://{}{path}", hook.address)
}

/// Asks again until the webhook is as it should be.
async fn until(client: &Client, name: &str, fits: impl Fn(&Webhook) -> bool) -> Webhook {
    let asking = async {
        loop {
            let webhook = client.get_webhook(name).await.unwrap();
            if fits(&webhook) {
                return webhook;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("it comes to be so")
}

/// Waits until nothing is left to deliver.
async fn told(client: &Client, name: &str) -> Webhook {
    let fits = |webhook: &Webhook| webhook.status.as_ref().unwrap().lag_count == 0;
    until(client, name, fits).await
}

fn message(sent: &Sent) -> Value {
    serde_json::from_str(&sent.body).unwrap()
}

fn genuine(sent: &Sent, secret: &str) -> Result<(), NotGenuine> {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let secret = Secret::parse(secret).unwrap();
    // Where the clock was moved, messages are from the future.
    verify(
        &headers,
        sent.body.as_bytes(),
        &[secret],
        now,
        Duration::from_secs(86_400),
    )
}

/// The sequences that were sent of each task, in the order in which they came; every message names itself by both.
fn sequences(sent: &[Sent]) -> BTreeMap<String, Vec<i64>> {
    let mut tasks = BTreeMap::<String, Vec<i64>>::new();
    for sent in sent {
        let data = &message(sent)["data"];
        let task = data["taskId"].as_str().unwrap();
        let sequence = data["sequence"].as_str().unwrap();
        assert_eq!(sent.header("webhook-id").unwrap(), format!("{task}_{sequence}"));
        tasks
            .entry(task.to_owned())
            .or_default()
            .push(sequence.parse().unwrap());
    }
    tasks
}

/// Creates so many tasks, two events each.
async fn many(client: &Client, count: usize) -> BTreeSet<String> {
    let made = client
        .batch_create((0..count).map(|_| NewTask::new("work")))
        .await
        .unwrap();
    made.iter().map(|task| task.id.clone()).collect()
}
