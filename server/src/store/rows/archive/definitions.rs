//! What a namespace has beside its tasks: queues, task types, schedules and webhooks.

use baton_domain::webhook::WebhookSpec;
use baton_domain::{Schedule, TaskType, Webhook};
use prost::Message as _;

use super::{bytes, uuid};
use crate::store::batch::{KeyUse, StandingQueue};
use crate::store::entity;
use crate::store::rows::parts::Why;
use crate::store::rows::stored::archive;
use crate::store::rows::{queue, schedule, task_type, webhook};

/// What is said of a webhook that came without what signs its messages.
const NO_SECRETS: &str = "imported without its secrets: give it new ones, then resume it";

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
