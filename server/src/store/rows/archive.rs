//! The records of an exported namespace: rows to records, and records to what a batch writes.
//!
//! A record is judged as the row that it becomes: what says nothing to the server is an error here.

mod definitions;
mod keys;
mod task;

use bytes::Bytes;
use uuid::Uuid;

use super::parts::{self, Why};

pub(in crate::store) use definitions::{
    queue_key_record, queue_record, read_queue_key_record, read_queue_record, read_schedule_record,
    read_task_type_record, read_webhook_record, schedule_record, task_type_record, webhook_record,
};
pub(in crate::store) use keys::{
    follow_up_record, key_record, read_follow_up_record, read_key_record, read_request_record, request_record,
};
pub(in crate::store) use task::{
    edge_record, event_record, payload_record, read_edge_record, read_event_record, read_payload_record,
    read_run_record, read_task_record, run_record, standing, task_record,
};

fn bytes(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

fn uuid(bytes: &[u8]) -> Result<Uuid, Why> {
    parts::id(bytes).map(|id| id.0)
}
