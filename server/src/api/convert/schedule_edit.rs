//! What an update changes of a schedule.

use baton_domain::ScheduleEdit;
use baton_domain::Span;
use baton_domain::limits::{DELAY, DESCRIPTION_CHARS};
use baton_domain::schedule::JITTER_MAX;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::schedule::Timing;
use prost_types::FieldMask;

use super::mask::{Editable, Mask, Taken};
use super::schedule;
use crate::api::check;
use crate::api::violations::{Path, Violations};

const EDITABLE: Editable = Editable {
    fields: &[
        "description",
        "cron",
        "interval",
        "phase",
        "time_zone",
        "start_time",
        "end_time",
        "jitter",
        "overlap_policy",
        "catchup_window",
        "task",
    ],
    fixed: &[
        ("namespace", "never changes"),
        ("name", "never changes"),
        ("paused", "is changed by PauseSchedule and ResumeSchedule"),
        ("note", "is changed by PauseSchedule and ResumeSchedule"),
    ],
    output_only: &[
        "next_time",
        "recent_ticks",
        "waiting_times",
        "running_task_ids",
        "fired_count",
        "skipped_count",
        "missed_count",
        "creator",
        "create_time",
        "update_time",
        "etag",
    ],
};

/// Reads an update. A field that is named and empty gets the value that a new schedule has.
pub(crate) fn read(
    v: &mut Violations,
    schedule: raw::Schedule,
    mask: Option<FieldMask>,
) -> Option<Box<ScheduleEdit>> {
    let mask = EDITABLE.read(v, mask)?;
    if mask.names("cron") && mask.names("interval") {
        v.add(
            &Path::REQUEST.field("update_mask").field("paths"),
            "must not have both cron and interval: a schedule goes by one of them",
        );
        return None;
    }
    let at = &Path::REQUEST.field("schedule");
    let given = [false, false, schedule.paused, !schedule.note.is_empty()];
    EDITABLE.check_fixed((v, at), &mask, &given);
    let edit = read_fields(v, at, schedule, &mask)?;
    if edit == ScheduleEdit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some(Box::new(edit))
}

fn read_fields(
    v: &mut Violations,
    at: &Path<'_>,
    schedule: raw::Schedule,
    mask: &Mask,
) -> Option<ScheduleEdit> {
    let (cron, interval) = match schedule.timing {
        Some(Timing::Cron(text)) => (Some(text), None),
        Some(Timing::Interval(every)) => (None, Some(every)),
        None => (None, None),
    };
    let mut field = Taken { mask, v, at };
    let cron = field.take("cron", cron.is_some(), |v, at| {
        let text = check::present(v, at, cron)?;
        schedule::read_cron(v, at, &text)
    });
    let interval = field.take("interval", interval.is_some(), |v, at| {
        let every = check::present(v, at, interval)?;
        schedule::read_interval(v, at, every)
    });
    let description = field.take("description", !schedule.description.is_empty(), |v, at| {
        check::text(v, at, schedule.description, DESCRIPTION_CHARS)
    });
    let phase = field.take("phase", schedule.phase.is_some(), |v, at| {
        schedule::read_span(v, at, schedule.phase, (Span::ZERO, DELAY))
    });
    let zone = field.take("time_zone", !schedule.time_zone.is_empty(), |v, at| {
        schedule::read_zone(v, at, &schedule.time_zone)
    });
    let start_time = field.take("start_time", schedule.start_time.is_some(), |v, at| {
        schedule::read_moment(v, at, schedule.start_time)
    });
    let end_time = field.take("end_time", schedule.end_time.is_some(), |v, at| {
        schedule::read_moment(v, at, schedule.end_time)
    });
    let jitter = field.take("jitter", schedule.jitter.is_some(), |v, at| {
        schedule::read_span(v, at, schedule.jitter, (Span::ZERO, JITTER_MAX))
    });
    let overlap = field.take("overlap_policy", schedule.overlap_policy != 0, |v, at| {
        schedule::read_overlap(v, at, schedule.overlap_policy)
    });
    let catchup = field.take("catchup_window", schedule.catchup_window.is_some(), |v, at| {
        schedule::read_catchup(v, at, schedule.catchup_window)
    });
    let template = field.take("task", schedule.task.is_some(), |v, _| {
        let task = schedule.task.unwrap_or_default();
        schedule::read_template(v, at, (*task, &schedule.namespace))
    });
    Some(ScheduleEdit {
        description: description?,
        cron: cron?,
        interval: interval?,
        phase: phase?,
        zone: zone?,
        start_time: start_time?,
        end_time: end_time?,
        jitter: jitter?,
        overlap: overlap?,
        catchup: catchup?,
        template: template?,
    })
}
