//! The fold: what a task is after each of its events, worked out from the contract alone.

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{
    Blocker, Dependency, DependencyFailureRule, InputRequest, Payload, PayloadRef, Task, TaskEvent,
    TaskEventType, TaskState, TaskUpdated,
};
use prost_types::{Duration, Timestamp};

use super::lifecycle::{LIFECYCLE, Move};

/// Input requests that stand on a task.
const REQUESTS_KEPT: usize = 8;

/// A task after an event, and what the contract does not show of it.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// As GetTask would answer it, but for the etag. Payloads are there as far as the events carry them.
    pub task: Task,
    /// What the input is.
    pub input: Option<PayloadRef>,
    /// What the output is.
    pub output: Option<PayloadRef>,
    /// How often the task was granted or revoked.
    pub fence: i64,
    /// Whether the assignee holds or held it by lease.
    pub leased: bool,
    /// Where a PAUSED task came from.
    pub paused_from: Option<TaskState>,
    /// The last event that the etag follows.
    pub edited: i64,
}

impl Folded {
    /// A task is created by its first event.
    pub(super) fn created(event: &TaskEvent) -> Option<Self> {
        let Some(Detail::Created(created)) = &event.detail else {
            return None;
        };
        let mut task = created.task.clone()?;
        task.input = payload(created.input.as_ref());
        task.etag.clear();
        Some(Folded {
            task,
            input: created.input.clone(),
            output: None,
            fence: event.fence,
            leased: false,
            paused_from: None,
            edited: event.sequence,
        })
    }

    /// The task after its next event. `row` is the move that the event is, as far as it is one.
    pub(super) fn after(&self, event: &TaskEvent, row: Option<&Move>) -> Self {
        let mut next = self.clone();
        next.envelope(event);
        if let Some(row) = row {
            next.by_the_row(row, event);
        }
        next.by_the_detail(event);
        next.pausing(event);
        // Work that is handed in once more, and another question, are moves too.
        let moves = matches!(
            event.r#type(),
            TaskEventType::Scheduled | TaskEventType::Submitted | TaskEventType::InputRequested
        );
        if event.to_state() != self.task.state() || moves {
            next.enter(event);
        }
        next.leased &= next.task.assignee.is_some();
        next.task.duration = span(next.task.start_time, next.task.end_time);
        next
    }

    /// The first dependency that has not settled.
    pub(super) fn open_dependency(&self) -> Option<&Dependency> {
        self.task
            .dependencies
            .iter()
            .find(|d| d.result() == TaskState::Unspecified)
    }

    /// Whether the schedule time lies behind `time`.
    pub(super) fn time_is_ahead(&self, time: Timestamp) -> bool {
        self.task
            .schedule_time
            .is_some_and(|moment| micros(moment) > micros(time))
    }

    fn envelope(&mut self, event: &TaskEvent) {
        self.task.revision = event.sequence;
        self.task.update_time = event.time;
        self.task.attempt = event.attempt;
        self.fence = event.fence;
        let tells = matches!(
            event.r#type(),
            TaskEventType::Progress
                | TaskEventType::Comment
                | TaskEventType::Checkpoint
                | TaskEventType::Output
        );
        if !tells {
            self.edited = event.sequence;
        }
    }

    fn by_the_row(&mut self, row: &Move, event: &TaskEvent) {
        for field in &row.clears {
            match field.as_str() {
                "assignee" => self.task.assignee = None,
                "error" => self.task.error = None,
                "progress" => self.task.progress = None,
                "start_time" => self.task.start_time = None,
                "end_time" => self.task.end_time = None,
                other => panic!("the data file clears {other}, which the oracle does not know"),
            }
        }
        for counter in &row.counts {
            assert_eq!(counter, "execution_count", "the only counter that moves count");
            self.task.execution_count += 1;
            self.task.start_time = self.task.start_time.or(begun(event));
        }
    }

