//! A task: itself, its payloads, events, runs and dependencies.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::{Actor, Event, EventType, PayloadRole, Run, State, Task, TaskId, Timestamp};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{bytes, uuid};
use crate::store::batch::{Edge, KeptPayload};
use crate::store::entity;
use crate::store::rows::created::{from_created, to_created};
use crate::store::rows::detail::{DETAIL_VERSION, to_detail};
use crate::store::rows::parts::{self, Why};
use crate::store::rows::stored::{self, archive};
use crate::store::rows::{event, run};

/// What an event carries of a task beside its detail.
fn carrier(id: TaskId, namespace: &str, (queue, task_type): (String, String)) -> Event {
    Event {
        task_id: id,
        namespace: namespace.to_owned(),
        sequence: 1,
        position: 0,
        kind: EventType::Created,
        time: Timestamp::default(),
        actor: Actor::anonymous(),
        message: String::new(),
        from_state: None,
        to_state: State::Pending,
        state_reason: "".into(),
        attempt: 1,
        fence: 0,
        queue,
        task_type,
        labels: Arc::default(),
        imported: false,
        detail: baton_domain::Detail::None,
    }
}

/// A task without the bytes of its payloads.
pub(in crate::store) fn task_record(task: &Task) -> archive::Task {
    let carrier = carrier(task.id, &task.namespace, (String::new(), String::new()));
    let body = stored::Created {
        creator: Some(parts::to_actor(&task.creator)),
        create_time: Some(task.create_time.as_micros()),
        update_time: Some(task.update_time.as_micros()),
        ..to_created(task, &carrier)
    };
    archive::Task {
        id: bytes(task.id.0),
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        labels: BTreeMap::clone(&task.labels),
        body: Some(body),
    }
}

pub(in crate::store) fn read_task_record(record: archive::Task, namespace: &str) -> Result<Task, Why> {
    let archive::Task {
        id,
        queue,
        task_type,
        labels,
        body,
    } = record;
    let body = body.ok_or("a task has no body")?;
    if body.creator.is_none() || body.create_time.is_none() || body.update_time.is_none() {
        return Err("a task has no creator, create time or update time".to_owned());
    }
    let mut carrier = carrier(parts::id(&id)?, namespace, (queue, task_type));
    carrier.labels = Arc::new(labels);
    from_created(body, &carrier)
}

/// The payloads that stand on a task.
pub(in crate::store) fn standing(task: &Task) -> impl Iterator<Item = KeptPayload> {
    let roles = [
        (PayloadRole::Input, &task.input),
        (PayloadRole::Output, &task.output),
        (PayloadRole::Checkpoint, &task.checkpoint),
    ];
    let kept = roles.into_iter().filter_map(|(role, payload)| {
        let payload = payload.clone()?;
        Some(KeptPayload {
            task_id: task.id,
            role,
            payload,
        })
    });
    kept.collect::<Vec<_>>().into_iter()
}

pub(in crate::store) fn payload_record(kept: &KeptPayload) -> archive::TaskPayload {
    archive::TaskPayload {
        task_id: bytes(kept.task_id.0),
        role: kept.role.number(),
        payload: Some(parts::to_payload(&kept.payload)),
    }
}

pub(in crate::store) fn read_payload_record(record: archive::TaskPayload) -> Result<KeptPayload, Why> {
    let payload = parts::from_payload(record.payload.ok_or("a payload says nothing of itself")?)?;
    let body = payload.body.as_ref().ok_or("a payload has no bytes")?;
    if Sha256::digest(body)[..] != payload.sha256 {
        return Err("the bytes of a payload are not those that its hash names".to_owned());
    }
    Ok(KeptPayload {
        task_id: parts::id(&record.task_id)?,
        role: parts::number(record.role, PayloadRole::from_number, "role of a payload")?,
        payload,
    })
}

