//! Which events a watch is told of. The same judgement live and in replay: it looks at nothing but the event.

use std::collections::BTreeMap;

use baton_domain::filter::{Field, Filter, Op, Record, Scalar, Value};
use baton_domain::{Detail, Event, EventType, State, TaskId};

/// What a watch asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Over the fields that every event carries.
    pub filter: Filter,
    /// Empty: all types.
    pub types: Vec<EventType>,
}

/// An event that a watch is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// With this event the task stopped matching.
    pub left: bool,
}

impl Selection {
    /// Judges one event. Told of are events of the types asked for whose task matches after them, and in any case the
    /// one with which a task stops matching.
    #[must_use]
    pub fn judge(&self, event: &Event) -> Option<Selected> {
        let all = self.filter.is_everything();
        let deleted = event.kind == EventType::Deleted;
        if !deleted && (all || self.filter.matches(&After(event))) {
            let wanted = self.types.is_empty() || self.types.contains(&event.kind);
            return wanted.then_some(Selected { left: false });
        }
        let left = Before::of(event).is_some_and(|before| all || self.filter.matches(&before));
        left.then_some(Selected { left: true })
    }
}

/// The filter that names one task.
#[must_use]
pub fn only(id: TaskId) -> Filter {
    Filter::Compare {
        field: Field::Id,
        op: Op::Equal,
        value: Value::Id(id),
    }
}

/// The task as filters see it after an event.
struct After<'a>(&'a Event);

/// The task as filters saw it before an event.
struct Before<'a> {
    id: TaskId,
    state: State,
    queue: &'a str,
    task_type: &'a str,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> Before<'a> {
    /// `None` for the first event: there was no task.
    fn of(event: &'a Event) -> Option<Self> {
        let state = event.from_state?;
        let (queue, task_type, labels) = match &event.detail {
            Detail::Updated { previous, .. } => (&previous.queue, &previous.task_type, &previous.labels),
            Detail::None
            | Detail::Created(_)
            | Detail::Assigned { .. }
            | Detail::Progress(_)
            | Detail::Result { .. }
            | Detail::Failure { .. }
            | Detail::Scheduled { .. }
            | Detail::Input(_)
            | Detail::Retried { .. }
            | Detail::Dependency(_)
            | Detail::Started { .. }
            | Detail::Checkpoint(_)
            | Detail::Output { .. } => (&event.queue, &event.task_type, &event.labels),
        };
        Some(Self {
            id: event.task_id,
            state,
            queue,
            task_type,
            labels,
        })
    }
}

fn scalar<'a>(
    field: Field,
    id: TaskId,
    state: State,
    (queue, task_type): (&'a str, &'a str),
) -> Option<Scalar<'a>> {
    match field {
        Field::Id => Some(Scalar::Id(id)),
        Field::State => Some(Scalar::State(state)),
        Field::Queue => Some(Scalar::Text(queue)),
        Field::Type => Some(Scalar::Text(task_type)),
        // The schema of watches has no other field.
        Field::StateReason
        | Field::Priority
        | Field::Title
        | Field::ParentId
        | Field::CreatorId
        | Field::AssigneeId
        | Field::CreateTime
        | Field::UpdateTime
        | Field::ScheduleTime
        | Field::StartTime
        | Field::EndTime
        | Field::Attempt
        | Field::RetryCount
        | Field::TaskId
        | Field::Outcome => None,
    }
}

impl Record for After<'_> {
    fn value(&self, field: Field) -> Option<Scalar<'_>> {
        scalar(
            field,
            self.0.task_id,
            self.0.to_state,
            (&self.0.queue, &self.0.task_type),
        )
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.0.labels.get(key).map(String::as_str)
    }
}

impl Record for Before<'_> {
    fn value(&self, field: Field) -> Option<Scalar<'_>> {
        scalar(field, self.id, self.state, (self.queue, self.task_type))
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}
