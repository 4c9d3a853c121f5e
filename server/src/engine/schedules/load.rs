//! What a batch reads of schedules: those that its jobs name, and the tasks that their next ticks look at.

use std::collections::HashSet;
use std::sync::Arc;

use baton_domain::schedule::{OverlapPolicy, WAITING, tick_task_id};
use baton_domain::{Schedule, ScheduleId, TaskId, Timestamp};

use super::Schedules;
use crate::engine::committer::{Failure, Mode};
use crate::engine::job::{Job, Work};
use crate::engine::load::Loader;

/// Schedules read at once: each may carry a megabyte.
const READ: usize = 64;

impl Loader {
    /// Reads the schedules that `jobs` name; answers also the tasks that these look at.
    pub(in crate::engine) async fn load_schedules(
        &self,
        jobs: &[Job],
        (mode, now): (Mode, Timestamp),
    ) -> Result<(Schedules, Vec<TaskId>), Failure> {
        let mut schedules = Schedules::default();
        let mut turning: Vec<ScheduleId> = Vec::new();
        let mut seen = HashSet::new();
        for job in jobs {
            match &job.work {
                Work::Turn(id) => turning.push(*id),
                Work::Schedule(change) if seen.insert((&change.namespace, &change.name)) => {
                    let found = self.store.schedule(&change.namespace, &change.name).await;
                    if let Some(schedule) = found.map_err(Failure::down)? {
                        schedules.add_loaded(Arc::new(schedule));
                    }
                }
                Work::Schedule(_)
                | Work::Type(_)
                | Work::Queue(_)
                | Work::Create { .. }
                | Work::Move { .. }
                | Work::Claim(_)
                | Work::CloseFollowUp(_)
                | Work::Webhook(_)
                | Work::Remember { .. } => {}
            }
        }
        for ids in turning.chunks(READ) {
            for schedule in self.store.schedules(ids).await.map_err(Failure::down)? {
                schedules.add_loaded(Arc::new(schedule));
            }
        }
        let mut tasks = Vec::new();
        for schedule in turning.iter().filter_map(|id| schedules.get(*id)) {
            if schedule.spec.overlap != OverlapPolicy::AllowAll {
                tasks.extend(&schedule.running);
            }
            if mode == Mode::Checked {
                // Something of the batch is there already: be it a task that somebody gave the id of a tick.
                tasks.extend(due_tasks(schedule, now));
            }
        }
        Ok((schedules, tasks))
    }
}

fn due_tasks(schedule: &Schedule, now: Timestamp) -> Vec<TaskId> {
    let due = std::iter::successors(schedule.next, |tick| {
        schedule.spec.tick_after(schedule.id, tick.time)
    });
    let due = due.take_while(|tick| tick.fire_time <= now).take(WAITING);
    let ticks = schedule.waiting.iter().copied().chain(due.map(|tick| tick.time));
    ticks.map(|tick| tick_task_id(schedule.id, tick)).collect()
}
