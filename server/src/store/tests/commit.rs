//! All of a batch or nothing.

use std::sync::Arc;

use baton_domain::{Command, State, Task};
use uuid::Uuid;

use super::fixture::{Fixture, NOW, begin, human, insert};
use crate::store::{CommitError, Constraint, RequestRecord, StoreError, WriteBatch};

fn start() -> Command {
    Command::new(human(), begin())
}

fn request(task: &Task, id: u128) -> RequestRecord {
    RequestRecord {
        namespace: task.namespace.clone(),
        request_id: Uuid::from_u128(id),
        method: "CreateTask".to_owned(),
        hash: [3; 32],
        task_ids: vec![task.id],
        revision: task.revision,
        expire_time: NOW,
    }
}

#[tokio::test]
async fn a_move_writes_the_task_after_it_and_its_events() {
    let mut fixture = Fixture::new().await;
    let task = fixture.put(|_| {}).await;
    let (moved, batch) = fixture.moved(&task, &start(), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(moved.state, State::InProgress);
    assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(moved));
    assert_eq!(fixture.store.log("default", 0, 10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_missing_row_fails_the_batch_and_nothing_is_written() {
    let mut fixture = Fixture::new().await;
    let there = fixture.put(|_| {}).await;
    let (absent, _) = fixture.created(|_| {});
    let (_, mut batch) = fixture.moved(&there, &start(), NOW);
    let (_, second) = fixture.moved(&absent, &start(), NOW);
    batch.updated.extend(second.updated);
    batch.events.extend(second.events);
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    let CommitError::Failed(StoreError::Corrupt {
        table: "task", id, ..
    }) = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(id.to_lowercase(), absent.id.0.simple().to_string());
    assert_eq!(fixture.store.task(there.id).await.unwrap(), Some(there.clone()));
    assert_eq!(fixture.store.log("default", 2, 10).await.unwrap(), vec![]);
    // The connection is not left inside the transaction.
    fixture.heads = crate::store::Heads::default();
    fixture.heads.advance("default", NOW);
    fixture.heads.advance("default", NOW);
    let (_, again) = fixture.moved(&there, &start(), NOW);
    fixture.writer.commit(&again).await.unwrap();
}

#[tokio::test]
async fn a_missing_row_fails_a_deletion() {
    let mut fixture = Fixture::new().await;
    let (absent, _) = fixture.created(|_| {});
    let batch = WriteBatch {
        deleted: vec![Arc::new(absent)],
        ..WriteBatch::default()
    };
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    assert!(
        matches!(
            error,
            CommitError::Failed(StoreError::Corrupt { table: "task", .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_taken_task_id_is_a_conflict_and_nothing_is_written() {
    let mut fixture = Fixture::new().await;
    let task = fixture.put(|_| {}).await;
    let (other, mut events) = fixture.created(|_| {});
    let (_, mut twin_events) = fixture.created(|new| new.id = task.id);
    events.append(&mut twin_events);
    let mut batch = insert(&other, events);
    batch.inserted.push(Arc::new(task));
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Conflict(Constraint::TaskId)),
        "{error:?}"
    );
    assert_eq!(fixture.store.task(other.id).await.unwrap(), None);
    assert_eq!(fixture.store.log("default", 2, 10).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_taken_request_id_is_a_conflict_and_nothing_is_written() {
    let mut fixture = Fixture::new().await;
    let (first, events) = fixture.created(|_| {});
    let mut batch = insert(&first, events);
    batch.requests.push(request(&first, 5));
    fixture.writer.commit(&batch).await.unwrap();
    let remembered = fixture
        .store
        .requests(&[Uuid::from_u128(5), Uuid::from_u128(6)])
        .await
        .unwrap();
    assert_eq!(remembered, vec![request(&first, 5)]);

    let (second, events) = fixture.created(|_| {});
    let mut batch = insert(&second, events);
    batch.requests.push(request(&second, 5));
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Conflict(Constraint::Request)),
        "{error:?}"
    );
    assert_eq!(fixture.store.task(second.id).await.unwrap(), None);

    // The same id in another namespace is another request.
    let elsewhere = RequestRecord {
        namespace: "other".to_owned(),
        ..request(&second, 5)
    };
    batch.requests = vec![elsewhere];
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(
        fixture.store.requests(&[Uuid::from_u128(5)]).await.unwrap().len(),
        2
    );
}

#[tokio::test]
async fn a_taken_position_is_a_conflict() {
    let mut fixture = Fixture::new().await;
    fixture.put(|_| {}).await;
    fixture.heads = crate::store::Heads::default();
    let (task, events) = fixture.created(|_| {});
    let error = fixture.writer.commit(&insert(&task, events)).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Conflict(Constraint::Event)),
        "{error:?}"
    );
    assert_eq!(fixture.store.task(task.id).await.unwrap(), None);
}
