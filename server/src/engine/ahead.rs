//! Deciding ahead: while a batch is written, what arrives is decided over what that batch leaves behind.
//!
//! A database writes on a thread or in a process of its own. Without this the committer rests meanwhile, and the database
//! rests while the committer decides. What is decided ahead is known to nobody before the batch below it stands; where that
//! is not written, the jobs are decided anew. It is done for jobs that need nothing of the store but tasks: all else is read
//! when the store has everything that it is told.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{Action, Task, TaskId, Timestamp, is_leasable};

use super::batch::{Batch, Known, Loaded};
use super::claim::CLAIMED;
use super::committer::{Mode, needs_check};
use super::decided::Decided;
use super::handover::entry;
use super::intake::{Intake, Room};
use super::job::{Answer, Job, Work};
use super::load::Loader;
use super::queues::{Look, Queues};
use super::workers::{Workers, kind};
use crate::seams::Clock;
use crate::store::Demand;

/// Jobs that are taken at once. What is not decided when the write ends is left for the batch after: the database is not to
/// wait for it.
const AT_ONCE: usize = 64;
/// Jobs that are decided before the write has its turn on this thread: some databases are told of their statements one by one.
const DECIDED_AT_ONCE: usize = 16;

/// What a batch leaves behind that is being written.
#[derive(Default)]
pub(super) struct UnderWay {
    /// The tasks it changes; `None` for those that go.
    tasks: HashMap<TaskId, Option<Arc<Task>>>,
    /// The last position of each namespace that it has events in.
    positions: HashMap<String, i64>,
    /// Tasks that were ready before.
    gone: usize,
}

impl UnderWay {
    pub(super) fn of(decided: &Decided) -> Self {
        let mut below = Self::default();
        for (before, now) in &decided.write.updated {
            // Where it is still ready, it may be so in another place.
            below.gone += usize::from(is_leasable(before));
            below.tasks.insert(now.id, Some(Arc::clone(now)));
        }
        for task in &decided.write.deleted {
            below.gone += usize::from(is_leasable(task));
            below.tasks.insert(task.id, None);
        }
        for task in &decided.write.inserted {
            below.tasks.insert(task.id, Some(Arc::clone(task)));
        }
        for event in &decided.write.events {
            match below.positions.get_mut(&event.namespace) {
                Some(last) => *last = event.position,
                None => {
                    below.positions.insert(event.namespace.clone(), event.position);
                }
            }
        }
        below
    }

    pub(super) const fn positions(&self) -> &HashMap<String, i64> {
        &self.positions
    }

    /// The task as it will stand, `Some(None)` if it goes; `None` where it is not touched.
    pub(super) fn get(&self, id: TaskId) -> Option<Option<&Arc<Task>>> {
        self.tasks.get(&id).map(Option::as_ref)
    }

    /// How many of the tasks that the store names as ready may stand there no more.
    pub(super) const fn gone(&self) -> usize {
        self.gone
    }

    /// Makes of what the store answered, which may have it or not, what it will answer.
    pub(super) fn amend(&self, look: &mut Look, demand: &Demand) {
        if self.tasks.is_empty() {
            return;
        }
        look.ready.retain(|ready| !self.tasks.contains_key(&ready.id));
        let ready = self.tasks.values().flatten();
        let ready = ready.filter(|task| is_leasable(task) && demand.takes(kind(task)));
        look.ready.extend(ready.map(entry));
        look.sort();
    }
}

/// A batch that is decided while another is written.
pub(super) struct Ahead<'a> {
    intake: &'a Intake,
    batch: Batch,
    queues: Arc<Queues>,
    jobs: Vec<Job>,
    answers: Vec<Answer>,
    room: Room,
    /// Jobs that have to wait for what is being written, in order; nothing is taken behind them.
    held: Vec<Job>,
    /// It is to be decided anew.
    is_spoiled: bool,
}

/// What comes after a batch that was written.
pub(super) struct Next {
    pub(super) jobs: Vec<Job>,
    /// `None`: they are to be decided.
    pub(super) decided: Option<Decided>,
    /// The jobs behind them.
    pub(super) held: Vec<Job>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(known: Known, intake: &'a Intake) -> Self {
        Self {
            queues: Arc::clone(&known.queues),
            batch: Batch::new(Timestamp::default(), known, Loaded::default()),
            jobs: Vec::new(),
            answers: Vec::new(),
            room: intake.room(),
            intake,
            held: Vec::new(),
            is_spoiled: false,
        }
    }

