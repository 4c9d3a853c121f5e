//! The rows of schedules.

use baton_domain::schedule::{Cron, OverlapPolicy, Tick, TickCounts, TickOutcome, TickRecord, Timing, Zone};
use baton_domain::{Actor, Schedule, ScheduleId, ScheduleSpec, Span, Timestamp};
use bytes::Bytes;
use prost::Message;

use super::parts::{self, Why};
use super::stored;
use super::template::{from_template, to_template};
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::schedule::Model;
use crate::store::error::StoreError;

/// The columns of a schedule in the order of [`schedule_cells`].
pub(in crate::store) const SCHEDULE: Table = Table {
    name: "schedule",
    groups: &[
        &[id("id", Default::None)],
        &[
            int("revision", Default::None),
            int("next_time", Default::None),
            int("waiting", Default::None),
            blob("progress", Default::None),
        ],
        &[text("namespace", Default::None), text("name", Default::None)],
        &[blob("spec", Default::None)],
        &[blob("template", Default::None)],
    ],
};

/// The cells of a schedule's row, in the order of [`SCHEDULE`].
pub(in crate::store) fn schedule_cells(schedule: &Schedule) -> Vec<Cell<'_>> {
    let Schedule {
        id,
        namespace,
        name,
        spec: _,
        template,
        paused: _,
        note: _,
        creator: _,
        create_time: _,
        update_time: _,
        edit_revision: _,
        revision,
        next,
        waiting,
        running: _,
        recent: _,
        counts: _,
    } = schedule;
    let may_go_on = if schedule.waits() { waiting.len() } else { 0 };
    vec![
        Cell::Id(id.0),
        Cell::Int(*revision),
        Cell::option(*next, |tick| Cell::Int(tick.fire_time.as_micros())),
        Cell::Int(i64::try_from(may_go_on).unwrap_or(i64::MAX)),
        Cell::owned(Some(to_progress(schedule).encode_to_vec())),
        Cell::text(namespace),
        Cell::text(name),
        Cell::owned(Some(to_spec(schedule).encode_to_vec())),
        Cell::owned(Some(to_template(template).encode_to_vec())),
    ]
}

fn to_spec(schedule: &Schedule) -> stored::ScheduleSpec {
    let ScheduleSpec {
        description,
        timing,
        zone,
        start_time,
        end_time,
        jitter,
        overlap,
        catchup,
    } = &schedule.spec;
    let (cron, every, phase) = match timing {
        Timing::Cron(cron) => (Some(cron.text().to_owned()), 0, 0),
        Timing::Interval { every, phase } => (None, every.as_micros(), phase.as_micros()),
    };
    stored::ScheduleSpec {
        description: description.clone(),
        cron,
        every,
        phase,
        zone: zone.name().to_owned(),
        start_time: parts::micros(*start_time),
        end_time: parts::micros(*end_time),
        jitter: jitter.as_micros(),
        overlap: overlap.number(),
        catchup: catchup.as_micros(),
        paused: schedule.paused,
        note: schedule.note.clone(),
        creator: Some(parts::to_actor(&schedule.creator)),
        create_time: schedule.create_time.as_micros(),
        update_time: schedule.update_time.as_micros(),
        edit_revision: schedule.edit_revision,
    }
}

fn to_progress(schedule: &Schedule) -> stored::ScheduleProgress {
    let TickCounts {
        fired,
        skipped,
        missed,
    } = schedule.counts;
    let id = |id: &baton_domain::TaskId| Bytes::copy_from_slice(id.0.as_bytes());
    let record = |record: &TickRecord| stored::TickRecord {
        tick: record.tick.as_micros(),
        outcome: record.outcome.number(),
        task_id: record.task_id.as_ref().map(id),
        time: record.time.as_micros(),
    };
    stored::ScheduleProgress {
        next_tick: schedule.next.map(|tick| tick.time.as_micros()),
        waiting: schedule.waiting.iter().map(|tick| tick.as_micros()).collect(),
        running: schedule.running.iter().map(id).collect(),
        recent: schedule.recent.iter().map(record).collect(),
        fired,
        skipped,
        missed,
    }
}

/// The schedule of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_schedule(row: Model) -> Result<Schedule, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("schedule", id, why))
}

pub(super) fn convert(row: Model) -> Result<Schedule, Why> {
    let Model {
        id,
        revision,
        next_time,
        waiting: _,
        progress,
        namespace,
        name,
        spec,
        template,
    } = row;
    let stored::ScheduleProgress {
        next_tick,
        waiting,
        running,
        recent,
        fired,
        skipped,
        missed,
    } = parts::decode(progress, "progress")?;
    let spec: stored::ScheduleSpec = parts::decode(spec, "spec")?;
    let next = next_tick.zip(next_time).map(|(time, fire_time)| Tick {
        time: Timestamp::from_micros(time),
        fire_time: Timestamp::from_micros(fire_time),
    });
    Ok(Schedule {
        id: ScheduleId(id),
        namespace,
        name,
        template: from_template(parts::decode(template, "template")?)?,
        paused: spec.paused,
        note: spec.note.clone(),
        creator: read_creator(spec.creator.clone())?,
        create_time: Timestamp::from_micros(spec.create_time),
        update_time: Timestamp::from_micros(spec.update_time),
        edit_revision: spec.edit_revision,
        spec: read_spec(spec)?,
        revision,
        next,
        waiting: waiting.into_iter().map(Timestamp::from_micros).collect(),
        running: running.iter().map(|id| parts::id(id)).collect::<Result<_, _>>()?,
        recent: parts::all(recent, read_record)?,
        counts: TickCounts {
            fired,
            skipped,
            missed,
        },
    })
}

fn read_creator(creator: Option<stored::Actor>) -> Result<Actor, Why> {
    parts::from_actor(creator.ok_or("a schedule has no creator")?)
}

fn read_spec(spec: stored::ScheduleSpec) -> Result<ScheduleSpec, Why> {
    let stored::ScheduleSpec {
        description,
        cron,
        every,
        phase,
        zone,
        start_time,
        end_time,
        jitter,
        overlap,
        catchup,
        // Read by the caller.
        paused: _,
        note: _,
        creator: _,
        create_time: _,
        update_time: _,
        edit_revision: _,
    } = spec;
    let timing = match cron {
        Some(text) => Timing::Cron(Cron::parse(&text)?),
        None if every > 0 => Timing::Interval {
            every: Span::from_micros(every),
            phase: Span::from_micros(phase),
        },
        None => return Err("a schedule has no timing".to_owned()),
    };
    Ok(ScheduleSpec {
        description,
        timing,
        zone: Zone::named(&zone).ok_or_else(|| format!("time zone {zone:?} is not known"))?,
        start_time: parts::time(start_time),
        end_time: parts::time(end_time),
        jitter: Span::from_micros(jitter),
        overlap: parts::number(overlap, OverlapPolicy::from_number, "overlap policy")?,
        catchup: Span::from_micros(catchup),
    })
}

fn read_record(record: stored::TickRecord) -> Result<TickRecord, Why> {
    let stored::TickRecord {
        tick,
        outcome,
        task_id,
        time,
    } = record;
    Ok(TickRecord {
        tick: Timestamp::from_micros(tick),
        outcome: parts::number(outcome, TickOutcome::from_number, "tick outcome")?,
        task_id: task_id.map(|id| parts::id(&id)).transpose()?,
        time: Timestamp::from_micros(time),
    })
}
