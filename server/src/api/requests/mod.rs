//! Reads requests: each whole, with all that is wrong with it, before anything is asked of the engine.

pub(super) mod admin;
pub(super) mod bulk;
pub(super) mod create;
pub(super) mod edit;
pub(super) mod leases;
pub(super) mod lists;
pub(super) mod moves;
pub(super) mod named;
pub(super) mod queues;
pub(super) mod report;
pub(super) mod schedules;
pub(super) mod task_types;
pub(super) mod watch;
pub(super) mod webhooks;
pub(super) mod work;
