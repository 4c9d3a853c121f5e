//! What stands in the row of a webhook.

use prost::Message;

use super::Actor;

/// What is said of it, and by whom. It holds what signs, so it is never shown.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(in crate::store) struct WebhookSpec {
    #[prost(string, tag = "1")]
    pub(in crate::store::rows) description: String,
    #[prost(string, tag = "2")]
    pub(in crate::store::rows) url: String,
    #[prost(string, tag = "3")]
    pub(in crate::store::rows) filter: String,
    #[prost(int32, repeated, tag = "4")]
    pub(in crate::store::rows) types: Vec<i32>,
    #[prost(int32, tag = "5")]
    pub(in crate::store::rows) format: i32,
    #[prost(string, repeated, tag = "6")]
    pub(in crate::store::rows) secrets: Vec<String>,
    #[prost(bool, tag = "7")]
    pub(in crate::store::rows) paused: bool,
    #[prost(string, tag = "8")]
    pub(in crate::store::rows) note: String,
    #[prost(message, optional, tag = "9")]
    pub(in crate::store::rows) creator: Option<Actor>,
    #[prost(int64, tag = "10")]
    pub(in crate::store::rows) create_time: i64,
    #[prost(int64, tag = "11")]
    pub(in crate::store::rows) update_time: i64,
}

/// Shows none of it.
impl std::fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSpec").finish_non_exhaustive()
    }
}

/// How far it is.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct WebhookProgress {
    #[prost(int64, tag = "1")]
    pub(in crate::store::rows) position: i64,
    #[prost(int64, tag = "2")]
    pub(in crate::store::rows) delivered: i64,
    #[prost(int64, tag = "3")]
    pub(in crate::store::rows) given_up: i64,
    #[prost(int64, optional, tag = "4")]
    pub(in crate::store::rows) delivery_time: Option<i64>,
    #[prost(string, tag = "5")]
    pub(in crate::store::rows) error: String,
    #[prost(int64, optional, tag = "6")]
    pub(in crate::store::rows) error_time: Option<i64>,
}
