//! The feed: what a watch gets, from where, and what it can count on.

mod ends;
mod tokens;

use std::collections::BTreeMap;

use baton_client::proto::{WatchStart, WatchTaskRequest, WatchTasksRequest};
use baton_client::{EventType, NewTask, Reason, State, WatchOptions};
use baton_proto::v1::Task;
use baton_tests::harness::{Opening, TestServer};
use baton_tests::oracle::Scope;
use tonic::Status;
use tonic_types::StatusExt;

use crate::support::{id, queued, start, started};

fn tasks(start: WatchStart, filter: &str) -> WatchTasksRequest {
    let mut request = WatchTasksRequest {
        filter: filter.to_owned(),
        ..WatchTasksRequest::default()
    };
    request.set_start(start);
    request
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map_or_else(|| format!("{status:?}"), |info| info.reason.clone())
}

/// Ten lives that come into and out of view of every filter.
async fn lives(server: &TestServer) -> Vec<Task> {
    let client = server.client();
    let mut made = Vec::new();
    for number in 0..10 {
        let new = NewTask::new(["mail", "print"][number % 2])
            .queue(["a", "b"][number % 2])
            .label("n", (number % 3).to_string());
        let task = started(server, new).await;
        server.ok(client.progress(&task.id).percent(50)).await;
        let mut edit = Task {
            id: task.id.clone(),
            ..Task::default()
        };
        edit.labels.insert("n".to_owned(), ((number + 1) % 3).to_string());
        server.ok(client.update(edit, ["labels"])).await;
        if number % 4 == 0 {
            server.ok(client.release(&task.id)).await;
            start(server, &task.id).await;
        }
        server.ok(client.complete(&task.id)).await;
        if number % 5 == 0 {
            server.ok(client.delete(&task.id)).await;
        }
        made.push(task);
    }
    made
}

fn scopes() -> Vec<(&'static str, Scope)> {
    let labelled = |value: &str| Scope {
        labels: BTreeMap::from([("n".to_owned(), value.to_owned())]),
        ..Scope::default()
    };
    vec![
        ("", Scope::all()),
        (
            "queue = a",
            Scope {
                queue: Some("a".to_owned()),
                ..Scope::default()
            },
        ),
        (
            "type = print AND state = IN_PROGRESS",
            Scope {
                task_type: Some("print".to_owned()),
                states: vec![State::InProgress],
                ..Scope::default()
            },
        ),
        (
            "state = QUEUED OR state = COMPLETED",
            Scope {
                states: vec![State::Queued, State::Completed],
                ..Scope::default()
            },
        ),
        ("labels.n = \"1\"", labelled("1")),
        (
            "queue = nowhere",
            Scope {
                queue: Some("nowhere".to_owned()),
                ..Scope::default()
            },
        ),
    ]
}

/// Watches that are there while things happen, and watches that come later, get the same.
#[tokio::test]
async fn a_filter_means_the_same_live_and_in_replay() {
    let server = TestServer::start().await;
    let mut live = Vec::new();
    for (filter, scope) in scopes() {
        live.push(server.watch(tasks(WatchStart::Oldest, filter), scope).await);
    }
    lives(&server).await;
    let mut replayed = Vec::new();
    for (filter, scope) in scopes() {
        replayed.push(server.watch(tasks(WatchStart::Oldest, filter), scope).await);
    }
    for (one, other) in live.iter().zip(&replayed) {
        one.until_quiet().await;
        other.until_quiet().await;
        assert_eq!(one.events(), other.events());
    }
    assert!(
        live[2].events().iter().any(|event| event.left),
        "tasks leave the view"
    );
    live.extend(replayed);
    server.finish_with(live).await;
}

#[tokio::test]
async fn event_types_narrow_but_leaving_is_always_told() {
    let server = TestServer::start().await;
    let scope = Scope {
        states: vec![State::InProgress],
        event_types: vec![EventType::Progress],
        ..Scope::default()
    };
    let mut request = tasks(WatchStart::Oldest, "state = IN_PROGRESS");
    request.event_types = vec![EventType::Progress.into()];
    let watch = server.watch(request, scope).await;
    lives(&server).await;
    watch.until_quiet().await;
    let types: Vec<_> = watch
        .events()
        .iter()
        .map(|event| (event.r#type(), event.left))
        .collect();
    assert!(
        types
            .iter()
            .all(|(kind, left)| *left || *kind == EventType::Progress),
        "{types:?}"
    );
    assert!(types.contains(&(EventType::Completed, true)), "{types:?}");
    server.finish_with(vec![watch]).await;
}

#[tokio::test]
async fn a_watch_from_now_says_at_once_that_it_stands() {
    let server = TestServer::start().await;
    lives(&server).await;
    let watch = server.watch(tasks(WatchStart::Now, ""), Scope::all()).await;
    watch.until(|messages| !messages.is_empty()).await;
    assert!(
        watch.messages()[0].events.is_empty(),
        "the first message is a bookmark"
    );
    let task = queued(&server).await;
    watch.until_events(2).await;
    assert!(watch.events().iter().all(|event| event.task_id == task.id));
    server.finish_with(vec![watch]).await;
}

#[tokio::test]
async fn a_snapshot_comes_first_and_says_when_it_ends() {
    let server = TestServer::start().await;
    let made = lives(&server).await;
    let open = queued(&server).await;
    let states = vec![State::Queued, State::Completed];
    let scope = Scope {
        states,
        ..Scope::default()
    };
    let watch = server
        .watch(
            tasks(WatchStart::Snapshot, "state = QUEUED OR state = COMPLETED"),
            scope,
        )
        .await;
    watch
        .until(|messages| messages.iter().any(|message| message.snapshot_complete))
        .await;
    let shown: usize = watch.messages().iter().map(|message| message.tasks.len()).sum();
    assert_eq!(shown, made.len() - 2 + 1, "two were deleted, one is open");
    start(&server, &open.id).await;
    watch.until_events(1).await;
    let left = watch.events().pop().unwrap();
    assert!(left.left && left.task_id == open.id);
    server.finish_with(vec![watch]).await;
}

/// A snapshot of many messages, cut after each of them: the tokens inside go on with the rest.
#[tokio::test]
async fn a_cut_snapshot_goes_on() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        let text = "x".repeat(400);
        let members = (0..1_000).map(|_| NewTask::new("test").description(&text));
        server.ok(server.client().batch_create(members)).await;
    }
    let opening = tasks(WatchStart::Snapshot, "");
    let whole = server.watch(opening.clone(), Scope::all()).await;
    whole
        .until(|messages| messages.iter().any(|message| message.snapshot_complete))
        .await;
    let parts = whole.messages();
    assert!(parts.len() > 3, "a snapshot of {} messages", parts.len());
    for cut in [0, parts.len() / 2, parts.len() - 1] {
        let mut seen: Vec<_> = parts[..=cut]
            .iter()
            .flat_map(|part| &part.tasks)
            .map(|t| t.id.clone())
            .collect();
        let resumed = Opening::from(opening.clone()).resumed(&parts[cut].token);
        let rest = server
            .watch_from(resumed, Scope::all(), (whole.index(), cut))
            .await;
        rest.until_quiet().await;
        seen.extend(
            rest.messages()
                .iter()
                .flat_map(|part| &part.tasks)
                .map(|t| t.id.clone()),
        );
        seen.sort_unstable();
        let count = seen.len();
        seen.dedup();
        assert_eq!((seen.len(), count), (3_000, 3_000), "after message {cut}");
    }
    server.finish_with(vec![whole]).await;
}

