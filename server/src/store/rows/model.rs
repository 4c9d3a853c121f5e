//! The columns of a task's row and of its lease, by their places: by their names, finding them costs more than reading
//! them.

use sea_orm::{DbErr, QueryResult, TryGetable};

use crate::store::entity::task::Model;

/// A task's row and what stands in `lease` beside it.
pub(in crate::store) struct TaskRow {
    pub(in crate::store) task: Model,
    /// Duration and expire time.
    pub(in crate::store) lease: Option<(i64, i64)>,
}

/// Reads a row that has all columns of the entity in its order, and then those of the lease.
pub(in crate::store) fn read_row(row: &QueryResult) -> Result<TaskRow, DbErr> {
    let mut cells = Cells { row, place: 0 };
    // Read in the order in which they stand here, which is the entity's.
    let task = Model {
        id: cells.next()?,
        namespace: cells.next()?,
        creator_kind: cells.next()?,
        creator_id: cells.next()?,
        creator_name: cells.next()?,
        create_time: cells.next()?,
        update_time: cells.next()?,
        revision: cells.next()?,
        state: cells.next()?,
        state_reason: cells.next()?,
        edit_revision: cells.next()?,
        queue_time: cells.next()?,
        state_message: cells.next()?,
        attempt: cells.next()?,
        fence: cells.next()?,
        execution_count: cells.next()?,
        run_count: cells.next()?,
        start_time: cells.next()?,
        end_time: cells.next()?,
        schedule_time: cells.next()?,
        wake_time: cells.next()?,
        paused_from: cells.next()?,
        timers: cells.next()?,
        queue: cells.next()?,
        r#type: cells.next()?,
        priority: cells.next()?,
        title: cells.next()?,
        labels: cells.next()?,
        spec: cells.next()?,
        parent_id: cells.next()?,
        assignee_kind: cells.next()?,
        assignee_id: cells.next()?,
        assignee_name: cells.next()?,
        leased: cells.next()?,
        progress: cells.next()?,
        error: cells.next()?,
        dependencies: cells.next()?,
        input_requests: cells.next()?,
        input: cells.next()?,
        input_body: cells.next()?,
        output: cells.next()?,
        output_body: cells.next()?,
        checkpoint: cells.next()?,
        checkpoint_body: cells.next()?,
        checkpoint_version: cells.next()?,
        receipt: cells.next()?,
        last_call: cells.next()?,
        handover_call: cells.next()?,
        output_count: cells.next()?,
        retry_count: cells.next()?,
        cleared_input: cells.next()?,
        has_dependants: cells.next()?,
        has_children: cells.next()?,
    };
    let (duration, expire_time): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
    Ok(TaskRow {
        task,
        lease: duration.zip(expire_time),
    })
}

struct Cells<'a> {
    row: &'a QueryResult,
    place: usize,
}

impl Cells<'_> {
    fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let cell = self.row.try_get_by_index(self.place);
        self.place += 1;
        cell
    }
}
