//! What a batch reads before it decides: the requests it may repeat, the keys its tasks have, the tasks it names.

use std::collections::HashSet;
use std::sync::Arc;

use baton_domain::{Action, HeapBytes as _, TaskId, Timestamp};
use uuid::Uuid;

use super::ahead::UnderWay;
use super::batch::Loaded;
use super::cache::Cache;
use super::committer::{Failure, Mode};
use super::error::Error;
use super::job::{Job, Work};
use super::keys::Keys;
use super::queues::Queues;
use super::workers::Workers;
use super::working::Working;
use crate::store::{Floors, RequestRecord, Store};

/// Tasks that the check for a circle of dependencies may visit before it gives up.
pub(super) const GRAPH_TASKS: usize = 10_000;
/// Of these, how many are read at once.
const GRAPH_READ: usize = 1_000;
/// Tasks read at once: with payloads they may have megabytes each.
pub(super) const TASKS_READ: usize = 64;
/// Bytes of tasks that a batch reads; where its commands move more than that, they are committed in several batches.
pub(super) const LOADED_BYTES: usize = 64 * 1024 * 1024;

/// Reads what batches are decided over.
pub(super) struct Loader {
    pub(super) store: Store,
    pub(super) cache: Cache,
    pub(super) floors: Floors,
    pub(super) workers: Arc<Workers>,
    /// What the batch that is being written leaves behind: the store may not have it yet.
    pub(super) under_way: UnderWay,
}

/// What a batch has come to when more is read for it.
#[derive(Default)]
pub(super) struct SoFar {
    pub(super) working: Working,
    /// Tasks that its claims took.
    pub(super) taken: usize,
}

impl Loader {
    /// One that has read nothing.
    pub(super) fn new(store: Store, workers: Arc<Workers>) -> Self {
        Self {
            store,
            workers,
            cache: Cache::new(),
            floors: Floors::default(),
            under_way: UnderWay::default(),
        }
    }

    /// Reads what the jobs name and neither the cache nor the batch that is being written has.
    pub(super) async fn load(
        &mut self,
        jobs: &[Job],
        (so_far, queues): (SoFar, &Queues),
        (mode, now): (Mode, Timestamp),
    ) -> Result<Loaded, Failure> {
        let SoFar { mut working, taken } = so_far;
        let mut keys = Keys::default();
        let (schedules, looked_at) = self.load_schedules(jobs, (mode, now)).await?;
        let mut wanted = looked_at;
        for job in jobs {
            named_by(job, mode, &mut wanted);
        }
        let asked: Vec<Uuid> = jobs
            .iter()
            .filter_map(|job| job.request.as_ref().map(|key| key.id))
            .collect();
        let records = match mode {
            Mode::Checked if !asked.is_empty() => self.store.requests(&asked).await.map_err(Failure::down)?,
            Mode::Checked | Mode::Hopeful => Vec::new(),
        };
        for job in jobs {
            recalled_by(job, &records, &mut wanted);
        }
        let is_single = jobs.len() == 1 && working.is_empty();
        let most = if is_single { usize::MAX } else { LOADED_BYTES };
        wanted.extend(self.load_keys(&mut keys, keys_of_creates(jobs)).await?);
        self.load_tasks(&mut working, wanted, most).await?;
        // The key of a task that is retried stands on its row.
        let holders = self.load_keys(&mut keys, keys_of_retries(jobs, &working)).await?;
        self.load_tasks(&mut working, holders, most).await?;
        for job in jobs {
            if let Work::Move { command, .. } = &job.work
                && let Action::AddDependency(dependency) = &command.action
            {
                let walked = self.load_graph(&mut working, dependency.task_id).await;
                walked.map_err(Failure::Down)?;
            }
        }
        let queue_reads = self.load_queues(jobs).await?;
        let (candidates, held_back) = self
            .load_candidates(jobs, (&mut working, taken), (queues, now))
            .await?;
        Ok(Loaded {
            working,
            records,
            keys,
            candidates,
            schedules,
            queue_reads,
            held_back,
        })
    }

