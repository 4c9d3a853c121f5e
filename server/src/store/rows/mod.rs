//! Rows to domain values and back. Every conversion names every field, so that a new one breaks the build here.

pub(super) mod archive;
mod created;
mod detail;
mod event;
mod model;
mod parts;
mod payload;
mod queue;
mod record;
mod run;
mod schedule;
pub(super) mod stored;
mod task;
mod task_read;
mod task_type;
mod template;
mod webhook;
mod work;

#[cfg(test)]
pub(super) use event::EventRow;
pub(super) use event::{EVENT, event_cells, event_rows, log_key, read_events};
pub(super) use model::{TaskRow, read_row};
pub(super) use payload::{PAYLOAD, payload_cells, payloads, payloads_mut, read_payload, read_replaced};
pub(super) use queue::{QUEUE, QUEUE_KEY, key_use_cells, queue_cells, read_queue};
pub(super) use record::{
    EDGE, FOLLOW_UP, KEY, REQUEST, edge_cells, follow_up_cells, key_cells, read_follow_up, read_key,
    read_request, request_cells,
};
pub(super) use run::{RUN, ended_cells, read_run, run_cells};
pub(super) use schedule::{SCHEDULE, read_schedule, schedule_cells};
pub(super) use task::{Dear, LEASE, TASK, lease_cells, task_cells};
pub(super) use task_read::{read_dependencies, read_task};
pub(super) use task_type::{TASK_TYPE, read_task_type, task_type_cells};
pub(super) use webhook::{WEBHOOK, read_webhook, webhook_cells};

/// A whole number of whatever width its column has; NULL is `None`.
pub(super) fn read_integer<I: sea_orm::ColIdx + Copy>(
    row: &sea_orm::QueryResult,
    column: I,
) -> Result<Option<i64>, sea_orm::DbErr> {
    let wide: Result<Option<i64>, _> = row.try_get_by(column);
    wide.or_else(|_| Ok(row.try_get_by::<Option<i32>, _>(column)?.map(i64::from)))
}
