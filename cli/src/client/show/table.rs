//! Tables: one row a thing, no lines and no colours, so that they can be cut and searched.

use baton_client::proto::{
    BulkTaskResult, GetTaskStatsResponse, Progress, Task, TaskError, TaskEvent, WatchTasksResponse,
};
use baton_client::{BulkOutcome, Refusal};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::text::{age, clean, short, time};
use crate::client::names;

/// Characters of a title in a table.
const TITLE: usize = 40;
/// Characters of a message in a table.
pub(super) const MESSAGE: usize = 80;

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    table
}

/// The table without the blanks that fill its last column, and its first.
pub(super) fn drawn(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

pub(super) fn tasks(tasks: &[Task]) -> String {
    let mut table = table(&[
        "ID", "STATE", "TYPE", "TITLE", "QUEUE", "PRIORITY", "ASSIGNEE", "PROGRESS", "AGE",
    ]);
    for task in tasks {
        table.add_row(vec![
            clean(&task.id),
            names::state(task.state()).to_owned(),
            short(&task.r#type, TITLE),
            short(&task.title, TITLE),
            clean(&task.queue),
            names::priority(task.priority()).to_owned(),
            task.assignee
                .as_ref()
                .map_or_else(String::new, |actor| short(&actor.id, TITLE)),
            task.progress.as_ref().map_or_else(String::new, progress),
            age(task.create_time),
        ]);
    }
    drawn(table)
}

/// What people look for in a task whose attempts are spent: what failed.
pub(super) fn dead(tasks: &[Task]) -> String {
    let mut table = table(&["ID", "TYPE", "TITLE", "QUEUE", "ATTEMPT", "DEAD FOR", "ERROR"]);
    for task in tasks {
        table.add_row(vec![
            clean(&task.id),
            short(&task.r#type, TITLE),
            short(&task.title, TITLE),
            clean(&task.queue),
            task.attempt.to_string(),
            age(task.end_time),
            error(task.error.as_ref()),
        ]);
    }
    drawn(table)
}

/// `rate_limited: try again later`, in one line.
pub(super) fn error(error: Option<&TaskError>) -> String {
    let Some(error) = error else { return String::new() };
    let parts = [error.code.as_str(), error.message.as_str()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    short(&parts.join(": "), MESSAGE)
}

/// `40% reading`.
pub(super) fn progress(progress: &Progress) -> String {
    let percent = progress.percent.map(|percent| format!("{percent}%"));
    let step = Some(short(&progress.current_step, TITLE)).filter(|step| !step.is_empty());
    percent.into_iter().chain(step).collect::<Vec<_>>().join(" ")
}

pub(super) fn events(events: &[TaskEvent]) -> String {
    let mut table = table(&["#", "TIME", "EVENT", "STATE", "WHO", "MESSAGE"]);
    for event in events {
        table.add_row(vec![
            event.sequence.to_string(),
            time(event.time),
            names::event_type(event.r#type()).to_owned(),
            moved(event),
            event
                .actor
                .as_ref()
                .map_or_else(String::new, |actor| short(&actor.id, TITLE)),
            said(event),
        ]);
    }
    drawn(table)
}

/// `QUEUED -> ASSIGNED`, or one state where the event moved nothing.
fn moved(event: &TaskEvent) -> String {
    let (from, to) = (event.from_state(), event.to_state());
    if from == to || from == baton_client::State::Unspecified {
        names::state(to).to_owned()
    } else {
        format!("{} -> {}", names::state(from), names::state(to))
    }
}

/// What the event says beyond its type, in one line.
pub(in crate::client) fn said(event: &TaskEvent) -> String {
    use baton_client::proto::task_event::Detail;
    let detail = match &event.detail {
        Some(Detail::Progress(told)) => progress(told) + " " + &told.message,
        Some(Detail::Failure(failure)) => failure
            .error
            .as_ref()
            .map_or_else(String::new, |error| error.message.clone()),
        Some(Detail::Assigned(assigned)) => assigned
            .assignee
            .as_ref()
            .map_or_else(String::new, |to| format!("to {}", to.id)),
        Some(Detail::Scheduled(scheduled)) => format!("for {}", time(scheduled.schedule_time)),
        Some(Detail::Input(question)) => question.prompt.clone(),
        Some(Detail::Dependency(on)) => on.task_id.clone(),
        Some(Detail::Updated(updated)) => updated
            .update_mask
            .as_ref()
            .map_or_else(String::new, |mask| mask.paths.join(", ")),
        Some(Detail::Started(started)) => format!("since {}", time(started.start_time)),
        Some(Detail::Output(output)) => format!("part {}", output.index),
        Some(Detail::Checkpoint(saved)) => format!("{} bytes", saved.size),
        Some(Detail::Created(_) | Detail::Result(_) | Detail::Retried(_)) | None => String::new(),
    };
    // A reason that only repeats the type of the event, or that a move before it gave, says nothing.
    let kind = names::event_type(event.r#type()).to_lowercase();
    let moved = event.from_state() != event.to_state();
    let reason = Some(event.state_reason.as_str()).filter(|reason| moved && *reason != kind);
    let words = [event.message.as_str(), detail.trim(), reason.unwrap_or_default()];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    short(&words.join("; "), MESSAGE)
}

pub(super) fn stats(stats: &GetTaskStatsResponse) -> String {
    let mut table = table(&["STATE", "QUEUE", "TYPE", "COUNT", "OLDEST READY"]);
    for group in &stats.groups {
        table.add_row(vec![
            names::state(group.state()).to_owned(),
            clean(&group.queue),
            clean(&group.r#type),
            group.count.to_string(),
            age(group.oldest_ready_time),
        ]);
    }
    table.add_row(vec!["all", "", "", &stats.total.to_string(), ""]);
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    drawn(table)
}

pub(super) fn bulk(outcome: &BulkOutcome) -> String {
    let mut text = format!("done: {}  refused: {}", outcome.done_count, outcome.failed_count);
    let refused: Vec<_> = outcome.results.iter().filter_map(refusal).collect();
    if !refused.is_empty() {
        let mut table = table(&["ID", "REASON", "MESSAGE"]);
        table.add_rows(refused);
        text = format!("{text}\n{}", drawn(table));
    }
    if !outcome.next_page_token.is_empty() {
        text.push_str("\nmore tasks match: run the command again");
    }
    text
}

fn refusal(result: &BulkTaskResult) -> Option<[String; 3]> {
    let refusal = Refusal::from(result.error.as_ref()?);
    Some([
        clean(&result.id),
        refusal.reason.to_string(),
        short(&refusal.message, MESSAGE),
    ])
}

/// A message of a watch, a line for each task and event.
pub(in crate::client) fn watched(message: &WatchTasksResponse) -> Vec<String> {
    let tasks = message.tasks.iter().map(|task| {
        let state = names::state(task.state());
        format!(
            "{}  {}  is {state}  {}",
            time(task.update_time),
            clean(&task.id),
            short(&task.title, TITLE)
        )
    });
    let events = message.events.iter().map(|event| {
        let kind = names::event_type(event.r#type());
        let line = format!(
            "{}  {}  {kind}  {}  {}",
            time(event.time),
            clean(&event.task_id),
            moved(event),
            said(event)
        );
        line.trim_end().to_owned()
    });
    tasks.chain(events).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::proto::{BulkTaskError, TaskEventType, TaskState};

    #[test]
    fn a_row_says_what_people_look_for() {
        let task = Task {
            id: "019a".to_owned(),
            r#type: "mail".to_owned(),
            title: "Send\u{1b}[2J".to_owned(),
            state: TaskState::InProgress.into(),
            progress: Some(Progress {
                percent: Some(40),
                current_step: "reading".to_owned(),
                ..Progress::default()
            }),
            ..Task::default()
        };
        let text = tasks(&[task]);
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(rows.len(), 2, "{text}");
        assert!(rows[0].starts_with("ID    STATE"), "{text}");
        assert!(
            rows[1].contains("IN_PROGRESS") && rows[1].contains("40% reading"),
            "{text}"
        );
        assert!(rows[1].contains("Send\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn an_event_tells_its_move_and_its_words() {
        let event = TaskEvent {
            sequence: 3,
            r#type: TaskEventType::Cancelled.into(),
            from_state: TaskState::Queued.into(),
            to_state: TaskState::Cancelled.into(),
            message: "no longer needed".to_owned(),
            ..TaskEvent::default()
        };
        let text = events(&[event]);
        assert!(
            text.contains("QUEUED -> CANCELLED") && text.contains("no longer needed"),
            "{text}"
        );
    }

    #[test]
    fn a_bulk_call_lists_who_refused() {
        let error = BulkTaskError {
            reason: "ETAG_MISMATCH".to_owned(),
            message: "changed".to_owned(),
            ..Default::default()
        };
        let outcome = BulkOutcome {
            results: vec![BulkTaskResult {
                id: "1".to_owned(),
                error: Some(error),
                ..Default::default()
            }],
            done_count: 4,
            failed_count: 1,
            next_page_token: "t".to_owned(),
        };
        let text = bulk(&outcome);
        assert!(text.starts_with("done: 4  refused: 1\n"), "{text}");
        assert!(
            text.contains("ETAG_MISMATCH") && text.ends_with("run the command again"),
            "{text}"
        );
    }
}
