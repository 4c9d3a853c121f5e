//! What stands in the row of a queue.

use prost::Message;

use super::{Actor, RetryPolicy};

/// What is said of it.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct QueueSpec {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) description: String,
    #[prost(int32, optional, tag = "2")]
    pub(in crate::store::rows) concurrency: Option<i32>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::store::rows) rate: Option<RateLimit>,
    /// With `key_limit`.
    #[prost(string, tag = "4")]
    pub(in crate::store::rows) key_label: String,
    #[prost(int32, optional, tag = "5")]
    pub(in crate::store::rows) key_limit: Option<i32>,
    #[prost(message, optional, tag = "6")]
    pub(in crate::store::rows) retry_policy: Option<RetryPolicy>,
    #[prost(int64, optional, tag = "7")]
    pub(in crate::store::rows) retention: Option<i64>,
    #[prost(bool, tag = "8")]
    pub(in crate::store::rows) paused: bool,
    #[prost(string, tag = "9")]
    pub(in crate::store::rows) note: String,
    #[prost(message, optional, tag = "10")]
    pub(in crate::store::rows) creator: Option<Actor>,
    #[prost(int64, tag = "11")]
    pub(in crate::store::rows) create_time: i64,
    #[prost(int64, tag = "12")]
    pub(in crate::store::rows) update_time: i64,
    #[prost(int64, tag = "13")]
    pub(in crate::store::rows) edit_revision: i64,
}

/// How fast it goes.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct RateLimit {
    #[prost(int32, tag = "1")]
    pub(in crate::store::rows) count: i32,
    #[prost(int64, tag = "2")]
    pub(in crate::store::rows) period: i64,
    #[prost(int32, tag = "3")]
    pub(in crate::store::rows) burst: i32,
}
