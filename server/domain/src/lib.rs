//! The rules of Baton, and nothing else: no I/O, no clock, no randomness.
//!
//! Reading order: [`task`] (what a task is), [`command`] (what may be asked of it), [`decide()`] (what the
//! answer is: events or a [`Rejection`]), [`apply()`] (what an event does to a task), [`place`] (where a task
//! waits), [`retry`] (when it runs again), [`lease`] (who may speak for it), [`timers`] (what time alone does).
//!
//! A task is the fold of its events: `decide` never changes a task, it returns events, and [`apply()`] is the
//! only code that turns an event into a changed task. The same `apply` folds the log.

mod json;
mod names;
mod steps;

pub mod actor;
pub mod apply;
pub mod command;
pub mod create;
pub mod decide;
pub mod dedup;
pub mod event;
pub mod filter;
pub mod heap;
pub mod id;
pub mod lease;
pub mod limits;
pub mod payload;
pub mod place;
pub mod policy;
pub mod queue;
pub mod reason;
pub mod receipt;
pub mod receipt_text;
pub mod rejection;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod task;
pub mod task_type;
pub mod time;
pub mod timers;
pub mod transitions;
pub mod webhook;

pub use actor::{Actor, ActorType};
pub use apply::apply;
pub use command::{Action, Command, CommandName, When};
pub use create::{NewTask, create};
pub use decide::{decide, decide_under, report};
pub use dedup::{Dedup, DedupPolicy};
pub use event::{Detail, Edit, Event, EventType, Previous};
pub use heap::HeapBytes;
pub use id::TaskId;
pub use lease::{Directive, Lease, Terms, Token, is_leasable};
pub use payload::{Payload, PayloadKind, PayloadRole};
pub use queue::{Queue, QueueEdit, QueueId, QueueSpec};
pub use receipt::{Artifact, Blocker, Receipt, ReceiptStatus, VerificationItem};
pub use rejection::Rejection;
pub use run::{Run, RunChange, RunEnd};
pub use schedule::{Schedule, ScheduleEdit, ScheduleId, ScheduleSpec};
pub use steps::Outcome;
pub use task::{
    AttemptOutcome, Dependency, FailureRule, Function, FunctionKind, InputRequest, Labels, Priority,
    Progress, RetryPolicy, State, Task, TaskError, Timeouts, Verification,
};
pub use task_type::{TaskType, TypeEdit, TypeId, TypeSpec};
pub use time::{Span, Timestamp};
pub use timers::Timers;
pub use webhook::{Webhook, WebhookEdit, WebhookId, WebhookProgress, WebhookSpec};
