//! The feed over broken streams: nothing lost, nothing twice.

use std::time::Duration;

use baton_client::proto::{
    Task, TaskEvent, WatchStart, WatchTaskResponse, WatchTasksRequest, WatchTasksResponse,
};
use baton_client::{Code, Reason, Watch, WatchItem, WatchOptions};
use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::scripted::{End, Scripted, Seen, Step, frame, refusal, refusal_with, stay_open};

fn bytes(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn event(position: i64) -> TaskEvent {
    TaskEvent {
        position,
        ..TaskEvent::default()
    }
}

/// A message with these events and this token.
fn events(positions: impl IntoIterator<Item = i64>, token: &str) -> WatchTasksResponse {
    WatchTasksResponse {
        events: positions.into_iter().map(event).collect(),
        resume_token: token.to_owned(),
        ..WatchTasksResponse::default()
    }
}

fn drained() -> Status {
    refusal_with(Code::Unavailable, "DRAINING", &[], Some(Duration::from_millis(2)))
}

fn broken_by(status: Status, messages: &[WatchTasksResponse]) -> Step {
    Step::Stream(messages.iter().map(bytes).collect(), End::Status(status))
}

/// The positions of the next events, and whatever ends them.
async fn positions(watch: &mut Watch, count: usize) -> Vec<i64> {
    let mut found = Vec::new();
    while found.len() < count {
        match watch.next().await {
            Some(Ok(WatchItem::Event(event))) => found.push(event.position),
            other => panic!("expected an event after {found:?}, got {other:?}"),
        }
    }
    found
}

fn requests(server: &Scripted) -> Vec<WatchTasksRequest> {
    server.seen().iter().map(Seen::read).collect()
}

#[tokio::test]
async fn a_broken_stream_goes_on_after_the_last_whole_message() {
    let (open, _left) = stay_open();
    let (cut, when) = tokio::sync::oneshot::channel();
    let half = frame(&events([4], "t4").encode_to_vec()).slice(..9);
    let server = Scripted::start([
        broken_by(drained(), &[events([1, 2], "t2")]),
        Step::Stream(vec![bytes(&events([3], "t3"))], End::Cut(half, Some(when))),
        Step::Refuse(drained()),
        Step::Stream(vec![bytes(&events([4, 5], "t5"))], open),
    ])
    .await;
    let options = WatchOptions::tasks().filter("queue = a").from_oldest();
    let mut watch = server.client().watch(options).await.unwrap();
    assert_eq!(positions(&mut watch, 3).await, [1, 2, 3]);
    cut.send(()).unwrap();
    assert_eq!(positions(&mut watch, 2).await, [4, 5]);
    assert_eq!(watch.reconnects(), 2);

    let sent = requests(&server);
    let tokens: Vec<_> = sent.iter().map(|request| request.resume_token.as_str()).collect();
    assert_eq!(tokens, ["", "t2", "t3", "t3"]);
    assert_eq!(sent[0].start(), WatchStart::Oldest);
    assert!(
        sent[1..].iter().all(|request| request.start == 0),
        "either a start or a token"
    );
    assert!(sent.iter().all(|request| request.filter == "queue = a"));
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_message_begins_again() {
    let (open, _left) = stay_open();
    let server = Scripted::start([
        broken_by(drained(), &[]),
        Step::Stream(vec![bytes(&events([1], "t1"))], open),
    ])
    .await;
    let mut watch = server
        .client()
        .watch(WatchOptions::tasks().from_oldest())
        .await
        .unwrap();
    assert_eq!(positions(&mut watch, 1).await, [1]);
    let sent = requests(&server);
    assert_eq!(sent[0], sent[1]);
}

#[tokio::test]
async fn a_message_is_told_in_its_parts_and_in_order() {
    let task = |id: &str| Task {
        id: id.to_owned(),
        ..Task::default()
    };
    let snapshot = WatchTasksResponse {
        tasks: vec![task("1"), task("2")],
        snapshot_complete: true,
        resume_token: "s".to_owned(),
        ..WatchTasksResponse::default()
    };
    let mut gone = events([7], "t7");
    gone.events[0].left = true;
    let bookmark = WatchTasksResponse {
        resume_token: "b".to_owned(),
        ..WatchTasksResponse::default()
    };
    let (open, _left) = stay_open();
    let script = [Step::Stream(
        [snapshot, gone, bookmark].iter().map(bytes).collect(),
        open,
    )];
    let server = Scripted::start(script).await;
    let mut watch = server
        .client()
        .watch(WatchOptions::tasks().from_snapshot())
        .await
        .unwrap();

    let mut told = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..5 {
        told.push(watch.next().await.unwrap().unwrap());
        tokens.push(watch.resume_token().unwrap_or_default().to_owned());
    }
    assert!(
        matches!(&told[0], WatchItem::Snapshot(task) if task.id == "1"),
        "{told:?}"
    );
    assert!(
        matches!(&told[1], WatchItem::Snapshot(task) if task.id == "2"),
        "{told:?}"
    );
    assert_eq!(told[2], WatchItem::SnapshotComplete);
    assert!(
        matches!(&told[3], WatchItem::Left(event) if event.position == 7),
        "{told:?}"
    );
    assert_eq!(told[4], WatchItem::Bookmark(None));
    assert_eq!(
        tokens,
        ["", "", "s", "t7", "b"],
        "a token stands for whole groups only"
    );
}

#[tokio::test]
async fn a_token_that_is_too_old_ends_the_watch_with_its_reason() {
    let expired = refusal(Code::OutOfRange, "RESUME_TOKEN_EXPIRED");
    let server = Scripted::start([broken_by(drained(), &[events([1], "t1")]), Step::Refuse(expired)]).await;
    let mut watch = server.client().watch(WatchOptions::tasks()).await.unwrap();
    positions(&mut watch, 1).await;
    let error = watch.next().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::ResumeTokenExpired));
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_token_of_another_database_is_refused_at_once() {
    let foreign = refusal(Code::FailedPrecondition, "RESUME_TOKEN_FOREIGN");
    let server = Scripted::start([Step::Refuse(foreign)]).await;
    let error = server
        .client()
        .watch(WatchOptions::tasks().resume("old"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::ResumeTokenForeign));
    assert_eq!(requests(&server)[0].resume_token, "old");
}

#[tokio::test]
async fn a_watch_of_one_task_ends_with_the_task_and_one_of_many_never() {
    let last = WatchTaskResponse {
        events: vec![event(1)],
        ..WatchTaskResponse::default()
    };
    let server = Scripted::start([Step::Stream(vec![bytes(&last)], End::Ok)]).await;
    let mut watch = server.client().watch(WatchOptions::task("1")).await.unwrap();
    positions(&mut watch, 1).await;
    assert!(watch.next().await.is_none());

    let (open, _left) = stay_open();
    let server = Scripted::start([
        Step::Stream(vec![bytes(&events([1], "t1"))], End::Ok),
        Step::Stream(vec![bytes(&events([2], "t2"))], open),
    ])
    .await;
    let mut watch = server.client().watch(WatchOptions::tasks()).await.unwrap();
    assert_eq!(positions(&mut watch, 2).await, [1, 2]);
}

#[tokio::test]
async fn a_watch_opens_when_the_server_comes_up() {
    let (open, _left) = stay_open();
    let greeted = Step::Stream(vec![bytes(&events([], "t0"))], open);
    let server = Scripted::start([Step::Refuse(drained()), greeted]).await;
    server.client().watch(WatchOptions::tasks()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

/// What happens between the opening and a break would be lost, had the watch no token to go back to.
#[tokio::test]
async fn a_watch_from_now_on_stands_only_when_it_can_be_resumed() {
    let (open, _left) = stay_open();
    let greeted = broken_by(drained(), &[events([], "t0")]);
    let missed = Step::Stream(vec![bytes(&events([1], "t1"))], open);
    let server = Scripted::start([broken_by(drained(), &[]), greeted, missed]).await;
    let mut watch = server.client().watch(WatchOptions::tasks()).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), WatchItem::Bookmark(None));
    assert_eq!(positions(&mut watch, 1).await, [1]);
    let tokens: Vec<_> = requests(&server)
        .into_iter()
        .map(|request| request.resume_token)
        .collect();
    assert_eq!(tokens, ["", "", "t0"]);
}

#[tokio::test]
async fn dropping_a_watch_ends_its_stream() {
    let (open, left) = stay_open();
    let server = Scripted::start([Step::Stream(vec![bytes(&events([1], "t1"))], open)]).await;
    let client = server.client();
    let mut watch = client.watch(WatchOptions::tasks()).await.unwrap();
    positions(&mut watch, 1).await;
    drop(watch);
    left.await.expect_err("the server sees the client leave");
}

#[tokio::test]
async fn dropping_a_watch_that_looks_for_its_server_ends_the_search() {
    let server = Scripted::start([broken_by(drained(), &[events([1], "t1")])]).await;
    let client = server.client();
    let mut watch = client.watch(WatchOptions::tasks()).await.unwrap();
    positions(&mut watch, 1).await;
    drop(watch);
    // Calls still work, and nothing else was asked in between but for one try that was under way.
    client.get("1").await.unwrap_err();
    let tries = server
        .paths()
        .iter()
        .filter(|path| path.ends_with("WatchTasks"))
        .count();
    assert!(tries <= 2, "{:?}", server.paths());
}

/// h2 closes a connection on which too many small frames wait unread. The reader here rests until the server has no more
/// to send, which takes the bounded queue and the windows of the connection.
#[tokio::test]
async fn a_slow_reader_of_tiny_messages_loses_nothing() {
    const COUNT: i64 = 50_000;
    let (open, _left) = stay_open();
    let tiny = (1..=COUNT).map(|position| bytes(&events([position], &position.to_string())));
    let server = Scripted::start([Step::Stream(tiny.collect(), open)]).await;
    let client = server.client();
    let mut watch = client.watch(WatchOptions::tasks().buffer(4)).await.unwrap();
    assert_eq!(positions(&mut watch, 1).await, [1]);
    // Other calls go on while the reader rests.
    for _ in 0..50 {
        client.get("1").await.unwrap_err();
    }
    let rest = usize::try_from(COUNT - 1).unwrap();
    assert_eq!(positions(&mut watch, rest).await, (2..=COUNT).collect::<Vec<_>>());
    assert_eq!(watch.reconnects(), 0);
}
