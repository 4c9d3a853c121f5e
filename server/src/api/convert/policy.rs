//! Retry policies, time limits and verification.

use baton_domain::limits::{ATTEMPTS, BACKOFF, BACKOFF_MULTIPLIER, DELAY, NAME_CHARS, WORDS};
use baton_domain::{AttemptOutcome, RetryPolicy, Span, Timeouts, Verification, retry};
use baton_proto::raw::v1 as raw;

use super::time;
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// The outcomes that a policy may ask to be tried again: those of attempts that failed.
const RETRIABLE: &[AttemptOutcome] = &[
    AttemptOutcome::Error,
    AttemptOutcome::Timeout,
    AttemptOutcome::Killed,
    AttemptOutcome::Reset,
    AttemptOutcome::Deleted,
    AttemptOutcome::LeaseExpired,
];

pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    policy: Option<raw::RetryPolicy>,
) -> Option<Option<RetryPolicy>> {
    let Some(policy) = policy else {
        return Some(None);
    };
    let raw::RetryPolicy {
        max_attempts,
        initial_backoff,
        max_backoff,
        backoff_multiplier,
        jitter,
        retry_outcomes,
        non_retryable_codes,
    } = policy;
    let max_attempts = optional(max_attempts, |n| {
        check::within(v, &at.field("max_attempts"), n, 1..=ATTEMPTS)
    });
    let initial_backoff = optional(initial_backoff, |span| {
        check::span(v, &at.field("initial_backoff"), span, BACKOFF)
    });
    let max_backoff = optional(max_backoff, |span| {
        check::span(v, &at.field("max_backoff"), span, BACKOFF)
    });
    let backoff_multiplier = optional(backoff_multiplier, |factor| {
        check::within(
            v,
            &at.field("backoff_multiplier"),
            factor,
            1.0..=BACKOFF_MULTIPLIER,
        )
    });
    let jitter = optional(jitter, |share| {
        check::within(v, &at.field("jitter"), share, 0.0..=1.0)
    });
    let retry_outcomes = read_outcomes(v, &at.field("retry_outcomes"), &retry_outcomes);
    let non_retryable_codes = read_codes(v, &at.field("non_retryable_codes"), non_retryable_codes);
    let policy = RetryPolicy {
        max_attempts: max_attempts?,
        initial_backoff: initial_backoff?,
        max_backoff: max_backoff?,
        backoff_multiplier: backoff_multiplier?,
        jitter: jitter?,
        retry_outcomes: retry_outcomes?,
        non_retryable_codes: non_retryable_codes?,
    };
    check_order(v, at, &policy)?;
    Some(Some(policy))
}

fn optional<T, U>(value: Option<T>, read: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match value {
        Some(value) => read(value).map(Some),
        None => Some(None),
    }
}

/// The longest backoff is not below the first one, the defaults included: else the first could never be meant.
fn check_order(v: &mut Violations, at: &Path<'_>, policy: &RetryPolicy) -> Option<()> {
    let initial = policy.initial_backoff.unwrap_or(retry::INITIAL_BACKOFF);
    let longest = policy.max_backoff.unwrap_or(retry::MAX_BACKOFF);
    let (asked, initial_asked) = (policy.max_backoff.is_some(), policy.initial_backoff.is_some());
    if longest >= initial || !(asked || initial_asked) {
        return Some(());
    }
    let seconds = |span: Span| span.as_micros() / 1_000_000;
    if asked {
        v.add(
            &at.field("max_backoff"),
            format!("must not be below initial_backoff, {} s", seconds(initial)),
        );
    } else {
        v.add(
            &at.field("initial_backoff"),
            format!("must not be above max_backoff, {} s", seconds(longest)),
        );
    }
    None
}

fn read_outcomes(v: &mut Violations, at: &Path<'_>, numbers: &[i32]) -> Option<Vec<AttemptOutcome>> {
    let mut outcomes = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let outcome = read_outcome(v, &at.index(index), *number)?;
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
    }
    Some(outcomes)
}

/// Reads an outcome that may be tried again.
fn read_outcome(v: &mut Violations, at: &Path<'_>, number: i32) -> Option<AttemptOutcome> {
    let outcome = check::required_member(v, at, number, AttemptOutcome::from_number)?;
    if !RETRIABLE.contains(&outcome) {
        v.add(
            at,
            format!("must be an outcome of a failed attempt, {outcome} is none"),
        );
        return None;
    }
    Some(outcome)
}

