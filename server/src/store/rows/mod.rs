//! Rows to domain values and back. Every conversion names every field, so that a new one breaks the build here.

mod detail;
mod event;
mod model;
mod parts;
mod payload;
mod record;
pub(super) mod stored;
mod task;

pub(super) use event::{EVENT, event_cells, read_event};
pub(super) use model::read_model;
pub(super) use payload::{PAYLOAD, payload_cells, payloads, payloads_mut, read_payload, read_replaced};
pub(super) use record::{
    EDGE, FOLLOW_UP, REQUEST, edge_cells, follow_up_cells, read_follow_up, read_request, request_cells,
};
pub(super) use task::{TASK, read_dependencies, read_task, task_cells};