    /// Reads who holds `named`; answers the holders. Without keys it asks for nothing.
    async fn load_keys(&self, keys: &mut Keys, named: Vec<(&str, &str)>) -> Result<Vec<TaskId>, Failure> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.store.held_keys(&named).await.map_err(Failure::down)?;
        let holders = held.iter().map(|held| held.hold.task_id).collect();
        held.into_iter().for_each(|held| keys.add_loaded(held));
        Ok(holders)
    }

    /// Stops where these are more than `most` bytes.
    pub(super) async fn load_tasks(
        &mut self,
        working: &mut Working,
        wanted: Vec<TaskId>,
        most: usize,
    ) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for id in wanted {
            if working.contains(id) {
                continue;
            }
            match self.under_way.get(id) {
                Some(Some(task)) => working.add_loaded(Arc::clone(task)),
                Some(None) => {}
                None => match self.cache.get(id) {
                    Some(task) => working.add_loaded(task),
                    None => missing.push(id),
                },
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        for ids in missing.chunks(TASKS_READ) {
            for task in self.store.tasks(ids).await.map_err(Failure::down)? {
                working.read_bytes += task.heap_bytes();
                working.add_loaded(Arc::new(task));
            }
            if working.read_bytes > most {
                return Err(Failure::Heavy);
            }
        }
        Ok(())
    }

    /// Everything that `from` waits for, directly or not: what the check for a circle walks. Where that is too much, the
    /// command that asked for it is refused, and no other of its batch. Of these tasks only the dependencies are read:
    /// with their payloads, a chain of a few hundred is gigabytes.
    async fn load_graph(&mut self, working: &mut Working, from: TaskId) -> Result<(), Error> {
        let mut wave = vec![from];
        let mut seen = HashSet::from([from]);
        while !wave.is_empty() && seen.len() <= GRAPH_TASKS {
            for id in &wave {
                if let Some(task) = self.cache.get(*id) {
                    working.add_loaded(task);
                }
            }
            let mut missing = wave.clone();
            missing.retain(|id| !working.contains(*id));
            for ids in missing.chunks(GRAPH_READ) {
                working.add_waits(self.store.waits(ids).await.map_err(Error::Store)?);
            }
            let next = wave.iter().flat_map(|id| working.waits_for(*id));
            wave = next.filter(|id| seen.insert(*id)).collect();
        }
        if seen.len() > GRAPH_TASKS {
            working.give_up(from);
        }
        Ok(())
    }
}

/// The ids whose tasks a job needs. A chosen id is only looked up when hope has failed.
fn named_by(job: &Job, mode: Mode, wanted: &mut Vec<TaskId>) {
    match &job.work {
        Work::Create { members, .. } => {
            for member in members {
                if member.chosen_id && mode == Mode::Checked {
                    wanted.push(member.new.id);
                }
                wanted.extend(member.new.dependencies.iter().map(|d| d.task_id));
                wanted.extend(member.new.parent_id);
            }
        }
        Work::Move { id, command, .. } => {
            wanted.push(*id);
            if let Action::AddDependency(dependency) = &command.action {
                wanted.push(dependency.task_id);
            }
        }
        Work::Claim(_)
        | Work::CloseFollowUp(_)
        | Work::Remember { .. }
        | Work::Schedule(_)
        | Work::Type(_)
        | Work::Queue(_)
        | Work::Webhook(_)
        | Work::Turn(_) => {}
    }
}

/// Namespaces and keys of the tasks to be created that have one.
fn keys_of_creates(jobs: &[Job]) -> Vec<(&str, &str)> {
    let members = jobs.iter().flat_map(|job| match &job.work {
        Work::Create { members, .. } => members.as_slice(),
        Work::Move { .. }
        | Work::Claim(_)
        | Work::CloseFollowUp(_)
        | Work::Remember { .. }
        | Work::Schedule(_)
        | Work::Type(_)
        | Work::Queue(_)
        | Work::Webhook(_)
        | Work::Turn(_) => &[],
    });
    let named = members.filter_map(|member| {
        let dedup = member.new.dedup.as_ref()?;
        Some((member.new.namespace.as_str(), dedup.key.as_str()))
    });
    named.collect()
}

/// Namespaces and keys of the tasks to be retried that have one.
fn keys_of_retries<'a>(jobs: &[Job], working: &'a Working) -> Vec<(&'a str, &'a str)> {
    let retried = jobs.iter().filter_map(|job| match &job.work {
        Work::Move { id, command, .. } if matches!(command.action, Action::Retry { .. }) => working.get(*id),
        Work::Move { .. }
        | Work::Create { .. }
        | Work::Claim(_)
        | Work::CloseFollowUp(_)
        | Work::Remember { .. }
        | Work::Schedule(_)
        | Work::Type(_)
        | Work::Queue(_)
        | Work::Webhook(_)
        | Work::Turn(_) => None,
    });
    let named = retried.filter(|task| !task.dedup_key.is_empty());
    named
        .map(|task| (task.namespace.as_str(), task.dedup_key.as_str()))
        .collect()
}

/// The tasks that a job answers with where it is the repeat of a create, or of a call that lets a schedule make one. A
/// move names its task itself.
fn recalled_by(job: &Job, records: &[RequestRecord], wanted: &mut Vec<TaskId>) {
    if let (Work::Create { .. } | Work::Schedule(_), Some(key)) = (&job.work, &job.request) {
        let same = records.iter().filter(|record| key.is_of(record));
        wanted.extend(same.flat_map(|record| record.task_ids.iter().copied()));
    }
}
