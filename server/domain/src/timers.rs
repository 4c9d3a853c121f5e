//! What happens to a task by the passing of time alone.

use crate::event::{Event, EventType};
use crate::task::{State, Task};
use crate::time::{Span, Timestamp};

/// From when the time limits of a task count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    /// The limit of its state counts from here; of a paused task, when it was paused.
    pub since: Timestamp,
    /// What was used of that limit before a pause, to be counted when the same goes on.
    pub spent: Span,
    /// The total timeout counts from here: its creation or its last retry.
    pub total_since: Timestamp,
}

/// What makes a task move by itself. Of two that are due at the same moment, the first of this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Its total timeout.
    Total,
    /// Its schedule time.
    Schedule,
    /// Its queue timeout.
    Queue,
    /// Its attempt timeout.
    Attempt,
    /// The grace of a verification.
    Grace,
    /// The deadline of an input request.
    Input,
    /// The end of its lease.
    Lease,
}

impl Task {
    /// The moment this task must move by itself if nothing else happens, the end of its lease aside: that changes
    /// with each renewal, see [`Self::lease_end`].
    #[must_use]
    pub fn wake_time(&self) -> Option<Timestamp> {
        self.limits().filter_map(|(time, _)| time).min()
    }

    /// When its live lease ends unless it is renewed.
    #[must_use]
    pub fn lease_end(&self) -> Option<Timestamp> {
        self.lease.map(|lease| lease.expire_time)
    }

    /// What is due at `now`; of several, what was due first.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Limit> {
        let all = self.limits().chain([(self.lease_end(), Limit::Lease)]);
        let due = all.filter_map(|(time, limit)| Some((time.filter(|time| *time <= now)?, limit)));
        due.min().map(|(_, limit)| limit)
    }

    fn limits(&self) -> impl Iterator<Item = (Option<Timestamp>, Limit)> {
        let Timers {
            since, total_since, ..
        } = self.timers;
        let own = match self.state {
            State::Scheduled => (self.schedule_time, Limit::Schedule),
            State::Queued => (self.timeouts.queue.map(|span| since.plus(span)), Limit::Queue),
            State::InProgress => (self.timeouts.attempt.map(|span| since.plus(span)), Limit::Attempt),
            State::Review => (self.grace().map(|span| since.plus(span)), Limit::Grace),
            State::InputRequired => (self.input_deadline(), Limit::Input),
            State::Pending
            | State::Assigned
            | State::Blocked
            | State::Paused
            | State::Completed
            | State::Failed
            | State::Dead
            | State::Cancelled => (None, Limit::Schedule),
        };
        let total = self.timeouts.total.filter(|_| self.state.is_open());
        [own, (total.map(|span| total_since.plus(span)), Limit::Total)].into_iter()
    }

    fn input_deadline(&self) -> Option<Timestamp> {
        self.open_input_requests().filter_map(|r| r.deadline_time).min()
    }
}

/// Sets the timers of a task that `event` moves; `task.state` is still the state before.
pub(crate) fn turn(task: &mut Task, event: &Event) {
    let before = task.timers;
    let paused_from = task.paused_from;
    let (time, to) = (event.time, event.to_state);
    task.timers.since = time;
    if event.kind == EventType::Paused {
        let limited = matches!(
            task.state,
            State::Queued | State::InProgress | State::Review | State::InputRequired
        );
        if limited {
            task.timers.spent = time.since(before.since);
        }
        return;
    }
    if event.kind == EventType::Resumed {
        shift_deadlines(task, time.since(before.since));
        if to == State::Assigned {
            // A direct assignee that takes its work up again has what is left of the attempt.
            return;
        }
    }
    if event.kind == EventType::Retried {
        task.timers.total_since = time;
    }
    let goes_on =
        event.kind == EventType::Started || (event.kind == EventType::Resumed && paused_from == Some(to));
    if goes_on {
        task.timers.since = time.minus(before.spent);
    }
    task.timers.spent = Span::ZERO;
}

fn shift_deadlines(task: &mut Task, stood_still: Span) {
    for request in task.input_requests.iter_mut().filter(|r| r.answer.is_none()) {
        request.deadline_time = request.deadline_time.map(|time| time.plus(stood_still));
    }
}
