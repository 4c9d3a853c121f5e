//! What stands in the BLOB columns: the store's own messages, apart from the contract's, which may change otherwise.
//!
//! Protobuf rules hold: fields are only added, a number is never used again, absent means the default written here.
//! Enums are the numbers of the domain. Times and spans are microseconds.

use bytes::Bytes;
use prost::{Message, Oneof};

pub(in crate::store) mod archive;
mod queue;
mod schedule;
mod task_type;
mod webhook;
mod work;

pub(in crate::store) use queue::{QueueSpec, RateLimit};
pub(in crate::store) use schedule::{ScheduleProgress, ScheduleSpec, Template, TickRecord};
pub(in crate::store) use task_type::TypeSpec;
pub(in crate::store) use webhook::{WebhookProgress, WebhookSpec};
pub(in crate::store) use work::{
    Artifact, Blocker, Granted, Lease, Output, Receipt, Started, Timeouts, Timers, VerificationItem,
};

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Actor {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) id: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
}

/// A payload; the bytes stand elsewhere, except those of an answer, of a default answer and of a chunk of output.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Payload {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) media_type: String,
    #[prost(int32, tag = "3")]
    pub(super) version: i32,
    #[prost(int64, tag = "4")]
    pub(super) size: i64,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) sha256: Bytes,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) body: Option<Bytes>,
}

