//! Task types: what is known of all tasks of one kind of work.
//!
//! The rules know a type's defaults and who may create its tasks. What its schemas say of a payload is found out where
//! payloads are read; here they are bytes.

use bytes::Bytes;
use uuid::Uuid;

use crate::actor::Actor;
use crate::create::NewTask;
use crate::names::named_enum;
use crate::task::{Priority, RetryPolicy, Timeouts};
use crate::time::Timestamp;

/// The queue of a task that names none, of a type that names none.
pub const DEFAULT_QUEUE: &str = "default";
/// Types of one server: each is kept in memory, with its schemas ready for use.
pub const TYPES: usize = 2_000;

named_enum! {
    /// Who may create tasks of a type. Numbers are those of the proto enum.
    Exposure {
        /// Every caller.
        Public = 1, "PUBLIC";
        /// Schedules and the service itself.
        Internal = 2, "INTERNAL";
    }
}

/// Names one type for ever; its name may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub Uuid);

/// What a task gets where it does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// See [`NewTask::queue`].
    pub queue: Option<String>,
    /// See [`NewTask::priority`].
    pub priority: Option<Priority>,
    /// Used whole.
    pub retry_policy: Option<RetryPolicy>,
    /// Used whole; all absent is none.
    pub timeouts: Timeouts,
}

/// What clients say of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeSpec {
    /// For people.
    pub description: String,
    /// JSON Schema of the input: an encoded `google.protobuf.Struct`, its keys in order.
    pub input_schema: Option<Bytes>,
    /// As [`Self::input_schema`], of the output.
    pub output_schema: Option<Bytes>,
    /// Who may create its tasks.
    pub exposure: Exposure,
    /// For tasks that do not say.
    pub defaults: Defaults,
}

/// A type to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTaskType {
    /// Drawn.
    pub id: TypeId,
    /// Where its tasks live.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: TypeSpec,
    /// Who registers it.
    pub creator: Actor,
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskType {
    /// Names it for ever.
    pub id: TypeId,
    /// Where its tasks live.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: TypeSpec,
    /// Who registered it.
    pub creator: Actor,
    /// When it was registered.
    pub create_time: Timestamp,
    /// When it was last edited.
    pub update_time: Timestamp,
    /// Rises with each edit: tells one content from another.
    pub revision: i64,
}

/// New values of fields; `None`: as it is. Of a field that may be absent the inner `None` clears it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeEdit {
    /// See [`TypeSpec::description`].
    pub description: Option<String>,
    /// See [`TypeSpec::input_schema`].
    pub input_schema: Option<Option<Bytes>>,
    /// See [`TypeSpec::output_schema`].
    pub output_schema: Option<Option<Bytes>>,
    /// See [`TypeSpec::exposure`].
    pub exposure: Option<Exposure>,
    /// See [`Defaults::queue`].
    pub queue: Option<Option<String>>,
    /// See [`Defaults::priority`].
    pub priority: Option<Option<Priority>>,
    /// See [`Defaults::retry_policy`].
    pub retry_policy: Option<Option<RetryPolicy>>,
    /// See [`Defaults::timeouts`].
    pub timeouts: Option<Timeouts>,
}

impl TaskType {
    /// A type that is registered at `now`.
    #[must_use]
    pub fn create(new: NewTaskType, now: Timestamp) -> Self {
        let NewTaskType {
            id,
            namespace,
            name,
            spec,
            creator,
        } = new;
        Self {
            id,
            namespace,
            name,
            spec,
            creator,
            create_time: now,
            update_time: now,
            revision: 1,
        }
    }

    /// The type after `edit`; one that changes nothing leaves it as it is.
    #[must_use]
    pub fn edit(&self, edit: TypeEdit, now: Timestamp) -> Self {
        let TypeEdit {
            description,
            input_schema,
            output_schema,
            exposure,
            queue,
            priority,
            retry_policy,
            timeouts,
        } = edit;
        let before = self.spec.clone();
        let defaults = before.defaults;
        let spec = TypeSpec {
            description: description.unwrap_or(before.description),
            input_schema: input_schema.unwrap_or(before.input_schema),
            output_schema: output_schema.unwrap_or(before.output_schema),
            exposure: exposure.unwrap_or(before.exposure),
            defaults: Defaults {
                queue: queue.unwrap_or(defaults.queue),
                priority: priority.unwrap_or(defaults.priority),
                retry_policy: retry_policy.unwrap_or(defaults.retry_policy),
                timeouts: timeouts.unwrap_or(defaults.timeouts),
            },
        };
        if spec == self.spec {
            return self.clone();
        }
        Self {
            spec,
            update_time: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}

impl NewTask {
    /// Fills in what the task does not say: from its type, else as every task has it. The one place where defaults of a type
    /// are applied; a retry policy that is absent after it is the queue's to give.
    pub fn fill_in(&mut self, defaults: Option<&Defaults>) {
        if self.queue.is_empty() {
            let queue = defaults.and_then(|defaults| defaults.queue.clone());
            self.queue = queue.unwrap_or_else(|| DEFAULT_QUEUE.to_owned());
        }
        let Some(defaults) = defaults else { return };
        self.priority = self.priority.or(defaults.priority);
        if self.retry_policy.is_none() {
            self.retry_policy.clone_from(&defaults.retry_policy);
        }
        if self.timeouts == Timeouts::default() {
            self.timeouts = defaults.timeouts;
        }
    }
}
