//! Turns requests into committed changes.
//!
//! Reading order: [`Engine`] (what callers use), `intake` (the queue), `committer` (the protocol), `batch` (decides
//! in memory), `working` (the tasks of a batch).

mod ahead;
mod batch;
mod cache;
mod claim;
mod committer;
mod create;
mod decided;
mod doubt;
mod error;
mod handover;
mod import;
mod intake;
mod itself;
mod job;
mod keys;
mod learn;
mod load;
mod lookout;
mod order;
mod preview;
mod queues;
mod recall;
mod remembered;
mod resume;
mod runs;
mod schedules;
mod signals;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod webhooks;
pub mod workers;
mod working;

use std::sync::Arc;

use baton_domain::{Action, Task, TaskId};
use tokio::sync::{SetOnce, mpsc};

pub use claim::ClaimRequest;
pub use error::Error;
pub use intake::IntakeLimits;
pub(crate) use job::Upkeep;
pub use job::{Class, CreateRequest, Done, MoveRequest, Reported, RequestKey};
pub use queues::{Pace, QueueAction, QueueChange, QueueDone, queue_etag};
pub(crate) use schedules::announce;
pub use schedules::{ScheduleAction, ScheduleChange, ScheduleDone, schedule_etag};
pub(crate) use signals::Signals;
pub use types::{Misfit, Role, Schemas, TypeAction, TypeChange, TypeDone, Unchecked, task_type_etag};
pub use webhooks::{WebhookAction, WebhookChange, WebhookDone, webhook_etag};

use self::ahead::Next;
use self::batch::unindexed;
use self::committer::Committer;
use self::intake::Intake;
use self::job::{Answer, Job, UpkeepJob, Work};
use self::load::Loader;
use self::lookout::Asking;
use self::queues::Finished;
use self::resume::Absence;
use self::types::{AskAgain, Types};
use self::webhooks::Webhooks;
use self::workers::Workers;
use crate::config::UnknownTypes;
use crate::feed::Feed;
use crate::seams::{Clock, Ids};
use crate::store::{Opened, Store, Writer};

/// The one way to change a task. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    intake: Intake,
    upkeep: mpsc::Sender<UpkeepJob>,
    asking: Asking,
    store: Store,
    feed: Feed,
    clock: Clock,
    ids: Ids,
    signals: Arc<Signals>,
    workers: Arc<Workers>,
    /// What a server before this one left is read.
    begun: SetOnce<()>,
    types: Arc<Types>,
    finished: Arc<Finished>,
    webhooks: Arc<Webhooks>,
}

/// What the engine is built from.
pub struct Parts {
    /// The opened store.
    pub opened: Opened,
    /// Told of every committed event.
    pub feed: Feed,
    /// Read once for what is decided together.
    pub clock: Clock,
    /// For whoever needs ids.
    pub ids: Ids,
    /// How much may wait.
    pub limits: IntakeLimits,
    /// What becomes of tasks whose type is not registered.
    pub unknown_types: UnknownTypes,
}

/// The task's etag: changes with its state and with every field that clients edit, and only with those.
#[must_use]
pub fn etag(task: &Task) -> String {
    format!("\"{}\"", task.edit_revision)
}

impl Engine {
    /// An engine, and its committer: a future that ends after [`Engine::close`], once everything that waited is answered,
    /// and gives the writer back.
    pub fn new(parts: Parts) -> (Self, impl Future<Output = Writer> + Send + 'static) {
        let Parts {
            opened,
            feed,
            clock,
            ids,
            limits,
            unknown_types,
        } = parts;
        let types = Arc::new(Types::new(opened.task_types, unknown_types));
        let webhooks = Arc::new(Webhooks::new(opened.webhooks));
        let signals = Arc::new(Signals::new());
        let workers = Arc::new(Workers::default());
        let finished = Arc::new(Finished::new(clock.now_micros()));
        let (asking, lookout) = Asking::new();
        let mut committer = Committer {
            lookout,
            loader: Loader::new(opened.store.clone(), Arc::clone(&workers)),
            writer: opened.writer,
            clock: clock.clone(),
            feed: feed.clone(),
            signals: Arc::clone(&signals),
            last_time: opened.heads.last_time(),
            heads: Arc::new(opened.heads),
            in_doubt: false,
            not_alone: 0,
            queues: Arc::default(),
            finished: Arc::clone(&finished),
            absence: Absence::new(),
            handed_over: false,
            types: Arc::clone(&types),
            webhooks: Arc::clone(&webhooks),
        };
        let intake = Intake::new(limits);
        let (upkeep, upkeeps) = mpsc::channel(1);
        let store = opened.store;
        let engine = Self {
            shared: Arc::new(Shared {
                intake,
                upkeep,
                asking,
                store,
                feed,
                clock,
                ids,
                signals,
                workers,
                begun: SetOnce::new(),
                types,
                finished,
                webhooks,
            }),
        };
        let shared = Arc::clone(&engine.shared);
        let work = async move {
            // Where the store does not let it, the first batch does.
            drop(committer.resume().await);
            drop(shared.begun.set(()));
            work(committer, &shared.intake, upkeeps).await
        };
        (engine, work)
    }

    /// Waits until the committer has read, or tried to read, what a server before it left: before that it knows of no lease.
    pub async fn begun(&self) {
        self.shared.begun.wait().await;
    }

