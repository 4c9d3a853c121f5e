//! The calls of ScheduleService.

use baton_domain::limits::PAGE_SIZE;
use baton_domain::schedule::NewSchedule;
use baton_domain::{Actor, ScheduleId, ScheduleSpec, Timestamp};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::lists::{Page, read_page_of};
use super::named::{Key, given, read_common, read_key, read_note};
use crate::api::check;
use crate::api::convert::{Draw, schedule, schedule_edit};
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};
use crate::engine::{ScheduleAction, ScheduleChange};

/// Ticks that a preview shows where it is not said.
const PREVIEW: i32 = 10;

/// What is asked of one schedule.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    pub(in crate::api) change: ScheduleChange,
    pub(in crate::api) request_id: Option<Uuid>,
}

/// A call that changes a schedule.
pub(in crate::api) trait ScheduleCall: Repeatable {
    /// Reads the request whole.
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked>;
}

/// A call that names a schedule, and what every such call carries.
struct Named {
    key: Key,
    request_id: Option<Uuid>,
    actor: Actor,
}

fn read_named(v: &mut Violations, key: Key, request_id: &str, actor: Option<raw::Actor>) -> Option<Named> {
    let common = read_common(v, request_id, actor);
    let key = read_key(v, &Path::REQUEST, key);
    let (request_id, actor) = common?;
    Some(Named {
        key: key?,
        request_id,
        actor,
    })
}

fn asked(
    (namespace, name): Key,
    etag: String,
    request_id: Option<Uuid>,
    action: ScheduleAction,
) -> Option<Asked> {
    let change = ScheduleChange {
        namespace,
        name,
        etag: given(etag),
        action,
    };
    Some(Asked { change, request_id })
}

impl ScheduleCall for raw::CreateScheduleRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            schedule,
            request_id,
            actor,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("schedule");
        let schedule = check::present(v, &at, schedule)?;
        let key = read_key(v, &at, (schedule.namespace.clone(), schedule.name.clone()));
        let paused = schedule.paused;
        let given = schedule::read(v, &at, schedule);
        let ((namespace, name), (request_id, creator), given) = (key?, common?, given?);
        let new = NewSchedule {
            id: ScheduleId(draw.task_id().0),
            namespace: namespace.clone(),
            name: name.clone(),
            spec: given.spec,
            template: given.template,
            paused,
            note: given.note,
            creator,
        };
        let action = ScheduleAction::Create(Box::new(new));
        asked((namespace, name), String::new(), request_id, action)
    }
}

impl ScheduleCall for raw::UpdateScheduleRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            schedule,
            request_id,
            actor,
            update_mask,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("schedule");
        let schedule = check::present(v, &at, schedule)?;
        let key = read_key(v, &at, (schedule.namespace.clone(), schedule.name.clone()));
        let etag = schedule.etag.clone();
        let edit = schedule_edit::read(v, schedule, update_mask);
        let (request_id, _) = common?;
        asked(key?, etag, request_id, ScheduleAction::Update(edit?))
    }
}

impl ScheduleCall for raw::DeleteScheduleRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
        } = self;
        let named = read_named(v, (namespace, name), &request_id, actor)?;
        asked(named.key, etag, named.request_id, ScheduleAction::Delete)
    }
}

impl ScheduleCall for raw::PauseScheduleRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let named = read_named(v, (namespace, name), &request_id, actor);
        let note = read_note(v, note)?;
        let named = named?;
        asked(named.key, etag, named.request_id, ScheduleAction::Pause { note })
    }
}

impl ScheduleCall for raw::ResumeScheduleRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let named = read_named(v, (namespace, name), &request_id, actor);
        let note = read_note(v, note)?;
        let named = named?;
        asked(named.key, etag, named.request_id, ScheduleAction::Resume { note })
    }
}

impl ScheduleCall for raw::TriggerScheduleRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
        } = self;
        let named = read_named(v, (namespace, name), &request_id, actor)?;
        let action = ScheduleAction::Trigger {
            task_id: draw.task_id(),
            creator: named.actor,
        };
        asked(named.key, etag, named.request_id, action)
    }
}

/// Reads which schedule GetSchedule answers.
pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetScheduleRequest) -> Option<Key> {
    let raw::GetScheduleRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which schedules ListSchedules answers.
pub(in crate::api) fn read_list(
    v: &mut Violations,
    request: raw::ListSchedulesRequest,
) -> Option<(String, Page)> {
    let raw::ListSchedulesRequest {
        namespace,
        page_size,
        page_token,
    } = request;
    read_page_of(v, namespace, (page_size, page_token))
}

/// Whose ticks are asked for.
pub(in crate::api) enum Previewed {
    /// A schedule that is there.
    Known(Key),
    /// One that is not yet.
    New(Box<ScheduleSpec>),
}

/// What PreviewSchedule asks for.
pub(in crate::api) struct Preview {
    pub(in crate::api) of: Previewed,
    pub(in crate::api) count: usize,
    pub(in crate::api) after: Option<Timestamp>,
}

/// Reads what PreviewSchedule asks for.
pub(in crate::api) fn read_preview(
    v: &mut Violations,
    request: raw::PreviewScheduleRequest,
) -> Option<Preview> {
    let raw::PreviewScheduleRequest {
        namespace,
        name,
        schedule,
        count,
        after_time,
    } = request;
    let at = Path::REQUEST.field("schedule");
    let of = match schedule {
        Some(_) if !name.is_empty() => {
            v.add(&at, "must not be given together with name");
            None
        }
        Some(schedule) => {
            let task = schedule.task.clone();
            let task = task
                .is_none_or(|task| schedule::read_template(v, &at, (*task, &schedule.namespace)).is_some());
            let spec = schedule::read_spec(v, &at, schedule);
            spec.filter(|_| task).map(|spec| Previewed::New(Box::new(spec)))
        }
        None if name.is_empty() => {
            v.add(&Path::REQUEST.field("name"), "must be given, or schedule");
            None
        }
        None => read_key(v, &Path::REQUEST, (namespace, name)).map(Previewed::Known),
    };
    let count = if count == 0 { PREVIEW } else { count };
    let count = check::within(v, &Path::REQUEST.field("count"), count, 1..=PAGE_SIZE);
    let after = schedule::read_moment(v, &Path::REQUEST.field("after_time"), after_time);
    Some(Preview {
        of: of?,
        count: usize::try_from(count?).ok()?,
        after: after?,
    })
}