    fn by_the_detail(&mut self, event: &TaskEvent) {
        match &event.detail {
            None
            | Some(Detail::Created(_) | Detail::Started(_) | Detail::Checkpoint(_) | Detail::Output(_)) => {}
            Some(Detail::Updated(updated)) => self.update(updated),
            Some(Detail::Assigned(assigned)) => {
                self.task.assignee.clone_from(&assigned.assignee);
                self.leased = assigned.lease_expire_time.is_some();
            }
            Some(Detail::Progress(progress)) => self.task.progress = Some(progress.clone()),
            Some(Detail::Result(result)) => {
                self.task.receipt.clone_from(&result.receipt);
                if event.r#type() == TaskEventType::InputRequested {
                    self.blocked(event.sequence);
                }
                if let Some(output) = &result.output {
                    self.task.output = payload(Some(output));
                    self.output = Some(output.clone());
                }
            }
            Some(Detail::Failure(failure)) => {
                self.task.error.clone_from(&failure.error);
                if failure.receipt.is_some() {
                    self.task.receipt.clone_from(&failure.receipt);
                }
                self.task.schedule_time = failure.retry_time.or(self.task.schedule_time);
            }
            Some(Detail::Scheduled(scheduled)) => self.task.schedule_time = scheduled.schedule_time,
            Some(Detail::Input(request)) => {
                if event.r#type() == TaskEventType::InputRequested {
                    self.void_questions();
                }
                self.question(request);
            }
            Some(Detail::Retried(retried)) => {
                self.task.retry_count = retried.retry_count;
                self.task.schedule_time = retried.delay.and_then(|delay| later(event.time?, delay));
                if let Some(input) = &retried.input {
                    self.set_input(Some(input));
                }
            }
            Some(Detail::Dependency(dependency)) => self.dependency(event, dependency),
        }
    }

    fn set_input(&mut self, input: Option<&PayloadRef>) {
        self.task.input = payload(input);
        self.input = input.cloned();
    }

    /// What nobody answered before the next question is void.
    fn void_questions(&mut self) {
        self.task.input_requests.retain(|r| r.answerer.is_some());
    }

    /// The receipt says that the work is blocked: each blocker is a question, or its summary where there is none.
    fn blocked(&mut self, sequence: i64) {
        self.void_questions();
        let receipt = self.task.receipt.clone().unwrap_or_default();
        let mut prompts: Vec<String> = receipt.blockers.iter().map(prompt).collect();
        if prompts.is_empty() {
            prompts.push(receipt.summary);
        }
        for (n, prompt) in prompts.into_iter().take(REQUESTS_KEPT).enumerate() {
            self.question(&InputRequest {
                key: format!("blocker-{sequence}-{}", n + 1),
                prompt,
                ..InputRequest::default()
            });
        }
    }

    fn question(&mut self, request: &InputRequest) {
        let requests = &mut self.task.input_requests;
        match requests.iter_mut().find(|standing| standing.key == request.key) {
            Some(standing) => standing.clone_from(request),
            None => requests.push(request.clone()),
        }
        let surplus = requests.len().saturating_sub(REQUESTS_KEPT);
        requests.drain(..surplus);
    }

    fn dependency(&mut self, event: &TaskEvent, dependency: &Dependency) {
        let standing = &mut self.task.dependencies;
        if event.r#type() == TaskEventType::DependencyRemoved {
            standing.retain(|d| d.task_id != dependency.task_id);
        } else {
            match standing.iter_mut().find(|d| d.task_id == dependency.task_id) {
                Some(place) => place.clone_from(dependency),
                None => standing.push(dependency.clone()),
            }
        }
        let fails = event.to_state() == TaskState::Failed && event.from_state() != TaskState::Failed;
        if fails && verdict(dependency) == Verdict::Fail {
            // Its words are the server's own.
            let error = self.task.error.insert(baton_proto::v1::TaskError::default());
            error.code = DEPENDENCY_FAILED.to_owned();
        }
    }

    fn update(&mut self, updated: &TaskUpdated) {
        let new = updated.task.clone().unwrap_or_default();
        let task = &mut self.task;
        for path in updated.update_mask.iter().flat_map(|mask| &mask.paths) {
            match path.as_str() {
                "queue" => task.queue.clone_from(&new.queue),
                "type" => task.r#type.clone_from(&new.r#type),
                "function" => task.function.clone_from(&new.function),
                "title" => task.title.clone_from(&new.title),
                "description" => task.description.clone_from(&new.description),
                "priority" => task.priority = new.priority,
                "labels" => task.labels.clone_from(&new.labels),
                "metadata" => task.metadata.clone_from(&new.metadata),
                "retry_policy" => task.retry_policy.clone_from(&new.retry_policy),
                "timeouts" => task.timeouts = new.timeouts,
                "verification" => task.verification = new.verification,
                "input" => {
                    task.input = payload(updated.input.as_ref());
                    self.input.clone_from(&updated.input);
                }
                other => panic!("an UPDATED event names the field {other}, which no update may touch"),
            }
        }
    }

    fn pausing(&mut self, event: &TaskEvent) {
        match event.to_state() {
            TaskState::Paused if event.r#type() == TaskEventType::Paused => {
                self.paused_from = Some(event.from_state());
            }
            TaskState::Paused => {}
            _ => self.paused_from = None,
        }
    }

    fn enter(&mut self, event: &TaskEvent) {
        let state = event.to_state();
        self.task.set_state(state);
        self.task.state_reason.clone_from(&event.state_reason);
        self.task.state_message.clone_from(&event.message);
        if LIFECYCLE.is_settled(state) {
            // Discarding a task that has settled settles it no second time.
            self.task.end_time = self.task.end_time.or(event.time);
        }
        if state == TaskState::Queued {
            self.task.queue_time = event.time;
        }
        let ready = matches!(state, TaskState::Queued | TaskState::Assigned);
        if ready && event.time.is_some_and(|time| self.time_is_ahead(time)) {
            self.task.schedule_time = None;
        }
    }
}

