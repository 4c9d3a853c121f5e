//! Claims: ready tasks are given to a worker that asks for any.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{
    Action, Actor, Command, HeapBytes as _, Span, Task, TaskId, Terms, Timestamp, decide, is_leasable,
};

use super::batch::Batch;
use super::committer::Failure;
use super::job::{Done, Job, Work};
use super::load::{LOADED_BYTES, Loader, TASKS_READ};
use super::queues::{HeldBack, Limits, Look, Queues};
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
    /// Of each part that was not read to its end: a task of it.
    cut_off: Vec<Ready>,
}

/// A claim went away with nothing though something is ready for it: one that waits with the same demand is to look again.
pub(super) struct Left {
    pub(super) demand: Demand,
    /// Queue and type of a ready task.
    pub(super) kind: (String, String),
}

impl Loader {
    /// Finds what the claims among `jobs` choose from, and reads as many of these tasks as they can take.
    pub(super) async fn load_candidates(
        &mut self,
        jobs: &[Job],
        (working, taken): (&mut Working, usize),
        (queues, now): (&Queues, Timestamp),
    ) -> Result<(Candidates, Vec<HeldBack>), Failure> {
        let mut asked: HashMap<&Demand, (usize, usize)> = HashMap::new();
        for job in jobs {
            if let Work::Claim(claim) = &job.work {
                let (tasks, bytes) = asked.entry(&claim.demand).or_default();
                *tasks += claim.max_tasks;
                *bytes += claim.max_bytes;
            }
        }
        let (mut candidates, mut held_back) = (Candidates::new(), Vec::new());
        for (demand, (tasks, bytes)) in asked {
            // One more than can be taken tells whether something is left.
            let limit = tasks.min(CLAIMED) + 1;
            // The store may not know yet of those that are gone.
            let gone = self.under_way.gone() + taken;
            let mut look = self.look(demand, limit + gone, (queues, now)).await?;
            held_back.append(&mut look.held_back);
            self.under_way.amend(&mut look, demand);
            look.ready.retain(|ready| !working.is_given_out(ready.id));
            self.load_ready(working, &look.ready, (limit, bytes.min(LOADED_BYTES)))
                .await?;
            let found = Found::new(look, working);
            candidates.insert(demand.clone(), found);
        }
        Ok((candidates, held_back))
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

impl Batch {
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
        let mut bytes: usize = 0;
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
            let fits =
                granted.is_empty() || (bytes.saturating_add(size) <= claim.max_bytes && self.taken < CLAIMED);
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
            if self.limits.is_shut(&task, self.now) {
                self.limits.hold_back(&task);
                continue;
            }
            if let Ok(outcome) = decide(&task, &grant, self.now) {
                self.taken += 1;
                bytes += size;
                self.limits.given_out(&task, self.now);
                granted.push(self.accept(Some(&task), outcome));
            }
        }
        if granted.is_empty() {
            self.leave(&claim.demand, unread.map(|place| found[place].clone()));
        }
        granted
    }

    /// A claim got nothing. What was found may be gone, by what else this batch does, and more may stand behind it; but where
    /// a queue gives out nothing, its turn wakes who waits. `unread`: the first that was found and not read.
    fn leave(&mut self, demand: &Demand, unread: Option<Ready>) {
        let cut_off = self.candidates.get(demand).map(|found| found.cut_off.as_slice());
        let open = |task: &&Ready| !self.limits.is_full((&demand.namespace, &task.queue), self.now);
        let mut left = unread.as_ref().into_iter().chain(cut_off.unwrap_or_default());
        let Some(Ready { queue, task_type, .. }) = left.find(open) else {
            return;
        };
        self.left.push(Left {
            demand: demand.clone(),
            kind: (queue.clone(), task_type.clone()),
        });
    }

    /// The order in which a claim gets what it selects, as places: one that has waited for too long goes first, of those
    /// that were read. Another is the turn of a later batch: it reads the one that waits longest then.
    fn order(&mut self, demand: &Demand) -> (Arc<[Ready]>, impl Iterator<Item = usize> + use<>) {
        let found = self.candidates.get_mut(demand);
        let aged = found.and_then(|found| found.move_on((&self.working, &self.limits), self.now));
        let found = self.candidates.get(demand);
        let first = found.map_or(0, |found| found.first);
        let ready = found.map_or_else(|| Arc::from([]), |found| Arc::clone(&found.ready));
        let rest = (first..ready.len()).filter(move |place| Some(*place) != aged);
        (ready, aged.into_iter().chain(rest))
    }
}

impl Found {
    /// What a look found.
    pub(super) fn new(look: Look, working: &Working) -> Self {
        let Look { ready, cut_off, .. } = look;
        let read = (0..ready.len()).filter(|place| working.contains(ready[*place].id));
        let mut by_age: Vec<usize> = read.collect();
        by_age.sort_unstable_by_key(|place| (ready[*place].since, ready[*place].id));
        Self {
            cut_off,
            ready: ready.into(),
            by_age,
            first: 0,
            eldest: 0,
        }
    }

    /// Passes over what is gone, and what its queue keeps: if this very batch makes room for that, its commit wakes who
    /// waits. Answers the place of the task that has waited for too long, if one has.
    fn move_on(&mut self, (working, limits): (&Working, &Limits), now: Timestamp) -> Option<usize> {
        let is_gone = |ready: &Ready| {
            let task = working.get(ready.id);
            let stays = |task: &Arc<Task>| is_leasable(task) && !limits.is_shut(task, now);
            working.contains(ready.id) && !task.is_some_and(stays)
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
