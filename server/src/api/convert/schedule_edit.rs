//! What an update changes of a schedule.

use baton_domain::ScheduleEdit;
use baton_domain::Span;
use baton_domain::limits::{DELAY, DESCRIPTION_CHARS};
use baton_domain::schedule::JITTER_MAX;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::schedule::Timing;
use prost_types::FieldMask;

use super::schedule;
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Fields that UpdateSchedule edits, in the order of the contract.
const EDITABLE: [&str; 11] = [
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
];

/// Fields that clients give otherwise, each with how.
const FIXED: [(&str, &str); 4] = [
    ("namespace", "never changes"),
    ("name", "never changes"),
    ("paused", "is changed by PauseSchedule and ResumeSchedule"),
    ("note", "is changed by PauseSchedule and ResumeSchedule"),
];

/// Reads an update. A field that is named and empty gets the value that a new schedule has.
pub(crate) fn read(
    v: &mut Violations,
    schedule: raw::Schedule,
    mask: Option<FieldMask>,
) -> Option<Box<ScheduleEdit>> {
    let paths = mask.unwrap_or_default().paths;
    let named = read_paths(v, &paths);
    let at = &Path::REQUEST.field("schedule");
    if paths.is_empty() {
        for (name, instead) in FIXED.iter().skip(2) {
            let given = if *name == "paused" {
                schedule.paused
            } else {
                !schedule.note.is_empty()
            };
            if given {
                v.add(&at.field(name), format!("must be empty: it {instead}"));
            }
        }
    }
    let named = named?;
    let edit = read_fields(v, at, schedule, &named)?;
    if edit == ScheduleEdit::default() {
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
    let both = names.contains(&"cron") && names.contains(&"interval");
    if both {
        v.add(
            &at,
            "must not have both cron and interval: a schedule goes by one of them",
        );
    }
    (names.len() == paths.len() && !both).then_some(names)
}

fn why_not(path: &str) -> String {
    if let Some((name, instead)) = FIXED.iter().find(|(name, _)| *name == path) {
        return format!("must not be {name}, which {instead}");
    }
    format!("must be one of {}", EDITABLE.join(", "))
}

fn read_fields(
    v: &mut Violations,
    at: &Path<'_>,
    schedule: raw::Schedule,
    named: &[&str],
) -> Option<ScheduleEdit> {
    let takes = |name: &str, given: bool| {
        if named.is_empty() {
            given
        } else {
            named.contains(&name)
        }
    };
    let (cron, interval) = match schedule.timing {
        Some(Timing::Cron(text)) => (Some(text), None),
        Some(Timing::Interval(every)) => (None, Some(every)),
        None => (None, None),
    };
    let cron = taken(takes("cron", cron.is_some()), || {
        let text = check::present(v, &at.field("cron"), cron)?;
        schedule::read_cron(v, &at.field("cron"), &text)
    });
    let interval = taken(takes("interval", interval.is_some()), || {
        let every = check::present(v, &at.field("interval"), interval)?;
        schedule::read_interval(v, &at.field("interval"), every)
    });
    let description = taken(takes("description", !schedule.description.is_empty()), || {
        check::text(
            v,
            &at.field("description"),
            schedule.description,
            DESCRIPTION_CHARS,
        )
    });
    let phase = taken(takes("phase", schedule.phase.is_some()), || {
        schedule::read_span(v, &at.field("phase"), schedule.phase, (Span::ZERO, DELAY))
    });
    let zone = taken(takes("time_zone", !schedule.time_zone.is_empty()), || {
        schedule::read_zone(v, &at.field("time_zone"), &schedule.time_zone)
    });
    let start_time = taken(takes("start_time", schedule.start_time.is_some()), || {
        schedule::read_moment(v, &at.field("start_time"), schedule.start_time)
    });
    let end_time = taken(takes("end_time", schedule.end_time.is_some()), || {
        schedule::read_moment(v, &at.field("end_time"), schedule.end_time)
    });
    let jitter = taken(takes("jitter", schedule.jitter.is_some()), || {
        schedule::read_span(v, &at.field("jitter"), schedule.jitter, (Span::ZERO, JITTER_MAX))
    });
    let overlap = taken(takes("overlap_policy", schedule.overlap_policy != 0), || {
        schedule::read_overlap(v, &at.field("overlap_policy"), schedule.overlap_policy)
    });
    let catchup = taken(takes("catchup_window", schedule.catchup_window.is_some()), || {
        schedule::read_catchup(v, &at.field("catchup_window"), schedule.catchup_window)
    });
    let template = taken(takes("task", schedule.task.is_some()), || {
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

/// `Some(None)` where the field is not taken.
fn taken<T>(takes: bool, read: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if takes { read().map(Some) } else { Some(None) }
}
