//! The committer: takes what waits, decides it, commits it in one transaction, then answers.
//!
//! Its protocol (ARCHITECTURE.md, "The committer"): one command moves one task; two commands on one task see each
//! other in order; a rejected command writes nothing and spoils nothing; a batch that fails before COMMIT runs again
//! one command at a time; no linger.

use std::sync::Arc;

use baton_domain::{TaskId, Timestamp};
use tracing::{error, warn};

use super::ahead::{Ahead, Next, UnderWay};
use super::batch::{Batch, Known, unindexed};
use super::decided::{Decided, Settled};
use super::error::Error;
use super::intake::{Intake, RETRY_AFTER};
use super::job::{Answer, Job, Upkeep, UpkeepJob, Work};
use super::load::{Loader, SoFar};
use super::lookout::Lookout;
use super::queues::{Finished, Queues};
use super::resume::Absence;
use super::signals::Signals;
use super::types::Types;
use super::webhooks::Webhooks;
use crate::feed::Feed;
use crate::metrics;
use crate::seams::{Clock, monotonic_now};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Point};
use crate::store::{CommitError, Constraint, Heads, StoreError, WriteBatch, Writer};

/// Rows removed by one piece of upkeep, so that callers wait for it no longer than for a batch.
const UPKEEP_ROWS: u32 = 2_000;

/// Owns the only writer. Runs as one task until its intake is closed and empty.
pub(super) struct Committer {
    pub(super) writer: Writer,
    pub(super) loader: Loader,
    pub(super) lookout: Lookout,
    pub(super) clock: Clock,
    pub(super) feed: Feed,
    pub(super) signals: Arc<Signals>,
    pub(super) heads: Arc<Heads>,
    /// The time of the newest event of all logs.
    pub(super) last_time: Timestamp,
    /// The last commit may stand or not: `heads` may be behind.
    pub(super) in_doubt: bool,
    /// So many batches are to be written before anything is decided ahead again: others write too, and it would be decided in
    /// vain.
    pub(super) not_alone: u8,
    /// Every queue that was created.
    pub(super) queues: Arc<Queues>,
    pub(super) finished: Arc<Finished>,
    pub(super) absence: Absence,
    /// The last batch handed tasks to calls that wait; it may be that which cannot be written.
    pub(super) handed_over: bool,
    pub(super) types: Arc<Types>,
    pub(super) webhooks: Arc<Webhooks>,
}

/// How sure a batch is of what it did not read.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// Chosen ids and request ids are taken to be new; the store's unique keys tell if one is not.
    Hopeful,
    /// They were looked up first.
    Checked,
}

/// Why nothing of an attempt was written.
pub(super) enum Failure {
    /// Something of this batch cannot be written; alone, the others can.
    Spoiled(Error),
    /// The store is not there; the others would fare no better.
    Down(Error),
    /// What it moves is more than may be held at once; nothing was decided.
    Heavy,
}

impl Failure {
    pub(super) const fn down(error: StoreError) -> Self {
        Self::Down(Error::Store(error))
    }
}

impl Committer {
    /// Does one piece of upkeep.
    pub(super) async fn keep_up(&mut self, job: UpkeepJob) {
        let more = match &job.upkeep {
            Upkeep::ForgetRequests(now) => self.writer.expire_requests(*now, UPKEEP_ROWS).await,
            Upkeep::ExpireKeys(now) => self.writer.expire_keys(*now, UPKEEP_ROWS).await,
            Upkeep::TrimLog { namespace, oldest } => self.writer.trim(namespace, *oldest, UPKEEP_ROWS).await,
            Upkeep::Import(archive) => {
                let done = self.import(archive).await;
                return drop(job.reply.send(done.map(|()| false)));
            }
        };
        drop(job.reply.send(more.map_err(Error::Store)));
    }

    /// Runs one batch and answers every job. What arrives in `intake` meanwhile is decided while the batch is written: answers
    /// what is to run next.
    pub(super) async fn run(&mut self, next: Next, intake: Option<&Intake>) -> Option<Next> {
        let Next {
            mut jobs,
            decided,
            held,
        } = next;
        // What comes later than what is held has to wait for it.
        let intake_behind = intake.filter(|_| held.is_empty());
        let decided = match decided {
            Some(decided) => Ok(decided),
            None => self.decide_with_more(&mut jobs, intake_behind).await,
        };
        metrics::batch_taken(jobs.len());
        let ahead_of = intake_behind.filter(|_| self.is_alone());
        let (done, ahead) = match decided {
            Ok(decided) => self.carry_out(decided, &jobs, ahead_of).await,
            Err(failure) => (Err(failure), None),
        };
        self.writer.leave().await;
        let events = match done {
            Ok(Settled { answers, events }) => {
                reply_all(jobs, answers);
                events
            }
            Err(failure) => {
                self.give_up(jobs, failure).await;
                Vec::new()
            }
        };
        // Those who wait were told of what is there: what comes next may be given to who still does.
        let next = ahead.and_then(|ahead| ahead.into_next(self.workers()));
        self.move_on(&events);
        match next {
            Some(next) => Some(self.follow(next).await),
            None => Next::with_more(held, intake),
        }
    }

