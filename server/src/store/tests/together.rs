//! Single tasks that are read together.

use baton_domain::{Action, Command, TaskId};
use futures::future::join_all;
use uuid::Uuid;

use super::fixture::{Fixture, NOW, creator};
use crate::store::StoreError;

/// More than one statement reads, and none of them all.
const READERS: usize = 200;

#[tokio::test]
async fn everybody_gets_the_task_asked_for() {
    let mut fixture = Fixture::new().await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        tasks.push(fixture.put(|_| {}).await);
    }
    let nobody = TaskId(Uuid::from_u128(7));
    let wanted = (0..READERS).map(|n| tasks.get(n % 23));
    let reads = wanted.clone().map(|task| {
        let id = task.map_or(nobody, |task| task.id);
        fixture.store.task(id)
    });
    let found: Vec<_> = join_all(reads).await;
    for (found, wanted) in found.into_iter().zip(wanted) {
        assert_eq!(found.unwrap().as_ref(), wanted);
    }
}

#[tokio::test]
async fn whoever_was_told_of_a_write_reads_it() {
    let mut fixture = Fixture::new().await;
    let mut task = fixture.put(|_| {}).await;
    for n in 0..50 {
        let message = format!("comment {n}");
        let comment = Command::new(creator(), Action::Comment { message });
        let (next, batch) = fixture.moved(&task, &comment, NOW);
        // Reads under way as the batch commits may see either; later ones see it.
        let store = fixture.store.clone();
        let id = task.id;
        let before = tokio::spawn(async move { join_all((0..40).map(|_| store.task(id))).await });
        fixture.writer.commit(&batch).await.unwrap();
        let after = fixture.store.task(id).await.unwrap().unwrap();
        assert_eq!(after, next);
        for seen in before.await.unwrap() {
            assert!([&task, &next].contains(&&seen.unwrap().unwrap()));
        }
        task = next;
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_no_other() {
    let mut fixture = Fixture::new().await;
    let (good, bad) = (fixture.put(|_| {}).await, fixture.put(|_| {}).await);
    let mut shell = fixture.shell().await;
    let spoil = "UPDATE task SET spec = x'ff' WHERE number = (SELECT max(number) FROM task)";
    shell.run(spoil).await;
    let store = &fixture.store;
    let (one, other, again) = tokio::join!(store.task(good.id), store.task(bad.id), store.task(good.id));
    assert_eq!(one.unwrap(), Some(good.clone()));
    assert_eq!(again.unwrap(), Some(good));
    assert!(matches!(other, Err(StoreError::Corrupt { .. })));
}
