//! How much memory a value holds beyond itself, for whoever keeps many of them.
//!
//! Every struct is taken apart by name, so that a new field must be counted. What is shared counts for each holder.

mod moves;

use bytes::Bytes;

use crate::actor::Actor;
use crate::payload::Payload;
use crate::receipt::{Artifact, Blocker, Receipt, VerificationItem};
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

use sum;

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
            schema,
            choices,
            deadline_time: _,
            default_input,
            answer,
            answerer,
        } = self;
        sum!(key, prompt, schema, choices, default_input, answer, answerer)
    }
}

impl HeapBytes for Blocker {
    fn heap_bytes(&self) -> usize {
        let Self {
            kind,
            message,
            suggested_fix,
            required_from_user: _,
        } = self;
        sum!(kind, message, suggested_fix)
    }
}

impl HeapBytes for Artifact {
    fn heap_bytes(&self) -> usize {
        let Self {
            kind,
            uri,
            description,
        } = self;
        sum!(kind, uri, description)
    }
}

impl HeapBytes for VerificationItem {
    fn heap_bytes(&self) -> usize {
        let Self {
            kind,
            value,
            expected,
        } = self;
        sum!(kind, value, expected)
    }
}

impl HeapBytes for Receipt {
    fn heap_bytes(&self) -> usize {
        let Self {
            status: _,
            blockers,
            artifacts,
            verification,
            no_verification: _,
            summary,
        } = self;
        sum!(blockers, artifacts, verification, summary)
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
            receipt,
            checkpoint,
            error,
            state: _,
            state_reason: _,
            state_message,
            priority: _,
            labels,
            metadata,
            creator,
            assignee,
            leased: _,
            lease: _,
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
            checkpoint_version: _,
            execution_count: _,
            run_count: _,
            output_count: _,
            retry_policy,
            timeouts: _,
            timers: _,
            verification: _,
            verification_grace: _,
            dedup_key,
            input_requests,
            fence: _,
            paused_from: _,
            revision: _,
            edit_revision: _,
            spec_hash: _,
            last_call: _,
            handover_call: _,
            has_dependants: _,
            has_children: _,
        } = self;
        let texts = sum!(
            namespace,
            queue,
            task_type,
            title,
            description,
            state_message,
            dedup_key
        );
        let documents = sum!(function, input, output, error, labels, metadata, retry_policy);
        let handed_in = sum!(receipt, checkpoint);
        texts + documents + handed_in + sum!(creator, assignee, progress, dependencies, input_requests)
    }
}
