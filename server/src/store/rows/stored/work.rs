//! What leases, time limits and receipts leave on tasks and in events.

use prost::Message;

use super::{Actor, Payload};

/// A live lease as it was granted.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Lease {
    #[prost(int64, tag = "1")]
    pub(in crate::store::rows) duration: i64,
    #[prost(int64, tag = "2")]
    pub(in crate::store::rows) expire_time: i64,
}

/// From when time limits count.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Timers {
    /// Absent: the task's update time.
    #[prost(int64, optional, tag = "1")]
    pub(in crate::store::rows) since: Option<i64>,
    #[prost(int64, tag = "2")]
    pub(in crate::store::rows) spent: i64,
    /// Absent: the task's create time.
    #[prost(int64, optional, tag = "3")]
    pub(in crate::store::rows) total_since: Option<i64>,
}

/// What is absent is unlimited.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Timeouts {
    #[prost(int64, optional, tag = "1")]
    pub(in crate::store::rows) queue: Option<i64>,
    #[prost(int64, optional, tag = "2")]
    pub(in crate::store::rows) attempt: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub(in crate::store::rows) total: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Receipt {
    #[prost(int32, tag = "1")]
    pub(in crate::store::rows) status: i32,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::store::rows) blockers: Vec<Blocker>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::store::rows) artifacts: Vec<Artifact>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::store::rows) verification: Vec<VerificationItem>,
    #[prost(bool, tag = "5")]
    pub(in crate::store::rows) no_verification: bool,
    #[prost(string, tag = "6")]
    pub(in crate::store::rows) summary: String,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Blocker {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) kind: String,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) message: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) suggested_fix: String,
    #[prost(bool, tag = "4")]
    pub(in crate::store::rows) required_from_user: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Artifact {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) kind: String,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) uri: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) description: String,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct VerificationItem {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) kind: String,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) value: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) expected: String,
}

/// An assignment by lease.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Granted {
    #[prost(message, optional, tag = "1")]
    pub(in crate::store::rows) assignee: Option<Actor>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::store::rows) lease: Option<Lease>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Started {
    #[prost(int64, tag = "1")]
    pub(in crate::store::rows) start_time: i64,
}

/// A chunk of output, with its bytes.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Output {
    #[prost(int32, tag = "1")]
    pub(in crate::store::rows) index: i32,
    #[prost(message, optional, tag = "2")]
    pub(in crate::store::rows) chunk: Option<Payload>,
}
