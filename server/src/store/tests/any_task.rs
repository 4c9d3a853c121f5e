//! Tasks and events drawn at random come back the same.

use std::sync::Arc;

use baton_domain::{
    Actor, ActorType, Detail, Event, EventType, InputRequest, Lease, Payload, PayloadKind, Priority, Span,
    State, Task, TaskId, Timeouts, Timers, Timestamp, Verification,
};
use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{EntityTrait, Iterable as _};
use uuid::Uuid;

use super::fixture::{Fixture, payload};
use super::maximal::{dependency, error, function, input_request, maximal, progress, receipt, retry_policy};
use crate::store::WriteBatch;
use crate::store::bulk::Table;
use crate::store::entity::{
    dedup, edge, event, follow_up, lease, namespace, payload as payload_row, request, run, store_meta, task,
    task_count, token_key,
};
use crate::store::rows::{EDGE, EVENT, FOLLOW_UP, KEY, LEASE, PAYLOAD, REQUEST, RUN, TASK};

/// Any text that may be stored: NUL is refused at the door.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn any_payload() -> impl Strategy<Value = Payload> {
    (select(PayloadKind::ALL), any::<i32>(), bytes(), text()).prop_map(|(kind, version, body, media_type)| {
        Payload {
            media_type,
            ..payload(kind, version, body)
        }
    })
}

