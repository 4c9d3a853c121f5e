//! Failures in the middle of a batch: nothing is written, and the next batch finds a clean connection.

use std::sync::Arc;

use baton_domain::dedup::Hold;
use baton_domain::{Action, Command, Detail, Progress, State, Task};
use futures::FutureExt as _;

use super::fixture::{Fixture, NOW, begin, grant, human, insert};
use super::maximal;
use crate::store::{CommitError, Edge, HeldKey, StoreError, WriteBatch};

pub(super) fn progress(step: &str) -> Command {
    let progress = Progress {
        current_step: step.to_owned(),
        ..Progress::default()
    };
    Command::new(human(), Action::Progress(progress))
}

pub(super) async fn started(fixture: &mut Fixture) -> Task {
    let task = fixture.put(|_| {}).await;
    let start = Command::new(human(), begin());
    let (started, batch) = fixture.moved(&task, &start, NOW);
    fixture.writer.commit(&batch).await.unwrap();
    started
}

/// A batch that touches every table: an insert, an update, a deletion, and what belongs to them.
async fn full_batch(fixture: &mut Fixture) -> (Task, WriteBatch) {
    let standing = started(fixture).await;
    let gone = fixture.put(|_| {}).await;
    let (fresh, events) = fixture.created(|new| new.namespace = "new".to_owned());
    let (_, moved) = fixture.moved(&standing, &progress("half"), NOW);
    let waiting = fixture.put(|_| {}).await;
    let grant = Command::new(human(), grant());
    let (_, leased) = fixture.moved(&waiting, &grant, NOW);
    let mut batch = insert(&fresh, events);
    batch.updated = moved.updated;
    batch.events.extend(moved.events);
    batch.updated.extend(leased.updated);
    batch.events.extend(leased.events);
    batch.edges_added.push(Edge {
        task_id: fresh.id,
        depends_on: standing.id,
        revision: 1,
    });
    batch.deleted.push(Arc::new(gone));
    batch.runs_begun.push(maximal::run(fresh.id, 1));
    batch.keys_taken.push(HeldKey {
        namespace: "new".to_owned(),
        key: "k".to_owned(),
        hold: Hold {
            task_id: fresh.id,
            expire_time: None,
        },
    });
    (standing, batch)
}

#[tokio::test]
async fn a_failure_anywhere_in_a_batch_rolls_back_all_of_it() {
    for table in [
        "task",
        "edge",
        "event",
        "task_count",
        "namespace",
        "lease",
        "run",
        "dedup",
    ] {
        let mut fixture = Fixture::new().await;
        let (standing, batch) = full_batch(&mut fixture).await;
        let before = fixture.store.task_groups("default").await.unwrap();
        let mut shell = fixture.shell().await;
        shell.poison("AFTER INSERT", table, None).await;

        let error = fixture.writer.commit(&batch).await.unwrap_err();
        let CommitError::Failed(error @ StoreError::Refused(_)) = error else {
            panic!("{table}: {error:?}")
        };
        assert!(error.is_about_the_rows());
        assert_eq!(
            fixture.store.tasks(&[batch.inserted[0].id]).await.unwrap(),
            vec![],
            "{table}"
        );
        assert_eq!(
            fixture.store.task(standing.id).await.unwrap(),
            Some(standing.clone()),
            "{table}"
        );
        assert!(
            fixture.store.task(batch.deleted[0].id).await.unwrap().is_some(),
            "{table}"
        );
        assert_eq!(
            fixture.store.namespaces().await.unwrap(),
            vec!["default".to_owned()],
            "{table}"
        );
        assert_eq!(
            fixture.store.dependants(standing.id, 9, 9).await.unwrap(),
            vec![],
            "{table}"
        );
        assert_eq!(
            fixture.store.task_groups("default").await.unwrap(),
            before,
            "{table}"
        );

        // Once the cause is gone the same batch goes through.
        shell.cure(table).await;
        fixture.writer.commit(&batch).await.unwrap();
        assert!(
            fixture.store.task(batch.inserted[0].id).await.unwrap().is_some(),
            "{table}"
        );
    }
}

#[tokio::test]
async fn a_commit_that_is_cancelled_leaves_no_transaction_open() {
    let mut fixture = Fixture::new().await;
    let mut task = started(&mut fixture).await;
    for step in 0..50 {
        let (after, batch) = fixture.moved(&task, &progress(&step.to_string()), NOW);
        // Polled once, so that it is on its way, and dropped.
        let cancelled = fixture.writer.commit(&batch).now_or_never().is_none();
        let stands = fixture.writer.commit(&batch).await;
        match stands {
            Ok(()) => {}
            // The first one got through after all.
            Err(CommitError::Conflict(_)) if cancelled => {}
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(after.clone()));
        task = after;
    }
    let log = fixture.store.log("default", 4, 100).await.unwrap();
    assert_eq!(log.len(), 50);
}