    /// Takes no more work; what waits is still committed and answered.
    pub fn close(&self) {
        self.shared.intake.close();
    }

    /// Creates one task. With a chosen id and the same specification it answers with the task that is there.
    ///
    /// # Errors
    /// [`Error::TaskIdReused`], [`Error::Duplicate`], [`Error::ReferenceNotFound`], [`Error::RequestIdReused`], and what
    /// the queue and the store may do.
    pub async fn create(&self, member: CreateRequest, request: Option<RequestKey>) -> Result<Done, Error> {
        let id = member.new.id;
        let mut members = vec![member];
        let prepared = self.prepare(&mut members, request.as_ref()).await;
        prepared.map_err(|error| unindexed(error, true))?;
        let work = Work::Create {
            members,
            single: true,
        };
        first(self.submit(Class::Create, work, request).await?, id)
    }

    /// Creates all of `members` or none, answered in their order.
    ///
    /// # Errors
    /// As [`Engine::create`], in [`Error::InBatch`].
    pub async fn create_batch(
        &self,
        mut members: Vec<CreateRequest>,
        request: Option<RequestKey>,
    ) -> Result<Vec<Done>, Error> {
        self.prepare(&mut members, request.as_ref()).await?;
        self.submit(
            Class::Create,
            Work::Create {
                members,
                single: false,
            },
            request,
        )
        .await
    }

    /// Gives one command to one task.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Rejected`], [`Error::Duplicate`], [`Error::EtagMismatch`],
    /// [`Error::RequestIdReused`], and what the queue and the store may do.
    pub async fn execute(&self, request: MoveRequest) -> Result<Done, Error> {
        let id = request.id;
        first(self.give(request, None).await?, id)
    }

    /// As [`Engine::execute`], of a command by which a holder ends its work: where that has not been started, it is
    /// started by this.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn report(&self, request: MoveRequest, reported: Reported) -> Result<Done, Error> {
        let id = request.id;
        first(self.give(request, Some(reported)).await?, id)
    }

    /// Deletes one task; answers whether this call was made before. The command must be [`Action::Delete`].
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn delete(&self, request: MoveRequest) -> Result<bool, Error> {
        debug_assert!(
            matches!(request.command.action, Action::Delete { .. }),
            "delete takes a delete command"
        );
        let done = self.give(request, None).await?;
        // A repeat finds its record but no task.
        Ok(done.first().is_none_or(|d| d.replayed))
    }

    async fn give(&self, request: MoveRequest, reported: Option<Reported>) -> Result<Vec<Done>, Error> {
        let MoveRequest {
            id,
            command,
            etag,
            request,
            class,
        } = request;
        let (mut command, mut checked) = (Box::new(command), None);
        let mut again = AskAgain::new();
        loop {
            let work = Work::Move {
                id,
                command,
                etag: etag.clone(),
                reported,
                checked,
            };
            match self.submit(class, work, request.clone()).await {
                Err(Error::Unchecked(unchecked)) => {
                    // Boxed: most moves have nothing to be checked.
                    if !Box::pin(again.check(&unchecked)).await? {
                        let retry_after = intake::RETRY_AFTER;
                        return Err(Error::Overloaded { retry_after });
                    }
                    let (same, mark) = unchecked.into_checked();
                    (command, checked) = (same, Some(mark));
                }
                answer => return answer,
            }
        }
    }

    /// Leases ready tasks to a worker, as many as there are and it asks for; none where none is ready.
    ///
    /// # Errors
    /// What the queue and the store may do.
    pub async fn claim(&self, claim: ClaimRequest) -> Result<Vec<Done>, Error> {
        let work = Work::Claim(Box::new(claim));
        self.submit(Class::Move, work, None).await
    }

    async fn submit(
        &self,
        class: Class,
        work: Work,
        request: Option<RequestKey>,
    ) -> Result<Vec<Done>, Error> {
        Ok(self.ask(class, work, request).await?.into_tasks())
    }

    async fn ask(&self, class: Class, work: Work, request: Option<RequestKey>) -> Answer {
        let (job, answer) = Job::new(class, work, request);
        self.shared.intake.push(job)?;
        // The committer answers every job it took; without an answer it is gone with the process.
        answer.await.unwrap_or(Err(Error::OutcomeUnknown))
    }

    /// For reads.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// For watches and waits.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// The clock of this service.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Where ids and randomness come from.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.shared.ids
    }

    /// Who works, and who waits for work.
    pub(crate) fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.shared.signals
    }
}

fn first(done: Vec<Done>, id: TaskId) -> Result<Done, Error> {
    done.into_iter().next().ok_or(Error::NotFound { id })
}

/// Runs what arrives until the intake is closed and empty.
async fn work(mut committer: Committer, intake: &Intake, mut upkeeps: mpsc::Receiver<UpkeepJob>) -> Writer {
    let mut next: Option<Next> = None;
    loop {
        if let Some(batch) = next.take() {
            // Upkeep has its turn, however much arrives.
            let intake = upkeeps.is_empty().then_some(intake);
            next = committer.run(batch, intake).await;
            continue;
        }
        tokio::select! {
            jobs = intake.next_batch() => {
                let Some(jobs) = jobs else { return committer.writer };
                next = Next::of(jobs);
            }
            Some(job) = upkeeps.recv() => committer.keep_up(job).await,
            () = committer.lookout.asked() => committer.look_out().await,
        }
    }
}
