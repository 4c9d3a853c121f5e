//! Leases stand apart from their tasks and come back with them.

use std::sync::Arc;

use baton_domain::{
    Action, Command, Detail, EventType, PayloadRole, Span, State, Task, TaskId, Timeouts, Timestamp, Token,
};

use super::fixture::{Fixture, NOW, by, delete, grant, json};
use crate::store::{BEGINNING, EventsOfQuery, Window, WriteBatch};

const fn seconds(n: i64) -> Timestamp {
    NOW.plus(Span::from_secs(n))
}

fn with_token(task: &Task, call: i64, action: Action) -> Command {
    let fence = task.fence;
    Command {
        token: Some(Token { fence, call }),
        ..by(action)
    }
}

async fn moves(fixture: &mut Fixture, task: &Task, command: &Command, now: Timestamp) -> Task {
    let (after, batch) = fixture.moved(task, command, now);
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(fixture.store.task(task.id).await.unwrap().as_ref(), Some(&after));
    after
}

async fn leased(fixture: &mut Fixture) -> Task {
    let task = fixture.put(|_| {}).await;
    moves(fixture, &task, &by(grant()), NOW).await
}

async fn started(fixture: &mut Fixture) -> Task {
    let task = leased(fixture).await;
    let start = Action::Start {
        assignee: None,
        lease: None,
        start_time: None,
    };
    moves(fixture, &task, &with_token(&task, 1, start), seconds(1)).await
}

const fn renew() -> Action {
    Action::Renew {
        duration: None,
        progress: None,
    }
}

const fn complete() -> Action {
    Action::Complete {
        output: None,
        receipt: None,
        jitter: 0.0,
    }
}

async fn leases(fixture: &Fixture) -> i64 {
    fixture.shell().await.number("SELECT count(*) FROM lease").await
}

#[tokio::test]
async fn a_lease_lives_from_its_grant_to_the_end_of_the_work() {
    let mut fixture = Fixture::new().await;
    let granted = leased(&mut fixture).await;
    assert_eq!(granted.lease_end(), Some(seconds(10)));
    let task = started(&mut fixture).await;
    assert_eq!(task.lease_end(), Some(seconds(31)));
    assert_eq!(leases(&fixture).await, 2);
    let done = moves(&mut fixture, &task, &with_token(&task, 2, complete()), seconds(2)).await;
    assert!(done.state == State::Completed && done.leased && done.last_call == Some(2));
    assert_eq!(leases(&fixture).await, 1);
    delete(&mut fixture, &granted).await;
    assert_eq!(leases(&fixture).await, 0);
}

/// The wide row and its indexes are what a renewal would cost.
#[tokio::test]
async fn a_renewal_writes_the_lease_and_nothing_else() {
    let mut fixture = Fixture::new().await;
    let task = started(&mut fixture).await;
    let mut shell = fixture.shell().await;
    for (table, kind) in [
        ("task", "UPDATE"),
        ("event", "INSERT"),
        ("task_count", "UPDATE"),
        ("payload", "INSERT"),
    ] {
        shell.poison(&format!("BEFORE {kind}"), table, None).await;
    }
    let renewed = moves(&mut fixture, &task, &with_token(&task, 3, renew()), seconds(5)).await;
    assert_eq!(renewed.lease_end(), Some(seconds(35)));
    assert_eq!(renewed.revision, task.revision);
}

#[tokio::test]
async fn a_lease_granted_and_ended_in_one_batch_leaves_nothing() {
    let mut fixture = Fixture::new().await;
    let before = fixture.put(|_| {}).await;
    let (granted, mut batch) = fixture.moved(&before, &by(grant()), NOW);
    let (released, more) = fixture.moved(&granted, &with_token(&granted, 1, Action::Release), NOW);
    batch.events.extend(more.events);
    batch.updated = vec![(Arc::new(before), Arc::new(released.clone()))];
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(fixture.store.task(released.id).await.unwrap(), Some(released));
    assert_eq!(leases(&fixture).await, 0);
}

