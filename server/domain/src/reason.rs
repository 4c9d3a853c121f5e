//! The words of `state_reason`: stable, snake_case, one per way into a state.

use std::borrow::Cow;

/// A state reason. Borrowed when written by this version, owned when read back from the store.
pub type Reason = Cow<'static, str>;

macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)+) => {
        $($(#[$meta])* pub const $name: Reason = Cow::Borrowed($text);)+

        /// Every reason this version writes.
        pub const ALL: &[&str] = &[$($text),+];
    };
}

reasons! {
    /// Created and not placed yet, or held.
    CREATED = "created";
    /// Created with `hold`: waits for QueueTask.
    HELD = "held";
    /// Ready from the start.
    READY = "ready";
    /// Waits for dependencies that are not settled.
    DEPENDENCIES_OPEN = "dependencies_open";
    /// Waits for its schedule time.
    SCHEDULED = "scheduled";
    /// Its schedule time has come.
    DUE = "due";
    /// Queued by a client.
    QUEUED = "queued";
    /// A person, agent or service was named.
    ASSIGNED = "assigned";
    /// Work began.
    STARTED = "started";
    /// Given back; the attempt does not count.
    RELEASED = "released";
    /// Put off by its holder; the attempt does not count.
    SNOOZED = "snoozed";
    /// The holder asked a question.
    INPUT_REQUESTED = "input_requested";
    /// The question was answered.
    INPUT_PROVIDED = "input_provided";
    /// A lease ran out before the work began.
    LEASE_EXPIRED = "lease_expired";
    /// The queue or total time ran out.
    EXPIRED = "expired";
    /// An input request without a default was not answered in time.
    INPUT_EXPIRED = "input_expired";
    /// Its receipt says that the work cannot go on.
    REPORTED_BLOCKED = "reported_blocked";
    /// Its receipt says how the work can be verified.
    AWAITING_VERIFICATION = "completed_awaiting_verification";
    /// Its receipt says that there is nothing to verify.
    NO_VERIFICATION = "completed_no_verification";
    /// It has no receipt, or one that does not speak of verification.
    MISSING_VERIFICATION = "completed_missing_verification";
    /// Nobody objected to a receipt within the grace of its verification.
    AUTO_VERIFIED = "auto_verified_after_grace_window";
    /// The receipt said nothing that lets the work count as verified when the grace ended.
    VERIFICATION_UNVERIFIED = "verification_timeout_unverified";
    /// There was no receipt when the grace ended.
    VERIFICATION_MISSING_RECEIPT = "verification_timeout_missing_receipt";
    /// Done.
    COMPLETED = "completed";
    /// Completed, but the task asks for verification first.
    VERIFICATION_REQUIRED = "verification_required";
    /// Handed in for review by its holder.
    SUBMITTED = "submitted";
    /// A reviewer approved.
    APPROVED = "approved";
    /// A reviewer asked for changes.
    REWORK_REQUESTED = "rework_requested";
    /// A reviewer rejected the work.
    REJECTED = "rejected";
    /// Failed, and no policy asks for another attempt.
    FAILED = "failed";
    /// Failed in a way that is never retried.
    NOT_RETRYABLE = "not_retryable";
    /// Failed; runs again after its backoff.
    RETRY_BACKOFF = "retry_backoff";
    /// Failed; the retry budget is spent.
    RETRY_BUDGET_SPENT = "retry_budget_spent";
    /// Failed; it has as many events as a task may have.
    EVENT_LIMIT = "event_limit";
    /// Retried by a client.
    RETRIED = "retried";
    /// Cancelled by a client.
    CANCELLED = "cancelled";
    /// Cancelled because its parent was.
    PARENT_CANCELLED = "parent_cancelled";
    /// Another task with the same dedup key took its place.
    SUPERSEDED = "superseded";
    /// A dependency did not complete and its rule says fail.
    DEPENDENCY_FAILED = "dependency_failed";
    /// A dependency did not complete and its rule says cancel.
    DEPENDENCY_CANCELLED = "dependency_cancelled";
    /// The last dependency settled.
    DEPENDENCIES_SETTLED = "dependencies_settled";
    /// The last open dependency was removed.
    DEPENDENCY_REMOVED = "dependency_removed";
    /// Stopped by an operator.
    PAUSED = "paused";
    /// Let go on by an operator.
    RESUMED = "resumed";
    /// A resting task was given up.
    DISCARDED = "discarded";
    /// Deleted.
    DELETED = "deleted";
}
