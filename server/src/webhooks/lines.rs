//! What is still to be delivered: a line for each task, and how the other side is.
//!
//! No clock and no socket: whoever asks says what time it is, in microseconds since 1970.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use baton_domain::TaskId;

use crate::feed::Logged;

/// Events in memory that are not delivered. What comes after them is read when there is room.
const WINDOW: usize = 1_000;
/// Requests that are under way at once.
const FLYING: usize = 16;
/// The first wait after a failure; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The events of one task, in order. Only the first is ever under way.
struct Line {
    events: VecDeque<Arc<Logged>>,
    tries: u32,
    not_before: i64,
    flies: bool,
}

/// What is still to be delivered.
pub(super) struct Lines {
    tasks: BTreeMap<TaskId, Line>,
    events: usize,
    flying: usize,
    /// Everything up to here was read.
    through: i64,
    /// Failures of the other side since it last took something. While there are any, one request is under way at most.
    failures: u32,
    /// And not before.
    not_before: i64,
}

/// What to send next.
pub(super) struct Next {
    pub(super) event: Arc<Logged>,
    /// It finds out whether the other side is there again.
    pub(super) probes: bool,
}

/// A request that came to nothing.
pub(super) struct Failed {
    pub(super) task: TaskId,
    pub(super) probed: bool,
    /// How often an event is tried that fails like this.
    pub(super) most_tries: u32,
    /// How long the other side asks to wait.
    pub(super) retry_after: Option<Duration>,
}

impl Lines {
    pub(super) fn new(position: i64) -> Self {
        Self {
            tasks: BTreeMap::new(),
            events: 0,
            flying: 0,
            through: position,
            failures: 0,
            not_before: 0,
        }
    }

    /// How many more events may come.
    pub(super) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.events)
    }

    /// Adds an event that is to be delivered.
    pub(super) fn push(&mut self, event: Arc<Logged>) {
        self.events += 1;
        let line = self.tasks.entry(event.task_id).or_insert_with(|| Line {
            events: VecDeque::new(),
            tries: 0,
            not_before: 0,
            flies: false,
        });
        line.events.push_back(event);
    }

    /// Everything up to `position` was read.
    pub(super) fn read_through(&mut self, position: i64) {
        self.through = self.through.max(position);
    }

    /// The position up to which nothing is left to deliver.
    pub(super) fn position(&self) -> i64 {
        let firsts = self.tasks.values().filter_map(|line| line.events.front());
        let first = firsts.map(|event| event.position - 1).min();
        first.unwrap_or(self.through)
    }

    fn is_full(&self) -> bool {
        self.flying >= if self.failures > 0 { 1 } else { FLYING }
    }

    fn ready_from(&self, line: &Line) -> i64 {
        let other_side = if self.failures > 0 { self.not_before } else { 0 };
        line.not_before.max(other_side)
    }

    /// What to send at `now`: what was tried least, of that the oldest. It is under way from then on.
    pub(super) fn next(&mut self, now: i64) -> Option<Next> {
        if self.is_full() {
            return None;
        }
        let ready = self.tasks.iter();
        let ready = ready.filter(|(_, line)| !line.flies && self.ready_from(line) <= now);
        let order = |line: &Line| (line.tries, line.events.front().map(|event| event.position));
        let (task, _) = ready.min_by_key(|(_, line)| order(line))?;
        let task = *task;
        let line = self.tasks.get_mut(&task)?;
        line.flies = true;
        self.flying += 1;
        Some(Next {
            event: Arc::clone(line.events.front()?),
            probes: self.failures > 0,
        })
    }

    /// When something may be sent that may not yet; `None` where an answer has to come first, or nothing is left.
    pub(super) fn wake(&self) -> Option<i64> {
        if self.is_full() {
            return None;
        }
        let waiting = self.tasks.values().filter(|line| !line.flies);
        waiting.map(|line| self.ready_from(line)).min()
    }

    /// The first event of a task was taken.
    pub(super) fn deliver(&mut self, task: TaskId) {
        self.failures = 0;
        self.land(task);
        self.advance(task);
    }

    /// A request came to nothing at `now`. Answers the event that is given up by it. `jitter`: from 0 to 1.
    pub(super) fn fail(&mut self, failed: &Failed, now: i64, jitter: f64) -> Option<Arc<Logged>> {
        let Failed {
            task,
            probed,
            most_tries,
            retry_after,
        } = failed;
        self.land(*task);
        let asked = retry_after.map_or(0, |asked| micros(&asked));
        // Of many that were under way together, one tells how the other side is.
        if *probed || self.failures == 0 {
            self.failures = self.failures.saturating_add(1);
            self.not_before = now + wait(self.failures, jitter).max(asked);
        }
        let line = self.tasks.get_mut(task)?;
        line.tries += 1;
        line.not_before = now + wait(line.tries, jitter).max(asked);
        if line.tries < *most_tries {
            return None;
        }
        self.advance(*task)
    }

    fn land(&mut self, task: TaskId) {
        if let Some(line) = self.tasks.get_mut(&task) {
            line.flies = false;
            self.flying = self.flying.saturating_sub(1);
        }
    }

    fn advance(&mut self, task: TaskId) -> Option<Arc<Logged>> {
        let line = self.tasks.get_mut(&task)?;
        let gone = line.events.pop_front()?;
        self.events -= 1;
        (line.tries, line.not_before) = (0, 0);
        if line.events.is_empty() {
            self.tasks.remove(&task);
        }
        Some(gone)
    }
}

/// The wait after so many failures, give or take a quarter.
fn wait(failures: u32, jitter: f64) -> i64 {
    let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let spread = doubled.min(LONGEST_WAIT).mul_f64(0.75 + jitter / 2.0);
    micros(&spread.min(LONGEST_WAIT))
}

fn micros(duration: &Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests;
