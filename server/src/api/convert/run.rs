//! Runs as they are answered.

use baton_domain::{Run, RunEnd};
use baton_proto::raw::v1 as raw;

use super::{actor, failure, payload, time};

pub(crate) fn write(run: &Run) -> raw::TaskRun {
    let Run {
        task_id,
        number: _,
        attempt,
        fence: _,
        namespace,
        queue,
        task_type,
        assignee,
        start_time,
        end,
    } = run;
    let begun = raw::TaskRun {
        task_id: task_id.to_string(),
        attempt: *attempt,
        namespace: namespace.clone(),
        queue: queue.clone(),
        r#type: task_type.clone(),
        assignee: assignee.as_ref().map(actor::write),
        start_time: Some(time::write(*start_time)),
        ..raw::TaskRun::default()
    };
    let Some(end) = end else {
        return begun;
    };
    let RunEnd {
        outcome,
        error,
        output,
        end_time,
    } = end;
    raw::TaskRun {
        outcome: outcome.number(),
        error: error.as_ref().map(failure::write),
        // Runs that were read in TASK_VIEW_BASIC have no bytes.
        output: output.as_ref().and_then(payload::write),
        end_time: Some(time::write(*end_time)),
        duration: run.duration().map(time::write_span),
        ..begun
    }
}
