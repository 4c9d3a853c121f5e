//! What a handler returns: how the work on a task ended.

use std::error::Error as StdError;
use std::time::Duration;

use baton_proto::v1::task_report::Result as Told;
use baton_proto::v1::{
    AttemptOutcome, Payload, Receipt, ReportedCompletion, ReportedFailure, ReportedRelease, ReportedSnooze,
    TaskError,
};
use serde::Serialize;

use crate::moves::When;
use crate::value::{self, span, to_struct};

/// The longest message and the longest code of an error, in characters.
const MESSAGE_MAX: usize = 8_192;
const CODE_MAX: usize = 64;

/// How the work on a task ended, where it did not fail.
///
/// A handler whose work is done may as well return its output: whatever serde can write.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is what a handler returns"]
pub struct Outcome {
    told: Told,
}

impl Outcome {
    /// The work is done, and made nothing that is worth keeping.
    pub fn done() -> Self {
        Outcome {
            told: Told::Complete(ReportedCompletion::default()),
        }
    }

    /// The work is done, and made this.
    ///
    /// Errors: what serde cannot write as JSON.
    pub fn output(output: &(impl Serialize + ?Sized)) -> Result<Self, crate::Error> {
        Ok(Self::payload(value::json(output)?))
    }

    /// The work is done, and made this.
    pub fn payload(output: Payload) -> Self {
        Outcome {
            told: Told::Complete(ReportedCompletion {
                output: Some(output),
                receipt: None,
            }),
        }
    }

    /// What is said of work that is done: how it can be verified, or what keeps it from being so. Nothing else than
    /// done work takes one.
    pub fn receipt(mut self, receipt: Receipt) -> Self {
        if let Told::Complete(completion) = &mut self.told {
            completion.receipt = Some(receipt);
        }
        self
    }

    /// The task is given back to its queue; the attempt does not count.
    pub fn release() -> Self {
        Outcome {
            told: Told::Release(ReportedRelease {}),
        }
    }

    /// The task is put off: to a time, or for a time from now on. The attempt does not count.
    pub fn snooze(when: impl Into<When>) -> Self {
        let (schedule_time, delay) = when.into().parts();
        Outcome {
            told: Told::Snooze(ReportedSnooze { schedule_time, delay }),
        }
    }

    pub(super) fn told(self) -> Told {
        self.told
    }
}

/// What a handler may return for work that did not fail: an [`Outcome`], or an output that serde can write.
///
/// An output that is written as `null`, such as `()`, is none.
pub trait IntoOutcome {
    /// The outcome that it means.
    ///
    /// Errors: an output that serde cannot write as JSON; another attempt would not help.
    fn into_outcome(self) -> Result<Outcome, Failure>;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, Failure> {
        Ok(self)
    }
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Result<Outcome, Failure> {
        match serde_json::to_string(&self) {
            Ok(text) if text == "null" => Ok(Outcome::done()),
            Ok(text) => Ok(Outcome::payload(value::json_text(text))),
            Err(error) => Err(Failure::from(error).code("OUTPUT_NOT_JSON").non_retryable()),
        }
    }
}

/// Why an attempt failed. Every error of Rust becomes one by `?`; its message is the error's and those of its sources.
///
/// Whether another attempt follows, the task's retry policy says, and [`non_retryable`](Self::non_retryable).
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is what a handler returns"]
pub struct Failure {
    // Boxed: results are moved often, and failures are rare.
    told: Box<ReportedFailure>,
}

impl Failure {
    /// A failure with a message for people, of which at most 8,192 characters are told.
    pub fn new(message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.is_empty() {
            message.push_str("failed, and does not say why");
        }
        truncate(&mut message, MESSAGE_MAX);
        let error = TaskError {
            message,
            ..TaskError::default()
        };
        Failure {
            told: Box::new(ReportedFailure {
                error: Some(error),
                outcome: AttemptOutcome::Error.into(),
            }),
        }
    }

    /// A stable word that programs and retry policies switch on, for example `rate_limited`; at most 64 characters.
    pub fn code(self, code: impl Into<String>) -> Self {
        let mut code = code.into();
        truncate(&mut code, CODE_MAX);
        self.error(|error| error.code = code)
    }

    /// More about it, as a JSON object.
    pub fn details(self, details: serde_json::Map<String, serde_json::Value>) -> Self {
        self.error(|error| error.details = Some(to_struct(details)))
    }

    /// The earliest time after which another attempt makes sense, at most 7 days.
    pub fn retry_after(self, wait: Duration) -> Self {
        self.error(|error| error.retry_after = Some(span(wait)))
    }

    /// No further attempt, whatever the retry policy says.
    pub fn non_retryable(self) -> Self {
        self.error(|error| error.non_retryable = true)
    }

    /// How the attempt ended. Default ERROR.
    pub fn outcome(mut self, outcome: AttemptOutcome) -> Self {
        self.told.set_outcome(outcome);
        self
    }

    /// The message, for people.
    pub fn message(&self) -> &str {
        let error = self.told.error.as_ref();
        error.map_or("", |error| error.message.as_str())
    }

    pub(super) fn told(self) -> Told {
        Told::Fail(*self.told)
    }

    fn error(mut self, change: impl FnOnce(&mut TaskError)) -> Self {
        change(self.told.error.get_or_insert_default());
        self
    }
}

impl<E: StdError> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many errors tell their source in their own words already.
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        Failure::new(message)
    }
}

fn truncate(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_what_serde_writes_and_nothing_is_none() {
        let output = |outcome: Outcome| match outcome.told {
            Told::Complete(completion) => completion.output,
            other => panic!("{other:?}"),
        };
        assert_eq!(output(().into_outcome().unwrap()), None);
        assert_eq!(output(None::<u8>.into_outcome().unwrap()), None);
        let written = value::json_text("[1,2]");
        assert_eq!(output([1, 2].into_outcome().unwrap()), Some(written));
        let keys = std::collections::BTreeMap::from([([1_u8], 1_u8)]);
        let failure = keys.into_outcome().unwrap_err();
        let Told::Fail(told) = failure.told() else {
            panic!("a failure")
        };
        assert!(told.error.unwrap().non_retryable);
    }

    #[test]
    fn an_error_tells_its_sources_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot post")]
        struct Outer(#[source] std::io::Error);
        let refused = || std::io::Error::other("connection refused");
        assert_eq!(
            Failure::from(Outer(refused())).message(),
            "cannot post: connection refused"
        );
        assert_eq!(Failure::from(refused()).message(), "connection refused");
    }

    #[test]
    fn what_the_contract_does_not_take_is_cut() {
        let failure = Failure::new("ü".repeat(9_000)).code("c".repeat(70));
        assert_eq!(failure.message().chars().count(), MESSAGE_MAX);
        assert_eq!(failure.told.error.as_ref().unwrap().code.len(), CODE_MAX);
        assert!(!Failure::new("").message().is_empty());
    }
}