/// What a task is asked to do; changes only by an edit.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Spec {
    #[prost(string, tag = "1")]
    pub(super) description: String,
    #[prost(message, optional, tag = "2")]
    pub(super) function: Option<Function>,
    #[prost(message, optional, tag = "3")]
    pub(super) retry_policy: Option<RetryPolicy>,
    #[prost(int32, tag = "4")]
    pub(super) verification: i32,
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub(super) metadata: Option<Bytes>,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) spec_hash: Bytes,
    /// Absent: no limits.
    #[prost(message, optional, tag = "7")]
    pub(super) timeouts: Option<Timeouts>,
    #[prost(int64, optional, tag = "8")]
    pub(super) verification_grace: Option<i64>,
    #[prost(string, tag = "9")]
    pub(super) dedup_key: String,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Function {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) description: String,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) args: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub(super) output: Option<Bytes>,
    #[prost(string, tag = "6")]
    pub(super) prompt_template: String,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct RetryPolicy {
    #[prost(int32, optional, tag = "1")]
    pub(super) max_attempts: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    pub(super) initial_backoff: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub(super) max_backoff: Option<i64>,
    #[prost(double, optional, tag = "4")]
    pub(super) backoff_multiplier: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub(super) jitter: Option<f64>,
    #[prost(int32, repeated, tag = "6")]
    pub(super) retry_outcomes: Vec<i32>,
    #[prost(string, repeated, tag = "7")]
    pub(super) non_retryable_codes: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Progress {
    #[prost(int32, optional, tag = "1")]
    pub(super) percent: Option<i32>,
    #[prost(string, tag = "2")]
    pub(super) current_step: String,
    #[prost(string, tag = "3")]
    pub(super) message: String,
    #[prost(int64, optional, tag = "4")]
    pub(super) estimated_time_remaining: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct TaskError {
    #[prost(string, tag = "1")]
    pub(super) code: String,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) details: Option<Bytes>,
    #[prost(int64, optional, tag = "4")]
    pub(super) retry_after: Option<i64>,
    #[prost(bool, tag = "5")]
    pub(super) non_retryable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Dependency {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) task_id: Bytes,
    #[prost(int32, tag = "2")]
    pub(super) on_failure: i32,
    /// Absent while it is open.
    #[prost(int32, optional, tag = "3")]
    pub(super) result: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Dependencies {
    #[prost(message, repeated, tag = "1")]
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct InputRequest {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) prompt: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) choices: Vec<String>,
    #[prost(message, optional, tag = "4")]
    pub(super) answer: Option<Payload>,
    #[prost(message, optional, tag = "5")]
    pub(super) answerer: Option<Actor>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) schema: Option<Bytes>,
    #[prost(int64, optional, tag = "7")]
    pub(super) deadline_time: Option<i64>,
    #[prost(message, optional, tag = "8")]
    pub(super) default_input: Option<Payload>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct InputRequests {
    #[prost(message, repeated, tag = "1")]
    pub(super) input_requests: Vec<InputRequest>,
}

/// The detail of an event, version 1.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Detail {
    #[prost(oneof = "DetailKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14")]
    pub(super) kind: Option<DetailKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(in crate::store) enum DetailKind {
    #[prost(message, tag = "1")]
    Created(Box<Created>),
    #[prost(message, tag = "2")]
    Updated(Box<Updated>),
    #[prost(message, tag = "3")]
    Assigned(Actor),
    #[prost(message, tag = "4")]
    Progress(Progress),
    #[prost(message, tag = "5")]
    Result(ResultDetail),
    #[prost(message, tag = "6")]
    Failure(Failure),
    #[prost(message, tag = "7")]
    Scheduled(Scheduled),
    #[prost(message, tag = "8")]
    Input(InputRequest),
    #[prost(message, tag = "9")]
    Retried(Retried),
    #[prost(message, tag = "10")]
    Dependency(Dependency),
    #[prost(message, tag = "11")]
    Granted(Granted),
    #[prost(message, tag = "12")]
    Started(Started),
    #[prost(message, tag = "13")]
    Checkpoint(Payload),
    #[prost(message, tag = "14")]
    Output(Output),
}

/// The task as created. What the event's own columns say is not said again: id, namespace, queue, type, labels, and,
/// where they are absent here, the creator and the times.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Created {
    #[prost(string, tag = "1")]
    pub(super) title: String,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<Spec>,
    #[prost(message, optional, tag = "3")]
    pub(super) input: Option<Payload>,
    #[prost(message, optional, tag = "4")]
    pub(super) output: Option<Payload>,
    #[prost(message, optional, tag = "5")]
    pub(super) error: Option<TaskError>,
    #[prost(int32, tag = "6")]
    pub(super) state: i32,
    #[prost(string, tag = "7")]
    pub(super) state_reason: String,
    #[prost(string, tag = "8")]
    pub(super) state_message: String,
    #[prost(int32, tag = "9")]
    pub(super) priority: i32,
    /// Absent: the event's actor.
    #[prost(message, optional, tag = "10")]
    pub(super) creator: Option<Actor>,
    #[prost(message, optional, tag = "11")]
    pub(super) assignee: Option<Actor>,
    #[prost(message, optional, tag = "12")]
    pub(super) progress: Option<Progress>,
    #[prost(bytes = "bytes", optional, tag = "13")]
    pub(super) parent_id: Option<Bytes>,
    #[prost(message, repeated, tag = "14")]
    pub(super) dependencies: Vec<Dependency>,
    #[prost(int64, optional, tag = "15")]
    pub(super) schedule_time: Option<i64>,
    /// Absent: the event's time.
    #[prost(int64, optional, tag = "16")]
    pub(super) create_time: Option<i64>,
    /// Absent: the event's time.
    #[prost(int64, optional, tag = "17")]
    pub(super) update_time: Option<i64>,
    #[prost(int64, optional, tag = "18")]
    pub(super) queue_time: Option<i64>,
    #[prost(int64, optional, tag = "19")]
    pub(super) start_time: Option<i64>,
    #[prost(int64, optional, tag = "20")]
    pub(super) end_time: Option<i64>,
    #[prost(int32, tag = "21")]
    pub(super) attempt: i32,
    #[prost(int32, tag = "22")]
    pub(super) retry_count: i32,
    #[prost(int32, tag = "23")]
    pub(super) execution_count: i32,
    #[prost(message, repeated, tag = "24")]
    pub(super) input_requests: Vec<InputRequest>,
    #[prost(int64, tag = "25")]
    pub(super) fence: i64,
    #[prost(int32, optional, tag = "26")]
    pub(super) paused_from: Option<i32>,
    #[prost(int64, tag = "27")]
    pub(super) revision: i64,
    #[prost(int64, tag = "28")]
    pub(super) edit_revision: i64,
    #[prost(bool, tag = "29")]
    pub(super) has_dependants: bool,
    #[prost(bool, tag = "30")]
    pub(super) has_children: bool,
    #[prost(int32, tag = "31")]
    pub(super) cleared_input: i32,
    #[prost(message, optional, tag = "32")]
    pub(super) receipt: Option<Receipt>,
    #[prost(message, optional, tag = "33")]
    pub(super) checkpoint: Option<Payload>,
    #[prost(int32, tag = "34")]
    pub(super) checkpoint_version: i32,
    #[prost(bool, tag = "35")]
    pub(super) leased: bool,
    #[prost(message, optional, tag = "36")]
    pub(super) lease: Option<Lease>,
    #[prost(int32, tag = "37")]
    pub(super) run_count: i32,
    #[prost(int32, tag = "38")]
    pub(super) output_count: i32,
    #[prost(message, optional, tag = "39")]
    pub(super) timers: Option<Timers>,
    #[prost(int64, optional, tag = "40")]
    pub(super) last_call: Option<i64>,
    #[prost(int64, optional, tag = "41")]
    pub(super) handover_call: Option<i64>,
}

