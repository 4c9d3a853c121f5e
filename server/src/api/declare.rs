//! What a file declares: brings schedules and task types to where the file has them, before anything is served.
//!
//! Declarations are read as the calls that would make the same, so what is wrong with them is the same too. What a file made
//! is known by its creator, the SYSTEM `baton.toml`, whom no caller can be. What callers made, and the file does not name, is
//! left alone. A schedule that the file made and names no more is paused, never deleted: nothing is lost by a line that was
//! deleted by mistake, and nothing ticks that nobody can find.

use baton_domain::{Actor, ActorType, Schedule, ScheduleEdit, ScheduleId, ScheduleSpec, TypeEdit, TypeSpec};
use baton_proto::{raw::v1 as raw, v1};
use prost::Message;
use tracing::{info, warn};

use super::convert::Draw;
use super::requests::schedules::ScheduleCall;
use super::requests::task_types::TypeCall;
use super::status::Refusal;
use super::{failed, judge};
use crate::engine::{Engine, ScheduleAction, ScheduleChange, Schemas, TypeAction, TypeChange};

/// The creator of what a file declares.
const FILE: &str = "baton.toml";
/// The note of a schedule that the file declares no more.
const GONE: &str = "paused at the start: baton.toml declares it no more";
/// Schedules read at once: each may carry a megabyte.
const READ: u32 = 50;

/// What a file declares.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// Types, each whole.
    pub task_types: Vec<v1::TaskType>,
    /// Schedules, each whole.
    pub schedules: Vec<DeclaredSchedule>,
}

/// A schedule of a file.
#[derive(Clone, Debug)]
pub struct DeclaredSchedule {
    /// All of it.
    pub schedule: v1::Schedule,
    /// Whether it is paused, where the file says so. Else whoever paused it has the say.
    pub paused: Option<bool>,
}

/// Brings everything to where the file has it.
///
/// Errors: what the calls would be refused with, the first one.
pub(crate) async fn declare(engine: &Engine, declared: Declarations) -> Result<(), Refusal> {
    let Declarations {
        task_types,
        schedules,
    } = declared;
    let mut known = Vec::new();
    for task_type in task_types {
        known.push((task_type.namespace.clone(), task_type.name.clone()));
        declare_type(engine, task_type).await?;
    }
    tell_of_types(engine, &known);
    let mut kept = Vec::new();
    for declared in schedules {
        kept.push(declare_schedule(engine, declared).await?);
    }
    pause_others(engine, &kept).await
}

fn file() -> Actor {
    Actor {
        kind: ActorType::System,
        id: FILE.to_owned(),
        name: String::new(),
    }
}

/// The same message as the server sees it.
fn as_raw<T: Message, R: Message + Default>(message: &T) -> Result<R, Refusal> {
    R::decode(message.encode_to_vec().as_slice()).map_err(|error| Refusal::bug(&error))
}

fn draw(engine: &Engine) -> Draw<'_> {
    Draw {
        ids: engine.ids(),
        now_micros: engine.clock().now_micros(),
    }
}

async fn declare_type(engine: &Engine, task_type: v1::TaskType) -> Result<(), Refusal> {
    let request: raw::RegisterTaskTypeRequest = as_raw(&v1::RegisterTaskTypeRequest {
        task_type: Some(task_type),
        ..Default::default()
    })?;
    let change = judge::read(|v| request.read(v, &draw(engine)))?.change;
    let TypeChange {
        namespace,
        name,
        action: TypeAction::Register(mut new, schemas),
        ..
    } = change
    else {
        return Ok(());
    };
    new.creator = file();
    let action = match engine.task_type(&namespace, &name) {
        None => TypeAction::Register(new, schemas),
        Some(known) if known.spec == new.spec => return Ok(()),
        Some(_) => whole_type(new.spec, schemas),
    };
    let change = TypeChange {
        namespace,
        name,
        etag: None,
        action,
    };
    let done = engine.change_type(change, None).await;
    done.map(drop).map_err(|error| failed::refuse_error(&error))
}

/// An edit that leaves nothing as it was.
fn whole_type(spec: TypeSpec, schemas: Schemas) -> TypeAction {
    let TypeSpec {
        description,
        input_schema,
        output_schema,
        exposure,
        defaults,
    } = spec;
    let edit = TypeEdit {
        description: Some(description),
        input_schema: Some(input_schema),
        output_schema: Some(output_schema),
        exposure: Some(exposure),
        queue: Some(defaults.queue),
        priority: Some(defaults.priority),
        retry_policy: Some(defaults.retry_policy),
        timeouts: Some(defaults.timeouts),
    };
    TypeAction::Update(Box::new(edit), schemas)
}

/// Types that the file made and names no more stay: without one, anybody could create what it kept inside.
fn tell_of_types(engine: &Engine, declared: &[(String, String)]) {
    for found in engine.all_task_types() {
        let is_named = declared.iter().any(|(namespace, name)| {
            let namespace = if namespace.is_empty() {
                super::check::DEFAULT_NAME
            } else {
                namespace
            };
            found.namespace == namespace && found.name == *name
        });
        if found.creator == file() && !is_named {
            warn!(
                namespace = found.namespace,
                r#type = found.name,
                "baton.toml declares this type no more; it stays as it is: `baton type delete` forgets it"
            );
        }
    }
}

async fn declare_schedule(engine: &Engine, declared: DeclaredSchedule) -> Result<ScheduleId, Refusal> {
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
fn whole_schedule(spec: ScheduleSpec, template: Box<baton_domain::NewTask>) -> ScheduleEdit {
    use baton_domain::schedule::Timing;
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

async fn pause_others(engine: &Engine, kept: &[ScheduleId]) -> Result<(), Refusal> {
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
