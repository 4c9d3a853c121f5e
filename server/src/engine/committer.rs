//! The committer: takes what waits, decides it, commits it in one transaction, then answers.
//!
//! Its protocol (ARCHITECTURE.md, "The committer"): one command moves one task; two commands on one task see each
//! other in order; a rejected command writes nothing and spoils nothing; a batch that fails before COMMIT runs again
//! one command at a time; no linger.

use std::sync::Arc;

use baton_domain::{Detail, Event, EventType, TaskId, Timestamp};
use tracing::{error, warn};

use super::batch::{Batch, Known, unindexed};
use super::cache::Cache;
use super::error::Error;
use super::handover::Handover;
use super::intake::RETRY_AFTER;
use super::job::{Answer, Job, Upkeep, UpkeepJob, Work};
use super::queues::{Changes, Finished, Queues};
use super::resume::Absence;
use super::signals::Signals;
use super::types::Types;
use super::webhooks::Webhooks;
use super::workers::Workers;
use super::working::Working;
use crate::feed::Feed;
use crate::metrics;
use crate::seams::{Clock, monotonic_now};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Point};
use crate::store::{CommitError, Constraint, Floors, Heads, Store, StoreError, WriteBatch, Writer};

/// Rows removed by one piece of upkeep, so that callers wait for it no longer than for a batch.
const UPKEEP_ROWS: u32 = 2_000;

