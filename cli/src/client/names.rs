//! The names of the contract's enums as they stand on the command line: short, lower-case, completed by the shell.

use baton_client::proto::{
    AttemptOutcome, DedupPolicy, DependencyFailureRule, OverlapPolicy, ReceiptStatus, TaskEventType,
    TaskPriority, TaskState, TaskTypeExposure, WebhookFormat,
};
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// Gives an enum of the contract the names of the command line: one wrapper each, because neither the trait nor the type
/// is ours.
macro_rules! names {
    ($($name:ident of $inner:ident: $($variant:ident)+;)+) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(super) $inner);

        impl ValueEnum for $name {
            fn value_variants<'a>() -> &'a [Self] {
                &[$($name($inner::$variant)),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                let full = self.0.as_str_name();
                let prefix = short_prefix::<$name>();
                let short = full.strip_prefix(prefix).unwrap_or(full);
                Some(PossibleValue::new(short.to_ascii_lowercase().replace('_', "-")).alias(short).alias(full))
            }
        }

        impl Prefixed for $name {
            const ZERO: &'static str = "UNSPECIFIED";

            fn zero() -> &'static str {
                $inner::Unspecified.as_str_name()
            }
        }
    )+};
}

/// An enum of the contract, whose values begin with the name of the enum.
trait Prefixed {
    const ZERO: &'static str;
    fn zero() -> &'static str;
}

/// What all names of the enum begin with: the name of its zero without the zero.
fn short_prefix<E: Prefixed>() -> &'static str {
    E::zero().strip_suffix(E::ZERO).unwrap_or_default()
}

names! {
    State of TaskState: Pending Scheduled Queued Assigned InProgress Blocked Paused InputRequired Review Completed
        Failed Dead Cancelled;
    Priority of TaskPriority: Low Normal High Urgent Critical;
    Outcome of AttemptOutcome: Error Timeout Killed Reset Deleted;
    RunOutcome of AttemptOutcome: Ok Error Timeout Killed Reset Deleted LeaseExpired Released Cancelled;
    OnDuplicate of DedupPolicy: ReturnExisting Reject ReplacePending;
    Overlap of OverlapPolicy: Skip BufferOne BufferAll CancelOther AllowAll;
    Exposure of TaskTypeExposure: Public Internal;
    Format of WebhookFormat: Standard Slack;
    OnFailure of DependencyFailureRule: Fail Cancel Continue;
    EventType of TaskEventType: Created Queued Scheduled Blocked Assigned Started Progress Comment Updated Released
        Snoozed InputRequested InputProvided Submitted ReworkRequested Approved Completed RetryScheduled Failed Dead
        Retried Paused Resumed Cancelled Deleted Rejected Discarded DependencyAdded DependencyRemoved DependencySettled
        LeaseExpired Checkpoint Output;
}

/// The name of a state without its prefix, for people.
pub(super) fn state(state: TaskState) -> &'static str {
    short(state.as_str_name(), "TASK_STATE_")
}

/// The name of an event's type without its prefix, for people.
pub(super) fn event_type(event_type: TaskEventType) -> &'static str {
    short(event_type.as_str_name(), "TASK_EVENT_TYPE_")
}

/// The name of a priority without its prefix, for people.
pub(super) fn priority(priority: TaskPriority) -> &'static str {
    short(priority.as_str_name(), "TASK_PRIORITY_")
}

/// The name of an outcome without its prefix, for people.
pub(super) fn outcome(outcome: AttemptOutcome) -> &'static str {
    short(outcome.as_str_name(), "ATTEMPT_OUTCOME_")
}

/// The name of an exposure without its prefix, for people.
pub(super) fn exposure(exposure: TaskTypeExposure) -> &'static str {
    short(exposure.as_str_name(), "TASK_TYPE_EXPOSURE_")
}

/// The name of a webhook's format without its prefix, for people.
pub(super) fn format(format: WebhookFormat) -> &'static str {
    short(format.as_str_name(), "WEBHOOK_FORMAT_")
}

/// The name of a receipt's status without its prefix, for people.
pub(super) fn receipt_status(status: ReceiptStatus) -> &'static str {
    short(status.as_str_name(), "RECEIPT_STATUS_")
}

fn short(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_the_long_ones_work_too() {
        for text in ["in-progress", "IN_PROGRESS", "TASK_STATE_IN_PROGRESS"] {
            assert_eq!(
                State::from_str(text, false),
                Ok(State(TaskState::InProgress)),
                "{text}"
            );
        }
        State::from_str("unspecified", true).unwrap_err();
        assert_eq!(state(TaskState::InputRequired), "INPUT_REQUIRED");
    }

    #[test]
    fn every_value_of_the_contract_has_its_name() {
        let known = |number| TaskState::try_from(number).is_ok();
        assert_eq!(
            State::value_variants().len(),
            (1..100).filter(|&number| known(number)).count()
        );
        let known = |number| TaskEventType::try_from(number).is_ok();
        assert_eq!(
            EventType::value_variants().len(),
            (1..100).filter(|&number| known(number)).count()
        );
        let known = |number| AttemptOutcome::try_from(number).is_ok();
        assert_eq!(
            RunOutcome::value_variants().len(),
            (1..100).filter(|&number| known(number)).count()
        );
        let known = |number| TaskPriority::try_from(number).is_ok();
        assert_eq!(
            Priority::value_variants().len(),
            (1..100).filter(|&number| known(number)).count()
        );
    }
}
