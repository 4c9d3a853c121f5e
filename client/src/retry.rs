//! When a failed call is repeated: only where that is safe, after a growing wait, and not more than a budget allows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tonic::Code;

use crate::Reason;
use crate::error::{Delivery, Error};

/// How often and how fast failed calls are repeated.
///
/// Only what is safe is repeated: a call that certainly changed nothing, a read, and a change that carries a
/// `task_id` or `request_id`. The server's RetryInfo is a floor for the wait. The deadline of the call ends it all.
#[derive(Clone, Debug)]
pub struct RetrySettings {
    /// How often one call is sent at most, the first time included. Default 8; 1 means no repeats.
    pub max_attempts: u32,
    /// The wait before the first repeat; it doubles with each, and a random part up to its own size is added.
    /// Default 50 ms.
    pub initial_backoff: Duration,
    /// The longest wait before its random part. Default 5 s.
    pub max_backoff: Duration,
    /// How many repeats the whole client may make in a burst; ten good calls earn one more. This keeps many clients
    /// from holding a server down that is coming up again. Default 100.
    pub budget: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        RetrySettings {
            max_attempts: 8,
            initial_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(5),
            budget: 100,
        }
    }
}

impl RetrySettings {
    /// The waits between the attempts of one call.
    fn waits(&self) -> ExponentialBackoff {
        let repeats = self.max_attempts.saturating_sub(1);
        self.growing().with_max_times(repeats as usize).build()
    }

    /// The waits between attempts that go on until something else ends them.
    pub(crate) fn endless_waits(&self) -> ExponentialBackoff {
        self.growing().without_max_times().build()
    }

    fn growing(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.initial_backoff)
            .with_max_delay(self.max_backoff)
            .with_factor(2.0)
            .with_jitter()
    }
}

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The caller gets the error.
    GiveUp,
    /// The same request is sent again after a wait.
    Repeat,
    /// The same request is sent again, at first without a wait: the server closed a connection in good order, and this
    /// request was only late for it.
    RepeatAtOnce,
}

/// Decides about a failed attempt. `repeatable`: carrying the request out twice is the same as once.
pub(crate) fn verdict(error: &Error, repeatable: bool) -> Verdict {
    let if_repeatable = if repeatable {
        Verdict::Repeat
    } else {
        Verdict::GiveUp
    };
    match error {
        Error::Refused(refusal) if refusal.code != Code::Unavailable => Verdict::GiveUp,
        Error::Refused(refusal) if did_nothing(&refusal.reason) => Verdict::Repeat,
        Error::Refused(_) => if_repeatable,
        Error::Transport(lost) => match lost.delivery() {
            Delivery::Unreached => Verdict::Repeat,
            Delivery::Unsent => Verdict::RepeatAtOnce,
            Delivery::Unknown => if_repeatable,
            Delivery::Foreign => Verdict::GiveUp,
        },
        Error::DeadlineExceeded { .. } | Error::Settings(_) | Error::Json(_) | Error::Malformed { .. } => {
            Verdict::GiveUp
        }
    }
}

/// Whether a refusal with this reason promises that nothing was done. Reasons of newer servers promise nothing.
fn did_nothing(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Overloaded | Reason::StoreBusy | Reason::StoreUnavailable | Reason::Draining
    )
}

/// The repeats of one call.
pub(crate) struct Repeats<'a> {
    waits: ExponentialBackoff,
    budget: &'a Budget,
    repeated_at_once: bool,
}

impl<'a> Repeats<'a> {
    pub(crate) fn new(settings: &RetrySettings, budget: &'a Budget) -> Self {
        Repeats {
            waits: settings.waits(),
            budget,
            repeated_at_once: false,
        }
    }

    /// How long to wait before the same request is sent again; nothing where it must not be.
    pub(crate) fn wait_after(&mut self, error: &Error, repeatable: bool) -> Option<Duration> {
        let verdict = verdict(error, repeatable);
        if verdict == Verdict::GiveUp {
            return None;
        }
        let wait = self.waits.next()?.max(error.retry_after().unwrap_or_default());
        // A closed connection says nothing about the load of the server: the first repeat after one is quick and free.
        // A call that meets a second one may be in a storm of them.
        if verdict == Verdict::RepeatAtOnce && !self.repeated_at_once {
            self.repeated_at_once = true;
            return Some(Duration::ZERO);
        }
        self.budget.spend().then_some(wait)
    }
}

/// Tenths of a repeat.
const REPEAT_COST: u64 = 10;

/// The repeats that a client may still make.
#[derive(Debug)]
pub(crate) struct Budget {
    tenths: AtomicU64,
    full: u64,
}

impl Budget {
    pub(crate) fn new(repeats: u32) -> Self {
        let full = u64::from(repeats) * REPEAT_COST;
        Budget {
            tenths: AtomicU64::new(full),
            full,
        }
    }

    /// A good call earns a tenth of a repeat.
    pub(crate) fn earn(&self) {
        // The common case is a full budget, which all threads can read without writing it.
        if self.tenths.load(Ordering::Relaxed) < self.full {
            self.tenths.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes one repeat, if there is one.
    pub(crate) fn spend(&self) -> bool {
        let taken = self
            .tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(REPEAT_COST)
            });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_lets_a_burst_through_and_then_a_tenth_of_the_good_calls() {
        let budget = Budget::new(3);
        assert_eq!((0..10).filter(|_| budget.spend()).count(), 3);
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend(), "nine good calls are not enough");
        budget.earn();
        assert!(budget.spend());
        for _ in 0..1_000 {
            budget.earn();
        }
        assert_eq!(
            (0..10).filter(|_| budget.spend()).count(),
            3,
            "it never holds more than at first"
        );
    }

    #[test]
    fn waits_double_with_jitter_up_to_the_cap() {
        let settings = RetrySettings {
            max_attempts: 6,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(400),
            budget: 0,
        };
        let waits: Vec<_> = settings.waits().collect();
        assert_eq!(waits.len(), 5, "the first attempt waits for nothing");
        for (wait, base) in waits.iter().zip([100, 200, 400, 400, 400]) {
            let base = Duration::from_millis(base);
            assert!(*wait >= base && *wait <= base * 2, "{wait:?} for {base:?}");
        }
    }

    #[test]
    fn one_attempt_means_no_waits() {
        let settings = RetrySettings {
            max_attempts: 1,
            ..RetrySettings::default()
        };
        assert_eq!(settings.waits().count(), 0);
    }
}