/// Fields that are present replace the task's. Of an optional field, `*_set` says whether it was named.
#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Updated {
    #[prost(string, optional, tag = "1")]
    pub(super) queue: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) task_type: Option<String>,
    #[prost(bool, tag = "3")]
    pub(super) function_set: bool,
    #[prost(message, optional, tag = "4")]
    pub(super) function: Option<Function>,
    #[prost(string, optional, tag = "5")]
    pub(super) title: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(super) description: Option<String>,
    #[prost(bool, tag = "7")]
    pub(super) input_set: bool,
    #[prost(message, optional, tag = "8")]
    pub(super) input: Option<Payload>,
    #[prost(int32, optional, tag = "9")]
    pub(super) priority: Option<i32>,
    /// The new labels stand in the event's column.
    #[prost(bool, tag = "10")]
    pub(super) labels_set: bool,
    #[prost(bool, tag = "11")]
    pub(super) metadata_set: bool,
    #[prost(bytes = "bytes", optional, tag = "12")]
    pub(super) metadata: Option<Bytes>,
    #[prost(bool, tag = "13")]
    pub(super) retry_policy_set: bool,
    #[prost(message, optional, tag = "14")]
    pub(super) retry_policy: Option<RetryPolicy>,
    #[prost(int32, optional, tag = "15")]
    pub(super) verification: Option<i32>,
    #[prost(string, tag = "16")]
    pub(super) previous_queue: String,
    #[prost(string, tag = "17")]
    pub(super) previous_type: String,
    #[prost(btree_map = "string, string", tag = "18")]
    pub(super) previous_labels: std::collections::BTreeMap<String, String>,
    #[prost(message, optional, tag = "19")]
    pub(super) timeouts: Option<Timeouts>,
    #[prost(bool, tag = "20")]
    pub(super) verification_grace_set: bool,
    #[prost(int64, optional, tag = "21")]
    pub(super) verification_grace: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct ResultDetail {
    #[prost(message, optional, tag = "1")]
    pub(super) output: Option<Payload>,
    #[prost(message, optional, tag = "2")]
    pub(super) receipt: Option<Receipt>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Failure {
    #[prost(int32, tag = "1")]
    pub(super) outcome: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<TaskError>,
    #[prost(int64, optional, tag = "3")]
    pub(super) retry_time: Option<i64>,
    #[prost(message, optional, tag = "4")]
    pub(super) receipt: Option<Receipt>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Scheduled {
    #[prost(int64, tag = "1")]
    pub(super) schedule_time: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::store) struct Retried {
    #[prost(int32, tag = "1")]
    pub(super) retry_count: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) input: Option<Payload>,
    #[prost(int64, optional, tag = "3")]
    pub(super) schedule_time: Option<i64>,
}
