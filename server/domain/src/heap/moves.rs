//! What is asked of tasks, and what happened to them.

use super::{HeapBytes, sum};
use crate::command::{Action, Command};
use crate::create::NewTask;
use crate::dedup::Dedup;
use crate::event::{Detail, Edit, Event, Previous};

impl HeapBytes for NewTask {
    fn heap_bytes(&self) -> usize {
        let Self {
            id: _,
            namespace,
            queue,
            task_type,
            function,
            title,
            description,
            input,
            priority: _,
            labels,
            metadata,
            assignee,
            parent_id: _,
            dependencies,
            schedule: _,
            retry_policy,
            timeouts: _,
            verification: _,
            verification_grace: _,
            dedup,
            spec_hash: _,
            hold: _,
        } = self;
        let texts = sum!(namespace, queue, task_type, title, description);
        let documents = sum!(function, input, labels, metadata, retry_policy);
        texts + documents + sum!(assignee, dependencies, dedup)
    }
}

impl HeapBytes for Dedup {
    fn heap_bytes(&self) -> usize {
        let Self {
            key,
            window: _,
            policy: _,
        } = self;
        key.heap_bytes()
    }
}

impl HeapBytes for Edit {
    fn heap_bytes(&self) -> usize {
        let Self {
            queue,
            task_type,
            function,
            title,
            description,
            input,
            priority: _,
            labels,
            metadata,
            retry_policy,
            timeouts: _,
            verification: _,
            verification_grace: _,
        } = self;
        let texts = sum!(queue, task_type, title, description);
        texts + sum!(function, input, labels, metadata, retry_policy)
    }
}

impl HeapBytes for Previous {
    fn heap_bytes(&self) -> usize {
        let Self {
            queue,
            task_type,
            labels,
        } = self;
        sum!(queue, task_type, labels)
    }
}

impl HeapBytes for Detail {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::None | Self::Scheduled { schedule_time: _ } | Self::Started { start_time: _ } => 0,
            Self::Created(task) => task.heap_bytes(),
            Self::Updated { edit, previous } => sum!(edit, previous),
            Self::Assigned { assignee, lease: _ } => assignee.heap_bytes(),
            Self::Progress(progress) => progress.heap_bytes(),
            Self::Result { output, receipt } => sum!(output, receipt),
            Self::Failure {
                outcome: _,
                error,
                retry_time: _,
                receipt,
            } => sum!(error, receipt),
            Self::Input(request) => request.heap_bytes(),
            Self::Retried {
                retry_count: _,
                input,
                schedule_time: _,
            } => input.heap_bytes(),
            Self::Dependency(dependency) => dependency.heap_bytes(),
            Self::Checkpoint(checkpoint) => checkpoint.heap_bytes(),
            Self::Output { index: _, chunk } => chunk.heap_bytes(),
        }
    }
}

impl HeapBytes for Event {
    fn heap_bytes(&self) -> usize {
        let Self {
            task_id: _,
            namespace,
            sequence: _,
            position: _,
            kind: _,
            time: _,
            actor,
            message,
            from_state: _,
            to_state: _,
            state_reason: _,
            attempt: _,
            fence: _,
            queue,
            task_type,
            labels,
            imported: _,
            detail,
        } = self;
        sum!(namespace, actor, message, queue, task_type, labels, detail)
    }
}

impl HeapBytes for Action {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Assign { assignee, lease: _ } => assignee.heap_bytes(),
            Self::Start {
                assignee,
                lease: _,
                start_time: _,
            } => assignee.heap_bytes(),
            Self::Renew {
                duration: _,
                progress,
            } => progress.heap_bytes(),
            Self::Progress(progress) => progress.heap_bytes(),
            Self::Complete {
                output,
                receipt,
                jitter: _,
            }
            | Self::Submit {
                output,
                receipt,
                jitter: _,
            } => sum!(output, receipt),
            Self::SaveCheckpoint { checkpoint } => checkpoint.heap_bytes(),
            Self::AppendOutput { index: _, chunk } => chunk.heap_bytes(),
            Self::Fail {
                error,
                outcome: _,
                jitter: _,
            } => error.heap_bytes(),
            Self::Retry { input, delay: _ } => input.heap_bytes(),
            Self::RequestInput(request) => request.heap_bytes(),
            Self::ProvideInput { key, input, text } => sum!(key, input, text),
            Self::Cancel { reason } | Self::Pause { reason } | Self::Reject { reason } => reason.heap_bytes(),
            Self::Approve { message } | Self::Rework { message } | Self::Comment { message } => {
                message.heap_bytes()
            }
            Self::Update(edit) => edit.heap_bytes(),
            Self::Queue
            | Self::Schedule(_)
            | Self::Discard
            | Self::Resume
            | Self::Release
            | Self::Snooze(_)
            | Self::AddDependency(_)
            | Self::RemoveDependency { task_id: _ }
            | Self::Delete { force: _ }
            | Self::Tick { jitter: _ }
            | Self::Supersede { by: _ }
            | Self::SettleDependency {
                task_id: _,
                result: _,
            }
            | Self::CancelByParent => 0,
        }
    }
}

impl HeapBytes for Command {
    fn heap_bytes(&self) -> usize {
        let Self {
            actor,
            token: _,
            action,
        } = self;
        sum!(actor, action)
    }
}
