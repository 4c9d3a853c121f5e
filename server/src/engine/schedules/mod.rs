//! Schedules in a batch: what callers change, and what ticks do.
//!
//! A tick is one transaction: the task that it makes, its events, and the row of the schedule, which from then on names the
//! tick after it. So a tick is acted on once, wherever the process ends; and because its task has the id that follows from
//! the tick, a second one could not even be written.

mod change;
mod committed;
mod known;
mod load;
mod turn;

use std::sync::Arc;

use baton_domain::schedule::{NewSchedule, Schedule, ScheduleEdit};
use baton_domain::{Actor, HeapBytes as _, ScheduleId, Task, TaskId};

use super::job::{RequestKey, Told, Work};
use super::{Class, Engine, Error};

pub(super) use committed::Announced;
pub(crate) use committed::announce;
pub(super) use known::Schedules;
pub(super) use turn::Ticks;

/// What is asked of one schedule.
#[derive(Clone, Debug)]
pub struct ScheduleChange {
    /// Where it lives.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Must match where given.
    pub etag: Option<String>,
    /// What for.
    pub action: ScheduleAction,
}

/// What may be asked of a schedule.
#[derive(Clone, Debug)]
pub enum ScheduleAction {
    /// Let it be, under the name of the change.
    Create(Box<NewSchedule>),
    /// Edit fields.
    Update(Box<ScheduleEdit>),
    /// Remove it; its tasks stay.
    Delete,
    /// Stop it for now.
    Pause {
        /// For people.
        note: String,
    },
    /// Let it go on.
    Resume {
        /// For people.
        note: String,
    },
    /// Make a task now.
    Trigger {
        /// The task's id, drawn.
        task_id: TaskId,
        /// Who asks.
        creator: Actor,
    },
}

/// What a change did.
#[derive(Clone, Debug)]
pub struct ScheduleDone {
    /// The schedule after it; `None` once it is gone.
    pub schedule: Option<Arc<Schedule>>,
    /// The task that was asked for.
    pub task: Option<Arc<Task>>,
    /// This call was made before: the schedule is as it stands now.
    pub replayed: bool,
}

/// The schedule's etag: changes with every edit, pause and resume, and not with its ticks.
#[must_use]
pub fn schedule_etag(schedule: &Schedule) -> String {
    format!("\"{}\"", schedule.edit_revision)
}

impl ScheduleAction {
    /// Its place in the queue: what makes something new is the first to be refused.
    const fn class(&self) -> Class {
        match self {
            Self::Create(_) | Self::Trigger { .. } => Class::Create,
            Self::Update(_) | Self::Delete | Self::Pause { .. } | Self::Resume { .. } => Class::Move,
        }
    }

    /// What it brings along.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Create(new) => new.template.heap_bytes(),
            Self::Update(edit) => edit.template.as_ref().map_or(0, |task| task.heap_bytes()),
            Self::Pause { note } | Self::Resume { note } => note.len(),
            Self::Delete | Self::Trigger { .. } => 0,
        }
    }
}

impl Engine {
    /// Creates, changes, deletes or triggers one schedule.
    ///
    /// # Errors
    /// [`Error::ScheduleNotFound`], [`Error::ScheduleExists`], [`Error::EtagMismatch`], [`Error::Rejected`],
    /// [`Error::RequestIdReused`], and what the queue and the store may do.
    pub async fn change_schedule(
        &self,
        change: ScheduleChange,
        request: Option<RequestKey>,
    ) -> Result<ScheduleDone, Error> {
        let name = change.name.clone();
        let class = change.action.class();
        self.check_template(&change, request.as_ref()).await?;
        match self.ask(class, Work::Schedule(Box::new(change)), request).await? {
            Told::Schedule(done) => Ok(*done),
            // No job of this kind is answered with anything else.
            Told::Tasks(_) | Told::Type(_) | Told::Queue(_) | Told::Webhook(_) => {
                Err(Error::ScheduleNotFound { name })
            }
        }
    }

    /// Lets a schedule act on what is due. Not having anything to do is no error.
    pub(crate) async fn turn(&self, id: ScheduleId) -> Result<(), Error> {
        self.ask(Class::Vital, Work::Turn(id), None).await.map(drop)
    }
}
