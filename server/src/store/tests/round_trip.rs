//! What is written comes back the same.

use std::sync::Arc;

use baton_domain::{
    AttemptOutcome, Detail, Edit, Event, EventType, Payload, PayloadKind, Previous, Priority, Span, State,
    Task, TaskId, Timeouts, Timestamp, Verification,
};
use bytes::Bytes;
use uuid::Uuid;

use super::fixture::{Fixture, NOW, all_bytes, human, insert, labels, payload};
use super::maximal::{
    LEASE, TIMEOUTS, dependency, error, function, input_request, maximal, progress, receipt, retry_policy,
};
use crate::store::{EventsOfQuery, Window, WriteBatch};

/// An event that carries `detail` and fills every field of the envelope.
pub(super) fn event(task: &Task, sequence: i64, kind: EventType, detail: Detail) -> Event {
    Event {
        task_id: task.id,
        namespace: task.namespace.clone(),
        sequence,
        position: sequence,
        kind,
        time: NOW,
        actor: human(),
        message: "because \"so\" \n".to_owned(),
        from_state: (sequence > 1).then_some(State::InProgress),
        to_state: State::Review,
        state_reason: "verification_required".into(),
        attempt: 3,
        fence: 4,
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        labels: task.labels.clone(),
        imported: false,
        detail,
    }
}

fn updated(edit: Edit) -> Detail {
    let previous = Previous {
        queue: "before".to_owned(),
        task_type: String::new(),
        labels: labels(&[("x", "y")]),
    };
    Detail::Updated {
        edit: Box::new(edit),
        previous: Box::new(previous),
    }
}

/// Each kind of detail, full and empty.
#[expect(clippy::too_many_lines, reason = "one flat list, an entry for each kind")]
pub(super) fn details(task: &Task) -> Vec<(EventType, Detail)> {
    let data = || payload(PayloadKind::Data, 5, all_bytes());
    let full = Edit {
        queue: Some("q-2".to_owned()),
        task_type: Some(String::new()),
        function: Some(Some(function("f"))),
        title: Some("t".to_owned()),
        description: Some("d".to_owned()),
        input: Some(Some(data())),
        priority: Some(Priority::Low),
        labels: Some(task.labels.clone()),
        metadata: Some(Some(Bytes::new())),
        retry_policy: Some(Some(retry_policy("p"))),
        timeouts: Some(TIMEOUTS),
        verification: Some(Verification::None),
        verification_grace: Some(Some(Span::ZERO)),
    };
    let cleared = Edit {
        function: Some(None),
        input: Some(None),
        metadata: Some(None),
        retry_policy: Some(None),
        timeouts: Some(Timeouts::default()),
        verification_grace: Some(None),
        ..Edit::default()
    };
    let failure = |retry_time| Detail::Failure {
        outcome: AttemptOutcome::Killed,
        error: error("e"),
        retry_time,
        receipt: retry_time.map(|_| receipt("r")),
    };
    let retried = |input, schedule_time| Detail::Retried {
        retry_count: 2,
        input,
        schedule_time,
    };
    vec![
        (EventType::Created, Detail::Created(Box::new(task.clone()))),
        (EventType::Comment, Detail::None),
        (EventType::Updated, updated(full)),
        (EventType::Updated, updated(cleared)),
        (EventType::Updated, updated(Edit::default())),
        (
            EventType::Assigned,
            Detail::Assigned {
                assignee: human(),
                lease: None,
            },
        ),
        (EventType::Progress, Detail::Progress(progress("p"))),
        (
            EventType::Completed,
            Detail::Result {
                output: Some(data()),
                receipt: Some(receipt("r")),
            },
        ),
        (
            EventType::Completed,
            Detail::Result {
                output: None,
                receipt: None,
            },
        ),
        (EventType::Failed, failure(None)),
        (EventType::RetryScheduled, failure(Some(NOW))),
        (
            EventType::Scheduled,
            Detail::Scheduled {
                schedule_time: Timestamp::from_micros(0),
            },
        ),
        (
            EventType::InputProvided,
            Detail::Input(Box::new(input_request("k", "p"))),
        ),
        (EventType::Retried, retried(Some(data()), Some(NOW))),
        (EventType::Retried, retried(None, None)),
        (EventType::DependencyAdded, Detail::Dependency(dependency(None))),
        (
            EventType::DependencySettled,
            Detail::Dependency(dependency(Some(State::Cancelled))),
        ),
        (
            EventType::Assigned,
            Detail::Assigned {
                assignee: human(),
                lease: Some(LEASE),
            },
        ),
        (
            EventType::Started,
            Detail::Started {
                start_time: Timestamp::from_micros(0),
            },
        ),
        (EventType::Checkpoint, Detail::Checkpoint(data())),
        (
            EventType::Output,
            Detail::Output {
                index: 0,
                chunk: data(),
            },
        ),
    ]
}

