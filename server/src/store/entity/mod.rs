//! The tables as SeaORM sees them: columns are primitives, meaning comes in `rows`.

#![expect(unreachable_pub, reason = "SeaORM's derives need public items")]
#![expect(
    clippy::disallowed_methods,
    reason = "SeaORM derives a way to save graphs, which nobody calls"
)]

pub(super) mod dedup;
pub(super) mod edge;
pub(super) mod event;
pub(super) mod follow_up;
pub(super) mod lease;
pub(super) mod namespace;
pub(super) mod payload;
pub(super) mod queue;
pub(super) mod queue_key;
pub(super) mod request;
pub(super) mod run;
pub(super) mod schedule;
pub(super) mod store_meta;
pub(super) mod task;
pub(super) mod task_count;
pub(super) mod task_type;
pub(super) mod token_key;
pub(super) mod webhook;