/// Owns the only writer. Runs as one task until its intake is closed and empty.
pub(super) struct Committer {
    pub(super) store: Store,
    pub(super) writer: Writer,
    pub(super) clock: Clock,
    pub(super) feed: Feed,
    pub(super) signals: Arc<Signals>,
    pub(super) cache: Cache,
    pub(super) heads: Heads,
    pub(super) floors: Floors,
    /// The time of the newest event of all logs.
    pub(super) last_time: Timestamp,
    /// The last commit may stand or not: `heads` may be behind.
    pub(super) in_doubt: bool,
    pub(super) workers: Arc<Workers>,
    /// Every queue that was created.
    pub(super) queues: Queues,
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
            Upkeep::Look => self.look_out().await.map(|()| false),
            Upkeep::Import(archive) => {
                let done = self.import(archive).await;
                return drop(job.reply.send(done.map(|()| false)));
            }
        };
        drop(job.reply.send(more.map_err(Error::Store)));
    }

    /// Runs one batch and answers every job.
    pub(super) async fn run(&mut self, mut jobs: Vec<Job>) {
        match self.attempt(&jobs, Mode::Hopeful).await {
            Ok(answers) => reply_all(jobs, answers),
            Err(Failure::Down(error)) => {
                warn!(error = %error, commands = jobs.len(), "batch not committed");
                self.absence.begin(monotonic_now());
                fail_all(jobs, &error);
            }
            Err(Failure::Spoiled(error)) if jobs.len() == 1 && !self.handed_over => fail_all(jobs, &error),
            Err(Failure::Heavy) if jobs.len() > 1 => {
                let rest = jobs.split_off(jobs.len() / 2);
                Box::pin(self.run(jobs)).await;
                Box::pin(self.run(rest)).await;
            }
            Err(Failure::Spoiled(_) | Failure::Heavy) => self.run_one_by_one(jobs).await,
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
                Ok(answers) => reply_all(jobs, answers),
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

    /// Takes a turn for these jobs. What does not come to a commit gives it up.
    async fn attempt(&mut self, jobs: &[Job], mode: Mode) -> Result<Vec<Answer>, Failure> {
        let answers = self.take_turn(jobs, mode).await;
        self.writer.leave().await;
        answers
    }

    async fn take_turn(&mut self, jobs: &[Job], mode: Mode) -> Result<Vec<Answer>, Failure> {
        if self.in_doubt {
            self.catch_up().await.map_err(Failure::Down)?;
        }
        self.resume().await?;
        self.begin().await?;
        self.learn_queues().await?;
        let now = Timestamp::from_micros(self.clock.now_micros()).max(self.last_time);
        let loaded = self.load(jobs, mode, now).await?;
        let (types, webhooks) = (Arc::clone(&self.types), Arc::clone(&self.webhooks));
        let known = Known {
            heads: &self.heads,
            types: &types,
            queues: &self.queues,
            webhooks: &webhooks,
        };
        let mut batch = Batch::new(now, &known, loaded);
        let answers: Vec<Answer> = jobs.iter().map(|job| batch.decide(job)).collect();
        if mode == Mode::Hopeful
            && jobs
                .iter()
                .zip(&answers)
                .any(|(job, answer)| needs_check(job, answer))
        {
            return Box::pin(self.attempt(jobs, Mode::Checked)).await;
        }
        let handovers = match mode {
            Mode::Hopeful => batch.hand_over(&self.workers),
            // What was asked for must not fail by what was not.
            Mode::Checked => Vec::new(),
        };
        self.handed_over = !handovers.is_empty();
        let left = std::mem::take(&mut batch.left);
        let ticks = std::mem::take(&mut batch.ticks);
        let (write, working, changed) = batch.into_write();
        if write.is_empty() {
            self.queues_committed(changed.queues, now);
            self.workers.left(&left);
            return Ok(answers);
        }
        let began = monotonic_now();
        match self.write(&write).await {
            Ok(()) => {
                // What only reads says nothing of whether leases can be renewed.
                self.absence.end();
                metrics::committed(write.events.len(), began.elapsed());
                self.types.apply(changed.types);
                self.webhooks.apply(changed.webhooks);
                self.committed(&write, working, (changed.queues, now));
                handovers.into_iter().for_each(Handover::deliver);
                ticks.tell();
                self.workers.left(&left);
                Ok(answers)
            }
            Err(error) => self.not_committed(error, jobs, mode).await,
        }
    }

    async fn write(&mut self, write: &WriteBatch) -> Result<(), CommitError> {
        #[cfg(feature = "simulation")]
        simulation::reach(Point::BeforeCommit, &write.events).await;
        let written = self.writer.commit(write).await;
        #[cfg(feature = "simulation")]
        if written.is_ok() {
            simulation::reach(Point::AfterCommit, &write.events).await;
        }
        written
    }

    async fn not_committed(
        &mut self,
        error: CommitError,
        jobs: &[Job],
        mode: Mode,
    ) -> Result<Vec<Answer>, Failure> {
        match error {
            CommitError::Conflict(_) if mode == Mode::Hopeful => {
                Box::pin(self.attempt(jobs, Mode::Checked)).await
            }
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
                self.cache.clear();
                self.queues.forget();
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
        let gone = self.store.deleted(&ids).await.map_err(Error::Store)?;
        let first = ids.iter().enumerate().find(|(_, id)| gone.contains(*id));
        Ok(first.map(|(index, id)| {
            let source = Box::new(Error::TaskIdReused { id: *id });
            unindexed(Error::InBatch { index, source }, *single)
        }))
    }

    /// Takes committed events into account: the next ones come after them.
    pub(super) fn move_on(&mut self, events: &[Arc<Event>]) {
        for event in events {
            self.heads.advance(&event.namespace, event.time);
            self.last_time = self.last_time.max(event.time);
            self.floors.note(event);
        }
    }

    fn committed(&mut self, write: &WriteBatch, working: Working, (changes, now): (Changes, Timestamp)) {
        self.move_on(&write.events);
        for (id, task) in working.into_results() {
            self.cache.put(id, task);
        }
        self.feed.publish(&write.events);
        self.signals.committed();
        self.finished.count(write.events.iter().map(|event| &**event));
        self.queues_committed(changes, now);
        self.workers
            .committed(write, |task| self.queues.is_shut(task, now));
        announce_dead(&write.events);
        let wake = write
            .inserted
            .iter()
            .chain(write.updated.iter().map(|(_, now)| now))
            .flat_map(|t| t.wake_time().into_iter().chain(t.lease_end()));
        if let Some(first) = wake.chain(self.next_tick(write)).min() {
            self.signals.wake_at(first);
        }
        if !write.follow_ups_added.is_empty() {
            self.signals.follow_ups();
        }
    }
}

/// A task that nobody tries again is told of where somebody looks.
fn announce_dead(events: &[Arc<Event>]) {
    for event in events.iter().filter(|event| event.kind == EventType::Dead) {
        metrics::task_died(&event.queue);
        let code = if let Detail::Failure { error, .. } = &event.detail {
            error.code.as_str()
        } else {
            ""
        };
        warn!(
            task = %event.task_id,
            namespace = event.namespace,
            queue = event.queue,
            r#type = event.task_type,
            attempt = event.attempt,
            code,
            "a task is dead: its attempts are spent"
        );
    }
}

/// What a call that may be a repeat is told about other tasks is only an answer once the store was asked.
fn needs_check(job: &Job, answer: &Answer) -> bool {
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
