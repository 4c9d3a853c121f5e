//! Reads what a watch asks for.

use baton_domain::filter::Filter;
use baton_domain::{EventType, TaskId};
use baton_proto::raw::v1 as raw;

use super::Watches;
use super::message::Tokens;
use crate::api::failed::{expired, store_failed, task_not_found};
use crate::api::judge::read;
use crate::api::requests::watch::{Options, read_watch_task, read_watch_tasks};
use crate::api::status::{Reason, Refusal};
use crate::feed::{Begin, Plan, Selection, only};
use crate::store::{EventsOfQuery, Window};
use crate::token::{Digest, ResumeToken};

/// Reads WatchTask. The task must exist; where the watch goes on, it may be deleted, but something of it must be there.
pub(super) async fn task(
    watches: &Watches,
    request: raw::WatchTaskRequest,
) -> Result<(Plan, Tokens), Refusal> {
    let (id, options) = read(|v| read_watch_task(v, request))?;
    let store = watches.engine.store();
    if options.token.is_none() {
        let task = store.task(id).await.map_err(|e| store_failed(&e))?;
        let task = task.ok_or_else(|| task_not_found(id))?;
        return plan(watches, task.namespace, (only(id), Some(id)), options);
    }
    let newest = EventsOfQuery {
        window: Window::Before(i64::MAX),
        types: Vec::new(),
        limit: 1,
        payloads: false,
    };
    let mut newest = store.events_of(id, &newest).await.map_err(|e| store_failed(&e))?;
    let newest = newest.pop().ok_or_else(|| task_not_found(id))?;
    let is_deleted = newest.kind == EventType::Deleted;
    let (plan, tokens) = plan(watches, newest.namespace, (only(id), Some(id)), options)?;
    // The history of a task stays with it, and goes with the log once it is deleted.
    let oldest = watches.engine.feed().oldest(&plan.namespace);
    match plan.begin {
        Begin::After(position) if is_deleted && position + 1 < oldest => Err(expired(oldest)),
        Begin::After(_) | Begin::Now | Begin::Snapshot { .. } => Ok((plan, tokens)),
    }
}

/// Reads WatchTasks.
pub(super) fn tasks(watches: &Watches, request: raw::WatchTasksRequest) -> Result<(Plan, Tokens), Refusal> {
    let (namespace, filter, options) = read(|v| read_watch_tasks(v, request))?;
    plan(watches, namespace, (filter, None), options)
}

fn plan(
    watches: &Watches,
    namespace: String,
    (filter, task): (Filter, Option<TaskId>),
    options: Options,
) -> Result<(Plan, Tokens), Refusal> {
    let names: Vec<_> = options.types.iter().map(|t| t.name()).collect();
    let filter_hash = Digest::of(&format!("{filter}\n{}", names.join(",")));
    let epoch = watches.engine.store().epoch();
    let tokens = Tokens {
        epoch,
        namespace: namespace.clone(),
        filter_hash,
    };
    let begin = match &options.token {
        Some(token) => resume(watches, token, &tokens, task.is_some())?,
        None => begin(watches, &namespace, options.start, task.is_some()),
    };
    let selection = Selection {
        filter,
        types: options.types,
    };
    let bookmark_every = watches.bookmark_every;
    Ok((
        Plan {
            namespace,
            selection,
            task,
            payloads: options.full,
            begin,
            bookmark_every,
        },
        tokens,
    ))
}

/// A watch of one task reads that task's history, which has no horizon.
fn begin(watches: &Watches, namespace: &str, start: raw::WatchStart, one_task: bool) -> Begin {
    let feed = watches.engine.feed();
    match start {
        raw::WatchStart::Unspecified | raw::WatchStart::Now => Begin::Now,
        raw::WatchStart::Oldest if one_task => Begin::After(0),
        raw::WatchStart::Oldest => Begin::After(feed.oldest(namespace) - 1),
        raw::WatchStart::Snapshot => Begin::Snapshot {
            after: None,
            position: feed.head(namespace),
        },
    }
}

/// Where a token continues.
fn resume(watches: &Watches, text: &str, tokens: &Tokens, one_task: bool) -> Result<Begin, Refusal> {
    let feed = watches.engine.feed();
    let token: ResumeToken = watches
        .keys
        .decode(text)
        .map_err(|e| Refusal::new(Reason::ResumeTokenInvalid, e.to_string()))?;
    if token.epoch != tokens.epoch {
        let text =
            "the token is of another database, or of this one before it was restored: begin with a snapshot";
        return Err(Refusal::new(Reason::ResumeTokenForeign, text).precondition("resume_token", text));
    }
    if token.namespace != tokens.namespace || token.filter_hash != tokens.filter_hash {
        let text = "the token is of a watch with another namespace, id, filter or event_types";
        return Err(Refusal::new(Reason::ResumeTokenInvalid, text));
    }
    let head = feed.head(&token.namespace);
    if token.position > head {
        let text = "the token is from the future of this log: begin with a snapshot";
        let refusal = Refusal::new(Reason::ResumeTokenForeign, text).precondition("resume_token", text);
        return Err(refusal.with("head_position", head.to_string()));
    }
    let oldest = feed.oldest(&token.namespace);
    if token.position + 1 < oldest && !one_task {
        return Err(expired(oldest));
    }
    Ok(match token.snapshot {
        Some(cursor) => Begin::Snapshot {
            after: Some(cursor.last_task),
            position: cursor.position,
        },
        None => Begin::After(token.position),
    })
}
