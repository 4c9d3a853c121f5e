//! What is to be created.

use baton_domain::limits::{DESCRIPTION_CHARS, NAME_CHARS, TITLE_CHARS};
use baton_domain::{Actor, NewTask, Priority, TaskId};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::dependency::{self, Siblings};
use super::given::Given;
use super::time::Start;
use super::{actor, dedup, document, function, labels, payload, policy};
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// A task to create, and how the call wants it created.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    /// The task. Its `spec_hash` is zero: the hash is taken over the message, not over this.
    pub(crate) new: Box<NewTask>,
    /// Who creates it.
    pub(crate) creator: Actor,
    /// Makes the call repeatable.
    pub(crate) request_id: Option<Uuid>,
    /// Checks and keeps nothing.
    pub(crate) validate_only: bool,
}

/// Where a create stands: alone, or as a member of a batch.
pub(crate) struct Setting<'a> {
    /// The new task's id, read from the request or drawn; `None` where the request's is broken.
    pub(crate) id: Option<TaskId>,
    /// Who creates where the request names nobody; `None`: somebody who does not say.
    pub(crate) creator: Option<&'a Actor>,
    /// The batch it is a member of.
    pub(crate) siblings: Option<&'a Siblings>,
}

pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    request: raw::CreateTaskRequest,
    setting: &Setting<'_>,
) -> Option<Creation> {
    let raw::CreateTaskRequest {
        task,
        request_id,
        actor,
        hold,
        dedup,
        validate_only,
        r#ref,
        task_id: _,
        delay,
    } = request;
    let request_at = at.field("request_id");
    let request_id = check::optional_uuid(v, &request_at, &request_id);
    let absent = || setting.creator.cloned().unwrap_or_else(Actor::anonymous);
    let creator = actor::read_or(v, &at.field("actor"), actor, absent);
    if setting.siblings.is_none() {
        if !r#ref.is_empty() {
            v.add(&at.field("ref"), "must be empty outside BatchCreateTasks");
        }
    } else {
        if validate_only {
            v.add(
                &at.field("validate_only"),
                "must be false inside BatchCreateTasks",
            );
        }
        if request_id.flatten().is_some() {
            v.add(
                &request_at,
                "must be empty inside BatchCreateTasks; the batch has one",
            );
        }
    }
    let task = check::present(v, &at.field("task"), task);
    let spec = task.and_then(|task| read_task(v, at, (task, delay), setting));
    let dedup = dedup::read(v, &at.field("dedup"), dedup, (spec.as_ref(), creator.as_ref()));
    let spec = NewTask {
        hold,
        dedup: dedup?,
        ..spec?
    };
    Some(Creation {
        new: Box::new(spec),
        creator: creator?,
        request_id: request_id?,
        validate_only,
    })
}

/// Reads the `ref` of a member of a batch.
pub(crate) fn read_ref(v: &mut Violations, at: &Path<'_>, name: String) -> Option<String> {
    check::word(v, &at.field("ref"), name, NAME_CHARS)
}

/// Reads the fields of a task that a client may give; the others are the server's and ignored.
fn read_task(
    v: &mut Violations,
    request_at: &Path<'_>,
    (task, delay): (Box<raw::Task>, Option<prost_types::Duration>),
    setting: &Setting<'_>,
) -> Option<NewTask> {
    let Given {
        namespace,
        queue,
        r#type,
        priority,
        title,
        input,
        description,
        labels,
        metadata,
        assignee,
        parent_id,
        dependencies,
        schedule_time,
        retry_policy,
        timeouts,
        verification,
        function,
    } = (*task).into();
    let at = &request_at.field("task");
    let namespace = check::name(v, &at.field("namespace"), namespace);
    let queue = check::name_or_none(v, &at.field("queue"), queue);
    let task_type = check::type_name(v, &at.field("type"), r#type);
    let function = function::read(v, &at.field("function"), function);
    let title = check::text(v, &at.field("title"), title, TITLE_CHARS);
    let description = check::text(v, &at.field("description"), description, DESCRIPTION_CHARS);
    let input = payload::read_optional(v, &at.field("input"), input);
    let priority_at = at.field("priority");
    let priority = check::optional_member(v, &priority_at, priority, Priority::from_number);
    let labels = labels::read(v, &at.field("labels"), labels);
    let metadata = document::read_struct(v, &at.field("metadata"), metadata);
    let assignee = actor::read_optional(v, &at.field("assignee"), assignee);
    let parent_id = check::optional_uuid(v, &at.field("parent_id"), &parent_id);
    let waits = dependency::read_all(v, &at.field("dependencies"), dependencies, setting.siblings);
    let start = Start { schedule_time, delay };
    let schedule = start.read(v, [&at.field("schedule_time"), &request_at.field("delay")]);
    let retry_policy = policy::read(v, &at.field("retry_policy"), retry_policy);
    let timeouts = policy::read_timeouts(v, &at.field("timeouts"), timeouts);
    let verification = policy::read_verification(v, &at.field("verification"), verification);
    let function = function?;
    let (verification, verification_grace) = verification?;
    Some(NewTask {
        id: setting.id?,
        namespace: namespace?,
        queue: queue?,
        task_type: task_type
            .map(|given| type_or_function(given, function.as_ref().map(|f| f.name.as_str())))?,
        function,
        title: title?,
        description: description?,
        input: input?,
        priority: priority?,
        labels: labels?,
        metadata: metadata?,
        assignee: assignee?,
        parent_id: parent_id?.map(TaskId),
        dependencies: waits?,
        schedule: schedule?,
        retry_policy: retry_policy?,
        timeouts: timeouts?,
        verification,
        verification_grace,
        dedup: None,
        spec_hash: [0; 32],
        hold: false,
    })
}

/// A task that does not say what kind of work it is stands for its function.
fn type_or_function(given: String, function: Option<&str>) -> String {
    match function {
        Some(name) if given.is_empty() => name.to_owned(),
        Some(_) | None => given,
    }
}