#[tokio::test]
async fn what_stands_as_it_stood_is_not_written() {
    let mut fixture = Fixture::new().await;
    let task = started(&mut fixture).await;
    let mut shell = fixture.shell().await;
    shell.hold().await;
    let same = WriteBatch {
        updated: vec![(Arc::new(task.clone()), Arc::new(task))],
        ..WriteBatch::default()
    };
    // Whoever holds the database does not keep this waiting: there is nothing to begin.
    fixture.writer.commit(&same).await.unwrap();
}

#[tokio::test]
async fn the_ends_of_leases_are_due_among_the_tasks() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.store.next_wake(BEGINNING).await.unwrap(), None);
    let first = leased(&mut fixture).await;
    assert_eq!(
        fixture.store.next_wake(BEGINNING).await.unwrap(),
        Some(seconds(10))
    );
    // Due by its total timeout before, and by its lease: named once.
    let both = fixture
        .put(|new| {
            new.timeouts = Timeouts {
                total: Some(Span::from_secs(4)),
                ..Timeouts::default()
            };
        })
        .await;
    let both = moves(&mut fixture, &both, &by(grant()), NOW).await;
    let due = async |until: i64, limit| {
        fixture
            .store
            .due((BEGINNING, seconds(until)), limit)
            .await
            .unwrap()
    };
    assert_eq!(
        fixture.store.next_wake(BEGINNING).await.unwrap(),
        Some(seconds(4))
    );
    assert_eq!(due(3, 9).await, Vec::<TaskId>::new());
    assert_eq!(due(9, 9).await, vec![both.id]);
    assert_eq!(due(10, 9).await, vec![both.id, first.id]);
    assert_eq!(due(10, 1).await, vec![both.id]);
}

#[tokio::test]
async fn every_checkpoint_can_be_read_and_output_stands_in_its_event() {
    let mut fixture = Fixture::new().await;
    let mut task = started(&mut fixture).await;
    let calls = [
        Action::SaveCheckpoint {
            checkpoint: json("1"),
        },
        Action::AppendOutput {
            index: None,
            chunk: json("\"part\""),
        },
        Action::SaveCheckpoint {
            checkpoint: json("2"),
        },
    ];
    for (call, action) in (2..).zip(calls) {
        task = moves(&mut fixture, &task, &with_token(&task, call, action), seconds(2)).await;
    }
    assert_eq!((task.checkpoint_version, task.output_count), (2, 1));
    for (version, text) in [(1, "1"), (2, "2")] {
        let found = fixture
            .store
            .payload(task.id, PayloadRole::Checkpoint, version)
            .await;
        let body = found.unwrap().and_then(|payload| payload.body);
        assert_eq!(body.as_deref(), Some(text.as_bytes()), "{version}");
    }
    let query = EventsOfQuery {
        window: Window::After(0),
        types: vec![EventType::Checkpoint, EventType::Output],
        limit: 9,
        payloads: true,
    };
    let events = fixture.store.events_of(task.id, &query).await.unwrap();
    let bodies: Vec<_> = events
        .iter()
        .map(|event| match &event.detail {
            Detail::Checkpoint(payload) | Detail::Output { chunk: payload, .. } => {
                payload.body.clone().unwrap()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, ["1", "\"part\"", "2"]);
}

/// Moves set the timers to the time of the task's update, so that their column stays empty; what is not a move does not.
#[tokio::test]
async fn timers_are_written_only_where_they_say_something() {
    let mut fixture = Fixture::new().await;
    let task = started(&mut fixture).await;
    let timers = async |fixture: &Fixture| -> Option<Vec<u8>> {
        fixture.shell().await.bytes("SELECT timers FROM task").await
    };
    assert_eq!(timers(&fixture).await, None);
    let comment = by(Action::Comment {
        message: "so far".to_owned(),
    });
    let told = moves(&mut fixture, &task, &comment, seconds(3)).await;
    assert_eq!(told.timers.since, seconds(1));
    assert!(timers(&fixture).await.is_some());
}