#[tokio::test]
async fn a_value_that_breaks_a_rule_of_the_schema_is_refused() {
    let mut fixture = Fixture::new().await;
    let (mut task, events) = fixture.created(|_| {});
    task.state = State::Completed;
    let error = fixture.writer.commit(&insert(&task, events)).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Failed(StoreError::Refused(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_text_that_would_be_cut_is_refused() {
    let mut fixture = Fixture::new().await;
    let (task, events) = fixture.created(|new| new.title = "a\0b".to_owned());
    let error = fixture.writer.commit(&insert(&task, events)).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Failed(StoreError::Corrupt { .. })),
        "{error:?}"
    );
    assert_eq!(fixture.store.task(task.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_row_that_means_nothing_is_an_error_and_never_a_default() {
    let mut fixture = Fixture::new().await;
    let (task, mut batch) = full_batch(&mut fixture).await;
    batch.deleted.clear();
    fixture.writer.commit(&batch).await.unwrap();
    let mut shell = fixture.shell().await;
    for breakage in [
        "spec = x'ff'",
        "spec = x''",
        "creator_kind = 99",
        "labels = '{\"a\": 1}'",
        "paused_from = 'NAPPING'",
        "input = x'08ff01', input_body = x''",
        "dependencies = x'0a020801'",
        "timers = x'ff'",
        "receipt = x'0863'",
        "checkpoint = x'08ff01', checkpoint_body = x''",
    ] {
        let text = format!(
            "BEGIN; UPDATE task SET {breakage} WHERE revision = {}; COMMIT",
            task.revision + 1
        );
        let kept = shell.bytes("SELECT spec FROM task LIMIT 1").await.unwrap();
        shell.run(&text).await;
        let error = fixture.store.task(task.id).await.unwrap_err();
        let StoreError::Corrupt {
            table: "task", id, ..
        } = &error
        else {
            panic!("{breakage}: {error:?}")
        };
        assert_eq!(*id, task.id.to_string());
        let mend = "UPDATE task SET spec = ?, creator_kind = 1, labels = '{}', paused_from = NULL, \
             input = NULL, input_body = NULL, dependencies = NULL, timers = NULL, receipt = NULL, \
             checkpoint = NULL, checkpoint_body = NULL";
        shell.write(mend, &kept).await;
        assert!(fixture.store.task(task.id).await.is_ok(), "{breakage}");
    }
    for breakage in [
        "detail = x'ff'",
        "detail = x''",
        "detail_version = 2",
        "kind = 99",
        "to_state = ''",
    ] {
        let text = format!("UPDATE event SET {breakage} WHERE position = 1 AND namespace = 'default'");
        let kept = fixture.store.log("default", 0, 1).await.unwrap();
        let detail = shell
            .bytes("SELECT detail FROM event WHERE position = 1 AND namespace = 'default'")
            .await;
        shell.run(&text).await;
        let error = fixture.store.log("default", 0, 1).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { table: "event", .. }),
            "{breakage}: {error:?}"
        );
        let mend = "UPDATE event SET detail = ?, detail_version = 1, kind = 1, to_state = 'PENDING' \
             WHERE position = 1 AND namespace = 'default'";
        shell.write(mend, &detail.unwrap()).await;
        assert_eq!(
            fixture.store.log("default", 0, 1).await.unwrap(),
            kept,
            "{breakage}"
        );
        assert!(matches!(kept[0].detail, Detail::Created(_)));
    }
}

#[tokio::test]
async fn a_full_disk_fails_a_batch_of_sqlite_and_ends_when_there_is_room() {
    let mut fixture = Fixture::new().await;
    let kept = fixture.put(|_| {}).await;
    // The smallest bound is the size that the file has.
    let bound = |pages: &str| format!("PRAGMA max_page_count = {pages};");
    fixture.writer.run(&bound("1"), &[]).await.unwrap();
    let (task, events) = fixture.created(|new| new.description = "x".repeat(100_000));
    let batch = insert(&task, events);
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    let CommitError::Failed(error @ StoreError::Unavailable(_)) = error else {
        panic!("{error:?}")
    };
    assert!(!error.is_about_the_rows());
    assert_eq!(
        fixture.store.tasks(&[kept.id, task.id]).await.unwrap(),
        vec![kept]
    );
    fixture.writer.run(&bound("1000000"), &[]).await.unwrap();
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(task));
}

#[tokio::test]
async fn a_sqlite_file_that_another_holds_is_busy_and_the_batch_goes_through_later() {
    let mut fixture = Fixture::new().await;
    let mut shell = fixture.shell().await;
    // As somebody who waits less than the five seconds of a server.
    fixture.writer.run("PRAGMA busy_timeout = 1;", &[]).await.unwrap();
    shell.hold().await;
    let (task, events) = fixture.created(|_| {});
    let batch = insert(&task, events);
    let error = fixture.writer.commit(&batch).await.unwrap_err();
    assert!(
        matches!(error, CommitError::Failed(StoreError::Busy(_))),
        "{error:?}"
    );
    shell.let_go().await;
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(task));
}
