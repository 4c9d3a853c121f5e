//! Why a command changed nothing.

use thiserror::Error;

use crate::command::CommandName;
use crate::id::TaskId;
use crate::task::State;

/// A refusal that the rules foresee. It carries data; the API writes the words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The state has no such move. `allowed` is what a client may do instead.
    #[error("cannot {command} a task in state {from}")]
    IllegalMove {
        /// What was asked.
        command: CommandName,
        /// Where the task is.
        from: State,
        /// What it may be asked there.
        allowed: Vec<CommandName>,
    },
    /// The state would allow it, but something about this task does not.
    #[error("cannot {command} this task: {why}")]
    Unmet {
        /// What was asked.
        command: CommandName,
        /// Where the task is.
        from: State,
        /// What stands in the way.
        why: &'static str,
    },
    /// These fields may not be edited where the task is.
    #[error("cannot edit {} of a task in state {from}", fields.join(", "))]
    NotEditable {
        /// Names as in the update mask.
        fields: Vec<&'static str>,
        /// Where the task is.
        from: State,
    },
    /// The lease of the caller is gone: what it does counts no more.
    #[error("the lease is lost")]
    LeaseLost,
    /// The task is held by lease: only its holder may do this, with its token.
    #[error("the task is leased: {command} needs the token of its lease")]
    LeaseRequired {
        /// What was asked.
        command: CommandName,
    },
    /// The task asks for approval by somebody other than its assignee.
    #[error("the assignee may not approve this task")]
    SelfApproval,
    /// The task has as many events as a task may have.
    #[error("the task has reached its limit of events")]
    EventLimit,
    /// A value that only the task itself can judge.
    #[error("{field}: {why}")]
    InvalidField {
        /// Path in the request.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The dependency would close a circle; the path starts and ends with the same task.
    #[error("the dependency would close a circle")]
    DependencyCycle {
        /// Through these tasks.
        path: Vec<TaskId>,
    },
    /// Deleting an open task that others wait for needs `force`.
    #[error("other tasks wait for this one")]
    HasDependants,
    /// Nothing to do: an internal command came when it no longer mattered.
    #[error("nothing to do")]
    NothingDue,
}
