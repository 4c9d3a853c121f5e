//! Whether an event is a move of the lifecycle: the conditions of the data file, and what they mean.

use std::collections::HashMap;

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{
    Actor, ActorType, AttemptOutcome, Dependency, RetryPolicy, TaskError, TaskEvent, TaskFailure, TaskState,
    VerificationMode,
};

use super::fold::{Folded, Verdict, micros, span_micros, verdict};
use super::lifecycle::{Attempt, Fence, LIFECYCLE, Move, Need, detail_name, short};

/// What a move may depend on beyond its own task.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Tasks that were cancelled, or deleted while open, with the position of that event.
    pub ended: HashMap<String, i64>,
    /// Of the queues that have one, by namespace and name.
    pub policies: HashMap<(String, String), RetryPolicy>,
}

/// One event between the task before and after it.
struct Step<'a> {
    before: &'a Folded,
    event: &'a TaskEvent,
    after: &'a Folded,
    world: &'a World,
}

/// Finds the move that the event is, and the task after it.
///
/// Errors: why none of the moves that the data file names for this event fits.
pub(super) fn judge(before: &Folded, event: &TaskEvent, world: &World) -> Result<Folded, String> {
    let mut objections = Vec::new();
    let from = Some(before.task.state());
    for row in LIFECYCLE
        .moves
        .iter()
        .filter(|row| row.event == event.r#type() && row.from.contains(&from))
    {
        let after = before.after(event, Some(row));
        let step = Step {
            before,
            event,
            after: &after,
            world,
        };
        match step.objection(row) {
            None => return Ok(after),
            Some(objection) => objections.push(objection),
        }
    }
    let states = format!(
        "{} -> {} ({})",
        short(before.task.state()),
        short(event.to_state()),
        event.state_reason
    );
    if objections.is_empty() {
        return Err(format!("{states} is no move of this event"));
    }
    Err(format!("{states}: {}", objections.join(" | ")))
}

/// Whether the first event of a task is one.
///
/// Errors: what is wrong with it.
pub(super) fn judge_first(event: &TaskEvent, created: &Folded) -> Result<(), String> {
    let row = LIFECYCLE
        .moves
        .iter()
        .find(|row| row.event == event.r#type() && row.from.contains(&None))
        .ok_or("a task does not begin with it")?;
    let task = &created.task;
    let checks = [
        (row.to.contains(&event.to_state()), "to_state"),
        (row.reasons.contains(&event.state_reason), "state_reason"),
        (task.state() == event.to_state(), "the created task's state"),
        (
            task.state_reason == event.state_reason,
            "the created task's state_reason",
        ),
        (
            task.revision == 1 && event.sequence == 1,
            "the created task's revision",
        ),
        (task.attempt == 1 && event.attempt == 1, "the attempt"),
        (task.creator == event.actor, "the creator is the actor"),
        (
            task.create_time == event.time && task.update_time == event.time,
            "the times",
        ),
        (task.id == event.task_id, "the id"),
        (task.namespace == event.namespace, "the namespace"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, what)) => Err(format!("{what} does not fit")),
    }
}

impl Step<'_> {
    fn objection(&self, row: &Move) -> Option<String> {
        self.wrong_target(row)
            .or_else(|| self.wrong_reason(row))
            .or_else(|| self.wrong_envelope(row))
            .or_else(|| {
                let unmet = row.needs.iter().find(|need| !self.holds(**need))?;
                Some(format!("{unmet:?} does not hold"))
            })
    }

    fn wrong_target(&self, row: &Move) -> Option<String> {
        let (from, to) = (self.before.task.state(), self.event.to_state());
        let fits = if row.to.is_empty() {
            to == from
        } else {
            row.to.contains(&to)
        };
        if !fits {
            return Some(format!("not to {}", short(to)));
        }
        let came_from = self.before.paused_from.unwrap_or_default();
        if !row.came_from.is_empty() && !row.came_from.contains(&came_from) {
            return Some(format!("not for a task paused in {}", short(came_from)));
        }
        let place = LIFECYCLE.place.iter().find(|(when, _)| self.holds(*when));
        let place = place.map(|(_, state)| *state);
        (row.place && place != Some(to)).then(|| format!("its place is {}", place.map_or("none", short)))
    }

    fn wrong_reason(&self, row: &Move) -> Option<String> {
        let reason = &self.event.state_reason;
        let standing = &self.before.task.state_reason;
        let fits = if row.reasons.is_empty() {
            reason == standing
        } else {
            row.reasons.contains(reason)
        };
        (!fits).then(|| format!("not by the reason {reason:?} (it stood at {standing:?})"))
    }

    fn wrong_envelope(&self, row: &Move) -> Option<String> {
        let (before, event) = (self.before, self.event);
        if event.from_state() != before.task.state() {
            return Some(format!("from_state says {}", event.from_state().as_str_name()));
        }
        let attempt = match row.attempt {
            Attempt::Same => before.task.attempt,
            Attempt::Next => before.task.attempt + 1,
            Attempt::First => 1,
        };
        if event.attempt != attempt {
            return Some(format!("attempt is {}, not {attempt}", event.attempt));
        }
        let held = before.task.assignee.is_some();
        let fence = match row.fence {
            Fence::Grant => before.fence + 1,
            Fence::Revoke if held => before.fence + 1,
            Fence::Revoke | Fence::Same => before.fence,
        };
        if event.fence != fence {
            return Some(format!("fence is {}, not {fence}", event.fence));
        }
        let by_baton = event.actor.as_ref().is_some_and(is_system);
        if row.system && !by_baton && event.sequence > 2 {
            return Some("only Baton does this".to_owned());
        }
        let detail = detail_name(event.detail.as_ref());
        (detail != row.detail).then(|| format!("its detail is {detail:?}, not {:?}", row.detail))
    }

    fn holds(&self, need: Need) -> bool {
        let (before, event, after) = (self.before, self.event, self.after);
        let time = event.time.unwrap_or_default();
        match need {
            Need::Always => true,
            Need::SecondEvent => event.sequence == 2,
            Need::OpenDependency => after.open_dependency().is_some(),
            Need::NothingOpen => after.open_dependency().is_none(),
            Need::Assignee => after.task.assignee.is_some(),
            Need::NoAssignee => after.task.assignee.is_none(),
            Need::SameAssignee => {
                before.task.assignee.is_some() && before.task.assignee == after.task.assignee
            }
            Need::Leased => before.leased,
            Need::Direct => before.task.assignee.is_some() && !before.leased,
            Need::TimeCome => before.task.schedule_time.is_some() && !before.time_is_ahead(time),
            Need::TimeAhead => after.time_is_ahead(time),
            Need::TimeNotAhead => !after.time_is_ahead(time),
            Need::VerificationNone => !self.is_manual() && !self.is_by_receipt(),
            Need::VerificationReceipt => self.is_by_receipt(),
            Need::VerificationManual => self.is_manual(),
            Need::NotSelfApproved => !(self.is_manual() && self.is_by_assignee()),
            Need::OutcomeIsRetried => self.failure().is_some_and(|f| self.is_retried(f.outcome())),
            Need::OutcomeIsNotRetried => self.failure().is_some_and(|f| !self.is_retried(f.outcome())),
            Need::ErrorIsRetryable => self.error().is_some_and(|error| !self.is_final(error)),
            Need::ErrorIsFinal => self.error().is_some_and(|error| self.is_final(error)),
            Need::AttemptsLeft => before.task.attempt < self.max_attempts(),
            Need::AttemptsSpent => before.task.attempt >= self.max_attempts(),
            Need::RetryWaitFits => self.retry_wait_fits(),
            Need::QuestionIsNew => self.question_is_new(),
            Need::QuestionIsOpen => self.question_is_open(),
            Need::QuestionsLeft => after.task.input_requests.iter().any(|r| r.answerer.is_none()),
            Need::ParentIsGone => self
                .world
                .ended
                .get(&before.task.parent_id)
                .is_some_and(|position| *position < event.position),
            Need::FieldsMayChange => self.fields_may_change(),
            Need::DependencyIsOpenOrWell => self.verdict() == Some(Verdict::Fine),
            Need::DependencySaysFail => self.verdict() == Some(Verdict::Fail),
            Need::DependencySaysCancel => self.verdict() == Some(Verdict::Cancel),
            Need::WasRetried => before.task.retry_count > 0,
        }
    }

    fn is_manual(&self) -> bool {
        let verification = self.before.task.verification.as_ref();
        verification.is_some_and(|v| v.mode() == VerificationMode::Manual)
    }

    fn is_by_receipt(&self) -> bool {
        let verification = self.before.task.verification.as_ref();
        verification.is_some_and(|v| v.mode() == VerificationMode::Receipt)
    }

    fn is_by_assignee(&self) -> bool {
        match (&self.event.actor, &self.before.task.assignee) {
            (Some(actor), Some(assignee)) => same_actor(actor, assignee),
            (_, _) => false,
        }
    }

    fn failure(&self) -> Option<&TaskFailure> {
        match &self.event.detail {
            Some(Detail::Failure(failure)) => Some(failure),
            _ => None,
        }
    }

    fn error(&self) -> Option<&TaskError> {
        self.failure()?.error.as_ref()
    }

    fn policy(&self) -> Option<&RetryPolicy> {
        let task = &self.before.task;
        let of_queue = || {
            self.world
                .policies
                .get(&(task.namespace.clone(), task.queue.clone()))
        };
        task.retry_policy.as_ref().or_else(of_queue)
    }

    fn is_final(&self, error: &TaskError) -> bool {
        error.non_retryable
            || self
                .policy()
                .is_some_and(|policy| policy.non_retryable_codes.contains(&error.code))
    }

    fn is_retried(&self, outcome: AttemptOutcome) -> bool {
        let retry = &LIFECYCLE.retry;
        match self.policy() {
            None => retry.outcomes_without_policy.contains(&outcome),
            Some(policy) if policy.retry_outcomes.is_empty() => retry.outcomes.contains(&outcome),
            Some(policy) => policy.retry_outcomes().any(|named| named == outcome),
        }
    }

    fn max_attempts(&self) -> i32 {
        self.policy()
            .and_then(|policy| policy.max_attempts)
            .unwrap_or(LIFECYCLE.retry.max_attempts)
    }

    /// min(longest, first x multiplier^(attempt - 1) + something up to the jitter), but at least `retry_after`.
    fn retry_wait_fits(&self) -> bool {
        let (Some(failure), Some(time)) = (self.failure(), self.event.time) else {
            return false;
        };
        let Some(retry_time) = failure.retry_time else {
            return false;
        };
        let rule = &LIFECYCLE.retry;
        let policy = self.policy().cloned().unwrap_or_default();
        let millis = |span: Option<prost_types::Duration>, otherwise: f64| {
            span.map_or(otherwise, |span| as_f64(span_micros(span)) / 1_000.0)
        };
        let first = millis(policy.initial_backoff, rule.initial_backoff_ms);
        let longest = millis(policy.max_backoff, rule.max_backoff_ms);
        let multiplier = policy.backoff_multiplier.unwrap_or(rule.multiplier);
        let room = match policy.jitter {
            Some(share) => first * share,
            None => (first * rule.jitter_share).max(rule.least_jitter_ms),
        };
        let base = first * multiplier.powi(self.before.task.attempt - 1);
        let error = failure.error.clone().unwrap_or_default();
        let floor = millis(error.retry_after, 0.0);
        let wait = as_f64(micros(retry_time) - micros(time)) / 1_000.0;
        let (least, most) = (
            base.min(longest).max(floor),
            (base + room).min(longest).max(floor),
        );
        // The server keeps microseconds.
        (least - 0.002..=most + 0.002).contains(&wait)
    }

    fn question_is_new(&self) -> bool {
        let Some(Detail::Input(request)) = &self.event.detail else {
            return false;
        };
        let mut standing = self.before.task.input_requests.iter();
        request.answerer.is_none() && standing.all(|other| other.key != request.key)
    }

    fn question_is_open(&self) -> bool {
        let Some(Detail::Input(answered)) = &self.event.detail else {
            return false;
        };
        let mut standing = self.before.task.input_requests.iter();
        let open = standing.find(|r| r.key == answered.key && r.answerer.is_none());
        open.is_some_and(|asked| asked.prompt == answered.prompt && asked.choices == answered.choices)
            && answered.answerer.is_some()
    }

    fn fields_may_change(&self) -> bool {
        let Some(Detail::Updated(updated)) = &self.event.detail else {
            return false;
        };
        let edits = &LIFECYCLE.edits;
        let state = self.before.task.state();
        let stood = self.before.paused_from.unwrap_or(state);
        // Who leased it has its input.
        let taken = self.before.leased && stood == TaskState::Assigned;
        let not_started = edits.not_started_states.contains(&stood) && !taken;
        let may = |path: &String| {
            if LIFECYCLE.is_settled(state) {
                edits.settled.contains(path)
            } else {
                edits.open.contains(path) || (not_started && edits.not_started.contains(path))
            }
        };
        updated.update_mask.iter().flat_map(|mask| &mask.paths).all(may)
    }

    fn dependency(&self) -> Option<&Dependency> {
        match &self.event.detail {
            Some(Detail::Dependency(dependency)) => Some(dependency),
            _ => None,
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.dependency().map(verdict)
    }
}

/// Two actors are the same where type and id are.
pub(super) fn same_actor(one: &Actor, other: &Actor) -> bool {
    (one.r#type, &one.id) == (other.r#type, &other.id)
}

/// Baton itself.
pub(super) fn is_system(actor: &Actor) -> bool {
    actor.r#type() == ActorType::System
}

/// Whether the event ends its task for those below it: cancelled, or deleted while open.
pub(super) fn ends_for_children(event: &TaskEvent) -> bool {
    let deleted = event.r#type() == baton_proto::v1::TaskEventType::Deleted;
    let cancelled = event.to_state() == TaskState::Cancelled && event.from_state() != TaskState::Cancelled;
    let discarded = LIFECYCLE.is_settled(event.from_state());
    (cancelled && !discarded) || (deleted && !LIFECYCLE.is_settled(event.from_state()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "waits are days at most, far below 2^52 microseconds"
)]
fn as_f64(micros: i64) -> f64 {
    micros as f64
}
