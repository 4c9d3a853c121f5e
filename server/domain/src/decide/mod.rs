//! The state machine: what a command does to a task, or why it may not.

mod edit;
mod hold;
mod review;
mod time;

use edit::{add_dependency, comment, delete, remove_dependency, settle_dependency, update};
use hold::{Guard, append_output, assign, guard, renew, save_checkpoint, start};
use review::{approve, complete, provide_input, reject, request_input, rework, submit};
use time::tick;

use crate::actor::Actor;
use crate::command::{Action, Command, CommandName};
use crate::dedup::is_replaceable;
use crate::event::{Detail, EventType};
use crate::id::TaskId;
use crate::limits::EVENTS_PER_TASK;
use crate::payload::Payload;
use crate::place::place;
use crate::reason;
use crate::receipt::Receipt;
use crate::rejection::Rejection;
use crate::retry;
use crate::steps::{Outcome, Steps};
use crate::task::{AttemptOutcome, RetryPolicy, State, Task, TaskError};
use crate::time::Timestamp;
use crate::transitions::{allowed, is_legal};

/// Decides one command. The only place where a state changes its mind.
///
/// `now` is read once per batch and never less than the time of the task's last event. The answer has at least
/// one event, except for a renewal, which changes the lease alone, and a repeat; the task given is not touched.
///
/// # Errors
/// A [`Rejection`]: nothing changed and nothing is to be written. A lost lease is told before anything else.
pub fn decide(task: &Task, command: &Command, now: Timestamp) -> Result<Outcome, Rejection> {
    decide_under(task, command, None, now)
}

/// As [`decide`]. `policy`: when a failed attempt is tried again where the task does not say.
///
/// # Errors
/// As [`decide`].
pub fn decide_under(
    task: &Task,
    command: &Command,
    policy: Option<&RetryPolicy>,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    let name = command.action.name();
    let guard = guard(task, command, now)?;
    match guard {
        Guard::Replayed => {
            let mut steps = Steps::new(task.clone(), &command.actor, now);
            steps.replay();
            return Ok(steps.finish());
        }
        Guard::Late => {}
        Guard::Free if is_legal(task.state, name) => {}
        Guard::Free => return Err(illegal(task, name)),
    }
    if task.revision >= EVENTS_PER_TASK && !may_exceed_limit(name) {
        return Err(Rejection::EventLimit);
    }
    let mut steps = Steps::new(task.clone(), &command.actor, now);
    steps.policy = policy;
    act(&mut steps, &command.action, &command.actor)?;
    if let Some(token) = command.token.filter(|_| is_remembered(name)) {
        steps.task.last_call = Some(token.call);
        if matches!(guard, Guard::Free) && name != CommandName::Start {
            steps.task.handover_call = Some(token.call);
        }
    }
    Ok(steps.finish())
}

/// Decides what a holder reports at the end of its work: of a lease that was not started yet, the start first. Both
/// happen, or neither. `policy`: as for [`decide_under`].
///
/// # Errors
/// As [`decide`].
pub fn report(
    task: &Task,
    command: &Command,
    start_time: Option<Timestamp>,
    policy: Option<&RetryPolicy>,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    if task.state != State::Assigned || command.action.name() == CommandName::Release {
        return decide_under(task, command, policy, now);
    }
    let start = Command {
        action: Action::Start {
            assignee: None,
            lease: None,
            start_time,
        },
        ..command.clone()
    };
    let begun = decide(task, &start, now)?;
    // The start is no call of its own: what is remembered of it would make the report its repeat.
    let standing = Task {
        last_call: task.last_call,
        ..begun.task
    };
    let mut outcome = decide_under(&standing, command, policy, now)?;
    outcome.events.splice(0..0, begun.events);
    Ok(outcome)
}

/// Moves of a holder: once more with the same token they are no other call.
const fn is_remembered(command: CommandName) -> bool {
    matches!(
        command,
        CommandName::Start
            | CommandName::Complete
            | CommandName::Fail
            | CommandName::Release
            | CommandName::Snooze
            | CommandName::RequestInput
            | CommandName::Submit
    )
}

fn act(s: &mut Steps<'_>, action: &Action, actor: &Actor) -> Result<(), Rejection> {
    match action {
        Action::Queue => return queue(s),
        Action::Schedule(when) => schedule(s, when.from(s.now)),
        Action::Assign { assignee, lease } => assign(s, assignee.clone(), *lease),
        Action::Start {
            assignee,
            lease,
            start_time,
        } => return start(s, (assignee.as_ref(), actor), *lease, *start_time),
        Action::Renew { duration, progress } => renew(s, *duration, progress.as_ref()),
        Action::Progress(progress) => s.stay(EventType::Progress, Detail::Progress(progress.clone())),
        Action::SaveCheckpoint { checkpoint } => save_checkpoint(s, checkpoint),
        Action::AppendOutput { index, chunk } => return append_output(s, *index, chunk),
        Action::Complete {
            output,
            receipt,
            jitter,
        } => complete(s, output.as_ref(), receipt.as_deref(), *jitter),
        Action::Fail {
            error,
            outcome,
            jitter,
        } => fail(s, (error, None), *outcome, *jitter),
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
        Action::Submit {
            output,
            receipt,
            jitter,
        } => submit(s, output.as_ref(), receipt.as_deref(), *jitter),
        Action::Approve { message } => return approve(s, message, actor),
        Action::Rework { message } => rework(s, message),
        Action::Reject { reason } => reject(s, reason),
        Action::Comment { message } => comment(s, message),
        Action::AddDependency(dependency) => return add_dependency(s, *dependency),
        Action::RemoveDependency { task_id } => return remove_dependency(s, *task_id),
        Action::SettleDependency { task_id, result } => return settle_dependency(s, *task_id, *result),
        Action::Update(edit) => return update(s, edit),
        Action::Delete { force } => return delete(s, *force),
        Action::Tick { jitter } => return tick(s, *jitter),
        Action::Supersede { by } => return supersede(s, *by),
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

/// What ends a task or leads to its end, and what Baton itself must be able to do, is never refused for length: a
/// task that no worker can be given would stand at the head of its queue for ever.
const fn may_exceed_limit(command: CommandName) -> bool {
    command.is_internal()
        || matches!(
            command,
            CommandName::Assign
                | CommandName::Start
                | CommandName::Renew
                | CommandName::Complete
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

fn fail(
    s: &mut Steps<'_>,
    (error, receipt): (&TaskError, Option<&Receipt>),
    outcome: AttemptOutcome,
    jitter: f64,
) {
    let verdict = retry::judge(
        s.task.retry_policy.as_ref().or(s.policy),
        (s.task.attempt, outcome),
        error,
        (s.now, jitter),
    );
    let full = s.task.revision >= EVENTS_PER_TASK;
    let (kind, to, reason, retry_time) = match verdict {
        retry::Verdict::Again(_) if full => (EventType::Dead, State::Dead, reason::EVENT_LIMIT, None),
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
            receipt: receipt.cloned().map(Box::new),
        },
    );
}

fn cancel(s: &mut Steps<'_>, message: &str, reason: reason::Reason) {
    s.message(message);
    s.revoke();
    s.push(EventType::Cancelled, State::Cancelled, reason, Detail::None);
}

fn supersede(s: &mut Steps<'_>, by: TaskId) -> Result<(), Rejection> {
    if !is_replaceable(&s.task) {
        return Err(Rejection::NothingDue);
    }
    cancel(s, &format!("task {by} took its place"), reason::SUPERSEDED);
    Ok(())
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
