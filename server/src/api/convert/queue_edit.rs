//! What an update changes of a queue.

use baton_domain::QueueEdit;
use baton_domain::limits::DESCRIPTION_CHARS;
use baton_proto::raw::v1 as raw;
use prost_types::FieldMask;

use super::mask::{Editable, Mask, Taken};
use super::{policy, queue};
use crate::api::check;
use crate::api::violations::{Path, Violations};

const EDITABLE: Editable = Editable {
    fields: &[
        "description",
        "concurrency_limit",
        "rate_limit",
        "key_label",
        "key_concurrency_limit",
        "retry_policy",
        "retention",
    ],
    fixed: &[
        ("namespace", "never changes"),
        ("name", "never changes"),
        ("paused", "is changed by PauseQueue and ResumeQueue"),
        ("note", "is changed by PauseQueue and ResumeQueue"),
    ],
    output_only: &["leased_count", "creator", "create_time", "update_time", "etag"],
};

/// Reads an update. A field that is named and empty is cleared.
pub(crate) fn read(v: &mut Violations, queue: raw::Queue, mask: Option<FieldMask>) -> Option<Box<QueueEdit>> {
    let mask = EDITABLE.read(v, mask)?;
    let at = &Path::REQUEST.field("queue");
    let given = [false, false, queue.paused, !queue.note.is_empty()];
    EDITABLE.check_fixed((v, at), &mask, &given);
    let edit = read_fields(v, at, queue, &mask)?;
    if edit == QueueEdit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some(Box::new(edit))
}

fn read_fields(v: &mut Violations, at: &Path<'_>, queue: raw::Queue, mask: &Mask) -> Option<QueueEdit> {
    let mut field = Taken { mask, v, at };
    let description = field.take("description", !queue.description.is_empty(), |v, at| {
        check::text(v, at, queue.description, DESCRIPTION_CHARS)
    });
    let limit = queue.concurrency_limit;
    let concurrency = field.take("concurrency_limit", limit.is_some(), |v, at| {
        queue::read_places(v, at, limit)
    });
    let rate = field.take("rate_limit", queue.rate_limit.is_some(), |v, at| {
        queue::read_rate(v, at, queue.rate_limit)
    });
    let key_label = field.take("key_label", !queue.key_label.is_empty(), |v, at| {
        queue::read_label(v, at, queue.key_label)
    });
    let limit = queue.key_concurrency_limit;
    let key_limit = field.take("key_concurrency_limit", limit.is_some(), |v, at| {
        queue::read_key_limit(v, at, limit)
    });
    let retry_policy = field.take("retry_policy", queue.retry_policy.is_some(), |v, at| {
        policy::read(v, at, queue.retry_policy)
    });
    let retention = field.take("retention", queue.retention.is_some(), |v, at| {
        queue::read_retention(v, at, queue.retention)
    });
    Some(QueueEdit {
        description: description?,
        concurrency: concurrency?,
        rate: rate?,
        key_label: key_label?,
        key_limit: key_limit?,
        retry_policy: retry_policy?,
        retention: retention?,
    })
}
