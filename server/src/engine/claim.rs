//! Claims: ready tasks are given to a worker that asks for any.

use std::collections::HashMap;

use baton_domain::{Action, Actor, Command, HeapBytes as _, Span, Task, TaskId, Terms, decide, is_leasable};

use super::batch::Batch;
use super::committer::{Committer, Failure};
use super::error::Error;
use super::job::{Done, Job, Work};
use super::load::{LOADED_BYTES, TASKS_READ};
use super::working::Working;
use crate::store::{Demand, Ready};

/// Once the oldest ready task has waited so long, every claim gives it its first place: none waits for ever, however
/// many of more urgent ones come.
const AGEING_BOUND: Span = Span::from_secs(5 * 60);
/// Tasks that the claims of one batch take together; each takes one in any case.
const CLAIMED: usize = 512;
/// What a task takes in an answer beside its texts and documents, in bytes; more rather than less.
const TASK_BYTES: usize = 1_024;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Which tasks it takes.
    pub demand: Demand,
    /// Who it is.
    pub worker: Actor,
    /// Of each lease.
    pub terms: Terms,
    /// Tasks at most; at least 1.
    pub max_tasks: usize,
    /// Bytes of tasks at most, but for the first.
    pub max_bytes: usize,
}

/// What the claims of a batch choose from.
pub(super) type Candidates = HashMap<Demand, Found>;

/// Ready tasks in the order in which they are given out.
pub(super) struct Found {
    ready: Vec<Ready>,
    /// Of each queue, type and priority at most so many: there may be more.
    limit: usize,
}

/// Namespace, queue and type of a ready task that a claim left behind: somebody else may want it.
pub(super) type Left = (String, String, String);

impl Committer {
    /// Finds what the claims among `jobs` choose from, and reads as many of these tasks as they can take.
    pub(super) async fn load_candidates(
        &mut self,
        jobs: &[Job],
        working: &mut Working,
    ) -> Result<Candidates, Failure> {
        let mut asked: HashMap<&Demand, (usize, usize)> = HashMap::new();
        for job in jobs {
            if let Work::Claim(claim) = &job.work {
                let (tasks, bytes) = asked.entry(&claim.demand).or_default();
                *tasks += claim.max_tasks;
                *bytes += claim.max_bytes;
            }
        }
        let mut candidates = Candidates::new();
        for (demand, (tasks, bytes)) in asked {
            // One more than can be taken tells whether something is left.
            let limit = u32::try_from(tasks.min(CLAIMED)).unwrap_or(u32::MAX) + 1;
            let ready = self.store.ready(demand, limit).await;
            let ready = ready.map_err(|error| Failure::Down(Error::Store(error)))?;
            self.load_ready(working, &ready, (limit as usize, bytes.min(LOADED_BYTES)))
                .await?;
            let limit = limit as usize;
            candidates.insert(demand.clone(), Found { ready, limit });
        }
        Ok(candidates)
    }

    /// Reads the first `tasks` of `ready`, and the one that waits longest, until they have `bytes`.
    async fn load_ready(
        &mut self,
        working: &mut Working,
        ready: &[Ready],
        (tasks, bytes): (usize, usize),
    ) -> Result<(), Failure> {
        let oldest = ready.iter().min_by_key(|task| task.since);
        let ids = oldest.into_iter().chain(ready.iter().take(tasks));
        let ids: Vec<TaskId> = ids.map(|task| task.id).collect();
        let mut read = 0;
        for ids in ids.chunks(TASKS_READ) {
            if read > bytes {
                return Ok(());
            }
            self.load_tasks(working, ids.to_vec(), usize::MAX).await?;
            let sizes = ids
                .iter()
                .filter_map(|id| working.get(*id))
                .map(|task| size(task));
            read += sizes.sum::<usize>();
        }
        Ok(())
    }
}

impl Batch<'_> {
    /// Gives ready tasks to a worker.
    pub(super) fn give_out(&mut self, claim: &ClaimRequest) -> Vec<Done> {
        let Demand { namespace, .. } = &claim.demand;
        let grant = Command::new(
            claim.worker.clone(),
            Action::Assign {
                assignee: claim.worker.clone(),
                lease: Some(claim.terms),
            },
        );
        let mut granted: Vec<Done> = Vec::new();
        let mut bytes = 0;
        let mut unread = None;
        for ready in self.order(&claim.demand) {
            let task = self.working.get(ready.id).cloned();
            // Rather a less urgent one than none.
            if task.is_none() && granted.is_empty() {
                unread.get_or_insert(ready);
                continue;
            }
            // What was not read is more than the claims of this batch can take.
            let size = task.as_deref().map_or(usize::MAX, size);
            let fits = granted.is_empty() || (bytes + size <= claim.max_bytes && self.taken < CLAIMED);
            let Some(task) = task.filter(|_| fits && granted.len() < claim.max_tasks) else {
                unread.get_or_insert(ready);
                break;
            };
            let kind = (
                task.namespace.as_str(),
                task.queue.as_str(),
                task.task_type.as_str(),
            );
            // Another command of this batch may have moved or edited it.
            if !is_leasable(&task) || !claim.demand.takes(kind) {
                continue;
            }
            if let Ok(outcome) = decide(&task, &grant, self.now) {
                self.taken += 1;
                bytes += size;
                granted.push(self.accept(Some(&task), outcome));
            }
        }
        // Where it ends short, this batch has moved all that was found; more may stand behind that.
        let behind = || {
            self.candidates
                .get(&claim.demand)
                .and_then(Found::cut_off)
                .cloned()
        };
        let is_short = granted.len() < claim.max_tasks;
        if let Some(left) = unread.or_else(|| behind().filter(|_| is_short)) {
            self.left.push((namespace.clone(), left.queue, left.task_type));
        }
        granted
    }

    /// The order in which a claim gets what it selects: one that has waited for too long goes first, of those that
    /// were read. Another is the turn of a later batch: it reads the one that waits longest then.
    fn order(&self, demand: &Demand) -> Vec<Ready> {
        let is_read = |ready: &Ready| self.working.contains(ready.id);
        let is_gone = |ready: &Ready| {
            let task = self.working.get(ready.id);
            is_read(ready) && task.is_none_or(|task| !is_leasable(task))
        };
        let known = self.candidates.get(demand).into_iter();
        let known = known.flat_map(|found| &found.ready);
        let mut order: Vec<Ready> = known.filter(|ready| !is_gone(ready)).cloned().collect();
        let read = (0..order.len()).filter(|index| is_read(&order[*index]));
        let aged = read.min_by_key(|index| (order[*index].since, order[*index].id));
        if let Some(index) = aged.filter(|index| self.now.since(order[*index].since) > AGEING_BOUND) {
            let first = order.remove(index);
            order.insert(0, first);
        }
        order
    }
}

impl Found {
    /// One of a queue, type and priority of which there may be more than was found.
    fn cut_off(&self) -> Option<&Ready> {
        if self.ready.len() < self.limit {
            return None;
        }
        let mut counts = HashMap::new();
        self.ready.iter().find(|ready| {
            let kind = (&ready.queue, &ready.task_type, ready.priority);
            let count = counts.entry(kind).or_insert(0);
            *count += 1;
            *count >= self.limit
        })
    }
}

fn size(task: &Task) -> usize {
    TASK_BYTES + task.heap_bytes()
}
