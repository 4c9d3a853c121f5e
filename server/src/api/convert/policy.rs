//! Retry policies and verification.

use baton_domain::limits::{ATTEMPTS, BACKOFF, BACKOFF_MULTIPLIER, NAME_CHARS, WORDS};
use baton_domain::{AttemptOutcome, RetryPolicy, Span, Verification, retry};
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

/// Reads how a task is verified; absent means NONE.
pub(crate) fn read_verification(
    v: &mut Violations,
    at: &Path<'_>,
    verification: Option<raw::Verification>,
) -> Option<Verification> {
    let raw::Verification { mode } = verification.unwrap_or_default();
    check::member(
        v,
        &at.field("mode"),
        mode,
        // The domain knows one more than the contract has.
        |number| {
            raw::VerificationMode::try_from(number)
                .ok()
                .and_then(|_| Verification::from_number(number))
        },
        Verification::None,
    )
}

pub(crate) fn write_verification(verification: Verification) -> raw::Verification {
    raw::Verification {
        mode: verification.number(),
    }
}
