//! What an exported namespace is made of. On the wire these are the messages of `baton/v1/archive.proto`: a test holds it.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Oneof};

use super::{Actor, Created, Payload};

/// One record of an archive.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Record {
    #[prost(
        oneof = "RecordKind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
    )]
    pub(in crate::store) kind: Option<RecordKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(in crate::store) enum RecordKind {
    #[prost(message, tag = "1")]
    Header(Header),
    #[prost(message, tag = "2")]
    Queue(Queue),
    #[prost(message, tag = "3")]
    QueueKey(QueueKey),
    #[prost(message, tag = "4")]
    TaskType(TaskType),
    #[prost(message, tag = "5")]
    Schedule(Schedule),
    #[prost(message, tag = "6")]
    Webhook(Webhook),
    #[prost(message, tag = "7")]
    Task(Box<Task>),
    #[prost(message, tag = "8")]
    Payload(TaskPayload),
    #[prost(message, tag = "9")]
    Event(Event),
    #[prost(message, tag = "10")]
    Dependency(Dependency),
    #[prost(message, tag = "11")]
    Run(Run),
    #[prost(message, tag = "12")]
    Key(Key),
    #[prost(message, tag = "13")]
    Request(Request),
    #[prost(message, tag = "14")]
    FollowUp(FollowUp),
    #[prost(message, tag = "15")]
    End(End),
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Header {
    #[prost(int32, tag = "1")]
    pub(in crate::store) format: i32,
    #[prost(string, tag = "2")]
    pub(in crate::store) server_version: String,
    #[prost(string, tag = "3")]
    pub(in crate::store) store_kind: String,
    #[prost(string, tag = "4")]
    pub(in crate::store) namespace: String,
    #[prost(int64, tag = "5")]
    pub(in crate::store) time: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Queue {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) name: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in crate::store::rows) spec: Bytes,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) leased: i64,
    #[prost(int64, tag = "5")]
    pub(in crate::store::rows) bucket: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct QueueKey {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) queue_id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) key: String,
    #[prost(int64, tag = "3")]
    pub(in crate::store::rows) leased: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct TaskType {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) name: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in crate::store::rows) spec: Bytes,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Schedule {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) name: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in crate::store::rows) spec: Bytes,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) revision: i64,
    #[prost(bytes = "bytes", tag = "5")]
    pub(in crate::store::rows) template: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pub(in crate::store::rows) progress: Bytes,
    #[prost(int64, optional, tag = "7")]
    pub(in crate::store::rows) next_time: Option<i64>,
    #[prost(int64, tag = "8")]
    pub(in crate::store::rows) waiting: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Webhook {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) name: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in crate::store::rows) spec: Bytes,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) revision: i64,
    #[prost(bytes = "bytes", tag = "5")]
    pub(in crate::store::rows) progress: Bytes,
}

/// The rest of the task stands in `body`, as in the detail of CREATED.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Task {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) queue: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) task_type: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(in crate::store::rows) labels: BTreeMap<String, String>,
    #[prost(message, optional, tag = "5")]
    pub(in crate::store::rows) body: Option<Created>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct TaskPayload {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(int32, tag = "2")]
    pub(in crate::store::rows) role: i32,
    /// With its bytes.
    #[prost(message, optional, tag = "3")]
    pub(in crate::store::rows) payload: Option<Payload>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Event {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(int64, tag = "2")]
    pub(in crate::store::rows) sequence: i64,
    #[prost(int64, tag = "3")]
    pub(in crate::store::rows) position: i64,
    #[prost(int32, tag = "4")]
    pub(in crate::store::rows) kind: i32,
    #[prost(int64, tag = "5")]
    pub(in crate::store::rows) time: i64,
    #[prost(message, optional, tag = "6")]
    pub(in crate::store::rows) actor: Option<Actor>,
    #[prost(string, tag = "7")]
    pub(in crate::store::rows) message: String,
    /// 0: none.
    #[prost(int32, tag = "8")]
    pub(in crate::store::rows) from_state: i32,
    #[prost(int32, tag = "9")]
    pub(in crate::store::rows) to_state: i32,
    #[prost(string, tag = "10")]
    pub(in crate::store::rows) state_reason: String,
    #[prost(int32, tag = "11")]
    pub(in crate::store::rows) attempt: i32,
    #[prost(int64, tag = "12")]
    pub(in crate::store::rows) fence: i64,
    #[prost(string, tag = "13")]
    pub(in crate::store::rows) queue: String,
    #[prost(string, tag = "14")]
    pub(in crate::store::rows) task_type: String,
    #[prost(btree_map = "string, string", tag = "15")]
    pub(in crate::store::rows) labels: BTreeMap<String, String>,
    #[prost(bytes = "bytes", optional, tag = "16")]
    pub(in crate::store::rows) detail: Option<Bytes>,
    #[prost(int32, tag = "17")]
    pub(in crate::store::rows) detail_version: i32,
}

