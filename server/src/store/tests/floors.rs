//! Where a look for ready tasks begins.

use baton_domain::{Event, EventType, Span, TaskId, Timestamp, create};
use uuid::Uuid;

use super::fixture::{creator, new_task};
use crate::store::floors::ByPriority;
use crate::store::{Demand, Floors, Ready};

fn demand(types: Option<&[&str]>) -> Demand {
    Demand {
        namespace: "default".to_owned(),
        queues: vec!["a".to_owned()],
        types: types.map(|types| types.iter().map(|name| (*name).to_owned()).collect()),
    }
}

fn ready(priority: i32, since: i64, task_type: &str) -> Ready {
    Ready {
        id: TaskId(Uuid::nil()),
        priority,
        since: Timestamp::from_micros(since),
        queue: "a".to_owned(),
        task_type: task_type.to_owned(),
    }
}

/// That of a task that is ready from `time` on.
fn event(kind: EventType, time: i64) -> Event {
    let new = new_task(TaskId(Uuid::nil()));
    let created = create(new, &creator(), Timestamp::from_micros(time));
    let queued = created.events.into_iter().next_back();
    Event {
        kind,
        ..queued.expect("it is ready at once")
    }
}

#[test]
fn a_look_begins_where_the_first_stood_or_when_there_was_none() {
    let (mut floors, now) = (Floors::default(), Timestamp::from_micros(100));
    let found = [ready(3, 7, "x"), ready(3, 9, "y"), ready(2, 5, "x")];
    floors.learn(&demand(None), (&found, true), now);
    assert_eq!(floors.of("default", "a", None), [100, 5, 7, 100, 100]);
    floors.learn(&demand(Some(&["y", "z"])), (&found, false), now);
    assert_eq!(floors.of("default", "a", Some("y")), [0, 0, 9, 0, 0]);
    assert_eq!(floors.of("default", "a", Some("z")), ByPriority::default());
    assert_eq!(floors.of("default", "b", None), ByPriority::default());
}

#[test]
fn what_others_made_ready_earlier_is_found() {
    let mut floors = Floors::default();
    let learn = |floors: &mut Floors| {
        floors.learn(&demand(None), (&[], true), Timestamp::from_micros(100));
    };
    learn(&mut floors);
    floors.note(&event(EventType::Queued, 100));
    assert_eq!(floors.of("default", "a", None), [100; 5]);
    floors.note(&event(EventType::Queued, 40));
    assert_eq!(floors.of("default", "a", None), [40; 5]);
    learn(&mut floors);
    floors.note(&event(EventType::Updated, 120));
    assert_eq!(
        floors.of("default", "a", None),
        ByPriority::default(),
        "it may have another priority now"
    );
}

#[test]
fn a_look_from_the_front_on_comes_again() {
    // Nothing was ever forgotten: the first look of all is one from the front.
    let (mut floors, now) = (Floors::default(), Timestamp::from_micros(60_000_000));
    let later = |seconds| now.plus(Span::from_secs(seconds));
    floors.refresh(now);
    floors.learn(&demand(None), (&[], true), now);
    floors.refresh(later(9));
    assert_eq!(floors.of("default", "a", None), [now.as_micros(); 5]);
    floors.refresh(later(11));
    assert_eq!(floors.of("default", "a", None), ByPriority::default());
}