pub(in crate::store) fn event_record(event: &Event) -> archive::Event {
    let detail = to_detail(event);
    archive::Event {
        task_id: bytes(event.task_id.0),
        sequence: event.sequence,
        position: event.position,
        kind: event.kind.number(),
        time: event.time.as_micros(),
        actor: Some(parts::to_actor(&event.actor)),
        message: event.message.clone(),
        from_state: event.from_state.map_or(0, State::number),
        to_state: event.to_state.number(),
        state_reason: event.state_reason.to_string(),
        attempt: event.attempt,
        fence: event.fence,
        queue: event.queue.clone(),
        task_type: event.task_type.clone(),
        labels: BTreeMap::clone(&event.labels),
        detail_version: if detail.is_some() { DETAIL_VERSION } else { 0 },
        detail: detail.map(Bytes::from),
    }
}

/// The event at its new position, marked as imported.
pub(in crate::store) fn read_event_record(
    record: archive::Event,
    (namespace, position): (&str, i64),
) -> Result<Event, Why> {
    let actor = record.actor.ok_or("an event has no actor")?;
    let from_state = match record.from_state {
        0 => None,
        number => Some(parts::state(number)?.name().to_owned()),
    };
    let row = entity::event::Model {
        id: 0,
        namespace: namespace.to_owned(),
        position,
        task_id: uuid(&record.task_id)?,
        sequence: record.sequence,
        kind: record.kind,
        time: record.time,
        actor_kind: actor.kind,
        actor_id: actor.id,
        actor_name: actor.name,
        from_state,
        to_state: parts::state(record.to_state)?.name().to_owned(),
        state_reason: record.state_reason,
        message: record.message,
        attempt: record.attempt,
        fence: record.fence,
        queue: record.queue,
        r#type: record.task_type,
        labels: parts::to_labels(&Arc::new(record.labels)),
        detail: record.detail.map(Vec::from),
        detail_version: record.detail_version,
        next_kind: None,
        next_to_state: None,
        next_state_reason: None,
        imported: true,
    };
    event::convert(row).map(|(event, _)| event)
}

pub(in crate::store) fn edge_record(row: &entity::edge::Model) -> archive::Dependency {
    archive::Dependency {
        task_id: bytes(row.task_id),
        depends_on: bytes(row.depends_on),
        revision: row.revision,
    }
}

pub(in crate::store) fn read_edge_record(record: &archive::Dependency) -> Result<Edge, Why> {
    Ok(Edge {
        task_id: parts::id(&record.task_id)?,
        depends_on: parts::id(&record.depends_on)?,
        revision: record.revision,
    })
}

pub(in crate::store) fn run_record(row: entity::run::Model) -> archive::Run {
    let assignee = match (row.assignee_kind, row.assignee_id, row.assignee_name) {
        (Some(kind), Some(id), Some(name)) => Some(stored::Actor { kind, id, name }),
        (_, _, _) => None,
    };
    archive::Run {
        task_id: bytes(row.task_id),
        number: row.number,
        attempt: row.attempt,
        fence: row.fence,
        queue: row.queue,
        task_type: row.r#type,
        assignee,
        start_time: row.start_time,
        end_time: row.end_time,
        outcome: row.outcome,
        error: row.error.map(Bytes::from),
        output: row.output.map(Bytes::from),
    }
}

pub(in crate::store) fn read_run_record(record: archive::Run, namespace: &str) -> Result<Run, Why> {
    let (kind, id, name) = record.assignee.map_or((None, None, None), |actor| {
        (Some(actor.kind), Some(actor.id), Some(actor.name))
    });
    run::convert(entity::run::Model {
        id: 0,
        task_id: uuid(&record.task_id)?,
        number: record.number,
        attempt: record.attempt,
        fence: record.fence,
        namespace: namespace.to_owned(),
        queue: record.queue,
        r#type: record.task_type,
        assignee_kind: kind,
        assignee_id: id,
        assignee_name: name,
        start_time: record.start_time,
        end_time: record.end_time,
        outcome: record.outcome,
        error: record.error.map(Vec::from),
        output: record.output.map(Vec::from),
    })
}
