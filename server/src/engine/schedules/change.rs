//! What callers change.

use std::sync::Arc;

use baton_domain::{Schedule, TaskId};

use super::{ScheduleAction, ScheduleChange, ScheduleDone, schedule_etag};
use crate::engine::batch::Batch;
use crate::engine::error::Error;
use crate::engine::job::{CreateRequest, RequestKey};
use crate::store::RequestRecord;

impl Batch {
    /// Decides one change. An error leaves no trace in the batch.
    pub(in crate::engine) fn change_schedule(
        &mut self,
        change: &ScheduleChange,
        request: Option<&RequestKey>,
    ) -> Result<ScheduleDone, Error> {
        let ScheduleChange {
            namespace,
            name,
            etag,
            action,
        } = change;
        let known = self.schedules.named(namespace, name).cloned();
        let (id, done) = if let ScheduleAction::Create(new) = action {
            if known.is_some() {
                return Err(Error::ScheduleExists { name: name.clone() });
            }
            let schedule = Schedule::create((**new).clone(), self.now);
            (new.id, self.put_schedule(schedule))
        } else {
            let before = known.ok_or_else(|| Error::ScheduleNotFound { name: name.clone() })?;
            let current = schedule_etag(&before);
            if etag.as_ref().is_some_and(|etag| *etag != current) {
                return Err(Error::EtagMismatch { current });
            }
            (before.id, self.change_known(&before, action)?)
        };
        if let Some(key) = request {
            // A schedule has an id of the same kind; only calls of its service read it as one.
            let mut ids = vec![TaskId(id.0)];
            ids.extend(done.task.as_ref().map(|task| task.id));
            self.record(key, namespace, (ids, 0));
        }
        Ok(done)
    }

    fn change_known(&mut self, before: &Schedule, action: &ScheduleAction) -> Result<ScheduleDone, Error> {
        let after = match action {
            ScheduleAction::Create(_) => before.clone(),
            ScheduleAction::Update(edit) => before.edit((**edit).clone(), self.now)?,
            ScheduleAction::Pause { note } => before.pause(note.clone(), self.now),
            ScheduleAction::Resume { note } => before.resume(note.clone(), self.now),
            ScheduleAction::Delete => {
                self.schedules.remove(before.id);
                return Ok(ScheduleDone {
                    schedule: None,
                    task: None,
                    replayed: false,
                });
            }
            ScheduleAction::Trigger { task_id, creator } => {
                let made = self.create_alone(CreateRequest {
                    new: self.task_of(before, *task_id, None),
                    creator: creator.clone(),
                    chosen_id: false,
                })?;
                let done = self.put_schedule(before.trigger(*task_id, self.now));
                return Ok(ScheduleDone {
                    task: made.map(|made| made.task),
                    ..done
                });
            }
        };
        Ok(self.put_schedule(after))
    }

    fn put_schedule(&mut self, after: Schedule) -> ScheduleDone {
        let after = Arc::new(after);
        self.schedules.put(Arc::clone(&after));
        ScheduleDone {
            schedule: Some(after),
            task: None,
            replayed: false,
        }
    }

    /// The answer to a change that was made before.
    pub(in crate::engine) fn replay_schedule(
        &self,
        change: &ScheduleChange,
        record: &RequestRecord,
    ) -> Result<ScheduleDone, Error> {
        let ScheduleChange {
            namespace,
            name,
            action,
            ..
        } = change;
        let is_it = |schedule: &&Arc<Schedule>| record.task_ids.first() == Some(&TaskId(schedule.id.0));
        let schedule = self.schedules.named(namespace, name).filter(is_it).cloned();
        let is_gone = schedule.is_none() && !matches!(action, ScheduleAction::Delete);
        if is_gone {
            return Err(Error::ScheduleNotFound { name: name.clone() });
        }
        let task = match record.task_ids.get(1) {
            None => None,
            Some(id) => Some(self.working.get(*id).ok_or(Error::NotFound { id: *id })?),
        };
        Ok(ScheduleDone {
            schedule,
            task: task.cloned(),
            replayed: true,
        })
    }
}
