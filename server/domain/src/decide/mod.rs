//! The state machine: what a command does to a task, or why it may not.

mod edit;
mod review;

use edit::{add_dependency, comment, delete, remove_dependency, settle_dependency, update};
use review::{approve, complete, provide_input, reject, request_input, rework, submit};

use crate::actor::Actor;
use crate::command::{Action, Command, CommandName};
use crate::event::{Detail, EventType};
use crate::limits::EVENTS_PER_TASK;
use crate::payload::Payload;
use crate::place::place;
use crate::reason;
use crate::rejection::Rejection;
use crate::retry;
use crate::steps::{Outcome, Steps};
use crate::task::{AttemptOutcome, State, Task, TaskError};
use crate::time::Timestamp;
use crate::transitions::{allowed, is_legal};

/// Decides one command. The only place where a state changes its mind.
///
/// `now` is read once per batch and never less than the time of the task's last event. The answer has at least
/// one event; the task given is not touched.
///
/// # Errors
/// A [`Rejection`]: nothing changed and nothing is to be written.
pub fn decide(task: &Task, command: &Command, now: Timestamp) -> Result<Outcome, Rejection> {
    let name = command.action.name();
    if !is_legal(task.state, name) {
        return Err(illegal(task, name));
    }
    if task.revision >= EVENTS_PER_TASK && !may_exceed_limit(name) {
        return Err(Rejection::EventLimit);
    }
    let mut steps = Steps::new(task.clone(), &command.actor, now);
    act(&mut steps, &command.action, &command.actor)?;
    Ok(steps.finish())
}

fn act(s: &mut Steps<'_>, action: &Action, actor: &Actor) -> Result<(), Rejection> {
    match action {
        Action::Queue => return queue(s),
        Action::Schedule(when) => schedule(s, when.from(s.now)),
        Action::Assign { assignee } => s.assign(assignee.clone()),
        Action::Start { assignee } => return start(s, assignee.as_ref(), actor),
        Action::Progress(progress) => s.stay(EventType::Progress, Detail::Progress(progress.clone())),
        Action::Complete { output } => complete(s, output.as_ref()),
        Action::Fail {
            error,
            outcome,
            jitter,
        } => fail(s, error, *outcome, *jitter),
        Action::Cancel { reason } => cancel(s, reason, reason::CANCELLED),
        Action::CancelByParent => cancel(s, "", reason::PARENT_CANCELLED),
        Action::Retry { input, delay } => retry(s, input.as_ref(), s.now.plus(*delay)),
        Action::Discard => s.push(
            EventType::Discarded,
            State::Cancelled,
            reason::DISCARDED,
            Detail::None,
        ),
        Action::Pause { reason } => pause(s, reason),
        Action::Resume => resume(s),
        Action::Release => release(s),
        Action::Snooze(when) => snooze(s, when.from(s.now)),
        Action::RequestInput(request) => return request_input(s, request),
        Action::ProvideInput { key, input, text } => {
            return provide_input(s, (key, text.as_deref()), input, actor);
        }
        Action::Submit { output } => submit(s, output.as_ref(), reason::SUBMITTED),
        Action::Approve { message } => return approve(s, message, actor),
        Action::Rework { message } => rework(s, message),
        Action::Reject { reason } => reject(s, reason),
        Action::Comment { message } => comment(s, message),
        Action::AddDependency(dependency) => return add_dependency(s, *dependency),
        Action::RemoveDependency { task_id } => return remove_dependency(s, *task_id),
        Action::SettleDependency { task_id, result } => return settle_dependency(s, *task_id, *result),
        Action::Update(edit) => return update(s, edit),
        Action::Delete { force } => return delete(s, *force),
        Action::Tick => return tick(s),
    }
    Ok(())
}

fn illegal(task: &Task, command: CommandName) -> Rejection {
    if command.is_internal() {
        return Rejection::NothingDue;
    }
    Rejection::IllegalMove {
        command,
        from: task.state,
        allowed: allowed(task.state),
    }
}

/// What ends a task, and what Baton itself must be able to do, is never refused for length.
const fn may_exceed_limit(command: CommandName) -> bool {
    command.is_internal()
        || matches!(
            command,
            CommandName::Complete
                | CommandName::Fail
                | CommandName::Cancel
                | CommandName::Discard
                | CommandName::Approve
                | CommandName::Reject
                | CommandName::Delete
        )
}

fn invalid(field: &'static str, why: &str) -> Rejection {
    Rejection::InvalidField {
        field,
        why: why.to_owned(),
    }
}

fn unmet(steps: &Steps<'_>, command: CommandName, why: &'static str) -> Rejection {
    Rejection::Unmet {
        command,
        from: steps.task.state,
        why,
    }
}

