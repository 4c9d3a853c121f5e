//! Reads everything that a server knows, once nothing more is to happen by itself.

use std::sync::Arc;
use std::time::Duration;

use baton_client::Client;
use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::worker_service_client::WorkerServiceClient;
use baton_proto::v1::{
    ListTaskRunsRequest, Task, TaskEvent, TaskRun, TaskView, WatchStart, WatchTasksRequest,
    WatchTasksResponse,
};
use futures::TryStreamExt;
use tonic::Streaming;
use tonic::transport::Channel;

use super::History;
use crate::oracle::{self, Evidence, Namespace};

/// Tasks whose whole history is read a second time, by ListTaskEvents, and whose row is read by GetTask.
const SINGLE_READS: usize = 100;

/// How long what must happen by itself may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The feed of one namespace, read to its end.
struct Feed {
    name: String,
    events: Vec<TaskEvent>,
    stream: Streaming<WatchTasksResponse>,
}

impl Feed {
    async fn open(channel: Channel, name: String) -> Self {
        let mut request = WatchTasksRequest {
            namespace: name.clone(),
            ..WatchTasksRequest::default()
        };
        request.set_start(WatchStart::Oldest);
        request.set_view(TaskView::Full);
        let mut client = TaskServiceClient::new(channel).max_decoding_message_size(64 << 20);
        let stream = client.watch_tasks(request).await.expect("the feed can be read");
        Feed {
            name,
            events: Vec::new(),
            stream: stream.into_inner(),
        }
    }

    /// Reads up to the second bookmark from here; answers whether anything came.
    async fn read_on(&mut self) -> bool {
        let before = self.events.len();
        let mut bookmarks = 0;
        while bookmarks < 2 {
            let message = tokio::time::timeout(PATIENCE, self.stream.message()).await;
            let message = message
                .expect("bookmarks come while nothing happens")
                .expect("the feed does not break")
                .expect("the feed does not end");
            if message.events.is_empty() {
                bookmarks += 1;
            }
            self.events.extend(message.events);
        }
        self.events.len() > before
    }
}

/// Collects log, rows and histories, at a moment at which they agree and nothing is owed.
pub(super) async fn collect(client: &Client, channel: Channel, history: &Arc<History>) -> Evidence {
    let mut feeds = Vec::new();
    for name in history.known_namespaces() {
        feeds.push(Feed::open(channel.clone(), name).await);
    }
    let begun = tokio::time::Instant::now();
    let mut evidence = history.evidence();
    loop {
        let mut moving = false;
        for feed in &mut feeds {
            moving |= feed.read_on().await;
        }
        for feed in &feeds {
            let rows = if moving {
                Vec::new()
            } else {
                rows(client, &feed.name).await
            };
            let events = feed.events.clone();
            let namespace = Namespace {
                feed: events,
                rows,
                runs: None,
            };
            evidence.namespaces.insert(feed.name.clone(), namespace);
        }
        let owed = if moving {
            Vec::new()
        } else {
            oracle::debts(&evidence)
        };
        let agree = !moving && owed.is_empty() && agree(&evidence);
        if agree || begun.elapsed() > PATIENCE {
            break; // What is owed after all this time is a finding.
        }
    }
    for (name, namespace) in &mut evidence.namespaces {
        namespace.runs = Some(runs(channel.clone(), name).await);
    }
    single_reads(client, history, &mut evidence).await;
    evidence
}

/// Whether a stream has an event from behind the end of the log as it was read.
pub(super) fn outran(evidence: &Evidence) -> bool {
    evidence.watches.iter().any(|watch| {
        let log = evidence.namespaces.get(&watch.namespace);
        let last = log.and_then(|log| log.feed.last()).map(|event| event.position);
        let mut events = watch.messages.iter().flat_map(|message| &message.events);
        last.is_some_and(|last| events.any(|event| event.position > last))
    })
}

async fn runs(channel: Channel, namespace: &str) -> Vec<TaskRun> {
    let mut client = WorkerServiceClient::new(channel);
    let mut request = ListTaskRunsRequest {
        namespace: namespace.to_owned(),
        page_size: 1_000,
        ..ListTaskRunsRequest::default()
    };
    request.set_view(TaskView::Full);
    let mut runs = Vec::new();
    loop {
        let page = client.list_task_runs(request.clone()).await;
        let page = page.expect("all runs can be listed").into_inner();
        runs.extend(page.runs);
        if page.next_page_token.is_empty() {
            return runs;
        }
        request.page_token = page.next_page_token;
    }
}

/// Rows are read while the feed goes on: what moved in between shows in one of them only. And bookmarks come also while a
/// long log is read slowly. Of a row that last changed before the log begins, the log tells nothing any more.
fn agree(evidence: &Evidence) -> bool {
    evidence.namespaces.values().all(|namespace| {
        let newest = namespace
            .feed
            .iter()
            .map(|event| (&event.task_id, event.sequence));
        let newest: std::collections::HashMap<_, _> = newest.collect();
        let first = namespace.feed.first();
        let is_whole = first.is_some_and(|first| first.position == 1);
        let begins = first.and_then(|first| time(first.time));
        namespace.rows.iter().all(|row| match newest.get(&row.id) {
            Some(sequence) => *sequence >= row.revision,
            None => !is_whole && begins.is_none_or(|begins| time(row.update_time) <= Some(begins)),
        })
    })
}

fn time(time: Option<prost_types::Timestamp>) -> Option<(i64, i32)> {
    time.map(|time| (time.seconds, time.nanos))
}

async fn rows(client: &Client, namespace: &str) -> Vec<Task> {
    let pages = client
        .list()
        .namespace(namespace)
        .view(TaskView::Full)
        .page_size(1_000)
        // A page of the largest tasks there may be, on a machine that does other things.
        .timeout(PATIENCE);
    pages.all().try_collect().await.expect("all tasks can be listed")
}

/// Reads some tasks one by one: the single reads tell the same as the list and the feed.
async fn single_reads(client: &Client, history: &Arc<History>, evidence: &mut Evidence) {
    let rows = evidence.namespaces.values().flat_map(|namespace| &namespace.rows);
    let ids: Vec<_> = rows.map(|row| row.id.clone()).take(SINGLE_READS).collect();
    for id in ids {
        let got = history
            .send(client.get(&id))
            .await
            .expect("a listed task can be read");
        assert_eq!(got.task.id, id);
        let events = client.list_events(&id).view(TaskView::Full).page_size(1_000);
        let events = events
            .all()
            .try_collect()
            .await
            .expect("a listed task has events");
        evidence.histories.insert(id, events);
    }
    evidence.calls = history.evidence().calls;
}
