//! Calls that give one command to one task: what clients ask. What holders ask is in [`super::work`].

use baton_domain::limits::{MESSAGE_CHARS, NAME_CHARS};
use baton_domain::{Action, Span};
use baton_proto::raw::v1 as raw;

use crate::api::check;
use crate::api::convert::envelope::{Envelope, RawEnvelope};
use crate::api::convert::task::{Answers, Shown};
use crate::api::convert::time::{Start, read_delay};
use crate::api::convert::{Draw, actor, dependency, lease, payload};
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};

/// A request that gives one command to one task.
pub(in crate::api) trait Move: Repeatable {
    /// Reads it whole.
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked>;
}

/// What a request asks of a task.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    /// Of which, and who asks.
    pub(in crate::api) envelope: Envelope,
    /// What.
    pub(in crate::api) action: Action,
    /// The payloads that the answer shows: those that the request carried.
    pub(in crate::api) shown: Shown,
}

impl Asked {
    /// Puts together what was read.
    pub(super) fn new(envelope: Option<Envelope>, action: Option<Action>) -> Option<Self> {
        Some(Self {
            envelope: envelope?,
            action: action?,
            shown: Shown::BASIC,
        })
    }

    /// The same, answered with these payloads.
    pub(super) fn showing(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }
}

/// Reads the common fields of a request, which it was taken apart into.
macro_rules! envelope {
    ($v:expr, $id:ident, $request_id:ident, $etag:expr, $actor:ident) => {
        RawEnvelope {
            id: $id,
            request_id: $request_id,
            etag: $etag,
            lease_token: String::new(),
            actor: $actor,
        }
        .read($v, &Path::REQUEST)
    };
    ($v:expr, $id:ident, $request_id:ident, $etag:expr, $actor:ident, $lease_token:ident) => {
        RawEnvelope {
            id: $id,
            request_id: $request_id,
            etag: $etag,
            lease_token: $lease_token,
            actor: $actor,
        }
        .read($v, &Path::REQUEST)
    };
}
pub(super) use envelope;

/// Declares the requests that carry nothing but the common fields.
macro_rules! plain {
    ($($request:ident => $action:expr;)+) => { $(
        impl Move for raw::$request {
            fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
                let Self { id, request_id, etag, actor } = self;
                Asked::new(envelope!(v, id, request_id, etag, actor), Some($action))
            }
        }
    )+ };
}

/// Declares the requests that carry one text for people.
macro_rules! worded {
    ($($request:ident { $field:ident } => $action:ident { $word:ident };)+) => { $(
        impl Move for raw::$request {
            fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
                let Self { id, request_id, etag, actor, $field } = self;
                let envelope = envelope!(v, id, request_id, etag, actor);
                let at = Path::REQUEST.field(stringify!($field));
                let text = check::text(v, &at, $field, MESSAGE_CHARS);
                Asked::new(envelope, text.map(|$word| Action::$action { $word }))
            }
        }
    )+ };
}

plain! {
    QueueTaskRequest => Action::Queue;
    DiscardTaskRequest => Action::Discard;
    ResumeTaskRequest => Action::Resume;
}

worded! {
    CancelTaskRequest { reason } => Cancel { reason };
    PauseTaskRequest { reason } => Pause { reason };
    ApproveTaskRequest { message } => Approve { message };
    RequestReworkRequest { message } => Rework { message };
    RejectTaskRequest { reason } => Reject { reason };
}

impl Move for raw::DeleteTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            force,
        } = self;
        Asked::new(
            envelope!(v, id, request_id, etag, actor),
            Some(Action::Delete { force }),
        )
    }
}

impl Move for raw::ScheduleTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            schedule_time,
            delay,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let start = Start { schedule_time, delay };
        let paths = [
            &Path::REQUEST.field("schedule_time"),
            &Path::REQUEST.field("delay"),
        ];
        Asked::new(envelope, start.read_required(v, paths).map(Action::Schedule))
    }
}

impl Move for raw::AssignTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            assignee,
            lease_duration,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let at = Path::REQUEST.field("assignee");
        let given = check::present(v, &at, assignee);
        let assignee = given.and_then(|given| actor::read(v, &at, given))?;
        let duration = lease::read_duration(v, &Path::REQUEST.field("lease_duration"), lease_duration)?;
        if duration.is_some() {
            lease::check_holder(v, &at, &assignee)?;
        }
        let lease = duration.map(lease::terms);
        let asked = Asked::new(envelope, Some(Action::Assign { assignee, lease }))?;
        Some(asked.showing(Shown::FULL))
    }
}

impl Move for raw::RetryTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            input,
            delay,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let input = payload::read_optional(v, &Path::REQUEST.field("input"), input);
        let delay = read_delay(v, &Path::REQUEST.field("delay"), delay);
        let (input, delay) = (input?, delay?.unwrap_or(Span::ZERO));
        let shown = Shown {
            input: input.is_some(),
            ..Shown::BASIC
        };
        Some(Asked::new(envelope, Some(Action::Retry { input, delay }))?.showing(shown))
    }
}

impl Move for raw::ProvideInputRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            input,
            key,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let at = Path::REQUEST.field("input");
        let given = check::present(v, &at, input);
        let input = given.and_then(|given| payload::read_answer(v, &at, given));
        let key = check::word(v, &Path::REQUEST.field("key"), key, NAME_CHARS);
        let (key, input) = (key?, input?);
        let text = payload::text(&input);
        let shown = Shown {
            answers: Answers::Newest,
            ..Shown::BASIC
        };
        Some(Asked::new(envelope, Some(Action::ProvideInput { key, input, text }))?.showing(shown))
    }
}

impl Move for raw::AddCommentRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            actor,
            message,
        } = self;
        let envelope = envelope!(v, id, request_id, String::new(), actor);
        let message = check::required_text(v, &Path::REQUEST.field("message"), message, MESSAGE_CHARS);
        Asked::new(envelope, message.map(|message| Action::Comment { message }))
    }
}

impl Move for raw::AddDependencyRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            dependency,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let at = Path::REQUEST.field("dependency");
        let given = check::present(v, &at, dependency);
        let dependency = given.and_then(|given| dependency::read(v, &at, given, None));
        Asked::new(envelope, dependency.map(Action::AddDependency))
    }
}

impl Move for raw::RemoveDependencyRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            actor,
            dependency,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor);
        let at = Path::REQUEST.field("dependency");
        let given = check::present(v, &at, dependency);
        // Only the id counts here, so only the id is judged.
        let task_id = given.and_then(|given| check::task_id(v, &at.field("task_id"), &given.task_id));
        Asked::new(
            envelope,
            task_id.map(|task_id| Action::RemoveDependency { task_id }),
        )
    }
}
