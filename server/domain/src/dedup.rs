//! Which creates mean the same task, and what a second one gets.
//!
//! The standing keys are the store's: one row for each (namespace, key). Retries by a client are another matter:
//! those repeat by task id.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::create::NewTask;
use crate::limits::NAME_CHARS;
use crate::names::named_enum;
use crate::payload::PayloadKind;
use crate::task::{State, Task};
use crate::time::{Span, Timestamp};
use crate::{Actor, TaskId};

named_enum! {
    /// What a create gets whose key another task holds. Numbers are those of the proto enum.
    DedupPolicy {
        /// That task.
        ReturnExisting = 1, "RETURN_EXISTING";
        /// A refusal that names that task.
        Reject = 2, "REJECT";
        /// Its place, where it has not been started; else that task.
        ReplacePending = 3, "REPLACE_PENDING";
    }
}

/// How a task is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedup {
    /// Given by the client, or [`derived_key`].
    pub key: String,
    /// The key is held so long from the create, whatever becomes of the task; `None`: while the task is open.
    pub window: Option<Span>,
    /// For a create that finds the key held.
    pub policy: DedupPolicy,
}

/// A key that a task holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// By whom.
    pub task_id: TaskId,
    /// Until then; `None`: while that task is open.
    pub expire_time: Option<Timestamp>,
}

impl Dedup {
    /// The hold of a task that is created at `now`.
    #[must_use]
    pub fn hold(&self, task_id: TaskId, now: Timestamp) -> Hold {
        Hold {
            task_id,
            expire_time: self.window.map(|window| now.plus(window)),
        }
    }
}

impl Hold {
    /// Whether the key is still held. `holder`: the state of the holding task, `None` where it is gone.
    #[must_use]
    pub fn stands(&self, holder: Option<State>, now: Timestamp) -> bool {
        match (holder, self.expire_time) {
            (None, _) => false,
            (Some(_), Some(expire_time)) => now < expire_time,
            (Some(state), None) => state.is_open(),
        }
    }
}

/// What a create gets whose key is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The standing task, marked as deduplicated.
    Existing,
    /// A refusal.
    Refused,
    /// The standing task's place: that one is given [`crate::Action::Supersede`] first.
    Replaces,
}

/// Judges a create by its policy and the task that holds its key.
#[must_use]
pub fn judge(policy: DedupPolicy, standing: &Task) -> Verdict {
    match policy {
        DedupPolicy::ReturnExisting => Verdict::Existing,
        DedupPolicy::Reject => Verdict::Refused,
        DedupPolicy::ReplacePending if is_replaceable(standing) => Verdict::Replaces,
        DedupPolicy::ReplacePending => Verdict::Existing,
    }
}

/// Open, and no work has begun since it was created or retried.
pub(crate) fn is_replaceable(task: &Task) -> bool {
    task.state.is_open() && task.start_time.is_none()
}

/// What a derived key is made of (seed S1-16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// Who asks.
    pub requester: &'a str,
    /// What kind of work; empty: `worker`.
    pub kind: &'a str,
    /// Whom it is for.
    pub agent_id: &'a str,
    /// A short name.
    pub label: &'a str,
    /// What is to be done.
    pub text: &'a str,
    /// Names a request of the requester: tells planners apart in place of their text.
    pub request_id: &'a str,
}

/// The SHA-256 over the parts, one a line, in lower hexadecimal.
#[must_use]
pub fn key(parts: &KeyParts<'_>) -> String {
    let kind = if parts.kind.is_empty() {
        "worker"
    } else {
        parts.kind
    };
    let text = stripped(parts.text);
    let scope = if kind == "planner" && !parts.request_id.is_empty() {
        parts.request_id
    } else {
        text
    };
    let lines = [
        parts.requester,
        kind,
        parts.agent_id,
        parts.label,
        scope,
        parts.request_id,
    ];
    hex(&Sha256::digest(lines.join("\n")))
}

fn hex(bytes: &[u8]) -> String {
    let empty = String::with_capacity(2 * bytes.len());
    bytes.iter().fold(empty, |mut hex, byte| {
        // A string takes everything.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

/// The label of a task whose `request_id` tells planners apart.
pub const REQUEST_ID_LABEL: &str = "request_id";

/// The key of a task whose creator asks for one: its type, assignee, title and input tell it from others of the same
/// creator. An input that is no text counts by its hash, or by `ordered`, the hash of the same document in one order,
/// where it has none of its own; a task without input by its description.
#[must_use]
pub fn derived_key(new: &NewTask, creator: &Actor, ordered: Option<[u8; 32]>) -> String {
    let input = new.input.as_ref();
    let body = input
        .filter(|p| p.kind != PayloadKind::Json)
        .and_then(|p| p.body.as_deref());
    let text = body.and_then(|body| std::str::from_utf8(body).ok());
    let hash = ordered.or(input.map(|input| input.sha256)).map(|hash| hex(&hash));
    key(&KeyParts {
        requester: &creator.id,
        kind: &new.task_type,
        agent_id: new.assignee.as_ref().map_or("", |actor| &actor.id),
        label: &label(&new.title),
        text: text.or(hash.as_deref()).unwrap_or(&new.description),
        request_id: new.labels.get(REQUEST_ID_LABEL).map_or("", String::as_str),
    })
}

/// A text without the result contract that was added to it for a worker, trimmed (seed S1-24, S1-74).
fn stripped(text: &str) -> &str {
    let own = text.split("\n[Worker result contract]").next();
    own.unwrap_or(text).trim()
}

/// A text as a label: white space becomes `-`, lower case, only `a-z 0-9 . _ -`, at most 64 (seed S1-15).
#[must_use]
pub fn label(text: &str) -> String {
    let dashed = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase();
    let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    dashed.chars().filter(allowed).take(NAME_CHARS).collect()
}
