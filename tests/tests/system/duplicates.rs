//! Creates that mean the same task, from many callers at once.

use std::collections::BTreeSet;

use baton_tests::harness::{TestServer, wire};
use futures::future::join_all;
use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::support::id;

/// Connections of their own, so that the server reads them as it likes.
fn channels(server: &TestServer) -> Vec<Channel> {
    (0..8).map(|_| server.another_channel()).collect()
}

/// Two hundred creates that mean the same task, and other work between them; answers those that were answered.
async fn storm(server: &TestServer, policy: &str) -> Vec<Result<Value, tonic::Status>> {
    let channels = channels(server);
    let creates = (0..200).map(|n| {
        let request = json!({
            "task": {"title": format!("{n}"), "type": "storm"},
            "task_id": if n % 2 == 0 { id() } else { String::new() },
            "dedup": {"key": "storm", "policy": policy},
        });
        let channel = channels[n % channels.len()].clone();
        async move {
            if n % 10 == 0 {
                let other = json!({"task": {"title": "something else"}});
                wire::call_json(channel.clone(), "CreateTask", &other)
                    .await
                    .unwrap();
            }
            wire::call_json(channel, "CreateTask", &request).await
        }
    });
    join_all(creates).await
}

fn created(answers: &[Result<Value, tonic::Status>]) -> (usize, BTreeSet<String>) {
    let answers = answers.iter().map(|answer| answer.as_ref().unwrap());
    let new = answers
        .clone()
        .filter(|answer| answer["deduplicated"] == false)
        .count();
    let ids = answers.map(|answer| answer["task"]["id"].as_str().unwrap().to_owned());
    (new, ids.collect())
}

async fn open(server: &TestServer) -> Vec<Value> {
    let query = json!({"filter": "type = storm AND state = QUEUED"});
    let listed = wire::call_json(server.channel(), "ListTasks", &query)
        .await
        .unwrap();
    listed["tasks"].as_array().unwrap().clone()
}

#[tokio::test]
async fn two_hundred_at_once_are_one_task() {
    let mut server = TestServer::start().await;
    server.history().others_act_too();
    let (new, ids) = created(&storm(&server, "DEDUP_POLICY_RETURN_EXISTING").await);
    assert_eq!((new, ids.len()), (1, 1));
    assert_eq!(open(&server).await.len(), 1);
    // The key outlives a restart.
    server.restart().await;
    let (new, again) = created(&storm(&server, "DEDUP_POLICY_RETURN_EXISTING").await);
    assert_eq!((new, again), (0, ids));
    server.finish().await;
}

#[tokio::test]
async fn two_hundred_at_once_of_which_one_may_be() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let answers = storm(&server, "DEDUP_POLICY_REJECT").await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 199));
    for status in refused.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), tonic::Code::AlreadyExists, "{status:?}");
    }
    assert_eq!(open(&server).await.len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn two_hundred_at_once_that_replace_each_other_leave_the_last() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let (new, ids) = created(&storm(&server, "DEDUP_POLICY_REPLACE_PENDING").await);
    assert_eq!((new, ids.len()), (200, 200));
    let left = open(&server).await;
    assert_eq!(left.len(), 1);
    let superseded = json!({"filter": "type = storm AND state_reason = superseded", "page_size": 1_000});
    let gone = wire::call_json(server.channel(), "ListTasks", &superseded)
        .await
        .unwrap();
    assert_eq!(gone["tasks"].as_array().unwrap().len(), 199);
    server.finish().await;
}

/// A batch that was created must be answered, whatever the tasks look like that stand in the place of its members.
#[tokio::test]
async fn a_batch_names_tasks_that_are_too_large_to_be_shown() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let create = async |task: Value, n: usize| {
        let request = json!({"task": task, "dedup": {"key": format!("large-{n}")}});
        wire::call_json(server.channel(), "CreateTask", &request)
            .await
            .unwrap()["task"]["id"]
            .clone()
    };
    let mut ids = Vec::new();
    for n in 0..60 {
        let large = json!({"description": "d".repeat(16_000), "metadata": {"m": "m".repeat(60_000)}});
        ids.push(create(large, n).await);
    }
    let requests: Vec<_> = (0..61)
        .map(|n| json!({"task": {"title": "again"}, "dedup": {"key": format!("large-{n}")}}))
        .collect();
    let batch = json!({"requests": requests});
    let answer = wire::call_json(server.channel(), "BatchCreateTasks", &batch)
        .await
        .unwrap();
    let tasks = answer["tasks"].as_array().unwrap();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(
            (&tasks[n]["id"], &tasks[n]["dedup_key"]),
            (id, &json!(format!("large-{n}")))
        );
    }
    assert_eq!(tasks[60]["title"], "again");
    server.finish().await;
}
