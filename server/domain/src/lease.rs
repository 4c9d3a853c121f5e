//! Leases: who may speak for a task, and for how long.
//!
//! A holder is known by the fence of its grant, which its token carries. The fence of a task rises with every grant
//! and every revocation, so that a token of an earlier one can never speak again, in whatever order calls arrive.

use crate::limits::ACKNOWLEDGE;
use crate::names::named_enum;
use crate::task::{State, Task};
use crate::time::{Span, Timestamp};

/// A live lease. Its times change with each renewal, which writes no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How long it lasts from its start and from each renewal.
    pub duration: Span,
    /// When it ends unless it is renewed; before the start, when it must be started. The moment itself is too late.
    pub expire_time: Timestamp,
}

impl Lease {
    /// The same lease of a task in `state`, which does not end before half of its duration has passed since
    /// `resumed`: the service may not have heard renewals before that. Where it was not started yet, not before
    /// [`ACKNOWLEDGE`] where that is sooner: its holder may never have heard of it.
    #[must_use]
    pub fn spared(self, state: State, resumed: Timestamp) -> Self {
        let half = Span::from_micros(self.duration.as_micros() / 2);
        let spared = if state == State::Assigned {
            half.min(ACKNOWLEDGE)
        } else {
            half
        };
        Self {
            expire_time: self.expire_time.max(resumed.plus(spared)),
            ..self
        }
    }
}

/// What a lease is granted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// From the start and from each renewal.
    pub duration: Span,
    /// Within this it must be started; never longer than `duration`.
    pub acknowledge: Span,
}

impl Terms {
    pub(crate) fn granted(self, now: Timestamp) -> Lease {
        Lease {
            duration: self.duration,
            expire_time: now.plus(self.acknowledge.min(self.duration)),
        }
    }
}

/// What a holder shows with its call, signature and task checked already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Of the grant.
    pub fence: i64,
    /// Over the method and the whole request, the token included: tells a repeat from another call.
    pub call: i64,
}

/// What a fence is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its holder may speak.
    Live,
    /// The work was handed over; still the newest, so that a late receipt counts.
    Ended,
    /// Revoked, run out, or never granted: it changes nothing.
    Lost,
}

/// What the fence of a token is worth at `now`.
#[must_use]
pub fn standing(task: &Task, fence: i64, now: Timestamp) -> Standing {
    if fence != task.fence || !task.leased {
        return Standing::Lost;
    }
    match (task.lease, task.state) {
        (Some(lease), _) if now < lease.expire_time => Standing::Live,
        (Some(_), _) => Standing::Lost,
        (None, State::InputRequired | State::Review | State::Completed | State::Failed | State::Dead) => {
            Standing::Ended
        }
        (None, _) => Standing::Lost,
    }
}

named_enum! {
    /// What a holder is told with each renewal. Numbers are those of the proto enum.
    Directive {
        /// Go on.
        Continue = 1, "CONTINUE";
        /// The task was cancelled: stop.
        Cancel = 2, "CANCEL";
        /// The task was paused: stop; somebody gets it again later.
        Pause = 3, "PAUSE";
        /// The lease is gone: stop, nothing more counts.
        Lost = 4, "LOST";
        /// Finish what is under way, take nothing new.
        Drain = 5, "DRAIN";
    }
}

/// What the holder of `fence` is told at `now`. `draining`: its worker is asked to take nothing new.
///
/// A task that is gone is [`Directive::Lost`].
#[must_use]
pub fn directive(task: &Task, fence: i64, draining: bool, now: Timestamp) -> Directive {
    // Cancel and pause revoke with the next fence: an older token was lost before that.
    let taken = fence.checked_add(1) == Some(task.fence);
    match (standing(task, fence, now), task.state) {
        (Standing::Live, _) if draining => Directive::Drain,
        (Standing::Live, _) => Directive::Continue,
        (_, State::Cancelled) if taken => Directive::Cancel,
        (_, State::Paused) if taken => Directive::Pause,
        (Standing::Ended | Standing::Lost, _) => Directive::Lost,
    }
}

/// Whether a worker may lease the task now.
#[must_use]
pub fn is_leasable(task: &Task) -> bool {
    task.state == State::Queued && task.assignee.is_none()
}
