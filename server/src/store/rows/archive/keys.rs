//! What keeps things from happening twice: dedup keys, remembered calls, and what is still to be done about settled tasks.

use baton_domain::Timestamp;
use baton_domain::dedup::Hold;
use bytes::Bytes;

use super::{bytes, uuid};
use crate::store::batch::{FollowUp, FollowUpKind, HeldKey, NewFollowUp, RequestRecord};
use crate::store::entity;
use crate::store::rows::parts::{self, Why};
use crate::store::rows::stored::archive;

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