    /// Sees to the turn of what was decided ahead. Where others have written meanwhile, it is to be decided anew.
    async fn follow(&mut self, next: Next) -> Next {
        let stands = next.decided.is_some() && self.still_stands().await;
        Next {
            decided: next.decided.filter(|_| stands),
            ..next
        }
    }

    /// Answers jobs of which nothing was written as one batch.
    async fn give_up(&mut self, mut jobs: Vec<Job>, failure: Failure) {
        match failure {
            Failure::Down(error) => {
                warn!(error = %error, commands = jobs.len(), "batch not committed");
                self.absence.begin(monotonic_now());
                fail_all(jobs, &error);
            }
            Failure::Spoiled(error) if jobs.len() == 1 && !self.handed_over => fail_all(jobs, &error),
            Failure::Heavy if jobs.len() > 1 => {
                let rest = jobs.split_off(jobs.len() / 2);
                for jobs in [jobs, rest] {
                    Box::pin(self.run_all(jobs)).await;
                }
            }
            Failure::Spoiled(_) | Failure::Heavy => self.run_one_by_one(jobs).await,
        }
    }

    /// Runs one batch, and takes nothing else meanwhile.
    pub(super) async fn run_all(&mut self, jobs: Vec<Job>) {
        if let Some(next) = Next::of(jobs) {
            self.run(next, None).await;
        }
    }

    /// The command that cannot be written fails alone; its neighbours succeed.
    async fn run_one_by_one(&mut self, jobs: Vec<Job>) {
        metrics::batch_split();
        for job in jobs {
            let alone = [job];
            let answers = self.attempt(&alone, Mode::Checked).await;
            let jobs = Vec::from(alone);
            match answers {
                Ok(settled) => reply_all(jobs, settled.answers),
                Err(Failure::Down(error) | Failure::Spoiled(error)) => {
                    error!(error = %error, "command not committed");
                    fail_all(jobs, &error);
                }
                // Nothing was done; and alone, none is too heavy.
                Err(Failure::Heavy) => {
                    let retry_after = RETRY_AFTER;
                    fail_all(jobs, &Error::Overloaded { retry_after });
                }
            }
        }
    }

    /// Decides and writes these jobs as one batch. What does not come to a commit gives its turn up.
    pub(super) async fn attempt(&mut self, jobs: &[Job], mode: Mode) -> Result<Settled, Failure> {
        let done = match self.decide(jobs, mode).await {
            Ok(decided) => self.carry_out(decided, jobs, None).await.0,
            Err(failure) => Err(failure),
        };
        self.writer.leave().await;
        let mut settled = done?;
        self.move_on(&std::mem::take(&mut settled.events));
        Ok(settled)
    }

    pub(super) async fn decide(&mut self, jobs: &[Job], mode: Mode) -> Result<Decided, Failure> {
        if mode == Mode::Checked || !self.presumes() {
            self.take_turn().await?;
        }
        let now = Timestamp::from_micros(self.clock.now_micros()).max(self.last_time);
        let so_far = (SoFar::default(), &*self.queues);
        let mut loaded = self.loader.load(jobs, so_far, (mode, now)).await?;
        for held_back in loaded.held_back.drain(..) {
            Arc::make_mut(&mut self.queues).hold_back(held_back);
        }
        let mut batch = Batch::new(now, self.known(), loaded);
        let answers: Vec<Answer> = jobs.iter().map(|job| batch.decide(job)).collect();
        if mode == Mode::Checked {
            return Ok(Decided::checked(batch, answers));
        }
        if jobs
            .iter()
            .zip(&answers)
            .any(|(job, answer)| needs_check(job, answer))
        {
            return Box::pin(self.decide(jobs, Mode::Checked)).await;
        }
        Ok(Decided::hopefully(batch, answers, self.workers()))
    }

    fn known(&self) -> Known {
        Known {
            heads: Arc::clone(&self.heads),
            types: Arc::clone(&self.types),
            queues: Arc::clone(&self.queues),
            webhooks: Arc::clone(&self.webhooks),
        }
    }

