//! What a batch brings about beside its tasks: edges, follow-ups, replaced payloads, counts, the end of a task.

use baton_domain::{Action, Edit, PayloadRole, Span, State, TaskId, Timestamp, When};

use super::fixture::{Fixture, NOW, by, delete, insert, json, new_input};
use crate::store::{
    BEGINNING, CommitError, Constraint, Edge, FollowUp, FollowUpKind, NewFollowUp, RequestRecord, TaskGroup,
    WriteBatch,
};

fn later(seconds: i64) -> Timestamp {
    NOW.plus(Span::from_secs(seconds))
}

#[tokio::test]
async fn edges_are_found_until_they_are_removed() {
    let mut fixture = Fixture::new().await;
    let target = fixture.id();
    let edge = |n: u128, revision| Edge {
        task_id: TaskId(uuid::Uuid::from_u128(n)),
        depends_on: target,
        revision,
    };
    let edges_added = vec![
        edge(1, 2),
        edge(2, 2),
        edge(3, 5),
        Edge {
            depends_on: fixture.id(),
            ..edge(4, 1)
        },
    ];
    fixture
        .writer
        .commit(&WriteBatch {
            edges_added,
            ..WriteBatch::default()
        })
        .await
        .unwrap();
    let found = async |revision, limit| {
        let ids = fixture.store.dependants(target, revision, limit).await.unwrap();
        ids.into_iter().map(|id| id.0.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(found(5, 10).await, vec![1, 2, 3]);
    assert_eq!(found(4, 10).await, vec![1, 2]);
    assert_eq!(found(5, 2).await, vec![1, 2]);
    // One that is not there is no error.
    let edges_removed = vec![edge(1, 0), edge(9, 0)];
    fixture
        .writer
        .commit(&WriteBatch {
            edges_removed,
            ..WriteBatch::default()
        })
        .await
        .unwrap();
    let found = fixture.store.dependants(target, 5, 10).await.unwrap();
    assert_eq!(
        found.iter().map(|id| id.0.as_u128()).collect::<Vec<_>>(),
        vec![2, 3]
    );
}

#[tokio::test]
async fn follow_ups_come_in_order_and_their_ids_are_never_used_again() {
    let mut fixture = Fixture::new().await;
    let task_id = fixture.id();
    let new = |kind, result, revision| NewFollowUp {
        namespace: "default".to_owned(),
        kind,
        task_id,
        result,
        revision,
    };
    let added = vec![
        new(FollowUpKind::DependencySettled, State::Dead, 7),
        new(FollowUpKind::ParentGone, State::Cancelled, 8),
    ];
    fixture
        .writer
        .commit(&WriteBatch {
            follow_ups_added: added.clone(),
            ..WriteBatch::default()
        })
        .await
        .unwrap();
    let found = fixture.store.follow_ups(10).await.unwrap();
    let expected = |id, new: &NewFollowUp| {
        let NewFollowUp {
            namespace,
            kind,
            task_id,
            result,
            revision,
        } = new.clone();
        FollowUp {
            id,
            namespace,
            kind,
            task_id,
            result,
            revision,
        }
    };
    assert_eq!(found, vec![expected(1, &added[0]), expected(2, &added[1])]);
    assert_eq!(fixture.store.follow_ups(1).await.unwrap().len(), 1);
    let done = WriteBatch {
        follow_ups_removed: vec![1, 2, 99],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&done).await.unwrap();
    let again = WriteBatch {
        follow_ups_added: vec![added[0].clone()],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&again).await.unwrap();
    assert_eq!(
        fixture.store.follow_ups(10).await.unwrap(),
        vec![expected(3, &added[0])]
    );
}

#[tokio::test]
async fn open_children_are_found_and_settled_ones_are_not() {
    let mut fixture = Fixture::new().await;
    let parent = fixture.put(|_| {}).await;
    let open = fixture.put(|new| new.parent_id = Some(parent.id)).await;
    let other = fixture.put(|new| new.parent_id = Some(parent.id)).await;
    let (_, batch) = fixture.moved(
        &other,
        &by(Action::Cancel {
            reason: String::new(),
        }),
        NOW,
    );
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(
        fixture.store.open_children(parent.id, 10).await.unwrap(),
        vec![open.id]
    );
    assert_eq!(fixture.store.open_children(open.id, 10).await.unwrap(), vec![]);
}

#[tokio::test]
async fn due_tasks_come_by_their_time() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.store.next_wake(BEGINNING).await.unwrap(), None);
    let late = fixture.put(|new| new.schedule = Some(When::At(later(20)))).await;
    let soon = fixture.put(|new| new.schedule = Some(When::At(later(10)))).await;
    fixture.put(|_| {}).await;
    assert_eq!(fixture.store.next_wake(BEGINNING).await.unwrap(), Some(later(10)));
    assert_eq!(
        fixture.store.due((BEGINNING, later(9)), 10).await.unwrap(),
        vec![]
    );
    assert_eq!(
        fixture.store.due((BEGINNING, later(10)), 10).await.unwrap(),
        vec![soon.id]
    );
    assert_eq!(
        fixture.store.due((BEGINNING, later(99)), 10).await.unwrap(),
        vec![soon.id, late.id]
    );
    assert_eq!(
        fixture.store.due((BEGINNING, later(99)), 1).await.unwrap(),
        vec![soon.id]
    );
    let (_, batch) = fixture.moved(&soon, &by(Action::Tick { jitter: 0.0 }), later(10));
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(fixture.store.next_wake(BEGINNING).await.unwrap(), Some(later(20)));
}

