//! The logs that the feed keeps in memory: whose, and how much of them.

use std::sync::Arc;

use baton_domain::{Actor, Detail, Event, EventType, Labels, State, TaskId, Timestamp};
use baton_test_database::TestDatabase;
use uuid::Uuid;

use super::{Feed, READ_BYTES};
use crate::seams::Ids;
use crate::store::{Store, StoreOptions};

const RING_BYTES: usize = 64 * 1024;

async fn feed() -> (Feed, TestDatabase) {
    let database = TestDatabase::new();
    let url = database.url().parse().expect("a URL of a database");
    let opened = Store::open(&url, &StoreOptions::new(Ids::system())).await;
    let opened = opened.expect("a new store opens");
    (Feed::new(opened.store, opened.heads, RING_BYTES), database)
}

fn event(namespace: &str, position: i64, message: &str) -> Arc<Event> {
    Arc::new(Event {
        task_id: TaskId(Uuid::from_u128(1)),
        namespace: namespace.to_owned(),
        sequence: position,
        position,
        kind: EventType::Comment,
        time: Timestamp::from_micros(position),
        actor: Actor::anonymous(),
        message: message.to_owned(),
        from_state: Some(State::Queued),
        to_state: State::Queued,
        state_reason: "".into(),
        attempt: 0,
        fence: 0,
        queue: "default".to_owned(),
        task_type: "report".to_owned(),
        labels: Labels::default(),
        imported: false,
        detail: Detail::None,
    })
}

fn names_kept(feed: &Feed) -> usize {
    feed.shared.logs.lock().by_name.len()
}

fn bytes_kept(feed: &Feed) -> usize {
    let logs = feed.shared.logs.lock();
    logs.by_name
        .values()
        .map(|known| known.log.ring.lock().bytes())
        .sum()
}

#[tokio::test]
async fn a_name_that_somebody_made_up_is_forgotten_with_its_last_reader() {
    let (feed, _database) = feed().await;
    assert_eq!((feed.head("asked"), feed.oldest("asked")), (0, 1));
    assert_eq!(names_kept(&feed), 0, "nobody reads");
    let one = feed.reader("made-up", 0);
    let other = feed.reader("made-up", 0);
    drop(one);
    assert_eq!(names_kept(&feed), 1, "somebody reads");
    drop(other);
    assert_eq!(names_kept(&feed), 0, "nobody reads any more");
}

#[tokio::test]
async fn a_reader_who_was_there_first_is_told_and_the_log_stays() {
    let (feed, _database) = feed().await;
    let mut reader = feed.reader("new", 0);
    feed.publish(&[event("new", 1, "")]);
    let read = reader.next(10).await.expect("the ring reads");
    assert_eq!(read.iter().map(|event| event.position).collect::<Vec<_>>(), [1]);
    drop(reader);
    assert_eq!(
        feed.head("new"),
        1,
        "the store's heads, as it was opened, do not know it"
    );
}

#[tokio::test]
async fn the_ring_keeps_what_is_read_somewhere() {
    let (feed, _database) = feed().await;
    feed.publish(&[event("default", 1, "")]);
    assert_eq!(
        (bytes_kept(&feed), feed.head("default")),
        (0, 1),
        "nobody has ever read it"
    );
    drop(feed.reader("default", 1));
    feed.publish(&[event("default", 2, "")]);
    assert!(bytes_kept(&feed) > 0, "somebody may come again");
    let mut reader = feed.reader("default", 1);
    let read = reader.next(10).await.expect("the ring reads");
    assert_eq!(read.iter().map(|event| event.position).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn names_without_events_take_nothing_from_the_ring() {
    let (feed, _database) = feed().await;
    let readers: Vec<_> = (0..1_000)
        .map(|n| feed.reader(&format!("made-up-{n}"), 0))
        .chain([feed.reader("default", 0)])
        .collect();
    let events: Vec<_> = (1..=20).map(|position| event("default", position, "")).collect();
    feed.publish(&events);
    assert!(bytes_kept(&feed) > RING_BYTES / 4, "{} bytes", bytes_kept(&feed));
    drop(readers);
}

#[tokio::test]
async fn logs_that_fell_quiet_give_their_bytes_back() {
    let (feed, _database) = feed().await;
    let text = "x".repeat(2_000);
    let (mut readers, mut most) = (Vec::new(), 0);
    for name in 0..32 {
        let name = format!("n{name}");
        readers.push(feed.reader(&name, 0));
        let events: Vec<_> = (1..=40).map(|position| event(&name, position, &text)).collect();
        feed.publish(&events);
        most = most.max(bytes_kept(&feed));
        assert!(
            bytes_kept(&feed) <= 2 * RING_BYTES,
            "{} bytes after {name}",
            bytes_kept(&feed)
        );
    }
    assert!(most > RING_BYTES / 2, "{most} bytes");
}

#[tokio::test]
async fn a_read_is_bounded_by_bytes_and_goes_on_behind_it() {
    let (feed, _database) = feed().await;
    let feed = Feed::new(feed.store().clone(), Default::default(), 8 * READ_BYTES);
    // The message of an event is counted too.
    let text = "x".repeat(READ_BYTES / 6);
    let large = "x".repeat(2 * READ_BYTES);
    let mut events: Vec<_> = (1..=7)
        .map(|position| event("default", position, &text))
        .collect();
    events.push(event("default", 8, &large));
    let mut reader = feed.reader("default", 0);
    feed.publish(&events);
    let mut reads = Vec::new();
    while reader.lag() > 0 {
        let read = reader.next(256).await.expect("the ring reads");
        reads.push(read.iter().map(|event| event.position).collect::<Vec<_>>());
    }
    assert_eq!(reads, [vec![1, 2], vec![3, 4], vec![5, 6], vec![7], vec![8]]);
}
