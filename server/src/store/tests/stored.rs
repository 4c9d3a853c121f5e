//! What earlier versions have stored is still read. The bytes in `fixtures/` are never changed: a form that changes gets
//! a new version and a file of its own beside them.

use std::collections::BTreeMap;

use baton_domain::{Event, Task, TaskId};
use uuid::Uuid;

use super::maximal::{LEASE, maximal};
use super::round_trip::{details, event, referenced};
use crate::store::bulk::{Cell, Table};
use crate::store::entity::{event as event_row, task as task_row};
use crate::store::rows::{
    Dear, EVENT, EventRow, TASK, TaskRow, event_cells, read_events, read_task, task_cells,
};

const DETAILS_1: &str = include_str!("fixtures/details_1.txt");
const TASK_1: &str = include_str!("fixtures/task_1.txt");

fn task() -> Task {
    maximal(TaskId(Uuid::from_u128(77)))
}

fn events() -> Vec<Event> {
    let task = task();
    let numbered = (1..).zip(details(&task));
    numbered
        .map(|(n, (kind, detail))| referenced(&event(&task, n, kind, detail)))
        .collect()
}

/// `name bytes` a line; no bytes mean NULL.
fn fixture(text: &str) -> Vec<(&str, Option<Vec<u8>>)> {
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let line = |line| {
        let (name, digits): (&str, &str) = str::split_once(line, ' ').unwrap();
        let bytes = digits.as_bytes().chunks(2).map(byte).collect();
        (name, (!digits.is_empty()).then_some(bytes))
    };
    text.lines().map(line).collect()
}

/// The blob columns of a row, as a fixture has them: what a new version would write down for itself.
fn blobs(table: &Table, cells: &[Cell<'_>]) -> String {
    let columns = table
        .columns()
        .zip(cells)
        .filter(|(column, _)| column.kind.is_bytes());
    columns
        .map(|(column, cell)| match cell {
            Cell::Blob(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{} {digits}\n", column.name)
            }
            Cell::Id(id) => format!("{} {}\n", column.name, id.simple()),
            Cell::Null | Cell::Int(_) | Cell::Text(_) => format!("{} \n", column.name),
        })
        .collect()
}

fn event_row(event: &Event, detail: Option<Vec<u8>>) -> event_row::Model {
    event_row::Model {
        id: (1 << 40) + event.position,
        namespace: event.namespace.clone(),
        position: event.position,
        imported: event.imported,
        task_id: event.task_id.0,
        sequence: event.sequence,
        kind: event.kind.number(),
        time: event.time.as_micros(),
        actor_kind: event.actor.kind.number(),
        actor_id: event.actor.id.clone(),
        actor_name: event.actor.name.clone(),
        from_state: event.from_state.map(|state| state.name().to_owned()),
        to_state: event.to_state.name().to_owned(),
        state_reason: event.state_reason.to_string(),
        message: event.message.clone(),
        attempt: event.attempt,
        fence: event.fence,
        queue: event.queue.clone(),
        r#type: event.task_type.clone(),
        labels: serde_json::to_string(&*event.labels).unwrap(),
        detail,
        detail_version: 1,
        next_kind: None,
        next_to_state: None,
        next_state_reason: None,
    }
}

#[test]
fn details_of_version_1_are_read() {
    let events = events();
    let stored = fixture(DETAILS_1);
    assert_eq!(stored.len(), events.len());
    for (event, (_, detail)) in events.into_iter().zip(stored) {
        assert_eq!(read_events(vec![event_row(&event, detail)]).unwrap(), [event]);
    }
}

#[test]
fn task_columns_of_version_1_are_read() {
    let task = task();
    let mut stored: BTreeMap<&str, Option<Vec<u8>>> = fixture(TASK_1).into_iter().collect();
    let mut take = |name| stored.remove(name).unwrap();
    let row = task_row::Model {
        id: task.id.0,
        namespace: task.namespace.clone(),
        creator_kind: task.creator.kind.number(),
        creator_id: task.creator.id.clone(),
        creator_name: task.creator.name.clone(),
        create_time: task.create_time.as_micros(),
        update_time: task.update_time.as_micros(),
        revision: task.revision,
        state: task.state.name().to_owned(),
        state_reason: task.state_reason.to_string(),
        edit_revision: task.edit_revision,
        queue_time: task.queue_time.map(|time| time.as_micros()),
        state_message: task.state_message.clone(),
        attempt: task.attempt,
        fence: task.fence,
        execution_count: task.execution_count,
        run_count: task.run_count,
        start_time: task.start_time.map(|time| time.as_micros()),
        end_time: None,
        schedule_time: task.schedule_time.map(|time| time.as_micros()),
        wake_time: None,
        paused_from: task.paused_from.map(|state| state.name().to_owned()),
        timers: take("timers"),
        queue: task.queue.clone(),
        r#type: task.task_type.clone(),
        priority: task.priority.number(),
        title: task.title.clone(),
        labels: serde_json::to_string(&*task.labels).unwrap(),
        spec: take("spec").unwrap(),
        parent_id: task.parent_id.map(|id| id.0),
        assignee_kind: task.assignee.as_ref().map(|actor| actor.kind.number()),
        assignee_id: task.assignee.as_ref().map(|actor| actor.id.clone()),
        assignee_name: task.assignee.as_ref().map(|actor| actor.name.clone()),
        leased: task.leased,
        progress: take("progress"),
        error: take("error"),
        dependencies: take("dependencies"),
        input_requests: take("input_requests"),
        input: take("input"),
        input_body: take("input_body"),
        output: take("output"),
        // Bytes, but none of them: a fixture has no sign for that.
        output_body: take("output_body").or(Some(Vec::new())),
        checkpoint: take("checkpoint"),
        checkpoint_body: take("checkpoint_body"),
        checkpoint_version: task.checkpoint_version,
        receipt: take("receipt"),
        last_call: task.last_call,
        handover_call: task.handover_call,
        output_count: task.output_count,
        retry_count: task.retry_count,
        cleared_input: task.cleared_input,
        has_dependants: task.has_dependants,
        has_children: task.has_children,
    };
    let lease = Some((LEASE.duration.as_micros(), LEASE.expire_time.as_micros()));
    assert_eq!(read_task(TaskRow { task: row, lease }).unwrap(), task);
}

/// The forms that are written now are those of version 1: a change that is not meant is seen here first.
#[test]
fn what_is_written_is_version_1() {
    let details: String = events()
        .iter()
        .map(|event| {
            let blobs = blobs(
                &EVENT,
                &event_cells(
                    1,
                    EventRow {
                        first: event,
                        next: None,
                    },
                ),
            );
            blobs
                .lines()
                .find(|line| line.starts_with("detail "))
                .unwrap()
                .to_owned()
                + "\n"
        })
        .collect();
    let written = blobs(&TASK, &task_cells(&task(), Dear::ALL));
    assert_eq!(details, DETAILS_1);
    assert_eq!(written, TASK_1);
}
