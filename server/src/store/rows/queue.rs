//! The rows of queues, and of the keys that are in use.

use std::sync::Arc;

use baton_domain::queue::{Bucket, KeyLimit, RateLimit, Usage};
use baton_domain::{Queue, QueueId, QueueSpec, Span, Timestamp};
use prost::Message;

use super::parts::{self, Why};
use super::stored;
use crate::store::batch::{KeyUse, StandingQueue};
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::queue::Model;
use crate::store::error::StoreError;

/// The columns of a queue in the order of [`queue_cells`].
pub(in crate::store) const QUEUE: Table = Table {
    name: "queue",
    groups: &[
        &[id("id", Default::None)],
        &[int("leased", Default::None), int("bucket", Default::None)],
        &[text("namespace", Default::None), text("name", Default::None)],
        &[blob("spec", Default::None)],
    ],
};

/// The columns of a key in use in the order of [`key_use_cells`].
pub(in crate::store) const QUEUE_KEY: Table = Table {
    name: "queue_key",
    groups: &[&[
        id("queue_id", Default::None),
        text("key", Default::None),
        int("leased", Default::None),
    ]],
};

/// The cells of a queue's row, in the order of [`QUEUE`]; without `is_said`, what is said of it is left empty.
pub(in crate::store) fn queue_cells(standing: &StandingQueue, is_said: bool) -> Vec<Cell<'_>> {
    let StandingQueue {
        queue,
        usage: Usage { leased, bucket },
    } = standing;
    vec![
        Cell::Id(queue.id.0),
        Cell::Int(*leased),
        Cell::Int(bucket.0.as_micros()),
        Cell::text(&queue.namespace),
        Cell::text(&queue.name),
        Cell::owned(is_said.then(|| to_spec(queue).encode_to_vec())),
    ]
}

/// The cells of a key in use, in the order of [`QUEUE_KEY`].
pub(in crate::store) fn key_use_cells(key: &KeyUse) -> Vec<Cell<'_>> {
    let KeyUse { queue, key, leased } = key;
    vec![Cell::Id(queue.0), Cell::text(key), Cell::Int(*leased)]
}

fn to_spec(queue: &Queue) -> stored::QueueSpec {
    let QueueSpec {
        description,
        concurrency,
        rate,
        keys,
        retry_policy,
        retention,
    } = &queue.spec;
    let rate = rate.map(|RateLimit { count, period, burst }| stored::RateLimit {
        count,
        period: period.as_micros(),
        burst,
    });
    let (key_label, key_limit) = match keys {
        Some(KeyLimit { label, limit }) => (label.clone(), Some(*limit)),
        None => (String::new(), None),
    };
    stored::QueueSpec {
        description: description.clone(),
        concurrency: *concurrency,
        rate,
        key_label,
        key_limit,
        retry_policy: retry_policy.as_ref().map(parts::to_retry_policy),
        retention: retention.map(Span::as_micros),
        paused: queue.paused,
        note: queue.note.clone(),
        creator: Some(parts::to_actor(&queue.creator)),
        create_time: queue.create_time.as_micros(),
        update_time: queue.update_time.as_micros(),
        edit_revision: queue.edit_revision,
    }
}

/// The queue of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_queue(row: Model) -> Result<StandingQueue, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("queue", id, why))
}

pub(super) fn convert(row: Model) -> Result<StandingQueue, Why> {
    let Model {
        id,
        leased,
        bucket,
        namespace,
        name,
        spec,
    } = row;
    let stored::QueueSpec {
        description,
        concurrency,
        rate,
        key_label,
        key_limit,
        retry_policy,
        retention,
        paused,
        note,
        creator,
        create_time,
        update_time,
        edit_revision,
    } = parts::decode(spec, "spec")?;
    let rate = rate.map(|stored::RateLimit { count, period, burst }| RateLimit {
        count,
        period: Span::from_micros(period),
        burst,
    });
    let keys = KeyLimit::of(key_label, key_limit).map_err(|error| error.to_string())?;
    let queue = Queue {
        id: QueueId(id),
        namespace,
        name,
        spec: QueueSpec {
            description,
            concurrency,
            rate,
            keys,
            retry_policy: retry_policy.map(parts::from_retry_policy).transpose()?,
            retention: retention.map(Span::from_micros),
        },
        paused,
        note,
        creator: parts::from_actor(creator.ok_or("a queue has no creator")?)?,
        create_time: Timestamp::from_micros(create_time),
        update_time: Timestamp::from_micros(update_time),
        edit_revision,
    };
    let usage = Usage {
        leased,
        bucket: Bucket(Timestamp::from_micros(bucket)),
    };
    Ok(StandingQueue {
        queue: Arc::new(queue),
        usage,
    })
}
