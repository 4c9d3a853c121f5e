//! The fields of a task that clients give. The others are the server's: ignored wherever a task comes in.

use std::collections::BTreeMap;

use baton_proto::raw::v1 as raw;
use bytes::Bytes;
use prost_types::Timestamp;

/// What a client may say about a task, as it came.
pub(crate) struct Given {
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) r#type: String,
    pub(crate) priority: i32,
    pub(crate) title: String,
    pub(crate) input: Option<raw::Payload>,
    pub(crate) description: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) metadata: Option<Bytes>,
    pub(crate) assignee: Option<raw::Actor>,
    pub(crate) parent_id: String,
    pub(crate) dependencies: Vec<raw::Dependency>,
    pub(crate) schedule_time: Option<Timestamp>,
    pub(crate) retry_policy: Option<raw::RetryPolicy>,
    pub(crate) timeouts: Option<raw::TaskTimeouts>,
    pub(crate) verification: Option<raw::Verification>,
    pub(crate) function: Option<raw::TaskFunction>,
}

impl From<raw::Task> for Given {
    fn from(task: raw::Task) -> Self {
        let raw::Task {
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
            receipt: _,
            dedup_key: _,
            id: _,
            state: _,
            state_reason: _,
            state_message: _,
            output: _,
            error: _,
            progress: _,
            revision: _,
            etag: _,
            creator: _,
            create_time: _,
            update_time: _,
            queue_time: _,
            start_time: _,
            end_time: _,
            duration: _,
            attempt: _,
            retry_count: _,
            execution_count: _,
            input_requests: _,
        } = task;
        Self {
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
        }
    }
}

/// Leaves of a task nothing but what clients give.
pub(crate) fn clear_others(task: &mut raw::Task) {
    let raw::Task {
        namespace: _,
        queue: _,
        r#type: _,
        priority: _,
        title: _,
        input: _,
        description: _,
        labels: _,
        metadata: _,
        assignee: _,
        parent_id: _,
        dependencies: _,
        schedule_time: _,
        retry_policy: _,
        timeouts: _,
        verification: _,
        function: _,
        receipt,
        dedup_key,
        id,
        state,
        state_reason,
        state_message,
        output,
        error,
        progress,
        revision,
        etag,
        creator,
        create_time,
        update_time,
        queue_time,
        start_time,
        end_time,
        duration,
        attempt,
        retry_count,
        execution_count,
        input_requests,
    } = task;
    *receipt = None;
    *dedup_key = String::new();
    *id = String::new();
    *state = 0;
    *state_reason = String::new();
    *state_message = String::new();
    *output = None;
    *error = None;
    *progress = None;
    *revision = 0;
    *etag = String::new();
    *creator = None;
    *create_time = None;
    *update_time = None;
    *queue_time = None;
    *start_time = None;
    *end_time = None;
    *duration = None;
    *attempt = 0;
    *retry_count = 0;
    *execution_count = 0;
    *input_requests = Vec::new();
}
