//! What failed.

use baton_domain::TaskError;
use baton_domain::limits::{BACKOFF, MESSAGE_CHARS, NAME_CHARS};
use baton_proto::raw::v1 as raw;

use super::{document, time};
use crate::api::check;
use crate::api::violations::{Path, Violations};

pub(crate) fn read(v: &mut Violations, at: &Path<'_>, error: raw::TaskError) -> Option<TaskError> {
    let raw::TaskError {
        code,
        message,
        details,
        retry_after,
        non_retryable,
    } = error;
    let code = check::word(v, &at.field("code"), code, NAME_CHARS);
    let message = check::required_text(v, &at.field("message"), message, MESSAGE_CHARS);
    let details = document::read_struct(v, &at.field("details"), details);
    let retry_after = match retry_after {
        Some(span) => check::span(v, &at.field("retry_after"), span, BACKOFF).map(Some),
        None => Some(None),
    };
    Some(TaskError {
        code: code?,
        message: message?,
        details: details?,
        retry_after: retry_after?,
        non_retryable,
    })
}

pub(crate) fn write(error: &TaskError) -> raw::TaskError {
    let TaskError {
        code,
        message,
        details,
        retry_after,
        non_retryable,
    } = error;
    raw::TaskError {
        code: code.clone(),
        message: message.clone(),
        details: details.clone(),
        retry_after: retry_after.map(time::write_span),
        non_retryable: *non_retryable,
    }
}
