//! Tasks as they are answered. What comes in is read by [`super::new_task`] and [`super::edit`].

use std::collections::BTreeMap;

use baton_domain::{InputRequest, Payload, Span, State, Task, TaskId, Verification};
use baton_proto::raw::v1 as raw;

use super::{actor, dependency, failure, function, input_request, payload, policy, progress, receipt, time};
use crate::engine::etag;

/// Which payloads of a task are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) input: bool,
    pub(crate) output: bool,
    pub(crate) answers: Answers,
}

/// Which answers to input requests are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    None,
    /// The one that was given last.
    Newest,
    All,
}

impl Shown {
    /// No payload at all.
    pub(crate) const BASIC: Self = Self {
        input: false,
        output: false,
        answers: Answers::None,
    };

    /// Every payload.
    pub(crate) const FULL: Self = Self {
        input: true,
        output: true,
        answers: Answers::All,
    };
}

#[expect(clippy::too_many_lines, reason = "two flat lists of the same fields")]
pub(crate) fn write(task: &Task, shown: Shown) -> raw::Task {
    let Task {
        id,
        namespace,
        queue,
        task_type,
        function,
        title,
        description,
        input,
        output,
        receipt,
        checkpoint: _,
        error,
        state,
        state_reason,
        state_message,
        priority,
        labels,
        metadata,
        creator,
        assignee,
        leased: _,
        lease: _,
        progress,
        parent_id,
        dependencies,
        schedule_time,
        create_time,
        update_time,
        queue_time,
        start_time,
        end_time,
        attempt,
        retry_count,
        cleared_input: _,
        checkpoint_version: _,
        execution_count,
        run_count: _,
        output_count: _,
        retry_policy,
        timeouts,
        timers: _,
        verification,
        verification_grace,
        dedup_key,
        input_requests,
        fence: _,
        paused_from: _,
        revision,
        edit_revision: _,
        spec_hash: _,
        last_call: _,
        handover_call: _,
        has_dependants: _,
        has_children: _,
    } = task;
    raw::Task {
        id: id.to_string(),
        namespace: namespace.clone(),
        queue: queue.clone(),
        r#type: task_type.clone(),
        state: state.number(),
        state_reason: state_reason.to_string(),
        state_message: state_message.clone(),
        priority: priority.number(),
        title: title.clone(),
        input: write_payload(input.as_ref(), shown.input),
        output: write_payload(output.as_ref(), shown.output),
        error: error.as_ref().map(failure::write),
        progress: progress.as_ref().map(progress::write),
        revision: *revision,
        etag: etag(task),
        description: description.clone(),
        labels: BTreeMap::clone(labels),
        metadata: metadata.clone(),
        creator: Some(actor::write(creator)),
        assignee: assignee.as_ref().map(actor::write),
        parent_id: parent_id.as_ref().map(TaskId::to_string).unwrap_or_default(),
        dependencies: dependencies.iter().map(dependency::write).collect(),
        schedule_time: schedule_time.map(time::write),
        create_time: Some(time::write(*create_time)),
        update_time: Some(time::write(*update_time)),
        queue_time: queue_time.map(time::write),
        start_time: start_time.map(time::write),
        end_time: end_time.map(time::write),
        duration: task.duration().map(time::write_span),
        attempt: *attempt,
        retry_count: *retry_count,
        execution_count: *execution_count,
        retry_policy: retry_policy.as_ref().map(policy::write),
        timeouts: policy::write_timeouts(timeouts),
        verification: write_verification(*verification, *verification_grace),
        receipt: receipt.as_deref().map(receipt::write),
        dedup_key: dedup_key.clone(),
        input_requests: write_requests(input_requests, shown.answers),
        function: function.as_ref().map(function::write),
    }
}

fn write_payload(payload: Option<&Payload>, shown: bool) -> Option<raw::Payload> {
    payload.filter(|_| shown).and_then(payload::write)
}

/// NONE, the default, is not worth its bytes.
fn write_verification(verification: Verification, grace: Option<Span>) -> Option<raw::Verification> {
    match verification {
        Verification::None => None,
        Verification::Receipt | Verification::Manual => Some(policy::write_verification(verification, grace)),
    }
}

fn write_requests(requests: &[InputRequest], shown: Answers) -> Vec<raw::InputRequest> {
    let newest = requests.iter().rposition(|request| request.answer.is_some());
    let is_shown = |index| match shown {
        Answers::None => false,
        Answers::Newest => Some(index) == newest,
        Answers::All => true,
    };
    let write = |(index, request)| input_request::write(request, is_shown(index));
    requests.iter().enumerate().map(write).collect()
}

/// The number of a state in the contract; 0 where there is none.
pub(crate) fn write_state(state: Option<State>) -> i32 {
    state.map_or(0, State::number)
}