/// As the log gives it: inputs and outputs are named, not carried.
pub(super) fn referenced(event: &Event) -> Event {
    let named = |payload: &Option<Payload>| payload.as_ref().map(Payload::reference);
    let mut event = event.clone();
    match &mut event.detail {
        Detail::Created(task) => {
            task.input = named(&task.input);
            task.output = named(&task.output);
            task.checkpoint = named(&task.checkpoint);
        }
        Detail::Updated { edit, .. } => edit.input = edit.input.as_ref().map(named),
        Detail::Result { output, .. } => *output = named(output),
        Detail::Retried { input, .. } => *input = named(input),
        Detail::Checkpoint(checkpoint) => *checkpoint = checkpoint.reference(),
        Detail::None
        | Detail::Started { .. }
        | Detail::Output { .. }
        | Detail::Assigned { .. }
        | Detail::Progress(_)
        | Detail::Failure { .. }
        | Detail::Scheduled { .. }
        | Detail::Input(_)
        | Detail::Dependency(_) => {}
    }
    event
}

#[tokio::test]
async fn a_maximal_task_comes_back_the_same() {
    let mut fixture = Fixture::new().await;
    let task = maximal(TaskId(Uuid::from_u128(77)));
    let created = Arc::new(event(&task, 1, EventType::Created, Detail::None));
    fixture
        .writer
        .commit(&insert(&task, vec![created]))
        .await
        .unwrap();
    assert_eq!(fixture.store.task(task.id).await.unwrap(), Some(task.clone()));
    assert_eq!(
        fixture
            .store
            .tasks(&[task.id, TaskId(Uuid::nil())])
            .await
            .unwrap(),
        vec![task]
    );
}

#[tokio::test]
async fn every_detail_comes_back_the_same_without_its_payloads() {
    let mut fixture = Fixture::new().await;
    let task = maximal(TaskId(Uuid::from_u128(77)));
    let details = details(&task);
    let numbered = (1..).zip(details);
    let events: Vec<_> = numbered
        .map(|(n, (kind, detail))| Arc::new(event(&task, n, kind, detail)))
        .collect();
    let batch = WriteBatch {
        events: events.clone(),
        ..WriteBatch::default()
    };
    fixture.writer.commit(&batch).await.unwrap();
    let expected: Vec<Event> = events.iter().map(|event| referenced(event)).collect();
    assert_eq!(
        fixture.store.log(&task.namespace, 0, 100).await.unwrap(),
        expected
    );
    assert_eq!(
        fixture.store.log(&task.namespace, 3, 2).await.unwrap(),
        expected[3..5]
    );
    let all = EventsOfQuery {
        window: Window::After(0),
        types: Vec::new(),
        limit: 100,
        payloads: false,
    };
    assert_eq!(fixture.store.events_of(task.id, &all).await.unwrap(), expected);
    let newest = EventsOfQuery {
        window: Window::Before(i64::MAX),
        limit: 3,
        ..all.clone()
    };
    assert_eq!(
        fixture.store.events_of(task.id, &newest).await.unwrap(),
        expected[expected.len() - 3..]
    );
    let failures = EventsOfQuery {
        types: vec![EventType::Failed, EventType::RetryScheduled],
        ..all
    };
    assert_eq!(
        fixture.store.events_of(task.id, &failures).await.unwrap(),
        expected[9..11]
    );
}