fn queue(s: &mut Steps<'_>) -> Result<(), Rejection> {
    let blocked = s.task.open_dependency().is_some();
    if blocked && s.task.state == State::Blocked {
        return Err(unmet(
            s,
            CommandName::Queue,
            "dependencies are open; remove them or wait",
        ));
    }
    let to = match (blocked, s.task.assignee.is_some()) {
        (true, _) => State::Blocked,
        (false, true) => State::Assigned,
        (false, false) => State::Queued,
    };
    s.place(to, reason::QUEUED);
    Ok(())
}

fn schedule(s: &mut Steps<'_>, schedule_time: Timestamp) {
    let to = if s.task.open_dependency().is_some() {
        State::Blocked
    } else {
        State::Scheduled
    };
    let reason = if to == State::Blocked {
        reason::DEPENDENCIES_OPEN
    } else {
        reason::SCHEDULED
    };
    s.push(
        EventType::Scheduled,
        to,
        reason,
        Detail::Scheduled { schedule_time },
    );
}

fn start(s: &mut Steps<'_>, named: Option<&Actor>, actor: &Actor) -> Result<(), Rejection> {
    match (s.task.state, &s.task.assignee) {
        (State::Assigned, Some(holder)) if named.is_some_and(|n| !n.is(holder)) => {
            return Err(unmet(
                s,
                CommandName::Start,
                "somebody else holds it; release it first",
            ));
        }
        (State::Assigned, _) => {}
        (_, _) => s.assign(named.unwrap_or(actor).clone()),
    }
    s.push(
        EventType::Started,
        State::InProgress,
        reason::STARTED,
        Detail::None,
    );
    Ok(())
}

fn fail(s: &mut Steps<'_>, error: &TaskError, outcome: AttemptOutcome, jitter: f64) {
    let verdict = retry::judge(
        s.task.retry_policy.as_ref(),
        (s.task.attempt, outcome),
        error,
        (s.now, jitter),
    );
    let (kind, to, reason, retry_time) = match verdict {
        retry::Verdict::Again(time) => {
            s.next_attempt();
            (
                EventType::RetryScheduled,
                State::Scheduled,
                reason::RETRY_BACKOFF,
                Some(time),
            )
        }
        retry::Verdict::Failed => (EventType::Failed, State::Failed, reason::FAILED, None),
        retry::Verdict::NotRetryable => (EventType::Failed, State::Failed, reason::NOT_RETRYABLE, None),
        retry::Verdict::Dead => (EventType::Dead, State::Dead, reason::RETRY_BUDGET_SPENT, None),
    };
    s.push(
        kind,
        to,
        reason,
        Detail::Failure {
            outcome,
            error: error.clone(),
            retry_time,
        },
    );
}

fn cancel(s: &mut Steps<'_>, message: &str, reason: reason::Reason) {
    s.message(message);
    s.revoke();
    s.push(EventType::Cancelled, State::Cancelled, reason, Detail::None);
}

fn snooze(s: &mut Steps<'_>, schedule_time: Timestamp) {
    s.push(
        EventType::Snoozed,
        State::Scheduled,
        reason::SNOOZED,
        Detail::Scheduled { schedule_time },
    );
}

fn retry(s: &mut Steps<'_>, input: Option<&Payload>, at: Timestamp) {
    let input = input.map(|p| p.clone().after(s.task.input_version()));
    let later = at > s.now;
    let (to, schedule_time) = if later {
        (State::Scheduled, Some(at))
    } else {
        (State::Queued, None)
    };
    let retry_count = s.task.retry_count + 1;
    s.first_attempt();
    s.push(
        EventType::Retried,
        to,
        reason::RETRIED,
        Detail::Retried {
            retry_count,
            input,
            schedule_time,
        },
    );
}

fn pause(s: &mut Steps<'_>, message: &str) {
    s.message(message);
    s.revoke();
    s.push(EventType::Paused, State::Paused, reason::PAUSED, Detail::None);
}

fn resume(s: &mut Steps<'_>) {
    let to = match (s.task.paused_from, &s.task.assignee) {
        (Some(from @ (State::Pending | State::Scheduled | State::InputRequired | State::Review)), _) => from,
        // Also where a dependency is open: it was retried, so it was asked to run all the same.
        (Some(State::Assigned | State::InProgress), Some(_)) => State::Assigned,
        _ => place(&s.task, s.now),
    };
    if to == State::Assigned {
        s.raise_fence();
    }
    s.push(EventType::Resumed, to, reason::RESUMED, Detail::None);
}

fn release(s: &mut Steps<'_>) {
    s.revoke();
    s.push(EventType::Released, State::Queued, reason::RELEASED, Detail::None);
}

fn tick(s: &mut Steps<'_>) -> Result<(), Rejection> {
    if s.task.wake_time().is_none_or(|time| time > s.now) {
        return Err(Rejection::NothingDue);
    }
    s.place(place(&s.task, s.now), reason::DUE);
    Ok(())
}
