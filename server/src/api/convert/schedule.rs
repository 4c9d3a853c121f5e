//! Schedules.

use baton_domain::limits::{DELAY, DESCRIPTION_CHARS, LABELS, MESSAGE_CHARS};
use baton_domain::schedule::{
    CATCHUP_DEFAULT, CATCHUP_MIN, Cron, INTERVAL_MIN, JITTER_MAX, OWN_LABELS, OverlapPolicy, Tick,
    TickRecord, Timing, Zone,
};
use baton_domain::{
    Actor, NewTask, Priority, Rejection, Schedule, ScheduleSpec, Span, TaskId, Timestamp, create,
};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::schedule::Timing as RawTiming;
use uuid::Uuid;

use super::new_task::{self, Setting};
use super::task::{self, Shown};
use super::{actor, given, time};
use crate::api::check;
use crate::api::violations::{Path, Violations};
use crate::engine::schedule_etag;

/// What a client says of a schedule that is to be.
pub(crate) struct Given {
    pub(crate) spec: ScheduleSpec,
    pub(crate) template: Box<NewTask>,
    pub(crate) note: String,
}

/// Reads all that a new schedule is, but for its namespace and its name.
pub(crate) fn read(v: &mut Violations, at: &Path<'_>, schedule: raw::Schedule) -> Option<Given> {
    let note = check::text(v, &at.field("note"), schedule.note.clone(), MESSAGE_CHARS);
    let task = check::present(v, &at.field("task"), schedule.task.clone());
    let template = task.and_then(|task| read_template(v, at, (*task, &schedule.namespace)));
    let spec = read_spec(v, at, schedule);
    Some(Given {
        spec: spec?,
        template: template?,
        note: note?,
    })
}

/// Reads when a schedule acts, and how.
pub(crate) fn read_spec(v: &mut Violations, at: &Path<'_>, schedule: raw::Schedule) -> Option<ScheduleSpec> {
    let phase_at = at.field("phase");
    let phase = read_span(v, &phase_at, schedule.phase, (Span::ZERO, DELAY));
    let timing = match schedule.timing {
        None => {
            v.add(
                &at.field("cron"),
                format!("must be given, or {}", at.field("interval")),
            );
            None
        }
        Some(RawTiming::Cron(text)) => {
            if phase.is_some_and(|phase| phase > Span::ZERO) {
                v.add(
                    &phase_at,
                    "must be absent: the schedule goes by a cron expression",
                );
            }
            read_cron(v, &at.field("cron"), &text).map(Timing::Cron)
        }
        Some(RawTiming::Interval(every)) => {
            let every = read_interval(v, &at.field("interval"), every);
            every
                .zip(phase)
                .map(|(every, phase)| Timing::Interval { every, phase })
        }
    };
    let description_at = at.field("description");
    let description = check::text(v, &description_at, schedule.description, DESCRIPTION_CHARS);
    let zone = read_zone(v, &at.field("time_zone"), &schedule.time_zone);
    let start_time = read_moment(v, &at.field("start_time"), schedule.start_time);
    let end_time = read_moment(v, &at.field("end_time"), schedule.end_time);
    let jitter = read_span(v, &at.field("jitter"), schedule.jitter, (Span::ZERO, JITTER_MAX));
    let overlap = read_overlap(v, &at.field("overlap_policy"), schedule.overlap_policy);
    let catchup = read_catchup(v, &at.field("catchup_window"), schedule.catchup_window);
    let spec = ScheduleSpec {
        description: description?,
        timing: timing?,
        zone: zone?,
        start_time: start_time?,
        end_time: end_time?,
        jitter: jitter?,
        overlap: overlap?,
        catchup: catchup?,
    };
    match spec.check() {
        Ok(()) => Some(spec),
        Err(rejection) => {
            if let Rejection::InvalidField { field, why } = rejection {
                let name = field.strip_prefix("schedule.").unwrap_or(field);
                v.add(&at.field(name), why);
            }
            None
        }
    }
}

pub(crate) fn read_cron(v: &mut Violations, at: &Path<'_>, text: &str) -> Option<Cron> {
    match Cron::parse(text) {
        Ok(cron) => Some(cron),
        Err(why) => {
            v.add(at, why);
            None
        }
    }
}

pub(crate) fn read_interval(v: &mut Violations, at: &Path<'_>, every: prost_types::Duration) -> Option<Span> {
    read_span(v, at, Some(every), (INTERVAL_MIN, DELAY))
}

pub(crate) fn read_zone(v: &mut Violations, at: &Path<'_>, name: &str) -> Option<Zone> {
    if name.is_empty() {
        return Some(Zone::utc());
    }
    let zone = Zone::named(name);
    if zone.is_none() {
        v.add(at, "must be the IANA name of a time zone, such as Europe/Berlin");
    }
    zone
}

pub(crate) fn read_moment(
    v: &mut Violations,
    at: &Path<'_>,
    moment: Option<prost_types::Timestamp>,
) -> Option<Option<Timestamp>> {
    match moment {
        None => Some(None),
        Some(moment) => check::moment(v, at, moment).map(Some),
    }
}

/// Reads a span within bounds; absent means none.
pub(crate) fn read_span(
    v: &mut Violations,
    at: &Path<'_>,
    span: Option<prost_types::Duration>,
    (least, most): (Span, Span),
) -> Option<Span> {
    let Some(span) = span else {
        return Some(Span::ZERO);
    };
    let span = check::span(v, at, span, most)?;
    if span < least {
        v.add(
            at,
            format!("must be at least {} s", least.as_micros() / 1_000_000),
        );
        return None;
    }
    Some(span)
}

