//! What happened to a task. The log of these is the truth; a task is their fold.

use bytes::Bytes;

use crate::actor::Actor;
use crate::id::TaskId;
use crate::lease::Lease;
use crate::names::named_enum;
use crate::payload::Payload;
use crate::reason::Reason;
use crate::receipt::Receipt;
use crate::task::{
    AttemptOutcome, Dependency, Function, InputRequest, Labels, Priority, Progress, RetryPolicy, State, Task,
    TaskError, Timeouts, Verification,
};
use crate::time::{Span, Timestamp};

named_enum! {
    /// What kind of thing happened. Numbers are those of the proto enum.
    EventType {
        /// The task came into being.
        Created = 1, "CREATED";
        /// It became ready.
        Queued = 2, "QUEUED";
        /// It waits for a time.
        Scheduled = 3, "SCHEDULED";
        /// It waits for dependencies.
        Blocked = 4, "BLOCKED";
        /// It got a holder.
        Assigned = 5, "ASSIGNED";
        /// Work began.
        Started = 6, "STARTED";
        /// The holder told how far it is.
        Progress = 7, "PROGRESS";
        /// Somebody said something.
        Comment = 8, "COMMENT";
        /// A client edited it.
        Updated = 9, "UPDATED";
        /// The holder gave it back.
        Released = 10, "RELEASED";
        /// The holder put it off.
        Snoozed = 11, "SNOOZED";
        /// The holder asked a question.
        InputRequested = 12, "INPUT_REQUESTED";
        /// The question was answered.
        InputProvided = 13, "INPUT_PROVIDED";
        /// Work was handed in for review.
        Submitted = 14, "SUBMITTED";
        /// The reviewer asked for changes.
        ReworkRequested = 15, "REWORK_REQUESTED";
        /// The reviewer approved.
        Approved = 16, "APPROVED";
        /// Done.
        Completed = 17, "COMPLETED";
        /// An attempt failed; another will follow.
        RetryScheduled = 18, "RETRY_SCHEDULED";
        /// The last attempt failed.
        Failed = 19, "FAILED";
        /// The retry budget is spent.
        Dead = 20, "DEAD";
        /// A client asked for a fresh run.
        Retried = 21, "RETRIED";
        /// An operator stopped it.
        Paused = 22, "PAUSED";
        /// An operator let it go on.
        Resumed = 23, "RESUMED";
        /// Cancelled.
        Cancelled = 24, "CANCELLED";
        /// A lease ran out before the work began.
        LeaseExpired = 25, "LEASE_EXPIRED";
        /// The holder saved where the work can be taken up again.
        Checkpoint = 26, "CHECKPOINT";
        /// Gone; its last event.
        Deleted = 27, "DELETED";
        /// The reviewer rejected the work.
        Rejected = 28, "REJECTED";
        /// A resting task was given up.
        Discarded = 29, "DISCARDED";
        /// It now waits for another task.
        DependencyAdded = 30, "DEPENDENCY_ADDED";
        /// It no longer waits for another task.
        DependencyRemoved = 31, "DEPENDENCY_REMOVED";
        /// A task it waits for settled.
        DependencySettled = 32, "DEPENDENCY_SETTLED";
        /// The holder told a part of its output.
        Output = 33, "OUTPUT";
    }
}

/// Fields of an edit that are present replace the task's; `Some(None)` clears an optional one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    /// Not yet started only.
    pub queue: Option<String>,
    /// Not yet started only.
    pub task_type: Option<String>,
    /// Not yet started only.
    pub function: Option<Option<Function>>,
    /// Open only.
    pub title: Option<String>,
    /// Open only.
    pub description: Option<String>,
    /// Not yet started only.
    pub input: Option<Option<Payload>>,
    /// Open only.
    pub priority: Option<Priority>,
    /// Any time; replaced whole.
    pub labels: Option<Labels>,
    /// Any time; replaced whole.
    pub metadata: Option<Option<Bytes>>,
    /// Open only.
    pub retry_policy: Option<Option<RetryPolicy>>,
    /// Open only; replaced whole.
    pub timeouts: Option<Timeouts>,
    /// Not yet started only.
    pub verification: Option<Verification>,
    /// Not yet started only.
    pub verification_grace: Option<Option<Span>>,
}

/// What filters saw before an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Before.
    pub queue: String,
    /// Before.
    pub task_type: String,
    /// Before.
    pub labels: Labels,
}

/// What an event carries beyond its envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// Nothing.
    None,
    /// The task as created, in PENDING at revision 1.
    Created(Box<Task>),
    /// What changed, and what filters saw before.
    Updated {
        /// The new values.
        edit: Box<Edit>,
        /// The old ones that filters name.
        previous: Box<Previous>,
    },
    /// Who holds the task now.
    Assigned {
        /// The holder.
        assignee: Actor,
        /// As granted; `None`: a direct assignment.
        lease: Option<Lease>,
    },
    /// When the work began, where its holder says so after the fact.
    Started {
        /// Not before its grant, not after the event.
        start_time: Timestamp,
    },
    /// How far it is.
    Progress(Progress),
    /// What the holder made.
    Result {
        /// `None` where the holder handed in nothing.
        output: Option<Payload>,
        /// `None` where the holder gave none.
        receipt: Option<Box<Receipt>>,
    },
    /// Why an attempt failed and when the next begins.
    Failure {
        /// How it ended.
        outcome: AttemptOutcome,
        /// Why.
        error: TaskError,
        /// `None` where no attempt follows.
        retry_time: Option<Timestamp>,
        /// Present where a receipt says that the work failed.
        receipt: Option<Box<Receipt>>,
    },
    /// When the task runs.
    Scheduled {
        /// The moment.
        schedule_time: Timestamp,
    },
    /// A question, or the question with its answer.
    Input(Box<InputRequest>),
    /// A fresh run.
    Retried {
        /// How many so far, this one included.
        retry_count: i32,
        /// Present where the input was replaced.
        input: Option<Payload>,
        /// Present where it waits first.
        schedule_time: Option<Timestamp>,
    },
    /// A dependency added, removed or settled.
    Dependency(Dependency),
    /// Where the work can be taken up again.
    Checkpoint(Payload),
    /// A part of the output.
    Output {
        /// 0, 1, 2 ... within the run.
        index: i32,
        /// With its bytes: they stand nowhere else.
        chunk: Payload,
    },
}

/// One thing that happened to one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose history it belongs to.
    pub task_id: TaskId,
    /// Where that task lives.
    pub namespace: String,
    /// 1, 2, 3 ... within the task.
    pub sequence: i64,
    /// Place in the namespace's log; 0 until the committer numbers it.
    pub position: i64,
    /// What kind of thing.
    pub kind: EventType,
    /// When; never less than that of the event before.
    pub time: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What the actor said: a comment, a reason, findings.
    pub message: String,
    /// `None` for CREATED.
    pub from_state: Option<State>,
    /// Equal to `from_state` where the state did not change.
    pub to_state: State,
    /// How the task got into `to_state`; the task's standing reason where the state did not change.
    pub state_reason: Reason,
    /// The attempt it belongs to.
    pub attempt: i32,
    /// The fence after it.
    pub fence: i64,
    /// The task's queue after it.
    pub queue: String,
    /// The task's type after it.
    pub task_type: String,
    /// The task's labels after it.
    pub labels: Labels,
    /// It happened in another database, and came here with its namespace.
    pub imported: bool,
    /// The rest.
    pub detail: Detail,
}
