//! What may be asked of a task.

use crate::actor::Actor;
use crate::event::Edit;
use crate::id::TaskId;
use crate::names::named_enum;
use crate::payload::Payload;
use crate::task::{AttemptOutcome, Dependency, InputRequest, Progress, State, TaskError};
use crate::time::{Span, Timestamp};

/// A moment, or a span from the time of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At that moment.
    At(Timestamp),
    /// So long after the decision.
    After(Span),
}

impl When {
    /// The moment meant, seen from `now`.
    #[must_use]
    pub const fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::After(span) => now.plus(span),
        }
    }
}

/// One request to one task. Ids and randomness are drawn already; time comes with the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub action: Action,
}

/// What is asked. One member per command of the lifecycle page.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Let a held or waiting task run now.
    Queue,
    /// Let it run at a time.
    Schedule(When),
    /// Give it to somebody.
    Assign {
        /// Who.
        assignee: Actor,
    },
    /// Begin the work.
    Start {
        /// `None`: the assignee it has, else the actor.
        assignee: Option<Actor>,
    },
    /// Tell how far it is.
    Progress(Progress),
    /// Hand in the result.
    Complete {
        /// May be absent.
        output: Option<Payload>,
    },
    /// Report that the attempt failed.
    Fail {
        /// Why.
        error: TaskError,
        /// How; ERROR unless told otherwise.
        outcome: AttemptOutcome,
        /// Drawn by the caller, 0.0 to 1.0: the share of the jitter that is added.
        jitter: f64,
    },
    /// Stop it for good.
    Cancel {
        /// For people.
        reason: String,
    },
    /// Run a resting task again.
    Retry {
        /// Replaces the input.
        input: Option<Payload>,
        /// Waits first.
        delay: Span,
    },
    /// Give up a resting task.
    Discard,
    /// Stop it for now.
    Pause {
        /// For people.
        reason: String,
    },
    /// Let a paused task go on.
    Resume,
    /// Give it back.
    Release,
    /// Put it off.
    Snooze(When),
    /// Ask a question.
    RequestInput(InputRequest),
    /// Answer it.
    ProvideInput {
        /// Empty: the open one.
        key: String,
        /// The answer.
        input: Payload,
        /// The answer as text, where it is a JSON string: compared with the choices.
        text: Option<String>,
    },
    /// Hand in for review.
    Submit {
        /// May be absent.
        output: Option<Payload>,
    },
    /// Approve reviewed work.
    Approve {
        /// For people.
        message: String,
    },
    /// Send reviewed work back.
    Rework {
        /// The findings.
        message: String,
    },
    /// Refuse reviewed work.
    Reject {
        /// The findings.
        reason: String,
    },
    /// Say something.
    Comment {
        /// What.
        message: String,
    },
    /// Wait for another task. `result` is that task's state if settled, read under its lock.
    AddDependency(Dependency),
    /// Stop waiting for another task.
    RemoveDependency {
        /// Which.
        task_id: TaskId,
    },
    /// Edit fields.
    Update(Box<Edit>),
    /// Remove it.
    Delete {
        /// Also while it is open.
        force: bool,
    },
    /// Time has passed.
    Tick,
    /// A task it waits for settled.
    SettleDependency {
        /// Which.
        task_id: TaskId,
        /// How; a deleted one counts as CANCELLED.
        result: State,
    },
    /// Its parent was cancelled or deleted while open.
    CancelByParent,
}