/// What a blocker asks.
fn prompt(blocker: &Blocker) -> String {
    let what = if blocker.message.is_empty() {
        &blocker.r#type
    } else {
        &blocker.message
    };
    if blocker.suggested_fix.is_empty() {
        return what.clone();
    }
    format!("{what} (suggested: {})", blocker.suggested_fix)
}

/// The code of the error of a task that failed with a dependency.
pub(super) const DEPENDENCY_FAILED: &str = "DEPENDENCY_FAILED";

/// What a dependency means for the task that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is open, completed, or its failure does not matter.
    Fine,
    /// The task fails.
    Fail,
    /// The task is cancelled.
    Cancel,
}

/// Judges a dependency by its result and its rule.
pub(super) fn verdict(dependency: &Dependency) -> Verdict {
    match (dependency.result(), dependency.on_failure()) {
        (TaskState::Unspecified | TaskState::Completed, _) | (_, DependencyFailureRule::Continue) => {
            Verdict::Fine
        }
        (_, DependencyFailureRule::Cancel) => Verdict::Cancel,
        (_, DependencyFailureRule::Fail | DependencyFailureRule::Unspecified) => Verdict::Fail,
    }
}

/// When the work began that the event tells of.
fn begun(event: &TaskEvent) -> Option<Timestamp> {
    match &event.detail {
        Some(Detail::Started(started)) => started.start_time,
        _ => event.time,
    }
}

/// Microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.seconds * 1_000_000 + i64::from(time.nanos / 1_000)
}

/// Microseconds of a span.
pub(super) fn span_micros(span: Duration) -> i64 {
    span.seconds * 1_000_000 + i64::from(span.nanos / 1_000)
}

fn payload(reference: Option<&PayloadRef>) -> Option<Payload> {
    reference.and_then(|named| named.payload.clone())
}

fn later(time: Timestamp, delay: Duration) -> Option<Timestamp> {
    let micros = micros(time) + span_micros(delay);
    Some(Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000)).ok()? * 1_000,
    })
}

fn span(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Duration> {
    let micros = micros(end?) - micros(start?);
    Some(Duration {
        seconds: micros / 1_000_000,
        nanos: i32::try_from(micros % 1_000_000).ok()? * 1_000,
    })
}
