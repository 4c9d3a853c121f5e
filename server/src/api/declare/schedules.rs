//! Schedules of a file.

use baton_domain::schedule::Timing;
use baton_domain::{NewTask, Schedule, ScheduleEdit, ScheduleId, ScheduleSpec};
use baton_proto::{raw::v1 as raw, v1};
use tracing::info;

use super::{DeclaredSchedule, as_raw, draw, file};
use crate::api::requests::schedules::ScheduleCall;
use crate::api::status::Refusal;
use crate::api::{failed, judge};
use crate::engine::{Engine, ScheduleAction, ScheduleChange};

/// The note of a schedule that the file declares no more.
const GONE: &str = "paused at the start: baton.toml declares it no more";
/// Schedules read at once: each may carry a megabyte.
const READ: u32 = 50;

pub(super) async fn declare(engine: &Engine, declared: DeclaredSchedule) -> Result<ScheduleId, Refusal> {
    let DeclaredSchedule { schedule, paused } = declared;
    let request: raw::CreateScheduleRequest = as_raw(&v1::CreateScheduleRequest {
        schedule: Some(schedule),
        ..Default::default()
    })?;
    let change = judge::read(|v| request.read(v, &draw(engine)))?.change;
    let ScheduleAction::Create(mut new) = change.action else {
        return Err(Refusal::opaque_bug());
    };
    new.creator = file();
    let (namespace, name) = (change.namespace, change.name);
    let found = engine.store().schedule(&namespace, &name).await;
    let found = found.map_err(|error| failed::store_failed(&error))?;
    let Some(found) = found else {
        let id = new.id;
        give(engine, (namespace, name), ScheduleAction::Create(new)).await?;
        return Ok(id);
    };
    if found.spec != new.spec || found.template != new.template {
        let edit = whole_schedule(new.spec, new.template);
        let action = ScheduleAction::Update(Box::new(edit));
        give(engine, (namespace.clone(), name.clone()), action).await?;
    }
    // What was paused because the file did not name it goes on when it does again.
    let wanted = paused.or((found.paused && found.note == GONE).then_some(false));
    match wanted {
        Some(true) if !found.paused => {
            let note = new.note.clone();
            give(engine, (namespace, name), ScheduleAction::Pause { note }).await?;
        }
        Some(false) if found.paused => {
            let note = new.note.clone();
            give(engine, (namespace, name), ScheduleAction::Resume { note }).await?;
        }
        Some(_) | None => {}
    }
    Ok(found.id)
}

/// An edit that leaves nothing as it was.
fn whole_schedule(spec: ScheduleSpec, template: Box<NewTask>) -> ScheduleEdit {
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
    let (cron, interval, phase) = match timing {
        Timing::Cron(cron) => (Some(cron), None, None),
        Timing::Interval { every, phase } => (None, Some(every), Some(phase)),
    };
    ScheduleEdit {
        description: Some(description),
        cron,
        interval,
        phase,
        zone: Some(zone),
        start_time: Some(start_time),
        end_time: Some(end_time),
        jitter: Some(jitter),
        overlap: Some(overlap),
        catchup: Some(catchup),
        template: Some(template),
    }
}

pub(super) async fn pause_others(engine: &Engine, kept: &[ScheduleId]) -> Result<(), Refusal> {
    let mut after = None;
    loop {
        let found = engine.store().all_schedules(after, READ).await;
        let found = found.map_err(|error| failed::store_failed(&error))?;
        let Some(last) = found.last() else {
            return Ok(());
        };
        after = Some(last.id);
        let gone = |schedule: &&Schedule| {
            schedule.creator == file() && !schedule.paused && !kept.contains(&schedule.id)
        };
        for schedule in found.iter().filter(gone) {
            let key = (schedule.namespace.clone(), schedule.name.clone());
            let note = GONE.to_owned();
            give(engine, key, ScheduleAction::Pause { note }).await?;
            info!(
                namespace = schedule.namespace,
                schedule = schedule.name,
                "baton.toml declares this schedule no more: it is paused"
            );
        }
    }
}

async fn give(
    engine: &Engine,
    (namespace, name): (String, String),
    action: ScheduleAction,
) -> Result<(), Refusal> {
    let change = ScheduleChange {
        namespace,
        name,
        etag: None,
        action,
    };
    let done = engine.change_schedule(change, None).await;
    done.map(drop).map_err(|error| failed::refuse_error(&error))
}
