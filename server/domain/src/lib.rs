//! The rules of Baton, and nothing else: no I/O, no clock, no randomness.
//!
//! Reading order: [`task`] (what a task is), [`command`] (what may be asked of it), [`decide()`] (what the
//! answer is: events or a [`Rejection`]), [`apply()`] (what an event does to a task), [`place`] (where a task
//! waits), [`retry`] (when it runs again).
//!
//! A task is the fold of its events: `decide` never changes a task, it returns events, and [`apply()`] is the
//! only code that turns an event into a changed task. The same `apply` folds the log.

mod names;
mod steps;

pub mod actor;
pub mod apply;
pub mod command;
pub mod create;
pub mod decide;
pub mod event;
pub mod filter;
pub mod heap;
pub mod id;
pub mod limits;
pub mod payload;
pub mod place;
pub mod reason;
pub mod rejection;
pub mod retry;
pub mod task;
pub mod time;
pub mod transitions;

pub use actor::{Actor, ActorType};
pub use apply::apply;
pub use command::{Action, Command, CommandName, When};
pub use create::{NewTask, create};
pub use decide::decide;
pub use event::{Detail, Edit, Event, EventType, Previous};
pub use heap::HeapBytes;
pub use id::TaskId;
pub use payload::{Payload, PayloadKind, PayloadRole};
pub use rejection::Rejection;
pub use steps::Outcome;
pub use task::{
    AttemptOutcome, Dependency, FailureRule, Function, FunctionKind, InputRequest, Labels, Priority,
    Progress, RetryPolicy, State, Task, TaskError, Verification,
};
pub use time::{Span, Timestamp};