#[tokio::test]
async fn counts_follow_every_change() {
    let mut fixture = Fixture::new().await;
    let group = |state, queue: &str, count, oldest| TaskGroup {
        state,
        queue: queue.to_owned(),
        task_type: "send_email".to_owned(),
        count,
        oldest_ready_time: oldest,
    };
    let first = fixture.put(|_| {}).await;
    fixture.put(|_| {}).await;
    let moved = fixture.put(|_| {}).await;
    fixture.put(|new| new.namespace = "other".to_owned()).await;
    let counts = |fixture: &Fixture| {
        let store = fixture.store.clone();
        async move { store.task_groups("default").await.unwrap() }
    };
    assert_eq!(
        counts(&fixture).await,
        vec![group(State::Queued, "default", 3, Some(NOW))]
    );

    let (_, batch) = fixture.moved(
        &first,
        &by(Action::Start {
            assignee: None,
            lease: None,
            start_time: None,
        }),
        NOW,
    );
    fixture.writer.commit(&batch).await.unwrap();
    let elsewhere = by(Action::Update(Box::new(Edit {
        queue: Some("q".to_owned()),
        ..Edit::default()
    })));
    let (_, batch) = fixture.moved(&moved, &elsewhere, later(1));
    fixture.writer.commit(&batch).await.unwrap();
    let running = group(State::InProgress, "default", 1, None);
    let ready = [
        group(State::Queued, "default", 1, Some(NOW)),
        group(State::Queued, "q", 1, Some(NOW)),
    ];
    assert_eq!(
        counts(&fixture).await,
        vec![running.clone(), ready[0].clone(), ready[1].clone()]
    );

    let moved = fixture.store.task(moved.id).await.unwrap().unwrap();
    delete(&mut fixture, &moved).await;
    assert_eq!(counts(&fixture).await, vec![running, ready[0].clone()]);
    fixture.writer.expire_requests(NOW, 10).await.unwrap();
    assert_eq!(counts(&fixture).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_task_leaves_its_events_until_the_horizon_has_passed() {
    let mut fixture = Fixture::new().await;
    let kept = fixture.put(|_| {}).await;
    let gone = fixture.put(|new| new.input = Some(json("1"))).await;
    let (gone, batch) = fixture.moved(&gone, &new_input("2"), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    delete(&mut fixture, &gone).await;
    assert_eq!(fixture.store.task(gone.id).await.unwrap(), None);
    assert_eq!(
        fixture
            .store
            .payload(gone.id, PayloadRole::Input, 1)
            .await
            .unwrap(),
        None
    );
    assert_eq!(fixture.store.log("default", 0, 99).await.unwrap().len(), 6);

    // Its id stays taken as long as its events are there.
    let again = |fixture: &mut Fixture| {
        let (task, events) = fixture.created(|new| new.id = gone.id);
        insert(&task, events)
    };
    let batch = again(&mut fixture);
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Conflict(Constraint::TaskId)),
        "{error:?}"
    );

    // The DELETED event is the sixth: a horizon that still answers it removes nothing.
    assert!(!fixture.writer.trim("default", 6, 10).await.unwrap());
    assert_eq!(fixture.store.log("default", 0, 99).await.unwrap().len(), 6);
    // Bounded, by rows, and called again while there is more. The first row has two events.
    assert!(fixture.writer.trim("default", 7, 2).await.unwrap());
    assert_eq!(fixture.store.log("default", 0, 99).await.unwrap().len(), 3);
    assert!(!fixture.writer.trim("default", 7, 2).await.unwrap());
    let left = fixture.store.log("default", 0, 99).await.unwrap();
    assert!(left.iter().all(|event| event.task_id == kept.id), "{left:?}");
    assert_eq!(left.len(), 2);

    // No position is given twice, though the last event is gone, and the horizon is never lowered.
    fixture.writer.trim("default", 2, 3).await.unwrap();
    let time = fixture.heads.last_time();
    let (database, opened) = fixture.reopen().await;
    assert_eq!(
        (opened.heads.position("default"), opened.heads.oldest("default")),
        (6, 7)
    );
    assert_eq!(opened.heads.last_time(), time);
    let batch = {
        let crate::store::Opened {
            store, writer, heads, ..
        } = opened;
        let mut fixture = Fixture::of(database, (store, writer, heads));
        let batch = again(&mut fixture);
        fixture.writer.commit(&batch).await.unwrap();
        batch
    };
    assert_eq!(batch.events[0].position, 7);
}

#[tokio::test]
async fn positions_are_found_by_time() {
    let mut fixture = Fixture::new().await;
    assert_eq!(
        fixture.store.first_position_since("default", NOW).await.unwrap(),
        1
    );
    let task = fixture.put(|_| {}).await;
    let gone = fixture.put(|_| {}).await;
    delete(&mut fixture, &gone).await;
    let comment = by(Action::Comment {
        message: "x".to_owned(),
    });
    let (task, batch) = fixture.moved(&task, &comment, later(10));
    fixture.writer.commit(&batch).await.unwrap();
    let (_, batch) = fixture.moved(&task, &comment, later(20));
    fixture.writer.commit(&batch).await.unwrap();
    // Positions 3 to 5 are removed: a gap in the middle.
    fixture.writer.trim("default", 6, 99).await.unwrap();
    for (time, position) in [(-1, 1), (0, 1), (1, 6), (10, 6), (11, 7), (20, 7), (21, 8)] {
        let since = Timestamp::from_micros(NOW.as_micros() + time * 1_000_000);
        assert_eq!(
            fixture
                .store
                .first_position_since("default", since)
                .await
                .unwrap(),
            position,
            "{time}"
        );
    }
}

#[tokio::test]
async fn requests_are_forgotten_when_they_expire() {
    let mut fixture = Fixture::new().await;
    let record = |n: u8| RequestRecord {
        namespace: "default".to_owned(),
        request_id: uuid::Uuid::from_u128(n.into()),
        method: "StartTask".to_owned(),
        hash: [n; 32],
        task_ids: vec![TaskId(uuid::Uuid::from_u128(1)); usize::from(n)],
        revision: 3,
        expire_time: later(n.into()),
    };
    let requests: Vec<_> = (1..=4).map(record).collect();
    fixture
        .writer
        .commit(&WriteBatch {
            requests,
            ..WriteBatch::default()
        })
        .await
        .unwrap();
    let ids: Vec<_> = (1..=4).map(|n| record(n).request_id).collect();
    let left = |fixture: &Fixture| {
        let (store, ids) = (fixture.store.clone(), ids.clone());
        async move { store.requests(&ids).await.unwrap() }
    };
    assert_eq!(left(&fixture).await, (1..=4).map(record).collect::<Vec<_>>());
    assert!(fixture.writer.expire_requests(later(3), 2).await.unwrap());
    assert_eq!(left(&fixture).await, vec![record(3), record(4)]);
    assert!(!fixture.writer.expire_requests(later(3), 2).await.unwrap());
    assert_eq!(left(&fixture).await, vec![record(4)]);
}
