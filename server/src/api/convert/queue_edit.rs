//! What an update changes of a queue.

use baton_domain::QueueEdit;
use baton_domain::limits::DESCRIPTION_CHARS;
use baton_proto::raw::v1 as raw;
use prost_types::FieldMask;

use super::{policy, queue};
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Fields that UpdateQueue edits, in the order of the contract.
const EDITABLE: [&str; 7] = [
    "description",
    "concurrency_limit",
    "rate_limit",
    "key_label",
    "key_concurrency_limit",
    "retry_policy",
    "retention",
];

/// Fields that clients give otherwise, each with how.
const FIXED: [(&str, &str); 4] = [
    ("namespace", "never changes"),
    ("name", "never changes"),
    ("paused", "is changed by PauseQueue and ResumeQueue"),
    ("note", "is changed by PauseQueue and ResumeQueue"),
];

/// Reads an update. A field that is named and empty is cleared.
pub(crate) fn read(v: &mut Violations, queue: raw::Queue, mask: Option<FieldMask>) -> Option<Box<QueueEdit>> {
    let paths = mask.unwrap_or_default().paths;
    let named = read_paths(v, &paths);
    let at = &Path::REQUEST.field("queue");
    if paths.is_empty() {
        for (name, instead) in FIXED.iter().skip(2) {
            let given = if *name == "paused" {
                queue.paused
            } else {
                !queue.note.is_empty()
            };
            if given {
                v.add(&at.field(name), format!("must be empty: it {instead}"));
            }
        }
    }
    let named = named?;
    let edit = read_fields(v, at, queue, &named)?;
    if edit == QueueEdit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some(Box::new(edit))
}

fn read_paths(v: &mut Violations, paths: &[String]) -> Option<Vec<&'static str>> {
    let mask_at = Path::REQUEST.field("update_mask");
    let at = mask_at.field("paths");
    let mut names = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        match EDITABLE.iter().find(|name| *name == path) {
            Some(name) => names.push(*name),
            None => v.add(&at.index(index), why_not(path)),
        }
    }
    (names.len() == paths.len()).then_some(names)
}

fn why_not(path: &str) -> String {
    if let Some((name, instead)) = FIXED.iter().find(|(name, _)| *name == path) {
        return format!("must not be {name}, which {instead}");
    }
    format!("must be one of {}", EDITABLE.join(", "))
}

fn read_fields(v: &mut Violations, at: &Path<'_>, queue: raw::Queue, named: &[&str]) -> Option<QueueEdit> {
    let takes = |name: &str, given: bool| {
        if named.is_empty() {
            given
        } else {
            named.contains(&name)
        }
    };
    let description = taken(takes("description", !queue.description.is_empty()), || {
        let at = at.field("description");
        check::text(v, &at, queue.description, DESCRIPTION_CHARS)
    });
    let concurrency = taken(
        takes("concurrency_limit", queue.concurrency_limit.is_some()),
        || queue::read_places(v, &at.field("concurrency_limit"), queue.concurrency_limit),
    );
    let rate = taken(takes("rate_limit", queue.rate_limit.is_some()), || {
        queue::read_rate(v, &at.field("rate_limit"), queue.rate_limit)
    });
    let key_label = taken(takes("key_label", !queue.key_label.is_empty()), || {
        queue::read_label(v, &at.field("key_label"), queue.key_label)
    });
    let key_limit = queue.key_concurrency_limit;
    let key_limit = taken(takes("key_concurrency_limit", key_limit.is_some()), || {
        queue::read_key_limit(v, &at.field("key_concurrency_limit"), key_limit)
    });
    let retry_policy = taken(takes("retry_policy", queue.retry_policy.is_some()), || {
        policy::read(v, &at.field("retry_policy"), queue.retry_policy)
    });
    let retention = taken(takes("retention", queue.retention.is_some()), || {
        queue::read_retention(v, &at.field("retention"), queue.retention)
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

/// `Some(None)` where the field is not taken.
fn taken<T>(takes: bool, read: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if takes { read().map(Some) } else { Some(None) }
}
