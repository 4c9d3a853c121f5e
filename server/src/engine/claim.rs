//! Claims: ready tasks are given to a worker that asks for any.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{
    Action, Actor, Command, HeapBytes as _, Span, Task, TaskId, Terms, Timestamp, decide, is_leasable,
};

use super::batch::Batch;
use super::committer::{Committer, Failure};
use super::job::{Done, Job, Work};
use super::load::{LOADED_BYTES, TASKS_READ};
use super::working::Working;
use crate::store::{Demand, Ready};

/// Once the oldest ready task has waited so long, every claim gives it its first place: none waits for ever, however
/// many of more urgent ones come.
const AGEING_BOUND: Span = Span::from_secs(5 * 60);
/// Tasks that the claims of one batch take together; each takes one in any case.
pub(super) const CLAIMED: usize = 512;
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

/// Ready tasks, and how far the claims of the batch have come in them: none looks again at what others took.
pub(super) struct Found {
    /// In the order in which they are given out.
    ready: Arc<[Ready]>,
    /// Those of them that were read, by their places; the longest waiting first.
    by_age: Vec<usize>,
    /// All before this one are gone.
    first: usize,
    /// All of `by_age` before this one are gone.
    eldest: usize,
    /// There may be more.
    is_cut_off: bool,
}

/// A claim went away with nothing though something is ready for it: one that waits with the same demand is to look again.
pub(super) struct Left {
    pub(super) demand: Demand,
    /// Queue and type of a ready task.
    pub(super) kind: (String, String),
}

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
            let limit = tasks.min(CLAIMED) + 1;
            let ready = self.store.ready(demand, limit).await;
            let ready = ready.map_err(Failure::down)?;
            self.load_ready(working, &ready, (limit, bytes.min(LOADED_BYTES)))
                .await?;
            let found = Found::new(ready, working, limit);
            candidates.insert(demand.clone(), found);
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
        let (found, order) = self.order(&claim.demand);
        for place in order {
            let ready = &found[place];
            let task = self.working.get(ready.id).cloned();
            // Rather a less urgent one than none.
            if task.is_none() && granted.is_empty() {
                unread.get_or_insert(place);
                continue;
            }
            // What was not read is more than the claims of this batch can take.
            let size = task.as_deref().map_or(usize::MAX, size);
            let fits = granted.is_empty() || (bytes + size <= claim.max_bytes && self.taken < CLAIMED);
            let Some(task) = task.filter(|_| fits && granted.len() < claim.max_tasks) else {
                unread.get_or_insert(place);
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
        if granted.is_empty() {
            // What was found may be gone, by what else this batch does, and more may stand behind it.
            let is_cut_off = self.candidates.get(&claim.demand).is_some_and(|f| f.is_cut_off);
            let last = || found.len().checked_sub(1).filter(|_| is_cut_off);
            if let Some(place) = unread.or_else(last) {
                let Ready { queue, task_type, .. } = found[place].clone();
                self.left.push(Left {
                    demand: claim.demand.clone(),
                    kind: (queue, task_type),
                });
            }
        }
        granted
    }

    /// The order in which a claim gets what it selects, as places: one that has waited for too long goes first, of those
    /// that were read. Another is the turn of a later batch: it reads the one that waits longest then.
    fn order(&mut self, demand: &Demand) -> (Arc<[Ready]>, impl Iterator<Item = usize> + use<>) {
        let found = self.candidates.get_mut(demand);
        let aged = found.and_then(|found| found.move_on(&self.working, self.now));
        let found = self.candidates.get(demand);
        let first = found.map_or(0, |found| found.first);
        let ready = found.map_or_else(|| Arc::from([]), |found| Arc::clone(&found.ready));
        let rest = (first..ready.len()).filter(move |place| Some(*place) != aged);
        (ready, aged.into_iter().chain(rest))
    }
}

impl Found {
    /// What `ready` holds, which was looked for up to `limit`.
    pub(super) fn new(ready: Vec<Ready>, working: &Working, limit: usize) -> Self {
        let read = (0..ready.len()).filter(|place| working.contains(ready[*place].id));
        let mut by_age: Vec<usize> = read.collect();
        by_age.sort_unstable_by_key(|place| (ready[*place].since, ready[*place].id));
        Self {
            is_cut_off: ready.len() >= limit,
            ready: ready.into(),
            by_age,
            first: 0,
            eldest: 0,
        }
    }

    /// Passes over what is gone; answers the place of the task that has waited for too long, if one has.
    fn move_on(&mut self, working: &Working, now: Timestamp) -> Option<usize> {
        let is_gone = |ready: &Ready| {
            let task = working.get(ready.id);
            working.contains(ready.id) && task.is_none_or(|task| !is_leasable(task))
        };
        while self.ready.get(self.first).is_some_and(is_gone) {
            self.first += 1;
        }
        let of = |place: &usize| &self.ready[*place];
        while self.by_age.get(self.eldest).map(of).is_some_and(is_gone) {
            self.eldest += 1;
        }
        let eldest = *self.by_age.get(self.eldest)?;
        (now.since(self.ready[eldest].since) > AGEING_BOUND).then_some(eldest)
    }
}

fn size(task: &Task) -> usize {
    TASK_BYTES + task.heap_bytes()
}
