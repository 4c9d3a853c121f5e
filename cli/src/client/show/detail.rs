//! One thing in all its parts: a name and a value a line.

use baton_client::proto::payload::Kind;
use baton_client::proto::{
    Actor, ActorType, Dependency, ExplainTaskResponse, InputRequest, Payload, Progress, Task, TaskError,
    TaskTimeouts, Verification, VerificationMode,
};
use baton_client::{State, value};

use super::text::{clean, clean_lines, span, time};
use super::{receipt, table};
use crate::client::names;

/// Lines of names and values; what is empty is left out.
#[derive(Default)]
pub(super) struct Sheet {
    lines: Vec<String>,
}

impl Sheet {
    pub(super) fn put(&mut self, name: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        if !value.is_empty() {
            // What runs over several lines is set in.
            let value = value.replace('\n', "\n                 ");
            self.lines.push(format!("{name:<16} {value}"));
        }
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    fn count(&mut self, name: &str, count: i32) {
        if count > 0 {
            self.put(name, count.to_string());
        }
    }
}

pub(super) fn task(task: &Task) -> String {
    let mut sheet = Sheet::default();
    sheet.put("id", clean(&task.id));
    sheet.put("state", state(task));
    sheet.put("type", clean(&task.r#type));
    sheet.put("title", clean(&task.title));
    sheet.put("description", clean_lines(&task.description));
    sheet.put("namespace", clean(&task.namespace));
    sheet.put("queue", clean(&task.queue));
    sheet.put("priority", names::priority(task.priority()));
    sheet.put("labels", labels(task));
    sheet.put("assignee", actor(task.assignee.as_ref()));
    sheet.put("creator", actor(task.creator.as_ref()));
    sheet.put("parent", clean(&task.parent_id));
    for on in &task.dependencies {
        sheet.put("depends on", dependency(on));
    }
    sheet.put(
        "progress",
        task.progress.as_ref().map_or_else(String::new, progress),
    );
    sheet.put("input", payload(task.input.as_ref()));
    sheet.put("output", payload(task.output.as_ref()));
    sheet.put("error", task.error.as_ref().map_or_else(String::new, error));
    sheet.put(
        "receipt",
        task.receipt.as_ref().map_or_else(String::new, receipt::text),
    );
    for question in &task.input_requests {
        sheet.put("question", asked(question));
    }
    sheet.put(
        "metadata",
        task.metadata
            .as_ref()
            .map_or_else(String::new, |object| value::from_struct(object).to_string()),
    );
    sheet.put(
        "verification",
        task.verification.as_ref().map_or_else(String::new, verification),
    );
    sheet.put(
        "timeouts",
        task.timeouts.as_ref().map_or_else(String::new, timeouts),
    );
    sheet.put("dedup key", clean(&task.dedup_key));
    times(task, &mut sheet);
    sheet.count("attempt", task.attempt);
    sheet.count("retries", task.retry_count);
    sheet.put("revision", task.revision.to_string());
    sheet.put("etag", clean(&task.etag));
    sheet.text()
}

fn times(task: &Task, sheet: &mut Sheet) {
    sheet.put("scheduled for", time(task.schedule_time));
    sheet.put("created", time(task.create_time));
    sheet.put("updated", time(task.update_time));
    sheet.put("started", time(task.start_time));
    sheet.put("ended", time(task.end_time));
    sheet.put("took", task.duration.as_ref().map_or_else(String::new, span));
}

fn progress(told: &Progress) -> String {
    let remaining = told
        .estimated_time_remaining
        .as_ref()
        .map(|left| format!("({} left)", span(left)));
    let parts = [
        table::progress(told),
        clean(&told.message),
        remaining.unwrap_or_default(),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// As the flags of `baton task create` are called.
fn verification(verification: &Verification) -> String {
    match (verification.mode(), &verification.grace) {
        (VerificationMode::Unspecified | VerificationMode::None, _) => String::new(),
        (VerificationMode::Manual, _) => "needs approval".to_owned(),
        (VerificationMode::Receipt, None) => "needs receipt".to_owned(),
        (VerificationMode::Receipt, Some(grace)) => format!("needs receipt, grace {}", span(grace)),
    }
}

fn timeouts(timeouts: &TaskTimeouts) -> String {
    let all = [
        ("queue", &timeouts.queue_timeout),
        ("attempt", &timeouts.attempt_timeout),
        ("total", &timeouts.total_timeout),
    ];
    let given = all
        .into_iter()
        .filter_map(|(name, limit)| Some(format!("{name} {}", span(limit.as_ref()?))));
    given.collect::<Vec<_>>().join(", ")
}

fn state(task: &Task) -> String {
    let state = names::state(task.state());
    // Some reasons only repeat the state.
    let reason = Some(task.state_reason.as_str()).filter(|reason| *reason != state.to_lowercase());
    let reasons = [reason.unwrap_or_default(), task.state_message.as_str()];
    let reasons: Vec<_> = reasons
        .into_iter()
        .filter(|reason| !reason.is_empty())
        .map(clean)
        .collect();
    match reasons.as_slice() {
        [] => state.to_owned(),
        some => format!("{state} ({})", some.join(": ")),
    }
}

fn labels(task: &Task) -> String {
    let pairs = task
        .labels
        .iter()
        .map(|(key, value)| format!("{}={}", clean(key), clean(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// As `--actor` takes it.
pub(super) fn actor(actor: Option<&Actor>) -> String {
    let Some(actor) = actor else { return String::new() };
    let kind = match actor.r#type() {
        ActorType::Human => "human",
        ActorType::Agent => "agent",
        ActorType::Service => "service",
        ActorType::System => "system",
        ActorType::Unspecified => "unknown",
    };
    format!("{kind}:{}", clean(&actor.id))
}

fn dependency(on: &Dependency) -> String {
    match on.result() {
        State::Unspecified => format!("{} (open)", clean(&on.task_id)),
        settled => format!("{} ({})", clean(&on.task_id), names::state(settled)),
    }
}

pub(super) fn payload(payload: Option<&Payload>) -> String {
    let Some(payload) = payload else {
        return String::new();
    };
    let text = match &payload.kind {
        Some(Kind::Json(json)) => clean(&value::from_value(json).to_string()),
        Some(Kind::JsonText(text)) => clean_lines(text),
        Some(Kind::Data(data)) => format!("{} bytes", data.len()),
        Some(Kind::Uri(uri)) => clean(uri),
        None => String::new(),
    };
    match payload.media_type.as_str() {
        "" => text,
        media_type => format!("{text} ({})", clean(media_type)),
    }
}

fn error(error: &TaskError) -> String {
    let mut text = clean_lines(&error.message);
    if !error.code.is_empty() {
        text = format!("{}: {text}", clean(&error.code));
    }
    if let Some(details) = &error.details {
        text = format!("{text} {}", clean(&value::from_struct(details).to_string()));
    }
    text
}

fn asked(question: &InputRequest) -> String {
    let mut text = format!("{}: {}", clean(&question.key), clean_lines(&question.prompt));
    if !question.choices.is_empty() {
        let choices: Vec<_> = question.choices.iter().map(|choice| clean(choice)).collect();
        text = format!("{text} [{}]", choices.join(" | "));
    }
    match &question.answerer {
        Some(answerer) => format!(
            "{text}\nanswer: {} by {}",
            payload(question.answer.as_ref()),
            actor(Some(answerer))
        ),
        None => match (question.deadline_time, &question.default_input) {
            (None, _) => format!("{text} (open)"),
            (until, None) => format!("{text} (open until {})", time(until)),
            (until, default) => format!(
                "{text} (open until {}, then {})",
                time(until),
                payload(default.as_ref())
            ),
        },
    }
}

/// One line a cause, then when it changes by itself.
pub(super) fn explanation(explained: &ExplainTaskResponse) -> String {
    let mut lines: Vec<_> = explained
        .causes
        .iter()
        .map(|cause| clean(&cause.message))
        .collect();
    lines.push(match explained.next_change_time {
        Some(change) => format!("changes by itself at {}", time(Some(change))),
        None => "only a call can change that".to_owned(),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_leaves_out_what_is_empty_and_sets_lines_in() {
        let text = task(&Task {
            id: "1".to_owned(),
            state: State::Cancelled.into(),
            state_message: "no longer needed".to_owned(),
            description: "first\nsecond".to_owned(),
            input: Some(value::json_text("{\"a\": 1}")),
            ..Task::default()
        });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "id               1");
        assert_eq!(lines[1], "state            CANCELLED (no longer needed)");
        assert_eq!(lines[3], "                 second");
        assert!(text.contains("input            {\"a\": 1}"), "{text}");
        assert!(!text.contains("output"), "{text}");
    }

    #[test]
    fn a_question_shows_what_was_answered() {
        let open = InputRequest {
            key: "tone".to_owned(),
            prompt: "Which?".to_owned(),
            ..Default::default()
        };
        assert_eq!(asked(&open), "tone: Which? (open)");
        let answered = InputRequest {
            choices: vec!["plain".to_owned(), "funny".to_owned()],
            answer: Some(value::json_text("\"plain\"")),
            answerer: Some(baton_client::actor::human("ada")),
            ..open
        };
        assert_eq!(
            asked(&answered),
            "tone: Which? [plain | funny]\nanswer: \"plain\" by human:ada"
        );
    }
}
