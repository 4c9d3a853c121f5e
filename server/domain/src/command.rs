//! What may be asked of a task.

use crate::actor::Actor;
use crate::event::Edit;
use crate::id::TaskId;
use crate::lease::{Terms, Token};
use crate::names::named_enum;
use crate::payload::Payload;
use crate::receipt::Receipt;
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
    /// Shown by whoever holds the task by lease.
    pub token: Option<Token>,
    /// What for.
    pub action: Action,
}

impl Command {
    /// What `actor` asks without a token.
    #[must_use]
    pub const fn new(actor: Actor, action: Action) -> Self {
        Self {
            actor,
            token: None,
            action,
        }
    }
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
        /// `None`: directly, without end.
        lease: Option<Terms>,
    },
    /// Begin the work.
    Start {
        /// `None`: the assignee it has, else the actor.
        assignee: Option<Actor>,
        /// For a QUEUED task: by lease.
        lease: Option<Terms>,
        /// Present where the work began before this is told; brought between the last event and now.
        start_time: Option<Timestamp>,
    },
    /// Keep the lease; the first renewal starts the work.
    Renew {
        /// `None`: as before.
        duration: Option<Span>,
        /// Told with it.
        progress: Option<Progress>,
    },
    /// Tell how far it is.
    Progress(Progress),
    /// Hand in the result.
    Complete {
        /// May be absent.
        output: Option<Payload>,
        /// May be absent.
        receipt: Option<Box<Receipt>>,
        /// As in [`Self::Fail`]: a receipt may say that the work failed.
        jitter: f64,
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
    RequestInput(Box<InputRequest>),
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
        /// May be absent.
        receipt: Option<Box<Receipt>>,
        /// As in [`Self::Fail`]: a receipt may say that the work failed.
        jitter: f64,
    },
    /// Save where the work can be taken up again.
    SaveCheckpoint {
        /// Replaces the last one.
        checkpoint: Payload,
    },
    /// Tell a part of the output.
    AppendOutput {
        /// `None`: the next.
        index: Option<i32>,
        /// The part.
        chunk: Payload,
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
    Tick {
        /// As in [`Self::Fail`]: what ran out may be tried again.
        jitter: f64,
    },
    /// A task it waits for settled.
    SettleDependency {
        /// Which.
        task_id: TaskId,
        /// How; a deleted one counts as CANCELLED.
        result: State,
    },
    /// Its parent was cancelled or deleted while open.
    CancelByParent,
    /// Another task with its dedup key takes its place.
    Supersede {
        /// That task.
        by: TaskId,
    },
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
        /// See [`Action`].
        Renew = 29, "renew";
        /// See [`Action`].
        SaveCheckpoint = 30, "save_checkpoint";
        /// See [`Action`].
        AppendOutput = 31, "append_output";
        /// See [`Action`].
        Supersede = 32, "supersede";
    }
}

impl CommandName {
    /// Whether only Baton itself gives this command.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(
            self,
            Self::Tick | Self::SettleDependency | Self::CancelByParent | Self::Supersede
        )
    }

    /// Whether this is asked by whoever holds the task: of a leased task with the token of its lease.
    #[must_use]
    pub const fn is_of_holder(self) -> bool {
        matches!(
            self,
            Self::Start
                | Self::Renew
                | Self::Progress
                | Self::Complete
                | Self::Fail
                | Self::Release
                | Self::Snooze
                | Self::RequestInput
                | Self::Submit
                | Self::SaveCheckpoint
                | Self::AppendOutput
        )
    }
}

impl Action {
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
            Self::Tick { .. } => CommandName::Tick,
            Self::SettleDependency { .. } => CommandName::SettleDependency,
            Self::CancelByParent => CommandName::CancelByParent,
            Self::Renew { .. } => CommandName::Renew,
            Self::SaveCheckpoint { .. } => CommandName::SaveCheckpoint,
            Self::AppendOutput { .. } => CommandName::AppendOutput,
            Self::Supersede { .. } => CommandName::Supersede,
        }
    }
}
