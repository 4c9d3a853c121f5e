//! Calls that wait: for the end of a task, or for whatever happens.

use std::time::Duration;

use baton_domain::filter::{Filter, Schema};
use baton_domain::{EventType, Span, State, TaskId};
use baton_proto::raw::v1 as raw;

use super::lists::{read_event_types, read_filter, read_view};
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// How long WaitTask waits where the request does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// The longest that WaitTask waits.
const WAIT: Span = Span::from_secs(60);

/// What WaitTask asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Wait {
    pub(in crate::api) id: TaskId,
    pub(in crate::api) timeout: Duration,
    /// Empty means every settled one.
    pub(in crate::api) until: Vec<State>,
}

pub(in crate::api) fn read_wait(v: &mut Violations, request: raw::WaitTaskRequest) -> Option<Wait> {
    let raw::WaitTaskRequest {
        id,
        timeout,
        until_states,
    } = request;
    let id = check::task_id(v, &Path::REQUEST.field("id"), &id);
    let at = Path::REQUEST.field("timeout");
    let timeout = match timeout {
        Some(timeout) => check::span(v, &at, timeout, WAIT).map(|span| micros(span.as_micros())),
        None => Some(WAIT_DEFAULT),
    };
    let at = Path::REQUEST.field("until_states");
    let mut until = Vec::with_capacity(until_states.len());
    for (index, number) in until_states.iter().enumerate() {
        until.push(check::required_member(
            v,
            &at.index(index),
            *number,
            State::from_number,
        ));
    }
    Some(Wait {
        id: id?,
        timeout: timeout?,
        until: until.into_iter().collect::<Option<_>>()?,
    })
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}

/// What both watches may say beside what they watch.
#[derive(Clone, Debug)]
pub(in crate::api) struct Options {
    pub(in crate::api) full: bool,
    /// Sorted, none twice; empty means all.
    pub(in crate::api) types: Vec<EventType>,
    pub(in crate::api) token: Option<String>,
    pub(in crate::api) start: raw::WatchStart,
}

/// Reads WatchTask.
pub(in crate::api) fn read_watch_task(
    v: &mut Violations,
    request: raw::WatchTaskRequest,
) -> Option<(TaskId, Options)> {
    let raw::WatchTaskRequest {
        id,
        view,
        event_types,
        resume_token,
        start,
    } = request;
    let id = check::task_id(v, &Path::REQUEST.field("id"), &id);
    let options = read_options(v, (view, &event_types), (resume_token, start));
    id.zip(options)
}

/// Reads WatchTasks.
pub(in crate::api) fn read_watch_tasks(
    v: &mut Violations,
    request: raw::WatchTasksRequest,
) -> Option<(String, Filter, Options)> {
    let raw::WatchTasksRequest {
        namespace,
        filter,
        view,
        event_types,
        resume_token,
        start,
    } = request;
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let filter = read_filter(v, &filter, Schema::EVENTS);
    let options = read_options(v, (view, &event_types), (resume_token, start));
    Some((namespace?, filter?, options?))
}

fn read_options(
    v: &mut Violations,
    (view, event_types): (i32, &[i32]),
    (resume_token, start): (String, i32),
) -> Option<Options> {
    let full = read_view(v, view, raw::TaskView::Basic);
    let types = read_event_types(v, event_types);
    let known = |number| raw::WatchStart::try_from(number).ok();
    let start_read = check::member(
        v,
        &Path::REQUEST.field("start"),
        start,
        known,
        raw::WatchStart::Now,
    );
    if !resume_token.is_empty() && start != 0 {
        let what = "must not be given together with start: a token says where to begin";
        v.add(&Path::REQUEST.field("resume_token"), what);
    }
    let token = Some(resume_token).filter(|t| !t.is_empty());
    Some(Options {
        full: full?,
        types: types?,
        token,
        start: start_read?,
    })
}
