//! How far the work is.

use baton_domain::Progress;
use baton_domain::limits::{LINE_CHARS, MESSAGE_CHARS};
use baton_proto::raw::v1 as raw;

use super::time;
use crate::api::check;
use crate::api::violations::{Path, Violations};

pub(crate) fn read(v: &mut Violations, at: &Path<'_>, progress: raw::Progress) -> Option<Progress> {
    let raw::Progress {
        percent,
        current_step,
        message,
        estimated_time_remaining,
    } = progress;
    let percent = match percent {
        Some(percent) => check::within(v, &at.field("percent"), percent, 0..=100).map(Some),
        None => Some(None),
    };
    let current_step = check::text(v, &at.field("current_step"), current_step, LINE_CHARS);
    let message = check::text(v, &at.field("message"), message, MESSAGE_CHARS);
    let remaining = time::read_delay(v, &at.field("estimated_time_remaining"), estimated_time_remaining);
    Some(Progress {
        percent: percent?,
        current_step: current_step?,
        message: message?,
        estimated_time_remaining: remaining?,
    })
}

pub(crate) fn write(progress: &Progress) -> raw::Progress {
    let Progress {
        percent,
        current_step,
        message,
        estimated_time_remaining,
    } = progress;
    raw::Progress {
        percent: *percent,
        current_step: current_step.clone(),
        message: message.clone(),
        estimated_time_remaining: estimated_time_remaining.map(time::write_span),
    }
}
