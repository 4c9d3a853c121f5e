//! What a schedule makes: domain to stored message and back.

use std::sync::Arc;

use baton_domain::{NewTask, Priority, Span, TaskId, Timeouts, Verification};
use bytes::Bytes;
use uuid::Uuid;

use super::parts::{self, Why};
use super::{stored, work};

pub(super) fn to_template(task: &NewTask) -> stored::Template {
    let NewTask {
        // What a tick adds.
        id: _,
        namespace: _,
        // What no template has.
        parent_id: _,
        dependencies: _,
        schedule: _,
        dedup: _,
        spec_hash: _,
        hold: _,
        queue,
        task_type,
        function,
        title,
        description,
        input,
        priority,
        labels,
        metadata,
        assignee,
        retry_policy,
        timeouts,
        verification,
        verification_grace,
    } = task;
    stored::Template {
        queue: queue.clone(),
        task_type: task_type.clone(),
        title: title.clone(),
        labels: labels.as_ref().clone(),
        priority: priority.map(Priority::number).unwrap_or_default(),
        spec: Some(stored::Spec {
            description: description.clone(),
            function: function.as_ref().map(parts::to_function),
            retry_policy: retry_policy.as_ref().map(parts::to_retry_policy),
            verification: verification.number(),
            metadata: metadata.clone(),
            spec_hash: Bytes::new(),
            timeouts: (*timeouts != Timeouts::default()).then(|| work::to_timeouts(timeouts)),
            verification_grace: verification_grace.map(Span::as_micros),
            dedup_key: String::new(),
        }),
        input: input.as_ref().map(parts::to_payload),
        assignee: assignee.as_ref().map(parts::to_actor),
    }
}

pub(super) fn from_template(template: stored::Template) -> Result<Box<NewTask>, Why> {
    let stored::Template {
        queue,
        task_type,
        title,
        labels,
        priority,
        spec,
        input,
        assignee,
    } = template;
    let stored::Spec {
        description,
        function,
        retry_policy,
        verification,
        metadata,
        spec_hash: _,
        timeouts,
        verification_grace,
        dedup_key: _,
    } = spec.ok_or("a template has no spec")?;
    Ok(Box::new(NewTask {
        id: TaskId(Uuid::nil()),
        namespace: String::new(),
        queue,
        task_type,
        function: function.map(parts::from_function).transpose()?,
        title,
        description,
        input: input.map(parts::from_payload).transpose()?,
        priority: match priority {
            0 => None,
            given => Some(parts::number(given, Priority::from_number, "priority")?),
        },
        labels: Arc::new(labels),
        metadata,
        assignee: assignee.map(parts::from_actor).transpose()?,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: retry_policy.map(parts::from_retry_policy).transpose()?,
        timeouts: timeouts.as_ref().map(work::from_timeouts).unwrap_or_default(),
        verification: parts::number(verification, Verification::from_number, "verification")?,
        verification_grace: verification_grace.map(Span::from_micros),
        dedup: None,
        spec_hash: [0; 32],
        hold: false,
    }))
}
