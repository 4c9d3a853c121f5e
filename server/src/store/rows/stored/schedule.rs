//! What stands in the row of a schedule.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use super::{Actor, Payload, Spec};

/// When it acts, and how.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct ScheduleSpec {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) description: String,
    /// Absent: it goes by `every`.
    #[prost(string, optional, tag = "2")]
    pub(in crate::store::rows) cron: Option<String>,
    #[prost(int64, tag = "3")]
    pub(in crate::store::rows) every: i64,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) phase: i64,
    #[prost(string, tag = "5")]
    pub(in crate::store::rows) zone: String,
    #[prost(int64, optional, tag = "6")]
    pub(in crate::store::rows) start_time: Option<i64>,
    #[prost(int64, optional, tag = "7")]
    pub(in crate::store::rows) end_time: Option<i64>,
    #[prost(int64, tag = "8")]
    pub(in crate::store::rows) jitter: i64,
    #[prost(int32, tag = "9")]
    pub(in crate::store::rows) overlap: i32,
    #[prost(int64, tag = "10")]
    pub(in crate::store::rows) catchup: i64,
    #[prost(bool, tag = "11")]
    pub(in crate::store::rows) paused: bool,
    #[prost(string, tag = "12")]
    pub(in crate::store::rows) note: String,
    #[prost(message, optional, tag = "13")]
    pub(in crate::store::rows) creator: Option<Actor>,
    #[prost(int64, tag = "14")]
    pub(in crate::store::rows) create_time: i64,
    #[prost(int64, tag = "15")]
    pub(in crate::store::rows) update_time: i64,
    #[prost(int64, tag = "16")]
    pub(in crate::store::rows) edit_revision: i64,
}

/// What it has come to.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct ScheduleProgress {
    /// The next tick; when it is acted on stands in a column of its own.
    #[prost(int64, optional, tag = "1")]
    pub(in crate::store::rows) next_tick: Option<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub(in crate::store::rows) waiting: Vec<i64>,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub(in crate::store::rows) running: Vec<Bytes>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::store::rows) recent: Vec<TickRecord>,
    #[prost(int64, tag = "5")]
    pub(in crate::store::rows) fired: i64,
    #[prost(int64, tag = "6")]
    pub(in crate::store::rows) skipped: i64,
    #[prost(int64, tag = "7")]
    pub(in crate::store::rows) missed: i64,
}

/// What became of a tick.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct TickRecord {
    #[prost(int64, tag = "1")]
    pub(in crate::store::rows) tick: i64,
    #[prost(int32, tag = "2")]
    pub(in crate::store::rows) outcome: i32,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(in crate::store::rows) task_id: Option<Bytes>,
    #[prost(int64, tag = "4")]
    pub(in crate::store::rows) time: i64,
}

/// A task as it is before it has an id, a namespace and a time.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Template {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) queue: String,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) task_type: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) title: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(in crate::store::rows) labels: BTreeMap<String, String>,
    #[prost(int32, tag = "5")]
    pub(in crate::store::rows) priority: i32,
    #[prost(message, optional, tag = "6")]
    pub(in crate::store::rows) spec: Option<Spec>,
    /// With its bytes.
    #[prost(message, optional, tag = "7")]
    pub(in crate::store::rows) input: Option<Payload>,
    #[prost(message, optional, tag = "8")]
    pub(in crate::store::rows) assignee: Option<Actor>,
}
