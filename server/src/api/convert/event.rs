//! Events as they are answered.

use std::collections::BTreeMap;

use baton_domain::{Detail, Edit, Event, Payload, PayloadRole, Previous, Task};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::task_event::Detail as RawDetail;
use prost_types::FieldMask;

use super::task::{self, Shown, write_state};
use super::{actor, dependency, failure, function, input_request, payload, policy, progress, receipt, time};

/// Writes one event. `full`: with the bytes of the payloads it names, where they are at hand. `left` is for the
/// watch that knows its filter to set.
pub(crate) fn write(event: &Event, full: bool) -> raw::TaskEvent {
    let Event {
        task_id,
        namespace,
        sequence,
        position,
        kind,
        time: at,
        actor,
        message,
        from_state,
        to_state,
        state_reason,
        attempt,
        fence,
        queue,
        task_type,
        labels,
        imported,
        detail,
    } = event;
    raw::TaskEvent {
        task_id: task_id.to_string(),
        namespace: namespace.clone(),
        sequence: *sequence,
        position: *position,
        r#type: kind.number(),
        time: Some(time::write(*at)),
        actor: Some(actor::write(actor)),
        message: message.clone(),
        from_state: write_state(*from_state),
        to_state: to_state.number(),
        state_reason: state_reason.to_string(),
        attempt: *attempt,
        queue: queue.clone(),
        task_type: task_type.clone(),
        labels: BTreeMap::clone(labels),
        left: false,
        imported: *imported,
        fence: *fence,
        detail: write_detail(detail, event, full),
    }
}

fn write_detail(detail: &Detail, event: &Event, full: bool) -> Option<RawDetail> {
    let detail = match detail {
        Detail::None => return None,
        Detail::Created(task) => RawDetail::Created(Box::new(write_created(task, full))),
        Detail::Updated { edit, previous } => {
            RawDetail::Updated(Box::new(write_updated(edit, previous, full)))
        }
        Detail::Assigned { assignee, lease } => RawDetail::Assigned(raw::TaskAssigned {
            assignee: Some(actor::write(assignee)),
            fence: event.fence,
            lease_expire_time: lease.map(|lease| time::write(lease.expire_time)),
        }),
        Detail::Started { start_time } => RawDetail::Started(raw::TaskStarted {
            start_time: Some(time::write(*start_time)),
        }),
        Detail::Progress(progress) => RawDetail::Progress(progress::write(progress)),
        Detail::Result { output, receipt } => RawDetail::Result(raw::TaskResult {
            output: write_ref(output.as_ref(), PayloadRole::Output, full),
            receipt: receipt.as_deref().map(receipt::write),
        }),
        Detail::Failure {
            outcome,
            error,
            retry_time,
            receipt,
        } => RawDetail::Failure(raw::TaskFailure {
            outcome: outcome.number(),
            error: Some(failure::write(error)),
            retry_time: retry_time.map(time::write),
            receipt: receipt.as_deref().map(receipt::write),
        }),
        Detail::Scheduled { schedule_time } => RawDetail::Scheduled(raw::TaskScheduled {
            schedule_time: Some(time::write(*schedule_time)),
        }),
        Detail::Input(request) => RawDetail::Input(input_request::write(request, full)),
        Detail::Retried {
            retry_count,
            input,
            schedule_time,
        } => RawDetail::Retried(raw::TaskRetried {
            retry_count: *retry_count,
            input: write_ref(input.as_ref(), PayloadRole::Input, full),
            delay: schedule_time
                .map(|until| until.since(event.time))
                .map(time::write_span),
        }),
        Detail::Dependency(dependency) => RawDetail::Dependency(dependency::write(dependency)),
        Detail::Checkpoint(checkpoint) => {
            RawDetail::Checkpoint(payload::write_ref(checkpoint, PayloadRole::Checkpoint, full))
        }
        Detail::Output { index, chunk } => RawDetail::Output(raw::TaskOutput {
            index: *index,
            chunk: payload::write(chunk),
        }),
    };
    Some(detail)
}

fn write_ref(payload: Option<&Payload>, role: PayloadRole, full: bool) -> Option<raw::PayloadRef> {
    payload.map(|payload| payload::write_ref(payload, role, full))
}

fn write_created(task: &Task, full: bool) -> raw::TaskCreated {
    raw::TaskCreated {
        task: Some(task::write(task, Shown::BASIC)),
        input: write_ref(task.input.as_ref(), PayloadRole::Input, full),
    }
}

/// Names the fields that were edited and shows their new values; what filters saw before is not for callers.
fn write_updated(edit: &Edit, previous: &Previous, full: bool) -> raw::TaskUpdated {
    let Previous {
        queue: _,
        task_type: _,
        labels: _,
    } = previous;
    let Edit {
        queue,
        task_type,
        function,
        title,
        description,
        input,
        priority,
        labels,
        metadata,
        retry_policy,
        timeouts,
        verification,
        verification_grace,
    } = edit;
    let named = [
        ("queue", queue.is_some()),
        ("type", task_type.is_some()),
        ("function", function.is_some()),
        ("title", title.is_some()),
        ("description", description.is_some()),
        ("input", input.is_some()),
        ("priority", priority.is_some()),
        ("labels", labels.is_some()),
        ("metadata", metadata.is_some()),
        ("retry_policy", retry_policy.is_some()),
        ("timeouts", timeouts.is_some()),
        ("verification", verification.is_some()),
    ];
    let paths = named.iter().filter(|(_, edited)| *edited);
    raw::TaskUpdated {
        task: Some(raw::Task {
            queue: queue.clone().unwrap_or_default(),
            r#type: task_type.clone().unwrap_or_default(),
            function: function.iter().flatten().next().map(function::write),
            title: title.clone().unwrap_or_default(),
            description: description.clone().unwrap_or_default(),
            priority: priority.map_or(0, |priority| priority.number()),
            labels: labels.as_deref().cloned().unwrap_or_default(),
            metadata: metadata.clone().flatten(),
            retry_policy: retry_policy.iter().flatten().next().map(policy::write),
            timeouts: timeouts.as_ref().and_then(policy::write_timeouts),
            verification: verification
                .map(|mode| policy::write_verification(mode, verification_grace.flatten())),
            ..raw::Task::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.map(|(name, _)| (*name).to_owned()).collect(),
        }),
        input: write_ref(input.iter().flatten().next(), PayloadRole::Input, full),
    }
}