fn actor() -> impl Strategy<Value = Actor> {
    (select(ActorType::ALL), text(), text()).prop_map(|(kind, id, name)| Actor { kind, id, name })
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

prop_compose! {
    fn texts()(queue in text(), task_type in text(), title in text(), description in text(), reason in text(),
        message in text()) -> [String; 6] {
        [queue, task_type, title, description, reason, message]
    }
}

fn span() -> impl Strategy<Value = Span> {
    any::<i64>().prop_map(Span::from_micros)
}

prop_compose! {
    fn held()(checkpoint in of(any_payload()), words in of(text()), lease in of((span(), time())), leased in any::<bool>(),
        numbers in any::<(i32, i32, i32)>(), calls in (of(any::<i64>()), of(any::<i64>())), key in text(),
        limits in (of(span()), of(span()), of(span()), of(span())), timers in (time(), span(), time())) -> Task {
        let (checkpoint_version, run_count, output_count) = numbers;
        let (queue, attempt, total, verification_grace) = limits;
        let (since, spent, total_since) = timers;
        Task {
            checkpoint,
            checkpoint_version,
            receipt: words.as_deref().map(receipt),
            leased,
            lease: lease.map(|(duration, expire_time)| Lease { duration, expire_time }),
            run_count,
            output_count,
            last_call: calls.0,
            handover_call: calls.1,
            dedup_key: key,
            timeouts: Timeouts { queue, attempt, total },
            verification_grace,
            timers: Timers { since, spent, total_since },
            ..maximal(TaskId(Uuid::nil()))
        }
    }
}

prop_compose! {
    fn documents()(held in held(), input in of(any_payload()), output in of(any_payload()), metadata in of(bytes()),
        words in of(text()), requests in vec(text(), 0..3), waits in vec(of(select(State::ALL)), 0..3))
        -> Task {
        let word = words.clone().unwrap_or_default();
        let requests = requests.iter().enumerate().map(|(n, prompt)| {
            let full = input_request(&n.to_string(), prompt);
            if n == 1 { InputRequest { answer: None, answerer: None, ..full } } else { full }
        });
        Task {
            input,
            output,
            metadata,
            function: words.as_deref().map(function),
            error: words.as_deref().map(error),
            progress: words.as_deref().map(progress),
            retry_policy: words.as_deref().map(retry_policy),
            input_requests: requests.collect(),
            dependencies: waits.into_iter().map(dependency).collect(),
            title: word,
            ..held
        }
    }
}

prop_compose! {
    fn any_task()(id in any::<u128>(), texts in texts(), documents in documents(), creator in actor(),
        assignee in of(actor()), labels in btree_map(text(), text(), 0..4), state in select(State::ALL),
        times in (time(), time(), of(time()), of(time()), of(time()), time()),
        numbers in (any::<i32>(), any::<i32>(), any::<i32>(), any::<i32>(), any::<i64>(), 1..1_000_i64, any::<[u8; 32]>()),
        enums in (select(Priority::ALL), select(Verification::ALL), of(select(State::ALL)), of(any::<u128>())),
        marks in any::<(bool, bool)>()) -> Task {
        let [queue, task_type, title, description, reason, state_message] = texts;
        let (create_time, update_time, queue_time, start_time, schedule_time, end) = times;
        let (attempt, retry_count, cleared_input, execution_count, fence, revision, spec_hash) = numbers;
        let (priority, verification, paused_from, parent) = enums;
        Task {
            id: TaskId(Uuid::from_u128(id)),
            queue, task_type, title, description, state_message, creator, assignee, labels: labels.into(), state, create_time,
            update_time, queue_time, start_time, schedule_time, attempt, retry_count, cleared_input, execution_count, fence,
            revision, spec_hash, priority, verification, paused_from,
            state_reason: reason.into(),
            timers: Timers {
                since: if marks.0 { update_time } else { documents.timers.since },
                total_since: if marks.1 { create_time } else { documents.timers.total_since },
                ..documents.timers
            },
            end_time: state.is_settled().then_some(end),
            edit_revision: (revision + 1) / 2,
            parent_id: parent.map(|id| TaskId(Uuid::from_u128(id))),
            has_dependants: marks.0,
            has_children: marks.1,
            ..documents
        }
    }
}

/// The first event of `task`, as the log gives it back.
fn created(task: &Task, position: i64, (actor, message): (Actor, String)) -> Event {
    let named = |payload: &Option<Payload>| payload.as_ref().map(Payload::reference);
    let named = Task {
        input: named(&task.input),
        output: named(&task.output),
        checkpoint: named(&task.checkpoint),
        ..task.clone()
    };
    Event {
        task_id: task.id,
        namespace: task.namespace.clone(),
        sequence: 1,
        position,
        kind: EventType::Created,
        time: task.update_time,
        actor,
        message,
        from_state: None,
        to_state: task.state,
        state_reason: task.state_reason.clone(),
        attempt: task.attempt,
        fence: task.fence,
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        labels: task.labels.clone(),
        imported: false,
        detail: Detail::Created(Box::new(named)),
    }
}

#[tokio::test]
async fn tasks_and_events_of_any_kind_come_back_the_same() {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let mut fixture = Fixture::new().await;
    for round in 0..20 {
        let drawn = vec((any_task(), (actor(), text())), 1..12)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let events: Vec<Event> = (round * 100 + 1..)
            .zip(&drawn)
            .map(|(position, (task, by))| created(task, position, by.clone()))
            .collect();
        let batch = WriteBatch {
            inserted: drawn.iter().map(|(task, _)| Arc::new(task.clone())).collect(),
            events: events.iter().cloned().map(Arc::new).collect(),
            ..WriteBatch::default()
        };
        fixture.writer.commit(&batch).await.unwrap();
        for (task, _) in &drawn {
            assert_eq!(fixture.store.task(task.id).await.unwrap().as_ref(), Some(task));
        }
        let namespace = &drawn[0].0.namespace;
        assert_eq!(
            fixture.store.log(namespace, round * 100, 99).await.unwrap(),
            events
        );
        // And every column can be changed to any other value.
        let others = vec(any_task(), drawn.len())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let updated = drawn.iter().zip(others).map(|((before, _), other)| {
            let Task {
                id,
                namespace,
                creator,
                create_time,
                ..
            } = before.clone();
            (
                Arc::new(before.clone()),
                Arc::new(Task {
                    id,
                    namespace,
                    creator,
                    create_time,
                    ..other
                }),
            )
        });
        let batch = WriteBatch {
            updated: updated.collect(),
            ..WriteBatch::default()
        };
        fixture.writer.commit(&batch).await.unwrap();
        for (_, after) in &batch.updated {
            assert_eq!(
                fixture.store.task(after.id).await.unwrap().as_ref(),
                Some(after.as_ref())
            );
        }
    }
}

/// The columns of an entity in the database's words.
fn columns<E: EntityTrait>() -> Vec<String> {
    let mut names: Vec<String> = E::Column::iter()
        .map(|column| sea_orm::IdenStatic::as_str(&column).to_owned())
        .collect();
    names.sort();
    names
}

fn written(table: &crate::store::bulk::Table) -> Vec<String> {
    let mut names: Vec<String> = table.columns().map(|column| column.name.to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn entities_fit_the_schema_and_the_write_path_fits_the_entities() {
    let fixture = Fixture::new().await;
    let readers = fixture.store.readers();
    assert_eq!(dedup::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(run::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(edge::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(event::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(follow_up::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(lease::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(namespace::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(payload_row::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(request::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(task::Entity::find().all(readers).await.unwrap().len(), 0);
    assert_eq!(task_count::Entity::find().all(readers).await.unwrap().len(), 0);
    // The epoch, and who may use the schema.
    assert_eq!(store_meta::Entity::find().all(readers).await.unwrap().len(), 2);
    assert_eq!(token_key::Entity::find().all(readers).await.unwrap().len(), 1);
    // Where a row stands is nothing that is read.
    let written_of_tasks: Vec<String> = written(&TASK)
        .into_iter()
        .filter(|name| name != "number")
        .collect();
    assert_eq!(written_of_tasks, columns::<task::Entity>());
    assert_eq!(written(&EVENT), columns::<event::Entity>());
    assert_eq!(written(&LEASE), columns::<lease::Entity>());
    assert_eq!(written(&EDGE), columns::<edge::Entity>());
    assert_eq!(written(&PAYLOAD), columns::<payload_row::Entity>());
    assert_eq!(written(&REQUEST), columns::<request::Entity>());
    assert_eq!(written(&KEY), columns::<dedup::Entity>());
    assert_eq!(with_id(&FOLLOW_UP), columns::<follow_up::Entity>());
    assert_eq!(with_id(&RUN), columns::<run::Entity>());
}

/// Of a table whose ids the database draws.
fn with_id(table: &Table) -> Vec<String> {
    let mut columns = written(table);
    columns.push("id".to_owned());
    columns.sort();
    columns
}
