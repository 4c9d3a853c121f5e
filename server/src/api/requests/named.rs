//! What the calls share that are about named things: queues, schedules, task types and webhooks.

use baton_domain::Actor;
use baton_domain::limits::MESSAGE_CHARS;
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use crate::api::check;
use crate::api::convert::actor;
use crate::api::violations::{Path, Violations};

/// A namespace and a name.
pub(in crate::api) type Key = (String, String);

/// Reads the namespace and the name of a thing at a place.
pub(super) fn read_key(v: &mut Violations, at: &Path<'_>, key: Key) -> Option<Key> {
    read_key_as(v, at, key, check::name)
}

/// As [`read_key`], of a thing whose names have another form.
pub(super) fn read_key_as(
    v: &mut Violations,
    at: &Path<'_>,
    (namespace, name): Key,
    form: fn(&mut Violations, &Path<'_>, String) -> Option<String>,
) -> Option<Key> {
    let namespace = check::name(v, &at.field("namespace"), namespace);
    let name_at = at.field("name");
    if name.is_empty() {
        v.add(&name_at, "must not be empty");
        return None;
    }
    let name = form(v, &name_at, name);
    Some((namespace?, name?))
}

/// What every change carries beside its own fields. Who acts is checked, and kept where there is a place for it.
pub(super) fn read_common(
    v: &mut Violations,
    request_id: &str,
    actor: Option<raw::Actor>,
) -> Option<(Option<Uuid>, Actor)> {
    let request_id = check::optional_uuid(v, &Path::REQUEST.field("request_id"), request_id);
    let actor = actor::read_or(v, &Path::REQUEST.field("actor"), actor, Actor::anonymous);
    Some((request_id?, actor?))
}

/// The note of a pause, and of a resume.
pub(super) fn read_note(v: &mut Violations, note: String) -> Option<String> {
    check::text(v, &Path::REQUEST.field("note"), note, MESSAGE_CHARS)
}

/// The etag, where one was given.
pub(super) fn given(etag: String) -> Option<String> {
    Some(etag).filter(|etag| !etag.is_empty())
}
