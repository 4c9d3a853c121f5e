//! What an update changes is written, whatever that is, and nothing else.

use std::sync::Arc;

use baton_domain::{Detail, EventType, PayloadKind, Priority, Task, TaskId, Timeouts, Verification};
use uuid::Uuid;

use super::atomic::{progress, started};
use super::fixture::{Fixture, NOW, all_bytes, insert, labels, payload};
use super::maximal::{self, maximal};
use super::round_trip::event;
use crate::store::WriteBatch;

#[tokio::test]
async fn a_move_writes_only_what_it_changes() {
    let mut fixture = Fixture::new().await;
    let task = started(&mut fixture).await;
    let mut shell = fixture.shell().await;
    shell
        .run("UPDATE task SET title = 'theirs', state_message = 'theirs'")
        .await;
    let (after, batch) = fixture.moved(&task, &progress("half"), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    let found = fixture.store.task(task.id).await.unwrap().unwrap();
    let expected = Task {
        title: "theirs".to_owned(),
        state_message: "theirs".to_owned(),
        ..after
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn many_kinds_of_moves_in_one_batch_are_all_written() {
    let mut fixture = Fixture::new().await;
    fixture
        .each_is_written(
            1,
            &[
                |task| task.progress = Some(maximal::progress("p")),
                |task| task.error = Some(maximal::error("e")),
                |task| task.retry_count = 9,
                |task| task.has_children = true,
                |task| task.parent_id = None,
                |task| task.title = "new".to_owned(),
                |task| task.dependencies.clear(),
            ],
        )
        .await;
}

/// What is dear to encode is compared first: each of these is a change, alone.
#[tokio::test]
async fn whatever_an_update_changes_is_written() {
    let edits: [fn(&mut Task); 18] = [
        |task| task.queue = "new".to_owned(),
        |task| task.task_type = "new".to_owned(),
        |task| task.priority = Priority::Low,
        |task| task.title = "new".to_owned(),
        |task| task.labels = labels(&[("new", "")]),
        |task| task.description = "new".to_owned(),
        |task| task.function = None,
        |task| task.retry_policy = None,
        |task| task.verification = Verification::None,
        |task| task.metadata = None,
        |task| task.spec_hash = [9; 32],
        |task| task.timeouts = Timeouts::default(),
        |task| task.verification_grace = None,
        |task| task.dedup_key = "new".to_owned(),
        |task| task.input = None,
        |task| task.input = Some(payload(PayloadKind::Uri, 4, all_bytes())),
        |task| task.input.as_mut().unwrap().media_type = "new".to_owned(),
        |task| task.input.as_mut().unwrap().version = 4,
    ];
    let mut fixture = Fixture::new().await;
    for (id, edit) in (1..).zip(edits) {
        fixture.each_is_written(id, &[edit]).await;
    }
}

impl Fixture {
    /// Makes each edit to a task of its own, in one batch, and reads them back. Their ids begin with `first`.
    async fn each_is_written(&mut self, first: u128, edits: &[fn(&mut Task)]) {
        let mut batch = WriteBatch::default();
        let mut expected = Vec::new();
        for (id, edit) in (first..).zip(edits) {
            let before = Task {
                progress: None,
                ..maximal(TaskId(Uuid::from_u128(id)))
            };
            let created = event(&before, 1, EventType::Created, Detail::None);
            let created = self.numbered(vec![created]);
            self.writer.commit(&insert(&before, created)).await.unwrap();
            let mut after = before.clone();
            after.revision += 1;
            edit(&mut after);
            batch.updated.push((Arc::new(before), Arc::new(after.clone())));
            expected.push(after);
        }
        self.writer.commit(&batch).await.unwrap();
        for after in expected {
            assert_eq!(self.store.task(after.id).await.unwrap(), Some(after));
        }
    }
}
