//! What stands in the row of a task type.

use bytes::Bytes;
use prost::Message;

use super::{Actor, RetryPolicy, Timeouts};

/// What is said of it, and by whom.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct TypeSpec {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) description: String,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(in crate::store::rows) input_schema: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(in crate::store::rows) output_schema: Option<Bytes>,
    #[prost(int32, tag = "4")]
    pub(in crate::store::rows) exposure: i32,
    #[prost(string, optional, tag = "5")]
    pub(in crate::store::rows) queue: Option<String>,
    /// 0: none.
    #[prost(int32, tag = "6")]
    pub(in crate::store::rows) priority: i32,
    #[prost(message, optional, tag = "7")]
    pub(in crate::store::rows) retry_policy: Option<RetryPolicy>,
    #[prost(message, optional, tag = "8")]
    pub(in crate::store::rows) timeouts: Option<Timeouts>,
    #[prost(message, optional, tag = "9")]
    pub(in crate::store::rows) creator: Option<Actor>,
    #[prost(int64, tag = "10")]
    pub(in crate::store::rows) create_time: i64,
    #[prost(int64, tag = "11")]
    pub(in crate::store::rows) update_time: i64,
}
