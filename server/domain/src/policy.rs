//! What a task's creator asks for: retries, time limits, verification, and what a failed dependency does.

use crate::names::named_enum;
use crate::task::AttemptOutcome;
use crate::time::Span;

/// When a failed attempt is tried again. Missing fields have the defaults of [`crate::retry`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 = no retry.
    pub max_attempts: Option<i32>,
    /// Before the second attempt.
    pub initial_backoff: Option<Span>,
    /// No backoff is longer.
    pub max_backoff: Option<Span>,
    /// Each backoff is this many times the one before.
    pub backoff_multiplier: Option<f64>,
    /// Random share of the initial backoff that is added, 0 to 1.
    pub jitter: Option<f64>,
    /// Which outcomes are tried again; empty = the default set.
    pub retry_outcomes: Vec<AttemptOutcome>,
    /// Error codes that are never tried again.
    pub non_retryable_codes: Vec<String>,
}

named_enum! {
    /// What completion needs.
    Verification {
        /// Nothing: complete means COMPLETED.
        None = 1, "NONE";
        /// A receipt says how the work can be verified: see [`crate::receipt`].
        Receipt = 2, "RECEIPT";
        /// Somebody other than the assignee approves.
        Manual = 3, "MANUAL";
    }
}

/// How long work that waits for verification by receipt waits where the task does not say.
pub const VERIFICATION_GRACE: Span = Span::from_secs(120);

/// How long a task may take; what is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From QUEUED to its holder.
    pub queue: Option<Span>,
    /// From the start of an attempt to its end.
    pub attempt: Option<Span>,
    /// From its creation or last retry to its end, pauses and waits included.
    pub total: Option<Span>,
}

named_enum! {
    /// What a dependency that does not complete does to the task that waits for it.
    FailureRule {
        /// The task fails (default): so that nothing waits for ever.
        Fail = 1, "FAIL";
        /// The task is cancelled.
        Cancel = 2, "CANCEL";
        /// The task goes on as if it had completed.
        Continue = 3, "CONTINUE";
    }
}