    /// Writes what is decided and tells everybody, but for who asked; answers too what was decided meanwhile.
    async fn carry_out<'a>(
        &mut self,
        decided: Decided,
        jobs: &[Job],
        intake: Option<&'a Intake>,
    ) -> (Result<Settled, Failure>, Option<Ahead<'a>>) {
        self.handed_over = decided.hands_over();
        if decided.write.is_empty() {
            return (self.settle_unwritten(decided, jobs).await, None);
        }
        let began = monotonic_now();
        // Once this is written, nothing that others wrote before it is unknown.
        let look = self.lookout.begin();
        let (written, ahead) = self.write(&decided, intake).await;
        match written {
            Ok(()) => {
                look.end(&Ok(()));
                self.not_alone = self.not_alone.saturating_sub(1);
                // What only reads says nothing of whether leases can be renewed.
                self.absence.end();
                metrics::committed(decided.write.events.len(), began.elapsed());
                (Ok(self.settle(decided)), ahead)
            }
            Err(error) => {
                self.lookout.go_on(look);
                let ahead = ahead.map(Ahead::decided_anew);
                let mode = decided.mode;
                // Who was to be handed a task waits again.
                drop(decided);
                (self.not_committed(error, jobs, mode).await, ahead)
            }
        }
    }

    async fn write<'a>(
        &mut self,
        decided: &Decided,
        intake: Option<&'a Intake>,
    ) -> (Result<(), CommitError>, Option<Ahead<'a>>) {
        let intake = intake.filter(|_| decided.carries_others());
        let Some(intake) = intake else {
            return (commit(&mut self.writer, &decided.write).await, None);
        };
        let mut ahead = Ahead::new(self.known(), intake);
        let written = commit(&mut self.writer, &decided.write);
        let written = ahead
            .while_written(written, decided, (&mut self.loader, &self.clock))
            .await;
        self.loader.under_way = UnderWay::default();
        (written, Some(ahead))
    }

    async fn not_committed(
        &mut self,
        error: CommitError,
        jobs: &[Job],
        mode: Mode,
    ) -> Result<Settled, Failure> {
        match error {
            CommitError::Conflict(_) if mode == Mode::Hopeful => {
                Box::pin(self.attempt(jobs, Mode::Checked)).await
            }
            CommitError::Behind => self.decide_anew(jobs, mode).await,
            CommitError::Conflict(constraint) => {
                if constraint == Constraint::Event && self.catch_up().await.map_err(Failure::Down)? {
                    return Box::pin(self.attempt(jobs, mode)).await;
                }
                let gone = match jobs {
                    [job] => self.gone(job).await.map_err(Failure::Down)?,
                    _ => None,
                };
                let conflict = Error::Store(StoreError::Constraint(constraint));
                Err(Failure::Spoiled(gone.unwrap_or(conflict)))
            }
            CommitError::Failed(error) if error.is_about_the_rows() => {
                Err(Failure::Spoiled(Error::Store(error)))
            }
            CommitError::Failed(error) => Err(Failure::down(error)),
            CommitError::Unknown(error) => {
                error!(error = %error, "the outcome of a commit is unknown");
                self.in_doubt = true;
                // A renewal that stands leaves no event by which it would be found, nor does a change of a queue.
                self.loader.cache.clear();
                self.forget_queues();
                if let Err(error) = self.catch_up().await {
                    warn!(error = %error, "how the log ends will be read before the next commit");
                }
                Err(Failure::Down(Error::OutcomeUnknown))
            }
        }
    }

    /// The refusal of a create whose id was looked up and not there, and yet is taken: by a task that is deleted and
    /// still in the log.
    async fn gone(&self, job: &Job) -> Result<Option<Error>, Error> {
        let Work::Create { members, single } = &job.work else {
            return Ok(None);
        };
        let ids: Vec<TaskId> = members.iter().map(|m| m.new.id).collect();
        let gone = self.loader.store.deleted(&ids).await.map_err(Error::Store)?;
        let first = ids.iter().enumerate().find(|(_, id)| gone.contains(*id));
        Ok(first.map(|(index, id)| {
            let source = Box::new(Error::TaskIdReused { id: *id });
            unindexed(Error::InBatch { index, source }, *single)
        }))
    }
}

async fn commit(writer: &mut Writer, write: &WriteBatch) -> Result<(), CommitError> {
    #[cfg(feature = "simulation")]
    simulation::reach(Point::BeforeCommit, &write.events).await;
    let written = writer.commit(write).await;
    #[cfg(feature = "simulation")]
    if written.is_ok() {
        simulation::reach(Point::AfterCommit, &write.events).await;
    }
    written
}

/// What a call that may be a repeat is told about other tasks is only an answer once the store was asked.
pub(super) fn needs_check(job: &Job, answer: &Answer) -> bool {
    let refused = answer.as_ref().is_err_and(Error::may_be_repeat);
    let chosen = match &job.work {
        Work::Create { members, .. } => members.iter().any(|m| m.chosen_id && m.new.dedup.is_some()),
        Work::Move { .. }
        | Work::Claim(_)
        | Work::CloseFollowUp(_)
        | Work::Remember { .. }
        | Work::Schedule(_)
        | Work::Type(_)
        | Work::Queue(_)
        | Work::Webhook(_)
        | Work::Turn(_) => false,
    };
    let met = answer
        .as_ref()
        .map_or(refused, |told| told.tasks().iter().any(|done| done.deduplicated));
    (job.request.is_some() && refused) || (chosen && met)
}

fn reply_all(jobs: Vec<Job>, answers: Vec<Answer>) {
    for (job, answer) in jobs.into_iter().zip(answers) {
        reply(job, answer);
    }
}

fn fail_all(jobs: Vec<Job>, error: &Error) {
    for job in jobs {
        reply(job, Err(error.clone()));
    }
}

/// A caller that hung up does not want its answer any more; what it asked for stands.
fn reply(job: Job, answer: Answer) {
    drop(job.reply.send(answer));
}
