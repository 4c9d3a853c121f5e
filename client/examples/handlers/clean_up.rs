//! db-cleanup: forgets what is older than 30 days.

use std::time::{Duration, SystemTime};

use serde::Serialize;

const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What the program keeps between tasks; here in memory, elsewhere in a database.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) task_history: Vec<Record>,
    pub(crate) reddit_responses: Vec<Record>,
    pub(crate) rss_drafts: Vec<Record>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) timestamp: SystemTime,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retained {
    pub(crate) tasks_retained: usize,
    pub(crate) reddit_retained: usize,
    pub(crate) rss_retained: usize,
}

/// Twice is the same as once: a task may run again after a crash.
pub(crate) fn clean_up(state: &mut State, now: SystemTime) -> Retained {
    let is_young = |record: &Record| now.duration_since(record.timestamp).is_ok_and(|age| age < KEPT);
    state.task_history.retain(is_young);
    state.reddit_responses.retain(is_young);
    state.rss_drafts.retain(is_young);
    Retained {
        tasks_retained: state.task_history.len(),
        reddit_retained: state.reddit_responses.len(),
        rss_retained: state.rss_drafts.len(),
    }
}
