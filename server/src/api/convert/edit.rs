//! What an update changes.

use baton_domain::Edit;
use baton_domain::Priority;
use baton_domain::limits::{DESCRIPTION_CHARS, TITLE_CHARS};
use baton_proto::raw::v1 as raw;
use prost_types::FieldMask;

use super::given::Given;
use super::mask::{Editable, Mask, Taken};
use super::{document, function, labels, payload, policy};
use crate::api::check;
use crate::api::violations::{Path, Violations};

const EDITABLE: Editable = Editable {
    fields: &[
        "queue",
        "type",
        "priority",
        "title",
        "input",
        "description",
        "labels",
        "metadata",
        "retry_policy",
        "timeouts",
        "verification",
        "function",
    ],
    fixed: &[
        ("namespace", "never changes"),
        ("assignee", "is changed by AssignTask, StartTask and ReleaseTask"),
        ("parent_id", "never changes"),
        ("dependencies", "is changed by AddDependency and RemoveDependency"),
        ("schedule_time", "is changed by ScheduleTask and SnoozeTask"),
    ],
    output_only: &[
        "id",
        "state",
        "state_reason",
        "state_message",
        "output",
        "error",
        "progress",
        "revision",
        "etag",
        "creator",
        "create_time",
        "update_time",
        "queue_time",
        "start_time",
        "end_time",
        "duration",
        "attempt",
        "retry_count",
        "execution_count",
        "receipt",
        "dedup_key",
        "input_requests",
    ],
};

/// Reads an update. A field that is named and empty is cleared: it gets the value that a new task has.
pub(crate) fn read(v: &mut Violations, task: raw::Task, mask: Option<FieldMask>) -> Option<Edit> {
    let mask = EDITABLE.read(v, mask)?;
    let at = &Path::REQUEST.field("task");
    let task: Given = task.into();
    let given = [
        !task.namespace.is_empty(),
        task.assignee.is_some(),
        !task.parent_id.is_empty(),
        !task.dependencies.is_empty(),
        task.schedule_time.is_some(),
    ];
    EDITABLE.check_fixed((v, at), &mask, &given);
    let edit = read_fields(v, at, task, &mask)?;
    if edit == Edit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some(edit)
}

fn read_fields(v: &mut Violations, at: &Path<'_>, task: Given, mask: &Mask) -> Option<Edit> {
    let Given {
        queue,
        r#type,
        priority,
        title,
        input,
        description,
        labels,
        metadata,
        retry_policy,
        timeouts,
        verification,
        function,
        namespace: _,
        assignee: _,
        parent_id: _,
        dependencies: _,
        schedule_time: _,
    } = task;
    let mut field = Taken { mask, v, at };
    let queue = field.take("queue", !queue.is_empty(), |v, at| check::name(v, at, queue));
    let task_type = field.take("type", !r#type.is_empty(), |v, at| {
        check::type_name(v, at, r#type)
    });
    let function = field.take("function", function.is_some(), |v, at| {
        function::read(v, at, function)
    });
    let title = field.take("title", !title.is_empty(), |v, at| {
        check::text(v, at, title, TITLE_CHARS)
    });
    let description = field.take("description", !description.is_empty(), |v, at| {
        check::text(v, at, description, DESCRIPTION_CHARS)
    });
    let input = field.take("input", input.is_some(), |v, at| {
        payload::read_optional(v, at, input)
    });
    let priority = field.take("priority", priority != 0, |v, at| {
        check::member(v, at, priority, Priority::from_number, Priority::Normal)
    });
    let labels = field.take("labels", !labels.is_empty(), |v, at| labels::read(v, at, labels));
    let metadata = field.take("metadata", metadata.is_some(), |v, at| {
        document::read_struct(v, at, metadata)
    });
    let retry_policy = field.take("retry_policy", retry_policy.is_some(), |v, at| {
        policy::read(v, at, retry_policy)
    });
    let timeouts = field.take("timeouts", timeouts.is_some(), |v, at| {
        policy::read_timeouts(v, at, timeouts)
    });
    let verification = field.take("verification", verification.is_some(), |v, at| {
        policy::read_verification(v, at, verification)
    });
    let verification = verification?;
    Some(Edit {
        queue: queue?,
        task_type: task_type?,
        function: function?,
        title: title?,
        description: description?,
        input: input?,
        priority: priority?,
        labels: labels?,
        metadata: metadata?,
        retry_policy: retry_policy?,
        timeouts: timeouts?,
        verification: verification.map(|(mode, _)| mode),
        verification_grace: verification.map(|(_, grace)| grace),
    })
}
