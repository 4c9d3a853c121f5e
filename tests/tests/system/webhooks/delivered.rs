//! Order, outages, and what is not delivered.

use std::net::Ipv4Addr;

use baton_client::proto::{RetryPolicy, TaskEventType};
use baton_client::{NewTask, NewWebhook, Selection};
use tokio::net::TcpListener;

use super::{Hook, PATIENCE, genuine, many, message, sequences, server, told, until, url};
use crate::support::{created, start};

#[tokio::test]
async fn what_fits_the_filter_is_told_in_order_signed_and_as_json() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    let new = NewWebhook::new("reports", url(&hook, "/in?a=b")).filter("queue = \"reports\"");
    let secret = client.create_webhook(new).await.unwrap().secrets[0].clone();
    created(&server, NewTask::new("other")).await;
    let task = created(
        &server,
        NewTask::new("report").queue("reports").label("team", "a"),
    )
    .await;
    start(&server, &task.id).await;
    server.ok(client.complete(&task.id)).await;
    client.delete(&task.id).await.unwrap();
    let status = told(client, "reports").await.status.unwrap();
    let sent = hook.sent();
    let types: Vec<_> = sent
        .iter()
        .map(|sent| message(sent)["type"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "task.created",
        "task.queued",
        "task.assigned",
        "task.started",
        "task.completed",
        "task.deleted",
    ];
    assert_eq!(types, expected);
    assert_eq!(sequences(&sent)[&task.id], [1, 2, 3, 4, 5, 6]);
    for sent in &sent {
        assert_eq!(genuine(sent, &secret), Ok(()));
        assert_eq!(
            (sent.path.as_str(), sent.header("content-type")),
            ("/in?a=b", Some("application/json"))
        );
    }
    let started = message(&sent[3]);
    assert_eq!(started["data"]["type"], "TASK_EVENT_TYPE_STARTED");
    assert_eq!(started["data"]["labels"]["team"], "a");
    assert_eq!(started["timestamp"], started["data"]["time"]);
    assert_eq!((status.delivered_count, status.given_up_count), (6, 0));
    assert!(status.last_delivery_time.is_some() && status.last_error.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn five_thousand_events_wait_for_an_endpoint_that_is_down() {
    const TASKS: usize = 850;
    let server = server().await;
    let client = server.client();
    let address = Hook::nowhere().await;
    let new = NewWebhook::new("all", format!("http://{address}/"));
    client.create_webhook(new).await.unwrap();
    let mut tasks = many(client, TASKS).await;
    tasks.extend(many(client, TASKS).await);
    let failed = until(client, "all", |webhook| {
        !webhook.status.as_ref().unwrap().last_error.is_empty()
    })
    .await;
    let status = failed.status.unwrap();
    assert!(
        status.last_error.contains("connected") && status.delivered_count == 0,
        "{status:?}"
    );
    for half in [true, false] {
        let ids = tasks
            .iter()
            .take(if half { 1_000 } else { 2 * TASKS })
            .skip(if half { 0 } else { 1_000 });
        client.bulk_cancel(Selection::ids(ids.cloned())).await.unwrap();
    }
    let hook = Hook::at(address).await;
    let status = told(client, "all").await.status.unwrap();
    assert_eq!((status.delivered_count, status.given_up_count), (5_100, 0));
    let sequences = sequences(&hook.sent());
    assert_eq!(sequences.len(), 2 * TASKS);
    assert!(
        sequences.values().all(|told| *told == [1, 2, 3]),
        "each once and in order"
    );
    server.finish().await;
}

#[tokio::test]
async fn an_event_that_is_refused_holds_up_its_own_task_and_is_given_up_at_last() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    let new = NewWebhook::new("all", url(&hook, "/404"));
    client.create_webhook(new).await.unwrap();
    let task = created(&server, NewTask::new("work")).await;
    let giving_up = async {
        loop {
            // The waits go by the server's clock.
            client
                .advance_clock(std::time::Duration::from_secs(301))
                .await
                .unwrap();
            let status = client.get_webhook("all").await.unwrap().status.unwrap();
            if status.given_up_count == 2 {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, giving_up).await.unwrap();
    assert_eq!((status.delivered_count, status.lag_count), (0, 0));
    assert!(status.last_error.contains("404"), "{status:?}");
    let sequences = &sequences(&hook.sent())[&task.id];
    assert_eq!(
        *sequences,
        [vec![1; 12], vec![2; 12]].concat(),
        "twelve tries each"
    );
    server.finish().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_pauses_its_webhook() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    client
        .create_webhook(NewWebhook::new("all", url(&hook, "/410")))
        .await
        .unwrap();
    client.create(NewTask::new("work")).await.unwrap();
    let paused = until(client, "all", |webhook| webhook.paused).await;
    assert!(paused.note.contains("410"), "{paused:?}");
    assert_eq!((hook.sent().len(), paused.status.unwrap().position), (1, 0));
    server.finish().await;
}

#[tokio::test]
async fn a_dead_task_notifies_in_one_line_of_text() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    let new = NewWebhook::new("dead", url(&hook, "/"))
        .event_types([TaskEventType::Dead])
        .slack();
    client.create_webhook(new).await.unwrap();
    let once = RetryPolicy {
        max_attempts: Some(1),
        ..RetryPolicy::default()
    };
    let task = created(&server, NewTask::new("report").queue("a").retry_policy(once)).await;
    start(&server, &task.id).await;
    server.ok(client.fail(&task.id, "out of <paper>")).await;
    told(client, "dead").await;
    let texts = hook.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].starts_with("DEAD: report in queue a") && texts[0].contains(&task.id),
        "{texts:?}"
    );
    assert!(!texts[0].contains('<'), "{texts:?}");
    server.finish().await;
}

#[tokio::test]
async fn an_endpoint_that_never_answers_holds_up_no_task_and_no_stop() {
    let mut server = server().await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let client = server.client();
    client
        .create_webhook(NewWebhook::new("all", format!("http://{address}/")))
        .await
        .unwrap();
    let held = silent.accept();
    let tasks = many(client, 500).await;
    let (connection, _) = tokio::time::timeout(PATIENCE, held).await.unwrap().unwrap();
    for id in tasks.iter().take(100) {
        start(&server, id).await;
        server.ok(client.complete(id)).await;
    }
    let status = client.get_webhook("all").await.unwrap().status.unwrap();
    assert_eq!(status.delivered_count, 0);
    let stopped = tokio::time::timeout(PATIENCE, server.restart()).await;
    assert!(stopped.is_ok(), "the server stops");
    drop((connection, silent));
    let hook = Hook::at(address).await;
    told(server.client(), "all").await;
    let told: usize = sequences(&hook.sent()).values().map(Vec::len).sum();
    assert_eq!(told, 500 * 2 + 100 * 3);
    server.finish().await;
}
