//! The records of an exported namespace: rows to records, and records to what a batch writes.
//!
//! A record is judged as the row that it becomes: what says nothing to the server is an error here.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::dedup::Hold;
use baton_domain::webhook::WebhookSpec;
use baton_domain::{
    Actor, Event, EventType, PayloadRole, Run, Schedule, State, Task, TaskId, TaskType, Timestamp, Webhook,
};
use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::created::{from_created, to_created};
use super::detail::{DETAIL_VERSION, to_detail};
use super::parts::{self, Why};
use super::stored::{self, archive};
use super::{event, queue, run, schedule, task_type, webhook};
use crate::store::batch::{
    Edge, FollowUp, FollowUpKind, HeldKey, KeptPayload, KeyUse, NewFollowUp, RequestRecord, StandingQueue,
};
use crate::store::entity;

/// What is said of a webhook that came without what signs its messages.
const NO_SECRETS: &str = "imported without its secrets: give it new ones, then resume it";

fn bytes(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

fn uuid(bytes: &[u8]) -> Result<Uuid, Why> {
    parts::id(bytes).map(|id| id.0)
}

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

pub(in crate::store) fn queue_record(row: entity::queue::Model) -> archive::Queue {
    archive::Queue {
        id: bytes(row.id),
        name: row.name,
        spec: row.spec.into(),
        leased: row.leased,
        bucket: row.bucket,
    }
}

pub(in crate::store) fn read_queue_record(
    record: archive::Queue,
    namespace: &str,
) -> Result<StandingQueue, Why> {
    queue::convert(entity::queue::Model {
        id: uuid(&record.id)?,
        leased: record.leased,
        bucket: record.bucket,
        namespace: namespace.to_owned(),
        name: record.name,
        spec: record.spec.into(),
    })
}

pub(in crate::store) fn queue_key_record(row: entity::queue_key::Model) -> archive::QueueKey {
    archive::QueueKey {
        queue_id: bytes(row.queue_id),
        key: row.key,
        leased: row.leased,
    }
}

pub(in crate::store) fn read_queue_key_record(record: archive::QueueKey) -> Result<KeyUse, Why> {
    Ok(KeyUse {
        queue: baton_domain::QueueId(uuid(&record.queue_id)?),
        key: record.key,
        leased: record.leased,
    })
}

pub(in crate::store) fn task_type_record(row: entity::task_type::Model) -> archive::TaskType {
    archive::TaskType {
        id: bytes(row.id),
        name: row.name,
        spec: row.spec.into(),
        revision: row.revision,
    }
}

pub(in crate::store) fn read_task_type_record(
    record: archive::TaskType,
    namespace: &str,
) -> Result<TaskType, Why> {
    task_type::convert(entity::task_type::Model {
        id: uuid(&record.id)?,
        revision: record.revision,
        namespace: namespace.to_owned(),
        name: record.name,
        spec: record.spec.into(),
    })
}

pub(in crate::store) fn schedule_record(row: entity::schedule::Model) -> archive::Schedule {
    archive::Schedule {
        id: bytes(row.id),
        name: row.name,
        spec: row.spec.into(),
        revision: row.revision,
        template: row.template.into(),
        progress: row.progress.into(),
        next_time: row.next_time,
        waiting: row.waiting,
    }
}

pub(in crate::store) fn read_schedule_record(
    record: archive::Schedule,
    namespace: &str,
) -> Result<Schedule, Why> {
    schedule::convert(entity::schedule::Model {
        id: uuid(&record.id)?,
        revision: record.revision,
        next_time: record.next_time,
        waiting: record.waiting,
        progress: record.progress.into(),
        namespace: namespace.to_owned(),
        name: record.name,
        spec: record.spec.into(),
        template: record.template.into(),
    })
}

/// A webhook without what signs its messages.
pub(in crate::store) fn webhook_record(webhook: &Webhook) -> archive::Webhook {
    let open = Webhook {
        spec: WebhookSpec {
            secrets: Vec::new(),
            ..webhook.spec.clone()
        },
        ..webhook.clone()
    };
    archive::Webhook {
        id: bytes(webhook.id.0),
        name: webhook.name.clone(),
        spec: webhook::to_spec(&open).encode_to_vec().into(),
        revision: webhook.revision,
        progress: webhook::to_progress(&webhook.progress).encode_to_vec().into(),
    }
}

/// The webhook, paused, with the secret that the caller drew: nobody knows it, so whoever resumes it gives it another.
pub(in crate::store) fn read_webhook_record(
    record: archive::Webhook,
    namespace: &str,
) -> Result<Webhook, Why> {
    let read = webhook::convert(entity::webhook::Model {
        id: uuid(&record.id)?,
        revision: record.revision,
        namespace: namespace.to_owned(),
        name: record.name,
        spec: record.spec.into(),
        progress: record.progress.into(),
    })?;
    Ok(Webhook {
        paused: true,
        note: NO_SECRETS.to_owned(),
        ..read
    })
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

pub(in crate::store) fn key_record(row: entity::dedup::Model) -> archive::Key {
    archive::Key {
        key: row.key,
        task_id: bytes(row.task_id),
        expire_time: row.expire_time,
    }
}

pub(in crate::store) fn read_key_record(record: archive::Key, namespace: &str) -> Result<HeldKey, Why> {
    Ok(HeldKey {
        namespace: namespace.to_owned(),
        key: record.key,
        hold: Hold {
            task_id: parts::id(&record.task_id)?,
            expire_time: parts::time(record.expire_time),
        },
    })
}

pub(in crate::store) fn request_record(request: &RequestRecord) -> archive::Request {
    archive::Request {
        request_id: bytes(request.request_id),
        method: request.method.clone(),
        hash: Bytes::copy_from_slice(&request.hash),
        task_ids: request.task_ids.iter().map(|id| bytes(id.0)).collect(),
        revision: request.revision,
        expire_time: request.expire_time.as_micros(),
    }
}

pub(in crate::store) fn read_request_record(
    record: archive::Request,
    namespace: &str,
) -> Result<RequestRecord, Why> {
    let ids = record.task_ids.iter().map(|id| parts::id(id));
    Ok(RequestRecord {
        namespace: namespace.to_owned(),
        request_id: uuid(&record.request_id)?,
        method: record.method,
        hash: parts::hash(&record.hash)?,
        task_ids: ids.collect::<Result<_, _>>()?,
        revision: record.revision,
        expire_time: Timestamp::from_micros(record.expire_time),
    })
}

pub(in crate::store) fn follow_up_record(follow_up: &FollowUp) -> archive::FollowUp {
    archive::FollowUp {
        kind: follow_up.kind.name().to_owned(),
        task_id: bytes(follow_up.task_id.0),
        result: follow_up.result.number(),
        revision: follow_up.revision,
    }
}

pub(in crate::store) fn read_follow_up_record(
    record: &archive::FollowUp,
    namespace: &str,
) -> Result<NewFollowUp, Why> {
    let of = |name: &str| FollowUpKind::ALL.into_iter().find(|kind| kind.name() == name);
    Ok(NewFollowUp {
        namespace: namespace.to_owned(),
        kind: parts::name(&record.kind, of, "follow-up")?,
        task_id: parts::id(&record.task_id)?,
        result: parts::state(record.result)?,
        revision: record.revision,
    })
}