impl Event {
    /// The place that it had in the log that it is from.
    pub(in crate::store) const fn position(&self) -> i64 {
        self.position
    }
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Dependency {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(in crate::store::rows) depends_on: Bytes,
    #[prost(int64, tag = "3")]
    pub(in crate::store::rows) revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Run {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(int32, tag = "2")]
    pub(in crate::store::rows) number: i32,
    #[prost(int32, tag = "3")]
    pub(in crate::store::rows) attempt: i32,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) fence: i64,
    #[prost(string, tag = "5")]
    pub(in crate::store::rows) queue: String,
    #[prost(string, tag = "6")]
    pub(in crate::store::rows) task_type: String,
    #[prost(message, optional, tag = "7")]
    pub(in crate::store::rows) assignee: Option<Actor>,
    #[prost(int64, tag = "8")]
    pub(in crate::store::rows) start_time: i64,
    #[prost(int64, optional, tag = "9")]
    pub(in crate::store::rows) end_time: Option<i64>,
    #[prost(string, optional, tag = "10")]
    pub(in crate::store::rows) outcome: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "11")]
    pub(in crate::store::rows) error: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "12")]
    pub(in crate::store::rows) output: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Key {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) key: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(int64, optional, tag = "3")]
    pub(in crate::store::rows) expire_time: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Request {
    #[prost(bytes = "bytes", tag = "1")]
    pub(in crate::store::rows) request_id: Bytes,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) method: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in crate::store::rows) hash: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(in crate::store::rows) task_ids: Vec<Bytes>,
    #[prost(int64, tag = "5")]
    pub(in crate::store::rows) revision: i64,
    #[prost(int64, tag = "6")]
    pub(in crate::store::rows) expire_time: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct FollowUp {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) kind: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(in crate::store::rows) task_id: Bytes,
    #[prost(int32, tag = "3")]
    pub(in crate::store::rows) result: i32,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct End {
    #[prost(message, optional, tag = "1")]
    pub(in crate::store) counts: Option<Counts>,
    #[prost(bytes = "bytes", tag = "2")]
    pub(in crate::store) sha256: Bytes,
}

/// How many records of each kind.
#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::store) struct Counts {
    #[prost(int64, tag = "1")]
    pub(in crate::store) tasks: i64,
    #[prost(int64, tag = "2")]
    pub(in crate::store) events: i64,
    #[prost(int64, tag = "3")]
    pub(in crate::store) runs: i64,
    #[prost(int64, tag = "4")]
    pub(in crate::store) payloads: i64,
    #[prost(int64, tag = "5")]
    pub(in crate::store) dependencies: i64,
    #[prost(int64, tag = "6")]
    pub(in crate::store) queues: i64,
    #[prost(int64, tag = "7")]
    pub(in crate::store) task_types: i64,
    #[prost(int64, tag = "8")]
    pub(in crate::store) schedules: i64,
    #[prost(int64, tag = "9")]
    pub(in crate::store) webhooks: i64,
    #[prost(int64, tag = "10")]
    pub(in crate::store) keys: i64,
    #[prost(int64, tag = "11")]
    pub(in crate::store) requests: i64,
    #[prost(int64, tag = "12")]
    pub(in crate::store) follow_ups: i64,
}