fn read_codes(v: &mut Violations, at: &Path<'_>, codes: Vec<String>) -> Option<Vec<String>> {
    if codes.len() > WORDS {
        v.add(at, format!("must have at most {WORDS} entries"));
        return None;
    }
    let read: Vec<_> = codes
        .into_iter()
        .enumerate()
        .map(|(index, code)| check::required_word(v, &at.index(index), code, NAME_CHARS))
        .collect();
    read.into_iter().collect()
}

/// Reads how an attempt is reported to have failed; absent means ERROR. A holder cannot report the end of its lease.
pub(crate) fn read_failure(v: &mut Violations, at: &Path<'_>, number: i32) -> Option<AttemptOutcome> {
    if number == 0 {
        return Some(AttemptOutcome::Error);
    }
    let outcome = read_outcome(v, at, number)?;
    if outcome == AttemptOutcome::LeaseExpired {
        v.add(at, "must be ERROR, TIMEOUT, KILLED, RESET or DELETED");
        return None;
    }
    Some(outcome)
}

pub(crate) fn write(policy: &RetryPolicy) -> raw::RetryPolicy {
    let RetryPolicy {
        max_attempts,
        initial_backoff,
        max_backoff,
        backoff_multiplier,
        jitter,
        retry_outcomes,
        non_retryable_codes,
    } = policy;
    raw::RetryPolicy {
        max_attempts: *max_attempts,
        initial_backoff: initial_backoff.map(time::write_span),
        max_backoff: max_backoff.map(time::write_span),
        backoff_multiplier: *backoff_multiplier,
        jitter: *jitter,
        retry_outcomes: retry_outcomes.iter().map(|outcome| outcome.number()).collect(),
        non_retryable_codes: non_retryable_codes.clone(),
    }
}

/// Reads how a task is verified, and how long RECEIPT waits; absent means NONE.
pub(crate) fn read_verification(
    v: &mut Violations,
    at: &Path<'_>,
    verification: Option<raw::Verification>,
) -> Option<(Verification, Option<Span>)> {
    let raw::Verification { mode, grace } = verification.unwrap_or_default();
    let mode_at = at.field("mode");
    let mode = check::member(v, &mode_at, mode, Verification::from_number, Verification::None);
    let grace_at = at.field("grace");
    let grace = optional(grace, |span| check::span(v, &grace_at, span, BACKOFF));
    let (mode, grace) = (mode?, grace?);
    if grace.is_some() && mode != Verification::Receipt {
        v.add(&grace_at, "must be absent unless the mode is RECEIPT");
        return None;
    }
    Some((mode, grace))
}

pub(crate) fn write_verification(verification: Verification, grace: Option<Span>) -> raw::Verification {
    raw::Verification {
        mode: verification.number(),
        grace: grace.map(time::write_span),
    }
}

/// Reads how long a task may take; absent means as long as it takes.
pub(crate) fn read_timeouts(
    v: &mut Violations,
    at: &Path<'_>,
    timeouts: Option<raw::TaskTimeouts>,
) -> Option<Timeouts> {
    let raw::TaskTimeouts {
        queue_timeout,
        attempt_timeout,
        total_timeout,
    } = timeouts.unwrap_or_default();
    let queue = read_timeout(v, &at.field("queue_timeout"), queue_timeout);
    let attempt = read_timeout(v, &at.field("attempt_timeout"), attempt_timeout);
    let total = read_timeout(v, &at.field("total_timeout"), total_timeout);
    Some(Timeouts {
        queue: queue?,
        attempt: attempt?,
        total: total?,
    })
}

fn read_timeout(
    v: &mut Violations,
    at: &Path<'_>,
    timeout: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    let Some(timeout) = timeout else {
        return Some(None);
    };
    let span = check::span(v, at, timeout, DELAY)?;
    if span == Span::ZERO {
        v.add(at, "must be more than 0; absent means without an end");
        return None;
    }
    Some(Some(span))
}

/// Writes how long a task may take; `None` where nothing limits it.
pub(crate) fn write_timeouts(timeouts: &Timeouts) -> Option<raw::TaskTimeouts> {
    let Timeouts {
        queue,
        attempt,
        total,
    } = timeouts;
    let limited = queue.is_some() || attempt.is_some() || total.is_some();
    limited.then(|| raw::TaskTimeouts {
        queue_timeout: queue.map(time::write_span),
        attempt_timeout: attempt.map(time::write_span),
        total_timeout: total.map(time::write_span),
    })
}
