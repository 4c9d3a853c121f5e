//! What can be filtered by: fields, their kinds, and which call knows which.

/// A field of a task that filters can name; labels stand beside them in every [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `id`
    Id,
    /// `queue`
    Queue,
    /// `type`
    Type,
    /// `state`
    State,
    /// `state_reason`
    StateReason,
    /// `priority`
    Priority,
    /// `title`
    Title,
    /// `parent_id`
    ParentId,
    /// `creator.id`
    CreatorId,
    /// `assignee.id`
    AssigneeId,
    /// `create_time`
    CreateTime,
    /// `update_time`
    UpdateTime,
    /// `schedule_time`
    ScheduleTime,
    /// `start_time`
    StartTime,
    /// `end_time`
    EndTime,
    /// `attempt`
    Attempt,
    /// `retry_count`
    RetryCount,
    /// `task_id`, of a run
    TaskId,
    /// `outcome`, of a run; absent while it lasts
    Outcome,
}

impl Field {
    /// Returns the name that filters use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Queue => "queue",
            Self::Type => "type",
            Self::State => "state",
            Self::StateReason => "state_reason",
            Self::Priority => "priority",
            Self::Title => "title",
            Self::ParentId => "parent_id",
            Self::CreatorId => "creator.id",
            Self::AssigneeId => "assignee.id",
            Self::CreateTime => "create_time",
            Self::UpdateTime => "update_time",
            Self::ScheduleTime => "schedule_time",
            Self::StartTime => "start_time",
            Self::EndTime => "end_time",
            Self::Attempt => "attempt",
            Self::RetryCount => "retry_count",
            Self::TaskId => "task_id",
            Self::Outcome => "outcome",
        }
    }

    /// Returns what the field holds.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Id | Self::ParentId | Self::TaskId => Kind::Id,
            Self::Queue
            | Self::Type
            | Self::StateReason
            | Self::Title
            | Self::CreatorId
            | Self::AssigneeId => Kind::Text,
            Self::State => Kind::State,
            Self::Priority => Kind::Priority,
            Self::CreateTime | Self::UpdateTime | Self::ScheduleTime | Self::StartTime | Self::EndTime => {
                Kind::Time
            }
            Self::Attempt | Self::RetryCount => Kind::Int,
            Self::Outcome => Kind::Outcome,
        }
    }
}

/// What a field holds, and so which values and operators it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared by bytes; the empty text counts as absent and is no value.
    Text,
    /// A [`State`](crate::State), by its short or full name; `=` and `!=` only.
    State,
    /// A [`Priority`](crate::Priority), by its short or full name; `=` and `!=` only.
    Priority,
    /// An [`AttemptOutcome`](crate::AttemptOutcome), by its short or full name; `=` and `!=` only.
    Outcome,
    /// A moment, written as RFC 3339.
    Time,
    /// A whole number.
    Int,
    /// The id of a task; `=` and `!=` only.
    Id,
}

/// The fields that one call's filter may name, in the order in which errors list them.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    fields: &'static [Field],
    labels: bool,
}

impl Schema {
    /// The fields of lists and bulk calls, which read task rows.
    pub const TASKS: Self = Self {
        fields: &[
            Field::Id,
            Field::Queue,
            Field::Type,
            Field::State,
            Field::StateReason,
            Field::Priority,
            Field::Title,
            Field::ParentId,
            Field::CreatorId,
            Field::AssigneeId,
            Field::CreateTime,
            Field::UpdateTime,
            Field::ScheduleTime,
            Field::StartTime,
            Field::EndTime,
            Field::Attempt,
            Field::RetryCount,
        ],
        labels: true,
    };

    /// The fields of watches: those that every event carries, so that live and replayed events filter alike.
    pub const EVENTS: Self = Self {
        fields: &[Field::Id, Field::Queue, Field::Type, Field::State],
        labels: true,
    };

    /// The fields of runs.
    pub const RUNS: Self = Self {
        fields: &[
            Field::TaskId,
            Field::Queue,
            Field::Type,
            Field::Outcome,
            Field::AssigneeId,
            Field::StartTime,
            Field::EndTime,
            Field::Attempt,
        ],
        labels: false,
    };

    /// The fields that tasks are counted by.
    pub const STATS: Self = Self {
        fields: &[Field::State, Field::Queue, Field::Type],
        labels: false,
    };

    /// Tells whether filters may name labels too.
    pub const fn knows_labels(self) -> bool {
        self.labels
    }

    /// Returns the fields, without labels.
    pub const fn fields(self) -> &'static [Field] {
        self.fields
    }
}
