//! Backoff and budget.

use baton_domain::retry::{Verdict, backoff, judge};
use baton_domain::{AttemptOutcome, RetryPolicy, Span, TaskError, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(0);

fn ask(policy: Option<&RetryPolicy>, attempt: i32, outcome: AttemptOutcome, error: &TaskError) -> Verdict {
    judge(policy, (attempt, outcome), error, (NOW, 0.0))
}

#[test]
fn without_a_policy_an_error_rests_and_a_timeout_is_tried_three_times() {
    let error = TaskError::default();
    assert_eq!(ask(None, 1, AttemptOutcome::Error, &error), Verdict::Failed);
    assert_eq!(
        ask(None, 1, AttemptOutcome::Timeout, &error),
        Verdict::Again(Timestamp::from_micros(1_500_000))
    );
    assert_eq!(
        ask(None, 2, AttemptOutcome::Timeout, &error),
        Verdict::Again(Timestamp::from_micros(3_000_000))
    );
    assert_eq!(ask(None, 3, AttemptOutcome::Timeout, &error), Verdict::Dead);
}

#[test]
fn retry_after_is_a_floor_that_beats_the_cap() {
    let policy = RetryPolicy {
        max_backoff: Some(Span::from_secs(1)),
        ..RetryPolicy::default()
    };
    let error = TaskError {
        retry_after: Some(Span::from_secs(90)),
        ..TaskError::default()
    };
    let expected = Verdict::Again(Timestamp::from_micros(90_000_000));
    assert_eq!(ask(Some(&policy), 1, AttemptOutcome::Error, &error), expected);
}

#[test]
fn what_must_not_be_retried_is_not() {
    let policy = RetryPolicy {
        non_retryable_codes: vec!["BAD_INPUT".to_owned()],
        ..RetryPolicy::default()
    };
    let listed = TaskError {
        code: "BAD_INPUT".to_owned(),
        ..TaskError::default()
    };
    let marked = TaskError {
        non_retryable: true,
        ..TaskError::default()
    };
    for error in [listed, marked] {
        assert_eq!(
            ask(Some(&policy), 1, AttemptOutcome::Error, &error),
            Verdict::NotRetryable
        );
    }
    assert_eq!(
        ask(Some(&policy), 1, AttemptOutcome::Killed, &TaskError::default()),
        Verdict::Failed
    );
}

#[test]
fn each_outcome_is_retried_by_the_policy_that_names_it() {
    let error = TaskError::default();
    let again = Verdict::Again(Timestamp::from_micros(1_500_000));
    let default = RetryPolicy::default();
    let asked = [
        AttemptOutcome::Killed,
        AttemptOutcome::Reset,
        AttemptOutcome::Deleted,
    ];
    let seed = RetryPolicy {
        retry_outcomes: asked.to_vec(),
        ..RetryPolicy::default()
    };
    let by = |policy, outcome| ask(policy, 1, outcome, &error) == again;
    for outcome in AttemptOutcome::ALL {
        let lost = matches!(outcome, AttemptOutcome::Timeout | AttemptOutcome::LeaseExpired);
        assert_eq!(by(None, *outcome), lost, "{outcome} without a policy");
        let usual = lost || *outcome == AttemptOutcome::Error;
        assert_eq!(by(Some(&default), *outcome), usual, "{outcome} by default");
        assert_eq!(
            by(Some(&seed), *outcome),
            asked.contains(outcome),
            "{outcome} where it is named"
        );
    }
    let spent = ask(Some(&seed), 3, AttemptOutcome::Killed, &error);
    assert_eq!(spent, Verdict::Dead);
}

proptest! {
    #[test]
    fn a_backoff_stays_within_the_formula(attempt in 1..200_i32, jitter in 0.0..1.0_f64, initial in 0..10_000_000_i64) {
        let policy = RetryPolicy { initial_backoff: Some(Span::from_micros(initial)), ..RetryPolicy::default() };
        let wait = backoff(Some(&policy), attempt, jitter).as_micros();
        let plain = backoff(Some(&policy), attempt, 0.0).as_micros();
        let room = (initial / 4).max(250_000);
        prop_assert!(wait <= 60_000_000, "never above the longest backoff");
        prop_assert!(wait >= plain && wait <= plain + room, "only jitter is added: {plain} {wait}");
    }
}
