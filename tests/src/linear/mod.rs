//! Linearizability of what many callers asked of one task at once: is there an order of the calls, each at some moment
//! between its sending and its answer, in which a task with one caller at a time would have given the same answers?
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's memory of what was
//! tried ("Testing for linearizability", 2017). A call that was never answered takes effect at some later moment, or never.

mod model;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use model::{Ask, Held, Kind, Model};

use crate::oracle::short;
use baton_proto::v1::TaskState;

/// Calls of one history that the search can tell apart.
const MOST: usize = 256;

/// One call, and what is known of it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What was asked.
    pub ask: Ask,
    /// What was answered.
    pub outcome: Outcome,
    /// A number drawn when it was sent, and one when it was answered: of two calls, the one whose second is lower than the
    /// other's first was over before. `u64::MAX`: it was never answered.
    pub sent: u64,
    /// See `sent`.
    pub answered: u64,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task, as it is after the call.
    Done {
        /// Its state.
        state: TaskState,
        /// Its revision.
        revision: i64,
        /// Its etag.
        etag: String,
        /// The token of the lease that the call gave out.
        token: Option<String>,
    },
    /// There was no task to lease.
    Nothing,
    /// Refused, for this reason.
    Refused(String),
    /// Nobody knows: the caller hung up.
    Unknown,
}

/// Calls whose place in the order is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Placed([u64; MOST / 64]);

impl Placed {
    fn has(self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn with(mut self, at: usize) -> Self {
        self.0[at / 64] |= 1 << (at % 64);
        self
    }

    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// Looks for such an order, on a task that stood like `model` before the first call.
///
/// Errors: there is none; the text has the longest that was found to begin with, and what cannot follow it.
///
/// # Panics
/// There are more than 256 calls.
pub fn check(model: &Model, calls: &[Operation]) -> Result<(), String> {
    assert!(calls.len() <= MOST, "{} calls are too many", calls.len());
    let mut tried = HashSet::new();
    let mut open = vec![(Placed::default(), model.clone())];
    let mut best = open[0].clone();
    while let Some((placed, model)) = open.pop() {
        if !tried.insert((placed, model.clone())) {
            continue;
        }
        if placed.count() > best.0.count() {
            best = (placed, model.clone());
        }
        let left = || calls.iter().enumerate().filter(|(at, _)| !placed.has(*at));
        // Whatever was sent after some call was answered comes after it.
        let first_answer = left().map(|(_, call)| call.answered).min();
        let Some(first_answer) = first_answer.filter(|answered| *answered != u64::MAX) else {
            return Ok(());
        };
        for (at, call) in left().filter(|(_, call)| call.sent < first_answer) {
            let after = model.after(&call.ask, &call.outcome);
            open.extend(after.into_iter().map(|model| (placed.with(at), model)));
        }
    }
    Err(tell(&best, calls))
}

fn tell((placed, model): &(Placed, Model), calls: &[Operation]) -> String {
    let state = short(model.state);
    let mut text = format!(
        "no order explains the answers; {} of {} calls have one, after which the task is {state} at revision {} and held by \
         {:?}; all calls, a star before those:\n",
        placed.count(),
        calls.len(),
        model.revision,
        model.held
    );
    let mut lines: Vec<(u64, String)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let star = if placed.has(at) { '*' } else { ' ' };
        let Operation {
            ask, outcome, sent, ..
        } = call;
        let answered = match call.answered {
            u64::MAX => "never".to_owned(),
            answered => answered.to_string(),
        };
        lines.push((
            *sent,
            format!("{star} {sent} to {answered}: {ask:?} -> {outcome:?}\n"),
        ));
    }
    lines.sort();
    text.extend(lines.into_iter().map(|(_, line)| line));
    text
}
