//! The runs: what ListTaskRuns tells is what the events tell, of every task that is still there.

use std::collections::BTreeMap;

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{Actor, AttemptOutcome, Task, TaskEvent, TaskEventType, TaskRun, TaskState};
use prost_types::Duration;

use super::evidence::{Evidence, Findings, Rule};
use super::fold::micros;
use super::log::Stories;

/// Compares, task by task.
pub(super) fn check(evidence: &Evidence, stories: &Stories, findings: &mut Findings) {
    for namespace in evidence.namespaces.values() {
        let Some(told) = &namespace.runs else { continue };
        let mut by_task: BTreeMap<&str, Vec<&TaskRun>> = BTreeMap::new();
        for run in told.iter().rev() {
            by_task.entry(&run.task_id).or_default().push(run);
        }
        for row in &namespace.rows {
            let told = by_task.remove(row.id.as_str()).unwrap_or_default();
            let Some(expected) = stories.get(&row.id).and_then(|story| runs_of(story)) else {
                continue;
            };
            compare(&row.id, &expected, &told, findings);
        }
        for (id, told) in by_task {
            let text = format!("task {id}: {} runs of a task that is not there", told.len());
            findings.add(Rule::Run, text);
        }
    }
}

fn compare(id: &str, expected: &[TaskRun], told: &[&TaskRun], findings: &mut Findings) {
    if expected.len() != told.len() {
        let text = format!("task {id}: {} runs, not {}", told.len(), expected.len());
        findings.add(Rule::Run, text);
        return;
    }
    for (n, (expected, told)) in expected.iter().zip(told).enumerate() {
        if expected != *told {
            let text = format!("task {id} run {}: {told:?}, not {expected:?}", n + 1);
            findings.add(Rule::Run, text);
        }
    }
}

/// The runs that a whole story tells, oldest first; `None` for a story whose beginning is gone.
pub(super) fn runs_of(story: &[TaskEvent]) -> Option<Vec<TaskRun>> {
    let Some(Detail::Created(created)) = &story.first()?.detail else {
        return None;
    };
    let mut teller = Teller {
        task: created.task.clone()?,
        holder: created.task.clone()?.assignee,
        attempt: 1,
        runs: Vec::new(),
    };
    story.iter().for_each(|event| teller.hear(event));
    Some(teller.runs)
}

struct Teller {
    task: Task,
    holder: Option<Actor>,
    attempt: i32,
    runs: Vec<TaskRun>,
}

impl Teller {
    fn hear(&mut self, event: &TaskEvent) {
        if let Some(Detail::Assigned(assigned)) = &event.detail {
            self.holder.clone_from(&assigned.assignee);
        }
        let begins = event.to_state() == TaskState::InProgress && event.from_state() != TaskState::InProgress;
        // Of a failure, `attempt` is the one to come.
        let attempt = if is_failure(event) {
            self.attempt
        } else {
            event.attempt
        };
        if begins || fails_unstarted(event) {
            self.runs.push(TaskRun {
                task_id: self.task.id.clone(),
                attempt,
                namespace: self.task.namespace.clone(),
                queue: event.queue.clone(),
                r#type: event.task_type.clone(),
                assignee: self.holder.clone(),
                start_time: match &event.detail {
                    Some(Detail::Started(started)) => started.start_time,
                    _ => event.time,
                },
                ..TaskRun::default()
            });
        }
        self.attempt = event.attempt;
        if let (Some(outcome), Some(run)) = (outcome(event), self.runs.last_mut()) {
            end(run, event, outcome);
        }
    }
}

fn end(run: &mut TaskRun, event: &TaskEvent, outcome: AttemptOutcome) {
    run.set_outcome(outcome);
    run.end_time = event.time;
    let lasted = event
        .time
        .zip(run.start_time)
        .map(|(end, start)| micros(end) - micros(start));
    run.duration = lasted.map(|micros| Duration {
        seconds: micros / 1_000_000,
        nanos: i32::try_from(micros % 1_000_000 * 1_000).expect("below a second"),
    });
    run.error = match &event.detail {
        Some(Detail::Failure(failure)) => failure.error.clone(),
        _ => None,
    };
    run.output = match &event.detail {
        Some(Detail::Result(result)) => result.output.clone().and_then(|output| output.payload),
        _ => None,
    };
}

fn is_failure(event: &TaskEvent) -> bool {
    matches!(
        event.r#type(),
        TaskEventType::RetryScheduled | TaskEventType::Failed | TaskEventType::Dead
    )
}

/// The holder says that the work failed before it said that it began; the queue timeout is another matter.
fn fails_unstarted(event: &TaskEvent) -> bool {
    is_failure(event) && event.from_state() == TaskState::Assigned && event.state_reason != "expired"
}

/// How the last run ended, where the event says so.
fn outcome(event: &TaskEvent) -> Option<AttemptOutcome> {
    let leaves = event.from_state() == TaskState::InProgress && event.to_state() != TaskState::InProgress;
    let handed_over = matches!(event.from_state(), TaskState::InputRequired | TaskState::Review);
    let by_time = matches!(event.state_reason.as_str(), "expired" | "input_expired");
    let reported = match &event.detail {
        Some(Detail::Failure(failure)) if is_failure(event) => Some(failure.outcome()),
        _ => None,
    };
    match event.r#type() {
        TaskEventType::Completed | TaskEventType::Submitted if leaves || handed_over => {
            Some(AttemptOutcome::Ok)
        }
        _ if reported.is_some() && (leaves || fails_unstarted(event) || (handed_over && !by_time)) => {
            reported
        }
        TaskEventType::Cancelled if leaves => Some(AttemptOutcome::Cancelled),
        _ if leaves => Some(AttemptOutcome::Released),
        _ => None,
    }
}
