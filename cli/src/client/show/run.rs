//! Runs: each time that somebody worked on a task.

use baton_client::proto::{AttemptOutcome, TaskRun, TaskState};

use super::detail::payload;
use super::table::{self, MESSAGE, drawn, error};
use super::text::{clean, short, span, time};
use crate::client::names;

pub(super) fn table(runs: &[TaskRun]) -> String {
    let mut header = vec![
        "TASK", "ATTEMPT", "TYPE", "OUTCOME", "ASSIGNEE", "STARTED", "TOOK", "ERROR",
    ];
    // Outputs are long; the column stands only where they were asked for.
    let with_output = runs.iter().any(|run| run.output.is_some());
    if with_output {
        header.push("OUTPUT");
    }
    let mut table = table::table(&header);
    for run in runs {
        let mut row = vec![
            clean(&run.task_id),
            run.attempt.to_string(),
            clean(&run.r#type),
            outcome(run),
            run.assignee
                .as_ref()
                .map_or_else(String::new, |actor| clean(&actor.id)),
            time(run.start_time),
            run.duration.as_ref().map_or_else(String::new, span),
            error(run.error.as_ref()),
        ];
        if with_output {
            row.push(short(&payload(run.output.as_ref()), MESSAGE));
        }
        table.add_row(row);
    }
    drawn(table)
}

/// How it ended, or the state that it is in.
fn outcome(run: &TaskRun) -> String {
    match run.outcome() {
        AttemptOutcome::Unspecified => names::state(TaskState::InProgress).to_owned(),
        ended => names::outcome(ended).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::value;

    #[test]
    fn a_run_that_goes_on_is_in_progress_and_outputs_have_a_column_where_there_are_any() {
        let open = TaskRun {
            task_id: "1".to_owned(),
            attempt: 2,
            ..TaskRun::default()
        };
        let text = table(std::slice::from_ref(&open));
        assert!(text.contains("IN_PROGRESS") && !text.contains("OUTPUT"), "{text}");
        let done = TaskRun {
            outcome: AttemptOutcome::Ok.into(),
            output: Some(value::json_text("{\"pages\": 12}")),
            ..TaskRun::default()
        };
        let text = table(&[done, open]);
        assert!(
            text.contains("OUTPUT") && text.contains("{\"pages\": 12}"),
            "{text}"
        );
    }
}
