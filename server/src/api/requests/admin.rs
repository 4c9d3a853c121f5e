//! Calls about the server, and ExplainTask.

use std::time::Duration;

use baton_domain::limits::DELAY;
use baton_domain::{Span, TaskId};
use baton_proto::raw::v1 as raw;
use bytes::Bytes;

use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Reads which task is to be explained.
pub(in crate::api) fn read_explain(v: &mut Violations, request: raw::ExplainTaskRequest) -> Option<TaskId> {
    let raw::ExplainTaskRequest { id } = request;
    check::task_id(v, &Path::REQUEST.field("id"), &id)
}

/// Reads how a copy of the database is to be named.
pub(in crate::api) fn read_backup(v: &mut Violations, request: raw::BackupStoreRequest) -> Option<String> {
    let raw::BackupStoreRequest { name } = request;
    let at = Path::REQUEST.field("name");
    let name = check::name_or_none(v, &at, name)?;
    // Neither a hidden file nor one that a shell takes for an option.
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        v.add(&at, "must begin with a letter or a digit");
        return None;
    }
    Some(name)
}

/// Reads how far the clock is to be moved.
pub(in crate::api) fn read_advance(
    v: &mut Violations,
    request: raw::AdvanceClockRequest,
) -> Option<Duration> {
    let raw::AdvanceClockRequest { duration } = request;
    let at = Path::REQUEST.field("duration");
    let given = check::present(v, &at, duration);
    let span = given.and_then(|given| check::span(v, &at, given, DELAY))?;
    if span == Span::ZERO {
        v.add(&at, "must be more than 0");
        return None;
    }
    Some(Duration::from_micros(span.as_micros().unsigned_abs()))
}

/// Reads which namespace is to be exported.
pub(in crate::api) fn read_export(
    v: &mut Violations,
    request: raw::ExportNamespaceRequest,
) -> Option<String> {
    let raw::ExportNamespaceRequest { namespace } = request;
    check::name(v, &Path::REQUEST.field("namespace"), namespace)
}

/// Reads the first message of an archive: which namespace it is to become, if that is said, and its first bytes.
pub(in crate::api) fn read_import(
    v: &mut Violations,
    request: raw::ImportNamespaceRequest,
) -> Option<(String, Bytes)> {
    let raw::ImportNamespaceRequest { namespace, data } = request;
    let namespace = check::name_or_none(v, &Path::REQUEST.field("namespace"), namespace)?;
    Some((namespace, data))
}
