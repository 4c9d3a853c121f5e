//! What a task is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::actor::Actor;
use crate::id::TaskId;
use crate::lease::Lease;
use crate::names::named_enum;
use crate::payload::Payload;
use crate::reason::Reason;
use crate::receipt::Receipt;
use crate::time::{Span, Timestamp};
use crate::timers::Timers;

use crate::policy::VERIFICATION_GRACE;
pub use crate::policy::{FailureRule, RetryPolicy, Timeouts, Verification};

/// For filters and routing, by key. Every event of a task has them too, so they are shared, not copied.
pub type Labels = Arc<BTreeMap<String, String>>;

named_enum! {
    /// Where a task is in its life. Numbers are those of the proto enum and never reused.
    State {
        /// Created and held; nobody may run it yet.
        Pending = 1, "PENDING";
        /// Runs at its schedule time.
        Scheduled = 2, "SCHEDULED";
        /// Ready.
        Queued = 3, "QUEUED";
        /// Has a holder, not started.
        Assigned = 4, "ASSIGNED";
        /// The holder works on it.
        InProgress = 5, "IN_PROGRESS";
        /// Waits for dependencies.
        Blocked = 6, "BLOCKED";
        /// Stopped by an operator.
        Paused = 7, "PAUSED";
        /// The holder waits for an answer.
        InputRequired = 8, "INPUT_REQUIRED";
        /// Work done, waits for approval.
        Review = 9, "REVIEW";
        /// Final: done.
        Completed = 10, "COMPLETED";
        /// Resting: the last attempt failed and no policy asks for another.
        Failed = 11, "FAILED";
        /// Resting: the retry budget is spent.
        Dead = 12, "DEAD";
        /// Final: cancelled.
        Cancelled = 13, "CANCELLED";
    }
}

impl State {
    /// Not settled: cancel and timeouts act on it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_settled()
    }

    /// COMPLETED, FAILED, DEAD or CANCELLED: ends waits and settles dependencies.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Dead | Self::Cancelled
        )
    }

    /// FAILED or DEAD: left only by retry or discard.
    #[must_use]
    pub const fn is_resting(self) -> bool {
        matches!(self, Self::Failed | Self::Dead)
    }
}

named_enum! {
    /// How urgent a task is; higher runs first.
    Priority {
        /// When time permits.
        Low = 1, "LOW";
        /// The default.
        Normal = 2, "NORMAL";
        /// Important.
        High = 3, "HIGH";
        /// Next.
        Urgent = 4, "URGENT";
        /// At once.
        Critical = 5, "CRITICAL";
    }
}

named_enum! {
    /// What kind of work a function is (seed S3-4).
    FunctionKind {
        /// A model generates the output.
        Generative = 1, "GENERATIVE";
        /// A program computes it.
        Code = 2, "CODE";
        /// An agent works towards it with tools.
        Agentic = 3, "AGENTIC";
        /// A person does it.
        Human = 4, "HUMAN";
    }
}

/// What is to be done, told to whoever does it. Baton keeps it and never runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What kind of work.
    pub kind: FunctionKind,
    /// Its name; a task without a type takes it as type.
    pub name: String,
    /// For whoever does the work.
    pub description: String,
    /// Encoded `google.protobuf.Struct`: what the arguments mean.
    pub args: Option<Bytes>,
    /// Encoded `google.protobuf.Value`: what the output should look like.
    pub output: Option<Bytes>,
    /// `{{name}}` is filled in by the worker.
    pub prompt_template: String,
}

/// How far the work is, as its holder says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// 0 to 100.
    pub percent: Option<i32>,
    /// What is being done now.
    pub current_step: String,
    /// For people.
    pub message: String,
    /// The holder's guess.
    pub estimated_time_remaining: Option<Span>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskError {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// Encoded `google.protobuf.Struct`.
    pub details: Option<Bytes>,
    /// The next attempt starts no sooner; wins over the policy's longest backoff.
    pub retry_after: Option<Span>,
    /// Never try again.
    pub non_retryable: bool,
}

impl TaskError {
    /// An error of that code, with nothing beside its message.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }
}

named_enum! {
    /// How an attempt ended.
    AttemptOutcome {
        /// It did what it should.
        Ok = 1, "OK";
        /// It reported an error.
        Error = 2, "ERROR";
        /// It took too long.
        Timeout = 3, "TIMEOUT";
        /// Its process was killed.
        Killed = 4, "KILLED";
        /// Its session was reset.
        Reset = 5, "RESET";
        /// Its session was deleted.
        Deleted = 6, "DELETED";
        /// Its lease ran out.
        LeaseExpired = 7, "LEASE_EXPIRED";
        /// It was given back.
        Released = 8, "RELEASED";
        /// It was cancelled.
        Cancelled = 9, "CANCELLED";
    }
}

/// One task waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The task that is waited for.
    pub task_id: TaskId,
    /// What happens if it does not complete.
    pub on_failure: FailureRule,
    /// How it settled; `None` while it is open.
    pub result: Option<State>,
}

/// A question of the holder to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRequest {
    /// Unique in the task.
    pub key: String,
    /// For people.
    pub prompt: String,
    /// Encoded `google.protobuf.Struct`: the JSON Schema of the answer. Judged before the answer gets here.
    pub schema: Option<Bytes>,
    /// Where not empty, the answer is one of these, as a JSON string.
    pub choices: Vec<String>,
    /// It is answered by then, or else by `default_input`; without that the task fails.
    pub deadline_time: Option<Timestamp>,
    /// The answer if nobody gives one in time.
    pub default_input: Option<Payload>,
    /// Set once.
    pub answer: Option<Payload>,
    /// Who answered.
    pub answerer: Option<Actor>,
}