/// A snapshot that is made while tasks move holds together with the events that follow.
#[tokio::test]
async fn a_snapshot_among_changes_misses_nothing() {
    let server = TestServer::start().await;
    let client = server.client();
    let members = (0..500).map(|_| NewTask::new("test"));
    let made = server.ok(client.batch_create(members)).await.into_inner();
    let moves = async {
        for task in &made {
            start(&server, &task.id).await;
        }
    };
    let watches = async {
        let mut watches = Vec::new();
        for _ in 0..5 {
            let scope = Scope {
                states: vec![State::Queued],
                ..Scope::default()
            };
            let watch = server
                .watch(tasks(WatchStart::Snapshot, "state = QUEUED"), scope)
                .await;
            watch
                .until(|messages| messages.iter().any(|message| message.snapshot_complete))
                .await;
            watches.push(watch);
        }
        watches
    };
    let ((), watches) = tokio::join!(moves, watches);
    server.finish_with(watches).await;
}

#[tokio::test]
async fn a_watch_of_one_task_ends_with_it() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let mut watch = server.watch_task(&task.id).await;
    server.ok(client.complete(&task.id)).await;
    assert!(watch.ended().await.is_none(), "a good end");
    let types: Vec<_> = watch.events().iter().map(|event| event.r#type()).collect();
    assert_eq!(types.last(), Some(&EventType::Completed));
    let deleted = queued(&server).await;
    let mut watch = server.watch_task(&deleted.id).await;
    server.ok(client.delete(&deleted.id).force()).await;
    assert!(watch.ended().await.is_none());
    assert_eq!(watch.events().last().unwrap().r#type(), EventType::Deleted);
    let unknown = WatchTaskRequest {
        id: id(),
        ..WatchTaskRequest::default()
    };
    let refused = server.try_watch(unknown, Scope::all()).await.unwrap_err();
    assert_eq!(reason(&refused), "TASK_NOT_FOUND");
    server.finish().await;
}

/// tonic's own deadline ends no stream that has begun.
#[tokio::test]
async fn a_watch_ends_at_its_deadline() {
    let server = TestServer::start().await;
    let mut request = tonic::Request::new(tasks(WatchStart::Now, ""));
    request.set_timeout(std::time::Duration::from_millis(300));
    let mut watch = server.raw().watch_tasks(request).await.unwrap().into_inner();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            if let Err(status) = watch.message().await {
                return status;
            }
        }
    });
    let ended = ended.await.expect("the deadline ends it");
    assert_eq!(
        (ended.code(), reason(&ended).as_str()),
        (tonic::Code::DeadlineExceeded, "DEADLINE")
    );
    server.finish().await;
}

#[tokio::test]
async fn a_refused_watch_says_why() {
    let server = TestServer::start().await;
    let cases = [
        (tasks(WatchStart::Now, "state ="), "INVALID_FILTER"),
        (tasks(WatchStart::Now, "title = x"), "INVALID_FILTER"),
        (
            WatchTasksRequest {
                namespace: "No Such Name".to_owned(),
                ..WatchTasksRequest::default()
            },
            "INVALID_FIELD",
        ),
        (
            WatchTasksRequest {
                start: 77,
                ..WatchTasksRequest::default()
            },
            "INVALID_FIELD",
        ),
        (
            WatchTasksRequest {
                event_types: vec![34],
                ..WatchTasksRequest::default()
            },
            "INVALID_FIELD",
        ),
    ];
    for (request, expected) in cases {
        let refused = server.try_watch(request.clone(), Scope::all()).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{request:?}");
    }
    let client = server.client();
    let error = client
        .watch(WatchOptions::tasks().filter("nonsense"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::InvalidFilter));
    server.finish().await;
}
