//! The log: however events share rows, each is read by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::{Action, Command, Event, EventType, Span, TaskId, Timestamp};

use super::fixture::{Fixture, NOW, creator};
use crate::store::{EventsOfQuery, Store, Window};

const SPACES: [&str; 2] = ["default", "other"];

/// Three tasks in each of two namespaces, each with two events that share a row and two that do not; and all events in
/// the order of their logs.
async fn filled() -> (Fixture, BTreeMap<&'static str, Vec<Arc<Event>>>) {
    let mut fixture = Fixture::new().await;
    let mut logs: BTreeMap<&str, Vec<Arc<Event>>> = BTreeMap::new();
    let mut tasks = Vec::new();
    for _ in 0..3 {
        for space in SPACES {
            let (task, events) = fixture.created(|new| new.namespace = space.to_owned());
            let batch = super::fixture::insert(&task, events);
            logs.entry(space)
                .or_default()
                .extend(batch.events.iter().cloned());
            fixture.writer.commit(&batch).await.unwrap();
            tasks.push((space, task));
        }
    }
    let mut now = NOW;
    for message in ["one", "two"] {
        for (space, task) in &mut tasks {
            now = now.plus(Span::from_secs(1));
            let message = message.to_owned();
            let comment = Command::new(creator(), Action::Comment { message });
            let (next, batch) = fixture.moved(task, &comment, now);
            logs.entry(space)
                .or_default()
                .extend(batch.events.iter().cloned());
            fixture.writer.commit(&batch).await.unwrap();
            *task = next;
        }
    }
    (fixture, logs)
}

fn owned(events: &[Arc<Event>]) -> Vec<Event> {
    events.iter().map(|event| event.as_ref().clone()).collect()
}

async fn history(store: &Store, id: TaskId, window: Window, types: &[EventType], limit: u32) -> Vec<Event> {
    let query = EventsOfQuery {
        window,
        types: types.to_vec(),
        limit,
        payloads: true,
    };
    store.events_of(id, &query).await.unwrap()
}

#[tokio::test]
async fn a_task_that_is_created_and_takes_its_place_is_one_row() {
    let (fixture, logs) = filled().await;
    let rows = fixture.shell().await.number("SELECT count(*) FROM event").await;
    let events: usize = logs.values().map(Vec::len).sum();
    assert_eq!((rows, events), (18, 24));
}

#[tokio::test]
async fn the_log_is_the_same_from_wherever_it_is_read() {
    let (fixture, logs) = filled().await;
    for (space, log) in &logs {
        for after in 0..=log.len() {
            for limit in 1..=log.len() {
                let found = fixture
                    .store
                    .log(space, after as i64, limit as u32)
                    .await
                    .unwrap();
                let end = (after + limit).min(log.len());
                assert_eq!(found.len(), end - after, "{limit} after {after}");
                let of = |event: &Event| (event.position, event.kind, event.task_id);
                let expected: Vec<_> = log[after..end].iter().map(|event| of(event)).collect();
                assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
            }
        }
        assert_eq!(fixture.store.log(space, i64::MAX, 5).await.unwrap(), []);
    }
    assert_eq!(fixture.store.log("nobody", 0, 5).await.unwrap(), []);
}

#[tokio::test]
async fn the_history_of_a_task_is_the_same_from_wherever_it_is_read() {
    let (fixture, logs) = filled().await;
    let log = &logs["other"];
    let id = log[0].task_id;
    let of_task: Vec<Arc<Event>> = log.iter().filter(|event| event.task_id == id).cloned().collect();
    let filters: [&[EventType]; 4] = [
        &[],
        &[EventType::Created],
        &[EventType::Queued],
        &[EventType::Queued, EventType::Comment],
    ];
    for types in filters {
        let is_wanted = |event: &&Arc<Event>| types.is_empty() || types.contains(&event.kind);
        for edge in 0..=5 {
            for limit in 1..=5_usize {
                let after: Vec<_> = of_task
                    .iter()
                    .filter(|e| e.sequence > edge)
                    .filter(is_wanted)
                    .cloned()
                    .collect();
                let found = history(&fixture.store, id, Window::After(edge), types, limit as u32).await;
                assert_eq!(found, owned(&after[..limit.min(after.len())]));
                let before: Vec<_> = of_task
                    .iter()
                    .filter(|e| e.sequence < edge)
                    .filter(is_wanted)
                    .cloned()
                    .collect();
                let found = history(&fixture.store, id, Window::Before(edge), types, limit as u32).await;
                assert_eq!(found, owned(&before[before.len().saturating_sub(limit)..]));
            }
        }
    }
}

#[tokio::test]
async fn a_time_is_found_at_the_first_event_that_is_not_older() {
    let (fixture, logs) = filled().await;
    for (space, log) in &logs {
        for second in -1..20 {
            let time = Timestamp::from_micros(NOW.as_micros() + second * 1_000_000);
            let expected = log
                .iter()
                .find(|event| event.time >= time)
                .map_or(log.len() as i64 + 1, |event| event.position);
            let found = fixture.store.first_position_since(space, time).await.unwrap();
            assert_eq!(found, expected, "second {second}");
        }
    }
}

#[tokio::test]
async fn a_log_that_ends_in_a_shared_row_ends_at_its_second_event() {
    let mut fixture = Fixture::new().await;
    fixture.put(|_| {}).await;
    let (_database, opened) = fixture.reopen().await;
    assert_eq!(opened.heads.position("default"), 2);
}

#[tokio::test]
async fn namespaces_made_after_a_restart_have_numbers_of_their_own() {
    let mut fixture = Fixture::new().await;
    fixture.put(|_| {}).await;
    let (database, opened) = fixture.reopen().await;
    let mut fixture = Fixture::of(database, (opened.store, opened.writer, opened.heads));
    fixture.put(|new| new.namespace = "other".to_owned()).await;
    fixture.put(|_| {}).await;
    for (space, events) in [("default", 4), ("other", 2)] {
        let log = fixture.store.log(space, 0, 10).await.unwrap();
        assert_eq!(log.len(), events);
        assert!(log.iter().all(|event| event.namespace == space));
    }
}
