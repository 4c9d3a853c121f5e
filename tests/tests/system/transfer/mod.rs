//! Namespaces that move from one database to another: out of a SQLite file into the database that is tested, and back.

mod broken;
mod crashes;
mod filled;
mod large;
mod moved;

use baton_client::proto::{ImportNamespaceResponse, Schedule, Task, TaskEvent, TaskRun, TaskType, Webhook};
use baton_client::{Client, Error, Refusal, View};
use baton_tests::harness::TestServer;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempDir;

/// A server on a SQLite file of its own, whichever database is tested.
async fn on_a_file() -> (TestServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("other.db").display());
    let server = TestServer::start_with(|config| config.database = url).await;
    server.history().others_act_too();
    (server, folder)
}

/// A server on the database that is tested.
async fn here() -> TestServer {
    let server = TestServer::start().await;
    server.history().others_act_too();
    server.history().look_at("default");
    server
}

async fn exported(client: &Client, namespace: &str) -> Vec<u8> {
    let mut export = client.export_namespace(namespace).await.unwrap();
    let mut archive = Vec::new();
    while let Some(piece) = export.next().await {
        archive.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(export.total_bytes(), archive.len() as u64);
    archive
}

/// Sends an archive in pieces that no record ends with.
async fn imported(
    client: &Client,
    namespace: &str,
    archive: &[u8],
) -> Result<ImportNamespaceResponse, Error> {
    let pieces: Vec<Bytes> = archive.chunks(100_003).map(Bytes::copy_from_slice).collect();
    client.import_namespace(namespace, stream::iter(pieces)).await
}

async fn refused(client: &Client, namespace: &str, archive: &[u8]) -> Refusal {
    match imported(client, namespace, archive).await {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("was to be refused, but: {other:?}"),
    }
}

/// All that callers see of a namespace, but for where its events stand in the log.
#[derive(Debug, PartialEq)]
struct Seen {
    tasks: Vec<Task>,
    events: Vec<Vec<TaskEvent>>,
    runs: Vec<TaskRun>,
    schedules: Vec<Schedule>,
    types: Vec<TaskType>,
    webhooks: Vec<Webhook>,
    queues: Vec<baton_client::proto::Queue>,
    stats: Vec<baton_client::proto::TaskStatsGroup>,
}

async fn seen(client: &Client) -> Seen {
    let list = client.list().view(View::Full).order_by("create_time");
    let tasks: Vec<Task> = list.all().try_collect().await.unwrap();
    let history = async |task: &Task| {
        let events = client.list_events(&task.id).view(View::Full).all();
        let events = events.map_ok(|event| TaskEvent {
            position: 0,
            imported: false,
            ..event
        });
        events.try_collect::<Vec<_>>().await.unwrap()
    };
    let events = stream::iter(&tasks).then(history).collect().await;
    let runs = client.list_task_runs().view(View::Full).all();
    let mut webhooks: Vec<Webhook> = client.list_webhooks().all().try_collect().await.unwrap();
    for webhook in &mut webhooks {
        webhook.status = None;
        webhook.paused = true;
        webhook.note.clear();
    }
    let mut stats = client.stats().await.unwrap().groups;
    for group in &mut stats {
        group.as_of_time = None;
    }
    Seen {
        tasks,
        events,
        runs: runs.try_collect().await.unwrap(),
        schedules: client.list_schedules().all().try_collect().await.unwrap(),
        types: client.list_task_types().all().try_collect().await.unwrap(),
        webhooks,
        queues: client.list_queues().all().try_collect().await.unwrap(),
        stats,
    }
}