    /// Decides what arrives over what `below` leaves behind, until `written` comes to its end; answers what that does.
    pub(super) async fn while_written<T>(
        &mut self,
        written: impl Future<Output = T>,
        below: &Decided,
        (loader, clock): (&mut Loader, &Clock),
    ) -> T {
        let mut written = std::pin::pin!(written);
        while self.held.is_empty() && !self.is_spoiled && self.room.is_left() {
            let mut part = self.room.lend(AT_ONCE);
            let jobs = tokio::select! {
                biased;
                written = &mut written => return written,
                jobs = self.intake.next_within(&mut part) => jobs,
            };
            self.room.give_back(part);
            let Some(jobs) = jobs else { break };
            if self.jobs.is_empty() {
                loader.under_way = UnderWay::of(below);
                self.batch.stand_on(&loader.under_way, below.now);
            }
            let mut decided = std::pin::pin!(self.decide(jobs, (loader, clock)));
            tokio::select! {
                biased;
                () = &mut decided => {}
                written = &mut written => {
                    decided.await;
                    return written;
                }
            }
        }
        written.await
    }

    /// Claims of one batch that took all that it gives out would get less than they want.
    fn gives_no_more(&self, job: &Job) -> bool {
        matches!(job.work, Work::Claim(_)) && self.batch.taken >= CLAIMED
    }

    async fn decide(&mut self, mut jobs: Vec<Job>, (loader, clock): (&mut Loader, &Clock)) {
        let waits = |job: &Job| !needs_tasks_alone(job, &self.queues) || self.gives_no_more(job);
        let bound = jobs.iter().position(waits);
        self.held = jobs.split_off(bound.unwrap_or(jobs.len()));
        if jobs.is_empty() {
            return;
        }
        let now = Timestamp::from_micros(clock.now_micros()).max(self.batch.now);
        let so_far = (self.batch.so_far(), &*self.queues);
        let Ok(loaded) = loader.load(&jobs, so_far, (Mode::Hopeful, now)).await else {
            // What is wrong is found again, and said, when they are decided anew.
            self.is_spoiled = true;
            self.jobs.extend(jobs);
            return;
        };
        self.batch.go_on(loaded, now);
        for (place, job) in jobs.into_iter().enumerate() {
            let answer = self.batch.decide(&job);
            self.is_spoiled |= needs_check(&job, &answer);
            self.answers.push(answer);
            self.jobs.push(job);
            if place % DECIDED_AT_ONCE == DECIDED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// What is to run next, now that it is known what became of the batch below.
    pub(super) fn into_next(self, workers: &Workers) -> Option<Next> {
        for jobs in [&self.jobs, &self.held] {
            self.intake.leave(jobs);
        }
        let Self {
            batch,
            jobs,
            answers,
            held,
            is_spoiled,
            ..
        } = self;
        if jobs.is_empty() || is_spoiled {
            let all = jobs.into_iter().chain(held).collect();
            return Next::with_more(all, Some(self.intake));
        }
        let decided = Some(Decided::hopefully(batch, answers, workers));
        Some(Next { jobs, decided, held })
    }

    /// The batch below is not written, or not as it was decided.
    pub(super) fn decided_anew(mut self) -> Self {
        self.is_spoiled = true;
        self
    }
}

impl Next {
    /// Jobs that are to be decided.
    pub(super) fn of(jobs: Vec<Job>) -> Option<Self> {
        (!jobs.is_empty()).then(|| Self {
            jobs,
            decided: None,
            held: Vec::new(),
        })
    }

    /// As [`Self::of`], with what waits beside them: a batch of a few costs a flush as one of many does.
    pub(super) fn with_more(mut jobs: Vec<Job>, intake: Option<&Intake>) -> Option<Self> {
        if jobs.is_empty() {
            return None;
        }
        if let Some(intake) = intake {
            intake.fill(&mut jobs);
        }
        Self::of(jobs)
    }
}

/// Whether all that is read for a job is tasks, by their ids or as ready ones.
fn needs_tasks_alone(job: &Job, queues: &Queues) -> bool {
    match &job.work {
        Work::Create { members, .. } => members.iter().all(|member| member.new.dedup.is_none()),
        // One walks through what others wait for, the other asks for a key.
        Work::Move { command, .. } => {
            !matches!(command.action, Action::AddDependency(_) | Action::Retry { .. })
        }
        Work::Claim(claim) => {
            let Demand {
                namespace,
                queues: named,
                ..
            } = &claim.demand;
            queues.is_empty() || named.iter().all(|name| queues.get(namespace, name).is_none())
        }
        Work::CloseFollowUp(_) | Work::Remember { .. } => true,
        Work::Schedule(_) | Work::Type(_) | Work::Queue(_) | Work::Webhook(_) | Work::Turn(_) => false,
    }
}
