//! Task types: written and read back.

use std::sync::Arc;

use baton_domain::task_type::{Defaults, Exposure, NewTaskType};
use baton_domain::{Priority, Span, TaskId, TaskType, TypeEdit, TypeId, TypeSpec};
use bytes::Bytes;
use uuid::Uuid;

use super::fixture::{Fixture, NOW, human};
use super::maximal::maximal;
use crate::store::WriteBatch;

fn task_type(id: u128, name: &str, spec: TypeSpec) -> TaskType {
    let new = NewTaskType {
        id: TypeId(Uuid::from_u128(id)),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        spec,
        creator: human(),
    };
    TaskType::create(new, NOW)
}

fn empty() -> TypeSpec {
    TypeSpec {
        description: String::new(),
        input_schema: None,
        output_schema: None,
        exposure: Exposure::Public,
        defaults: Defaults::default(),
    }
}

/// Every field has something in it.
fn full() -> TypeSpec {
    let task = maximal(TaskId(Uuid::nil()));
    TypeSpec {
        description: task.description.clone(),
        input_schema: Some(Bytes::from_static(b"\x01\x00")),
        output_schema: Some(Bytes::new()),
        exposure: Exposure::Internal,
        defaults: Defaults {
            queue: Some("slow".to_owned()),
            priority: Some(Priority::Low),
            retry_policy: task.retry_policy,
            timeouts: task.timeouts,
        },
    }
}

#[tokio::test]
async fn types_come_back_as_they_were_written() {
    let mut fixture = Fixture::new().await;
    let all = [task_type(1, "a", empty()), task_type(2, "b", full())];
    let added = WriteBatch {
        task_types_added: all.iter().cloned().map(Arc::new).collect(),
        ..WriteBatch::default()
    };
    assert!(!added.is_empty());
    fixture.writer.commit(&added).await.unwrap();
    assert_eq!(fixture.store.task_types().await.unwrap(), all);
    let edit = TypeEdit {
        queue: Some(None),
        input_schema: Some(None),
        ..TypeEdit::default()
    };
    let later = NOW.plus(Span::from_secs(1));
    let edited = all[1].edit(edit.clone(), later);
    assert_eq!(edited.edit(edit, later.plus(Span::from_secs(1))), edited);
    let changed = WriteBatch {
        task_types_updated: vec![Arc::new(edited.clone())],
        task_types_removed: vec![Arc::new(all[0].clone())],
        // The name is free within the same batch.
        task_types_added: vec![Arc::new(task_type(3, "a", full()))],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&changed).await.unwrap();
    let left = [task_type(3, "a", full()), edited];
    assert_eq!(fixture.store.task_types().await.unwrap(), left);
    let (_database, opened) = fixture.reopen().await;
    assert_eq!(opened.task_types, left);
}

#[tokio::test]
async fn a_type_that_is_not_there_fails_the_batch() {
    let mut fixture = Fixture::new().await;
    let gone = Arc::new(task_type(1, "a", empty()));
    for batch in [
        WriteBatch {
            task_types_updated: vec![Arc::clone(&gone)],
            ..WriteBatch::default()
        },
        WriteBatch {
            task_types_removed: vec![Arc::clone(&gone)],
            ..WriteBatch::default()
        },
    ] {
        assert!(fixture.writer.commit(&batch).await.is_err());
    }
}
