//! Evaluates a filter against one record in memory; SQL made from the same filter must agree with it.

use std::cmp::Ordering;

use super::{Field, Filter, Value};
use crate::id::TaskId;
use crate::run::Run;
use crate::task::{AttemptOutcome, Priority, State, Task};
use crate::time::Timestamp;

/// What a filter looks at: a task, or an event or a run of one.
pub trait Record {
    /// Returns the value of `field`, `None` where it is absent. An empty text counts as absent.
    fn value(&self, field: Field) -> Option<Scalar<'_>>;

    /// Returns the value of the label `key`, `None` where it is not set.
    fn label(&self, key: &str) -> Option<&str>;
}

/// The value of a field, of the field's [`Kind`](super::Kind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A text.
    Text(&'a str),
    /// A member of the enum.
    State(State),
    /// A member of the enum.
    Priority(Priority),
    /// A member of the enum.
    Outcome(AttemptOutcome),
    /// A moment.
    Time(Timestamp),
    /// A whole number.
    Int(i64),
    /// The id of a task.
    Id(TaskId),
}

impl Record for Task {
    fn value(&self, field: Field) -> Option<Scalar<'_>> {
        match field {
            Field::Id => Some(Scalar::Id(self.id)),
            Field::Queue => Some(Scalar::Text(&self.queue)),
            Field::Type => Some(Scalar::Text(&self.task_type)),
            Field::State => Some(Scalar::State(self.state)),
            Field::StateReason => Some(Scalar::Text(&self.state_reason)),
            Field::Priority => Some(Scalar::Priority(self.priority)),
            Field::Title => Some(Scalar::Text(&self.title)),
            Field::ParentId => self.parent_id.map(Scalar::Id),
            Field::CreatorId => Some(Scalar::Text(&self.creator.id)),
            Field::AssigneeId => self.assignee.as_ref().map(|assignee| Scalar::Text(&assignee.id)),
            Field::CreateTime => Some(Scalar::Time(self.create_time)),
            Field::UpdateTime => Some(Scalar::Time(self.update_time)),
            Field::ScheduleTime => self.schedule_time.map(Scalar::Time),
            Field::StartTime => self.start_time.map(Scalar::Time),
            Field::EndTime => self.end_time.map(Scalar::Time),
            Field::Attempt => Some(Scalar::Int(self.attempt.into())),
            Field::RetryCount => Some(Scalar::Int(self.retry_count.into())),
            Field::TaskId | Field::Outcome => None,
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

impl Record for Run {
    fn value(&self, field: Field) -> Option<Scalar<'_>> {
        match field {
            Field::TaskId => Some(Scalar::Id(self.task_id)),
            Field::Queue => Some(Scalar::Text(&self.queue)),
            Field::Type => Some(Scalar::Text(&self.task_type)),
            Field::Outcome => self.end.as_ref().map(|end| Scalar::Outcome(end.outcome)),
            Field::AssigneeId => self.assignee.as_ref().map(|assignee| Scalar::Text(&assignee.id)),
            Field::StartTime => Some(Scalar::Time(self.start_time)),
            Field::EndTime => self.end.as_ref().map(|end| Scalar::Time(end.end_time)),
            Field::Attempt => Some(Scalar::Int(self.attempt.into())),
            Field::Id
            | Field::State
            | Field::StateReason
            | Field::Priority
            | Field::Title
            | Field::ParentId
            | Field::CreatorId
            | Field::CreateTime
            | Field::UpdateTime
            | Field::ScheduleTime
            | Field::RetryCount => None,
        }
    }

    fn label(&self, _: &str) -> Option<&str> {
        None
    }
}

impl Filter {
    /// Tells whether `record` matches.
    pub fn matches(&self, record: &dyn Record) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.matches(record)),
            Self::Or(members) => members.iter().any(|member| member.matches(record)),
            Self::Not(inner) => !inner.matches(record),
            Self::Compare { field, op, value } => {
                op.holds(present(record, *field).and_then(|found| compare(found, value)))
            }
            Self::CompareLabel { key, op, value } => {
                op.holds(record.label(key).map(|found| found.cmp(value)))
            }
            Self::Has(field) => present(record, *field).is_some(),
            Self::HasLabel(key) => record.label(key).is_some(),
        }
    }
}

fn present(record: &dyn Record, field: Field) -> Option<Scalar<'_>> {
    record.value(field).filter(|value| *value != Scalar::Text(""))
}

/// Compares what a record holds with a literal; values of different types do not compare, as if absent.
fn compare(found: Scalar<'_>, wanted: &Value) -> Option<Ordering> {
    match (found, wanted) {
        (Scalar::Text(found), Value::Text(wanted)) => Some(found.cmp(wanted)),
        (Scalar::State(found), Value::State(wanted)) => Some(found.cmp(wanted)),
        (Scalar::Priority(found), Value::Priority(wanted)) => Some(found.cmp(wanted)),
        (Scalar::Outcome(found), Value::Outcome(wanted)) => Some(found.cmp(wanted)),
        (Scalar::Time(found), Value::Time(wanted)) => Some(found.cmp(wanted)),
        (Scalar::Int(found), Value::Int(wanted)) => Some(found.cmp(wanted)),
        (Scalar::Id(found), Value::Id(wanted)) => Some(found.cmp(wanted)),
        (
            Scalar::Text(_)
            | Scalar::State(_)
            | Scalar::Priority(_)
            | Scalar::Outcome(_)
            | Scalar::Time(_)
            | Scalar::Int(_)
            | Scalar::Id(_),
            _,
        ) => None,
    }
}