impl InputRequest {
    /// An open question that any answer will do for, whenever it comes.
    #[must_use]
    pub const fn new(key: String, prompt: String) -> Self {
        Self {
            key,
            prompt,
            schema: None,
            choices: Vec::new(),
            deadline_time: None,
            default_input: None,
            answer: None,
            answerer: None,
        }
    }
}

/// A task as it stands: the fold of its events, plus what no event carries: the times of a renewed lease, the last
/// call of a holder, and two marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Where it lives.
    pub namespace: String,
    /// Which workers may take it.
    pub queue: String,
    /// Which handler runs it.
    pub task_type: String,
    /// What is to be done.
    pub function: Option<Function>,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// What it works on.
    pub input: Option<Payload>,
    /// What it made.
    pub output: Option<Payload>,
    /// What the holder said of it when it handed it in.
    pub receipt: Option<Box<Receipt>>,
    /// Where the next attempt can take up the work.
    pub checkpoint: Option<Payload>,
    /// Why the last attempt failed.
    pub error: Option<TaskError>,
    /// Where it is in its life.
    pub state: State,
    /// How it got there.
    pub state_reason: Reason,
    /// What the caller said of it: the reason of a cancel, pause or reject.
    pub state_message: String,
    /// How urgent.
    pub priority: Priority,
    /// For filters and routing.
    pub labels: Labels,
    /// Encoded `google.protobuf.Struct`, not looked into.
    pub metadata: Option<Bytes>,
    /// Who created it.
    pub creator: Actor,
    /// Who holds it; once it settled or waits for an answer or a review, who held it last.
    pub assignee: Option<Actor>,
    /// The assignee holds or held it by lease: it goes when the task returns to a waiting place.
    pub leased: bool,
    /// While a lease is live.
    pub lease: Option<Lease>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// The task it belongs to.
    pub parent_id: Option<TaskId>,
    /// What it waits for, and how that settled.
    pub dependencies: Vec<Dependency>,
    /// It runs no sooner.
    pub schedule_time: Option<Timestamp>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When its last event happened.
    pub update_time: Timestamp,
    /// When it last became QUEUED.
    pub queue_time: Option<Timestamp>,
    /// When work first began since it was created or retried.
    pub start_time: Option<Timestamp>,
    /// When it settled.
    pub end_time: Option<Timestamp>,
    /// The attempt under way or to come, counted from 1 since the last retry.
    pub attempt: i32,
    /// Retry commands.
    pub retry_count: i32,
    /// The version of the input that was last cleared, 0 if none was: versions never come again.
    pub cleared_input: i32,
    /// The version of its last checkpoint, be it cleared since: versions never come again.
    pub checkpoint_version: i32,
    /// Starts.
    pub execution_count: i32,
    /// Runs: starts, and returns to the same holder after an answer or a review.
    pub run_count: i32,
    /// Chunks of output that the run under way has appended.
    pub output_count: i32,
    /// When a failed attempt is tried again.
    pub retry_policy: Option<RetryPolicy>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// From when that counts.
    pub timers: Timers,
    /// What completion needs.
    pub verification: Verification,
    /// How long RECEIPT waits for a verification.
    pub verification_grace: Option<Span>,
    /// Told from other tasks by this key; empty: by nothing.
    pub dedup_key: String,
    /// Questions asked, the newest last.
    pub input_requests: Vec<InputRequest>,
    /// Rises with every grant and every revocation.
    pub fence: i64,
    /// Where a PAUSED task came from.
    pub paused_from: Option<State>,
    /// Sequence of its last event.
    pub revision: i64,
    /// Sequence of the last event that changed its state or a field that clients edit: the etag.
    pub edit_revision: i64,
    /// Over the request that created it: tells a repeated create from another task with the same id.
    pub spec_hash: [u8; 32],
    /// Of the last move that a holder made by token: tells a repeat from another call. Not part of the fold.
    pub last_call: Option<i64>,
    /// As `last_call`, of the last move by which a live lease ended: a late receipt may have come after it.
    pub handover_call: Option<i64>,
    /// Some task waits for this one. Never unset; not part of the fold.
    pub has_dependants: bool,
    /// Some task belongs to this one. Never unset; not part of the fold.
    pub has_children: bool,
}

impl Task {
    /// The version of its last input, be it cleared since; 0 if it never had one.
    #[must_use]
    pub fn input_version(&self) -> i32 {
        self.input
            .as_ref()
            .map_or(self.cleared_input, |input| input.version)
    }

    /// How long it ran: from its start to its end. `None` before both are known.
    #[must_use]
    pub fn duration(&self) -> Option<Span> {
        Some(self.end_time?.since(self.start_time?))
    }

    /// The first dependency that is not settled.
    #[must_use]
    pub fn open_dependency(&self) -> Option<&Dependency> {
        self.dependencies.iter().find(|d| d.result.is_none())
    }

    /// The newest input request that waits for an answer.
    #[must_use]
    pub fn open_input_request(&self) -> Option<&InputRequest> {
        self.open_input_requests().next_back()
    }

    /// The input requests that wait for an answer, the oldest first.
    pub fn open_input_requests(&self) -> impl DoubleEndedIterator<Item = &InputRequest> {
        self.input_requests.iter().filter(|r| r.answer.is_none())
    }

    /// How long work that was handed in waits for its verification; `None`: until somebody approves.
    #[must_use]
    pub fn grace(&self) -> Option<Span> {
        match self.verification {
            Verification::Receipt => Some(self.verification_grace.unwrap_or(VERIFICATION_GRACE)),
            Verification::None | Verification::Manual => None,
        }
    }
}
