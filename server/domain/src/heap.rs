//! How much memory a value holds beyond itself, for whoever keeps many of them.
//!
//! Every struct is taken apart by name, so that a new field must be counted. What is shared counts for each holder.

use bytes::Bytes;

use crate::actor::Actor;
use crate::command::{Action, Command};
use crate::create::NewTask;
use crate::event::{Detail, Edit, Event, Previous};
use crate::payload::Payload;
use crate::task::{Dependency, Function, InputRequest, Labels, Progress, RetryPolicy, Task, TaskError};

/// What an entry of a map takes besides its texts.
const ENTRY_BYTES: usize = 64;

/// Memory beyond the value itself, roughly: lengths, not capacities.
pub trait HeapBytes {
    /// Those bytes.
    fn heap_bytes(&self) -> usize;
}

macro_rules! sum {
    ($($part:expr),* $(,)?) => { 0 $(+ $part.heap_bytes())* };
}

impl HeapBytes for String {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl HeapBytes for Bytes {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl<T: HeapBytes> HeapBytes for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, HeapBytes::heap_bytes)
    }
}

impl<T: HeapBytes> HeapBytes for Box<T> {
    fn heap_bytes(&self) -> usize {
        size_of::<T>() + (**self).heap_bytes()
    }
}

impl<T: HeapBytes> HeapBytes for Vec<T> {
    fn heap_bytes(&self) -> usize {
        size_of_val(self.as_slice()) + self.iter().map(HeapBytes::heap_bytes).sum::<usize>()
    }
}

impl HeapBytes for Labels {
    fn heap_bytes(&self) -> usize {
        let entries = self.iter();
        entries.map(|(k, v)| ENTRY_BYTES + k.len() + v.len()).sum()
    }
}

impl HeapBytes for Payload {
    fn heap_bytes(&self) -> usize {
        let Self {
            kind: _,
            media_type,
            version: _,
            size: _,
            sha256: _,
            body,
        } = self;
        sum!(media_type, body)
    }
}

impl HeapBytes for Actor {
    fn heap_bytes(&self) -> usize {
        let Self { kind: _, id, name } = self;
        sum!(id, name)
    }
}

impl HeapBytes for Function {
    fn heap_bytes(&self) -> usize {
        let Self {
            kind: _,
            name,
            description,
            args,
            output,
            prompt_template,
        } = self;
        sum!(name, description, args, output, prompt_template)
    }
}

impl HeapBytes for Progress {
    fn heap_bytes(&self) -> usize {
        let Self {
            percent: _,
            current_step,
            message,
            estimated_time_remaining: _,
        } = self;
        sum!(current_step, message)
    }
}

impl HeapBytes for TaskError {
    fn heap_bytes(&self) -> usize {
        let Self {
            code,
            message,
            details,
            retry_after: _,
            non_retryable: _,
        } = self;
        sum!(code, message, details)
    }
}

impl HeapBytes for RetryPolicy {
    fn heap_bytes(&self) -> usize {
        let Self {
            max_attempts: _,
            initial_backoff: _,
            max_backoff: _,
            backoff_multiplier: _,
            jitter: _,
            retry_outcomes,
            non_retryable_codes,
        } = self;
        size_of_val(retry_outcomes.as_slice()) + sum!(non_retryable_codes)
    }
}

impl HeapBytes for Dependency {
    fn heap_bytes(&self) -> usize {
        let Self {
            task_id: _,
            on_failure: _,
            result: _,
        } = self;
        0
    }
}

impl HeapBytes for InputRequest {
    fn heap_bytes(&self) -> usize {
        let Self {
            key,
            prompt,
            choices,
            answer,
            answerer,
        } = self;
        sum!(key, prompt, choices, answer, answerer)
    }
}

impl HeapBytes for Task {
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
            output,
            error,
            state: _,
            state_reason: _,
            state_message,
            priority: _,
            labels,
            metadata,
            creator,
            assignee,
            progress,
            parent_id: _,
            dependencies,
            schedule_time: _,
            create_time: _,
            update_time: _,
            queue_time: _,
            start_time: _,
            end_time: _,
            attempt: _,
            retry_count: _,
            cleared_input: _,
            execution_count: _,
            retry_policy,
            verification: _,
            input_requests,
            fence: _,
            paused_from: _,
            revision: _,
            edit_revision: _,
            spec_hash: _,
            has_dependants: _,
            has_children: _,
        } = self;
        let texts = sum!(namespace, queue, task_type, title, description, state_message);
        let documents = sum!(function, input, output, error, labels, metadata, retry_policy);
        texts + documents + sum!(creator, assignee, progress, dependencies, input_requests)
    }
}

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
            verification: _,
            spec_hash: _,
            hold: _,
        } = self;
        let texts = sum!(namespace, queue, task_type, title, description);
        let documents = sum!(function, input, labels, metadata, retry_policy);
        texts + documents + sum!(assignee, dependencies)
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
            verification: _,
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
            Self::None | Self::Scheduled { schedule_time: _ } => 0,
            Self::Created(task) => task.heap_bytes(),
            Self::Updated { edit, previous } => sum!(edit, previous),
            Self::Assigned { assignee } => assignee.heap_bytes(),
            Self::Progress(progress) => progress.heap_bytes(),
            Self::Result { output } => output.heap_bytes(),
            Self::Failure {
                outcome: _,
                error,
                retry_time: _,
            } => error.heap_bytes(),
            Self::Input(request) => request.heap_bytes(),
            Self::Retried {
                retry_count: _,
                input,
                schedule_time: _,
            } => input.heap_bytes(),
            Self::Dependency(dependency) => dependency.heap_bytes(),
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
            detail,
        } = self;
        sum!(namespace, actor, message, queue, task_type, labels, detail)
    }
}

impl HeapBytes for Action {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Assign { assignee } => assignee.heap_bytes(),
            Self::Start { assignee } => assignee.heap_bytes(),
            Self::Progress(progress) => progress.heap_bytes(),
            Self::Complete { output } | Self::Submit { output } => output.heap_bytes(),
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
            | Self::Tick
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
        let Self { actor, action } = self;
        sum!(actor, action)
    }
}
