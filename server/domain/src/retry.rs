//! Whether and when a failed attempt is tried again.

use crate::task::{AttemptOutcome, RetryPolicy, TaskError};
use crate::time::{Span, Timestamp};

/// Attempts where the policy does not say, and where no policy is given.
pub const MAX_ATTEMPTS: i32 = 3;
/// Before the second attempt.
pub const INITIAL_BACKOFF: Span = Span::from_millis(1_500);
/// No backoff is longer, except by `retry_after`.
pub const MAX_BACKOFF: Span = Span::from_secs(60);
/// Each backoff against the one before.
pub const BACKOFF_MULTIPLIER: f64 = 2.0;
/// Share of the initial backoff that may be added where the policy does not say.
pub const JITTER: f64 = 0.25;
/// The least room for jitter where the policy does not say: retries of short backoffs spread too.
pub const MIN_JITTER: Span = Span::from_millis(250);
/// Outcomes tried again where a policy does not say.
pub const RETRY_OUTCOMES: &[AttemptOutcome] = &[
    AttemptOutcome::Error,
    AttemptOutcome::Timeout,
    AttemptOutcome::LeaseExpired,
];
/// Outcomes tried again without any policy: only those that say nothing about the work itself.
pub const UNASKED_OUTCOMES: &[AttemptOutcome] = &[AttemptOutcome::Timeout, AttemptOutcome::LeaseExpired];

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt at that time.
    Again(Timestamp),
    /// None: this outcome is not retried.
    Failed,
    /// None: this error must not be retried.
    NotRetryable,
    /// None: the budget is spent.
    Dead,
}

/// Judges the end of attempt number `attempt` (1 = the first). `jitter` is drawn by the caller, 0.0 to 1.0.
#[must_use]
pub fn judge(
    policy: Option<&RetryPolicy>,
    (attempt, outcome): (i32, AttemptOutcome),
    error: &TaskError,
    (now, jitter): (Timestamp, f64),
) -> Verdict {
    let listed = policy.is_some_and(|p| p.non_retryable_codes.contains(&error.code));
    if error.non_retryable || listed {
        return Verdict::NotRetryable;
    }
    let retried = match policy {
        None => UNASKED_OUTCOMES.contains(&outcome),
        Some(p) if p.retry_outcomes.is_empty() => RETRY_OUTCOMES.contains(&outcome),
        Some(p) => p.retry_outcomes.contains(&outcome),
    };
    if !retried {
        return Verdict::Failed;
    }
    if attempt >= policy.and_then(|p| p.max_attempts).unwrap_or(MAX_ATTEMPTS) {
        return Verdict::Dead;
    }
    let floor = error.retry_after.unwrap_or(Span::ZERO);
    Verdict::Again(now.plus(backoff(policy, attempt, jitter).max(floor)))
}

/// The wait after attempt number `attempt`: min(longest, initial x multiplier^(attempt-1) + jitter).
/// Source: seed S1-43.
#[must_use]
pub fn backoff(policy: Option<&RetryPolicy>, attempt: i32, jitter: f64) -> Span {
    let initial = policy.and_then(|p| p.initial_backoff).unwrap_or(INITIAL_BACKOFF);
    let longest = policy.and_then(|p| p.max_backoff).unwrap_or(MAX_BACKOFF);
    let multiplier = policy
        .and_then(|p| p.backoff_multiplier)
        .unwrap_or(BACKOFF_MULTIPLIER);
    let room = match policy.and_then(|p| p.jitter) {
        Some(share) => micros(initial) * share,
        None => (micros(initial) * JITTER).max(micros(MIN_JITTER)),
    };
    let wait = micros(initial) * multiplier.powi(attempt.saturating_sub(1)) + room * jitter;
    Span::from_micros(whole(wait.min(micros(longest))))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a backoff needs no more than 52 bits of microseconds"
)]
const fn micros(span: Span) -> f64 {
    span.as_micros() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "bounded by the longest backoff, which came from an i64"
)]
const fn whole(micros: f64) -> i64 {
    micros as i64
}
