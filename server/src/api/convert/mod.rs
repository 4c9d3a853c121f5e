//! Between the contract's messages and the domain: the only place that does it.
//!
//! Each part has a `read` (message to domain: judges every field, collects what is wrong, answers `None` where it
//! cannot go on) and a `write` (domain to message). Both take their argument apart field by field, so that a field
//! that is new in either breaks the build here.

pub(crate) mod actor;
pub(crate) mod dedup;
pub(crate) mod dependency;
pub(crate) mod document;
pub(crate) mod edit;
pub(crate) mod envelope;
pub(crate) mod event;
pub(crate) mod failure;
pub(crate) mod function;
pub(crate) mod given;
pub(crate) mod input_request;
pub(crate) mod labels;
pub(crate) mod lease;
mod mask;
pub(crate) mod new_task;
pub(crate) mod notice;
pub(crate) mod payload;
pub(crate) mod policy;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod queue_edit;
pub(crate) mod receipt;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod schedule_edit;
pub(crate) mod task;
pub(crate) mod task_type;
pub(crate) mod time;
pub(crate) mod webhook;

use crate::seams::Ids;
use baton_domain::TaskId;

/// What a request that is read may draw: ids and chance, so that the rules behind it need neither.
pub(crate) struct Draw<'a> {
    /// Where from.
    pub(crate) ids: &'a Ids,
    /// The server's clock, in microseconds since 1970: ids rise with it.
    pub(crate) now_micros: i64,
}

impl Draw<'_> {
    /// The id of a new task.
    pub(crate) fn task_id(&self) -> TaskId {
        TaskId(self.ids.uuid_v7(self.now_micros))
    }

    /// The key of an input request that came without one.
    pub(crate) fn key(&self) -> String {
        format!("{:016x}", u64::from_be_bytes(self.ids.bytes()))
    }

    /// The share of the jitter that a backoff gets.
    pub(crate) fn jitter(&self) -> f64 {
        self.ids.fraction()
    }
}