pub(crate) fn read_overlap(v: &mut Violations, at: &Path<'_>, number: i32) -> Option<OverlapPolicy> {
    check::member(v, at, number, OverlapPolicy::from_number, OverlapPolicy::Skip)
}

pub(crate) fn read_catchup(
    v: &mut Violations,
    at: &Path<'_>,
    window: Option<prost_types::Duration>,
) -> Option<Span> {
    match window {
        None => Some(CATCHUP_DEFAULT),
        window => read_span(v, at, window, (CATCHUP_MIN, DELAY)),
    }
}

/// Reads what a tick makes. `at`: where the schedule stands.
pub(crate) fn read_template(
    v: &mut Violations,
    at: &Path<'_>,
    (task, namespace): (raw::Task, &str),
) -> Option<Box<NewTask>> {
    let task_at = at.field("task");
    let mut fine = true;
    let mut refuse = |name: &'static str, broken: bool, what: &str| {
        if broken {
            v.add(&task_at.field(name), what);
            fine = false;
        }
    };
    let foreign = !task.namespace.is_empty() && task.namespace != namespace;
    refuse("namespace", foreign, "must be empty, or that of the schedule");
    refuse(
        "parent_id",
        !task.parent_id.is_empty(),
        "must be empty: a schedule's task has no parent",
    );
    let waits = !task.dependencies.is_empty();
    refuse(
        "dependencies",
        waits,
        "must be empty: a schedule's task waits for none",
    );
    let timed = task.schedule_time.is_some();
    refuse("schedule_time", timed, "must be absent: the schedule says when");
    let most = LABELS - OWN_LABELS;
    let many = task.labels.len() > most && task.labels.len() <= LABELS;
    refuse(
        "labels",
        many,
        &format!("must have at most {most} entries: a schedule adds two"),
    );
    let request = raw::CreateTaskRequest {
        task: Some(Box::new(raw::Task {
            namespace: String::new(),
            parent_id: String::new(),
            dependencies: Vec::new(),
            schedule_time: None,
            ..task
        })),
        ..raw::CreateTaskRequest::default()
    };
    let setting = Setting {
        id: Some(TaskId(Uuid::nil())),
        creator: None,
        siblings: None,
    };
    let mut template = new_task::read(v, at, request, &setting)?.new;
    template.namespace = String::new();
    fine.then_some(template)
}

/// Writes a schedule, with the input of its task or without.
pub(crate) fn write(schedule: &Schedule, input: bool) -> raw::Schedule {
    let Schedule {
        id: _,
        namespace,
        name,
        spec,
        template,
        paused,
        note,
        creator,
        create_time,
        update_time,
        edit_revision: _,
        revision: _,
        next,
        waiting,
        running,
        recent,
        counts,
    } = schedule;
    let ScheduleSpec {
        description,
        timing,
        zone,
        start_time,
        end_time,
        jitter,
        overlap,
        catchup,
    } = spec;
    let (timing, phase) = match timing {
        Timing::Cron(cron) => (RawTiming::Cron(cron.text().to_owned()), Span::ZERO),
        Timing::Interval { every, phase } => (RawTiming::Interval(time::write_span(*every)), *phase),
    };
    let given = |span: Span| (span > Span::ZERO).then(|| time::write_span(span));
    raw::Schedule {
        namespace: namespace.clone(),
        name: name.clone(),
        description: description.clone(),
        timing: Some(timing),
        phase: given(phase),
        time_zone: zone.name().to_owned(),
        start_time: start_time.map(time::write),
        end_time: end_time.map(time::write),
        jitter: given(*jitter),
        overlap_policy: overlap.number(),
        catchup_window: Some(time::write_span(*catchup)),
        task: Some(Box::new(write_template(template, input))),
        paused: *paused,
        note: note.clone(),
        next_time: next.map(|tick| time::write(tick.fire_time)),
        recent_ticks: recent.iter().rev().map(write_record).collect(),
        waiting_times: waiting.iter().map(|tick| time::write(*tick)).collect(),
        running_task_ids: running.iter().map(TaskId::to_string).collect(),
        fired_count: counts.fired,
        skipped_count: counts.skipped,
        missed_count: counts.missed,
        creator: Some(actor::write(creator)),
        create_time: Some(time::write(*create_time)),
        update_time: Some(time::write(*update_time)),
        etag: schedule_etag(schedule),
    }
}

/// What clients gave of it: the rest is its tasks'.
fn write_template(template: &NewTask, input: bool) -> raw::Task {
    let nobody = Actor::anonymous();
    let task = create(template.clone(), &nobody, Timestamp::default()).task;
    let mut written = task::write(
        &task,
        Shown {
            input,
            ..Shown::BASIC
        },
    );
    given::clear_others(&mut written);
    // What it does not say its type says, when a tick makes it.
    written.queue.clone_from(&template.queue);
    written.priority = template.priority.map(Priority::number).unwrap_or_default();
    written
}

fn write_record(record: &TickRecord) -> raw::ScheduleTick {
    raw::ScheduleTick {
        tick_time: Some(time::write(record.tick)),
        fire_time: Some(time::write(record.time)),
        outcome: record.outcome.number(),
        task_id: record.task_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Writes a tick that is still to come.
pub(crate) fn write_tick(tick: Tick) -> raw::ScheduleTick {
    raw::ScheduleTick {
        tick_time: Some(time::write(tick.time)),
        fire_time: Some(time::write(tick.fire_time)),
        outcome: 0,
        task_id: String::new(),
    }
}
