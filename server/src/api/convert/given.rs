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
            verification,
            function,
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
            verification,
            function,
        }
    }
}

/// A task of nothing but what clients give.
impl From<Given> for raw::Task {
    fn from(given: Given) -> Self {
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
            verification,
            function,
        } = given;
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
            verification,
            function,
            ..Self::default()
        }
    }
}
