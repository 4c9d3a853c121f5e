//! A turn that is one statement, between those of others.

use std::sync::Arc;

use baton_domain::{Event, Task};

use crate::store::tests::fixture::{Fixture, insert, labels, open};
use crate::store::writer::Link;
use crate::store::{CommitError, Constraint, WriteBatch};

/// One that has had a turn, and may take it that nobody else has.
async fn alone() -> Fixture {
    let mut fixture = Fixture::new().await;
    fixture.put(|_| {}).await;
    assert!(fixture.writer.may_presume());
    fixture
}

fn batch((task, events): &(Task, Vec<Arc<Event>>)) -> WriteBatch {
    insert(task, events.clone())
}

/// A task that another server of the same database creates.
async fn written_by_another(fixture: &mut Fixture) -> Task {
    let mut other = open(&fixture.database).await.unwrap();
    let theirs = fixture.created(|_| {});
    other.writer.commit(&batch(&theirs)).await.unwrap();
    theirs.0
}

#[tokio::test]
async fn who_is_alone_writes_turn_after_turn_by_one_statement_each() {
    let mut fixture = alone().await;
    let mut shell = fixture.shell().await;
    let turn = "SELECT last_value FROM turn";
    let before = shell.number(turn).await;
    let mut tasks = Vec::new();
    for n in 0..5 {
        let name = format!("task {n}");
        tasks.push(fixture.put(|new| new.title = name).await);
    }
    assert_eq!(shell.number(turn).await, before + 5);
    assert!(!fixture.writer.is_behind().await.unwrap());
    for task in tasks {
        assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(task));
    }
}

#[tokio::test]
async fn nothing_is_written_where_another_has_had_a_turn() {
    let mut fixture = alone().await;
    let theirs = written_by_another(&mut fixture).await;
    assert!(fixture.writer.is_behind().await.unwrap());
    let ours = fixture.created(|_| {});
    let refused = fixture.writer.commit(&batch(&ours)).await;
    assert!(matches!(refused, Err(CommitError::Behind)), "{refused:?}");
    assert_eq!(fixture.store.task(ours.0.id).await.unwrap(), None);
    assert_eq!(fixture.store.task(theirs.id).await.unwrap(), Some(theirs));
    // The next turn tells it.
    assert!(fixture.writer.begin().await.unwrap().is_behind);
    fixture.writer.leave().await;
    assert!(!fixture.writer.is_behind().await.unwrap());
    assert!(fixture.writer.may_presume());
}

/// A turn is begun once in a while all the same, and what was decided before it is no more true than at other times.
#[tokio::test]
async fn a_turn_that_is_begun_for_what_was_decided_before_it_tells_of_another_too() {
    let mut fixture = alone().await;
    written_by_another(&mut fixture).await;
    let ours = fixture.created(|_| {});
    let Link::Postgres(link) = &mut fixture.writer.link else {
        panic!("this is PostgreSQL")
    };
    link.rest();
    assert!(!fixture.writer.may_presume());
    let refused = fixture.writer.commit(&batch(&ours)).await;
    assert!(matches!(refused, Err(CommitError::Behind)), "{refused:?}");
    assert_eq!(fixture.store.task(ours.0.id).await.unwrap(), None);
    assert!(fixture.writer.begin().await.unwrap().is_behind);
    fixture.writer.leave().await;
}

/// A connection that is gone before anything is asked of it costs nobody his answer: what was to be written is decided anew.
#[tokio::test]
async fn a_connection_that_was_cut_while_it_was_idle_is_made_again() {
    let mut fixture = alone().await;
    let mut shell = fixture.shell().await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(shell.number(end).await > 0);
    let task = fixture.created(|_| {});
    let cut = fixture.writer.commit(&batch(&task)).await;
    assert!(matches!(cut, Err(CommitError::Behind)), "{cut:?}");
    fixture.writer.begin().await.unwrap();
    fixture.writer.commit(&batch(&task)).await.unwrap();
    assert_eq!(fixture.store.task(task.0.id).await.unwrap(), Some(task.0));
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_and_takes_no_turn() {
    let mut fixture = alone().await;
    let there = fixture.put(|_| {}).await;
    let mut again = fixture.created(|new| new.labels = labels(&[("a", "b")]));
    again.0.id = there.id;
    for event in &mut again.1 {
        Arc::make_mut(event).task_id = there.id;
    }
    let refused = fixture.writer.commit(&batch(&again)).await;
    assert!(
        matches!(refused, Err(CommitError::Conflict(Constraint::TaskId))),
        "{refused:?}"
    );
    assert!(!fixture.writer.is_behind().await.unwrap(), "nobody else wrote");
    assert_eq!(fixture.store.task(there.id).await.unwrap(), Some(there));
}