named_enum! {
    /// The name of an action, as in errors and docs. The numbers only order them.
    CommandName {
        /// See [`Action`].
        Queue = 1, "queue";
        /// See [`Action`].
        Schedule = 2, "schedule";
        /// See [`Action`].
        Assign = 3, "assign";
        /// See [`Action`].
        Start = 4, "start";
        /// See [`Action`].
        Progress = 5, "progress";
        /// See [`Action`].
        Complete = 6, "complete";
        /// See [`Action`].
        Fail = 7, "fail";
        /// See [`Action`].
        Cancel = 8, "cancel";
        /// See [`Action`].
        Retry = 9, "retry";
        /// See [`Action`].
        Discard = 10, "discard";
        /// See [`Action`].
        Pause = 11, "pause";
        /// See [`Action`].
        Resume = 12, "resume";
        /// See [`Action`].
        Release = 13, "release";
        /// See [`Action`].
        Snooze = 14, "snooze";
        /// See [`Action`].
        RequestInput = 15, "request_input";
        /// See [`Action`].
        ProvideInput = 16, "provide_input";
        /// See [`Action`].
        Submit = 17, "submit";
        /// See [`Action`].
        Approve = 18, "approve";
        /// See [`Action`].
        Rework = 19, "rework";
        /// See [`Action`].
        Reject = 20, "reject";
        /// See [`Action`].
        Comment = 21, "comment";
        /// See [`Action`].
        AddDependency = 22, "add_dependency";
        /// See [`Action`].
        RemoveDependency = 23, "remove_dependency";
        /// See [`Action`].
        Update = 24, "update";
        /// See [`Action`].
        Delete = 25, "delete";
        /// See [`Action`].
        Tick = 26, "tick";
        /// See [`Action`].
        SettleDependency = 27, "settle_dependency";
        /// See [`Action`].
        CancelByParent = 28, "cancel_by_parent";
    }
}

impl CommandName {
    /// Whether only Baton itself gives this command.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(self, Self::Tick | Self::SettleDependency | Self::CancelByParent)
    }
}

impl Action {
    /// The payload it carries.
    #[must_use]
    pub const fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Complete { output } | Self::Submit { output } => output.as_ref(),
            Self::Retry { input, .. } => input.as_ref(),
            Self::ProvideInput { input, .. } => Some(input),
            Self::Update(edit) => match &edit.input {
                Some(input) => input.as_ref(),
                None => None,
            },
            Self::Queue
            | Self::Schedule(_)
            | Self::Assign { .. }
            | Self::Start { .. }
            | Self::Progress(_)
            | Self::Fail { .. }
            | Self::Cancel { .. }
            | Self::Discard
            | Self::Pause { .. }
            | Self::Resume
            | Self::Release
            | Self::Snooze(_)
            | Self::RequestInput(_)
            | Self::Approve { .. }
            | Self::Rework { .. }
            | Self::Reject { .. }
            | Self::Comment { .. }
            | Self::AddDependency(_)
            | Self::RemoveDependency { .. }
            | Self::Delete { .. }
            | Self::Tick
            | Self::SettleDependency { .. }
            | Self::CancelByParent => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> CommandName {
        match self {
            Self::Queue => CommandName::Queue,
            Self::Schedule(_) => CommandName::Schedule,
            Self::Assign { .. } => CommandName::Assign,
            Self::Start { .. } => CommandName::Start,
            Self::Progress(_) => CommandName::Progress,
            Self::Complete { .. } => CommandName::Complete,
            Self::Fail { .. } => CommandName::Fail,
            Self::Cancel { .. } => CommandName::Cancel,
            Self::Retry { .. } => CommandName::Retry,
            Self::Discard => CommandName::Discard,
            Self::Pause { .. } => CommandName::Pause,
            Self::Resume => CommandName::Resume,
            Self::Release => CommandName::Release,
            Self::Snooze(_) => CommandName::Snooze,
            Self::RequestInput(_) => CommandName::RequestInput,
            Self::ProvideInput { .. } => CommandName::ProvideInput,
            Self::Submit { .. } => CommandName::Submit,
            Self::Approve { .. } => CommandName::Approve,
            Self::Rework { .. } => CommandName::Rework,
            Self::Reject { .. } => CommandName::Reject,
            Self::Comment { .. } => CommandName::Comment,
            Self::AddDependency(_) => CommandName::AddDependency,
            Self::RemoveDependency { .. } => CommandName::RemoveDependency,
            Self::Update(_) => CommandName::Update,
            Self::Delete { .. } => CommandName::Delete,
            Self::Tick => CommandName::Tick,
            Self::SettleDependency { .. } => CommandName::SettleDependency,
            Self::CancelByParent => CommandName::CancelByParent,
        }
    }
}
