//! Commands of those who hold a task, and what lets them speak: grants, renewals, checkpoints, output.

use super::{illegal, invalid, unmet};
use crate::actor::Actor;
use crate::command::{Action, Command, CommandName};
use crate::event::{Detail, EventType};
use crate::lease::{Standing, Terms, standing};
use crate::limits::EVENTS_PER_TASK;
use crate::payload::Payload;
use crate::reason;
use crate::rejection::Rejection;
use crate::steps::Steps;
use crate::task::{Progress, State, Task};
use crate::time::{Span, Timestamp};
use crate::transitions::is_late_receipt;

/// What the token of a command, or its lack, lets the command do.
pub(super) enum Guard {
    /// What its state allows.
    Free,
    /// A late receipt: as while the task was in progress.
    Late,
    /// Nothing: it was done before.
    Replayed,
}

/// Judges the token of a command before anything else about it. Commands that are not a holder's need none.
pub(super) fn guard(task: &Task, command: &Command, now: Timestamp) -> Result<Guard, Rejection> {
    let name = command.action.name();
    if !name.is_of_holder() {
        return Ok(Guard::Free);
    }
    let Some(token) = command.token else {
        let speaks = task.lease.is_some()
            || (task.leased && is_late_receipt(task.state, name))
            || name == CommandName::Renew;
        return if speaks {
            Err(Rejection::LeaseRequired { command: name })
        } else {
            Ok(Guard::Free)
        };
    };
    let standing = standing(task, token.fence, now);
    // Who starts again what was taken away since must not take it up.
    let stands = name != CommandName::Start || standing == Standing::Live;
    let is_known = [task.last_call, task.handover_call].contains(&Some(token.call));
    if is_known && stands {
        return Ok(Guard::Replayed);
    }
    match standing {
        Standing::Live if stands_already(task, &command.action) => Ok(Guard::Replayed),
        Standing::Live => Ok(Guard::Free),
        Standing::Ended if is_late_receipt(task.state, name) => Ok(Guard::Late),
        Standing::Ended => Err(illegal(task, name)),
        Standing::Lost => Err(Rejection::LeaseLost),
    }
}

/// Whether what a holder asks for is so already. Progress is no move, so its call is not remembered; and the work may
/// have begun by a renewal, with which a start has crossed.
fn stands_already(task: &Task, action: &Action) -> bool {
    let holds = |named: &Actor| task.assignee.as_ref().is_some_and(|holder| named.is(holder));
    let stands = if let Action::Progress(progress) = action {
        task.progress.as_ref() == Some(progress)
    } else if let Action::Start { assignee, lease, .. } = action {
        lease.is_none() && assignee.as_ref().is_none_or(holds)
    } else {
        false
    };
    stands && task.state == State::InProgress
}

pub(super) fn assign(s: &mut Steps<'_>, assignee: Actor, terms: Option<Terms>) {
    let lease = terms.map(|terms| terms.granted(s.now));
    s.assign(assignee, lease);
}

/// `named`: whom the caller names, and who calls.
pub(super) fn start(
    s: &mut Steps<'_>,
    (named, actor): (Option<&Actor>, &Actor),
    terms: Option<Terms>,
    start_time: Option<Timestamp>,
) -> Result<(), Rejection> {
    let last_event = s.task.update_time;
    match (s.task.state, &s.task.assignee) {
        (State::Assigned, Some(holder)) if named.is_some_and(|n| !n.is(holder)) => {
            return Err(unmet(
                s,
                CommandName::Start,
                "somebody else holds it; release it first",
            ));
        }
        (State::Assigned, _) if terms.is_some() => {
            return Err(invalid(
                "lease_duration",
                "the task is assigned already; only its grant can make it a lease",
            ));
        }
        (State::Assigned, _) => {}
        (_, _) => assign(s, named.unwrap_or(actor).clone(), terms),
    }
    // The log is in the order of time, and so is what it tells: not before the last event, not after this one.
    let said = start_time.map(|time| time.clamp(last_event.min(s.now), s.now));
    let detail = said
        .filter(|time| *time < s.now)
        .map_or(Detail::None, |start_time| Detail::Started { start_time });
    s.push(EventType::Started, State::InProgress, reason::STARTED, detail);
    Ok(())
}

/// The guard has seen that the lease is live.
pub(super) fn renew(s: &mut Steps<'_>, duration: Option<Span>, progress: Option<&Progress>) {
    if s.task.state == State::Assigned {
        s.push(
            EventType::Started,
            State::InProgress,
            reason::STARTED,
            Detail::None,
        );
    }
    // A lease is kept though the task has all the events it may have, and what was said before is not said again.
    let news = progress.filter(|p| s.task.progress.as_ref() != Some(p) && s.task.revision < EVENTS_PER_TASK);
    if let Some(progress) = news {
        s.stay(EventType::Progress, Detail::Progress(progress.clone()));
    }
    if let Some(lease) = &mut s.task.lease {
        lease.duration = duration.unwrap_or(lease.duration);
        lease.expire_time = s.now.plus(lease.duration);
    }
}

/// The same checkpoint once more is no other one.
pub(super) fn save_checkpoint(s: &mut Steps<'_>, checkpoint: &Payload) {
    let standing = s.task.checkpoint.as_ref();
    let same =
        standing.is_some_and(|known| (known.kind, known.sha256) == (checkpoint.kind, checkpoint.sha256));
    if same {
        s.replay();
        return;
    }
    let checkpoint = checkpoint.clone().after(s.task.checkpoint_version);
    s.stay(EventType::Checkpoint, Detail::Checkpoint(checkpoint));
}

/// A chunk that was told before, by its index, is not told again; one that leaves a gap is refused.
pub(super) fn append_output(s: &mut Steps<'_>, index: Option<i32>, chunk: &Payload) -> Result<(), Rejection> {
    let next = s.task.output_count;
    let index = index.unwrap_or(next);
    if index < 0 || index > next {
        let why = format!("the next chunk of this run has index {next}");
        return Err(Rejection::InvalidField { field: "index", why });
    }
    if index < next {
        s.replay();
        return Ok(());
    }
    let chunk = chunk.clone().after(0);
    s.stay(EventType::Output, Detail::Output { index, chunk });
    Ok(())
}
