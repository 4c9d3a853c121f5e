//! By what a task is told from others.

use baton_domain::dedup::{Dedup, DedupPolicy, derived_key};
use baton_domain::limits::{DEDUP_KEY_CHARS, DELAY};
use baton_domain::{Actor, NewTask, Span};
use baton_proto::raw::v1 as raw;

use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Reads how `new`, which `creator` creates, is told from others; nothing where it is by nothing.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    dedup: Option<raw::Dedup>,
    (new, creator): (Option<&NewTask>, Option<&Actor>),
) -> Option<Option<Dedup>> {
    let Some(dedup) = dedup else {
        return Some(None);
    };
    let raw::Dedup {
        key,
        derive_key,
        window,
        policy,
    } = dedup;
    let key_at = at.field("key");
    if key.is_empty() != derive_key {
        let what = if derive_key {
            format!("must not be given together with {}", at.field("derive_key"))
        } else {
            format!("must be given, or {}", at.field("derive_key"))
        };
        v.add(&key_at, what);
    }
    let key = check::word(v, &key_at, key, DEDUP_KEY_CHARS);
    let window = read_window(v, &at.field("window"), window);
    let policy_at = at.field("policy");
    let unset = DedupPolicy::ReturnExisting;
    let policy = check::member(v, &policy_at, policy, DedupPolicy::from_number, unset);
    let (key, window, policy) = (key?, window?, policy?);
    // Where the task or its creator is broken, the request is refused anyway.
    let key = if derive_key {
        derived_key(new?, creator?)
    } else {
        key
    };
    Some(Some(Dedup { key, window, policy }))
}

fn read_window(
    v: &mut Violations,
    at: &Path<'_>,
    window: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    let Some(window) = window else {
        return Some(None);
    };
    let span = check::span(v, at, window, DELAY)?;
    if span == Span::ZERO {
        v.add(at, "must be more than 0; absent means while the task is open");
        return None;
    }
    Some(Some(span))
}
