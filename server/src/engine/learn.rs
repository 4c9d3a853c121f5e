//! How the committer learns what others have written to the same database.
//!
//! It is told at the beginning of each turn whether anybody has. Then nothing that it keeps in memory is relied upon: open
//! tasks and queues are read again as they are needed, and the events since its own last one go to the feed, to those who
//! wait for tasks and to the holders of leases, as its own do. Between turns it looks when it is woken, so that readers of
//! a quiet replica hear of the work of a busy one.
//!
//! Who is alone begins no turn: it decides as if nobody else had written, and the database looks whether that is so when the
//! batch is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use baton_domain::{Event, EventType, Span, Task, TaskId, Timestamp};

use super::committer::{Committer, Failure, Mode};
use super::decided::{Decided, Settled};
use super::error::Error;
use super::intake::Intake;
use super::job::Job;
use super::load::TASKS_READ;
use crate::seams::monotonic_now;
use crate::store::{Heads, News, StoreError, Turn};

/// Events read at once.
const EVENTS_READ: u32 = 500;
/// Of a log that has grown by more, the events are left to readers, who find them in the store.
const EVENTS_LEARNED: i64 = 5_000;
/// The timers look again so long after others have written: one look finds what many turns wrote.
const LOOK_AHEAD: Span = Span::from_millis(50);

/// Batches from one that began with what others wrote to the first that is decided ahead again.
const ALONE_AFTER: u8 = 8;

/// What others wrote.
struct Missed {
    events: Vec<Arc<Event>>,
    /// The logs of which they say less than is told to readers.
    brief: HashSet<String>,
    /// Of some logs, only where they end.
    skipped: bool,
}

/// What the store is to the committer when a turn begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// As this committer left it.
    Known,
    /// Others had written, and that is learned.
    Learned,
}

impl Committer {
    /// Whether nobody else has written of late.
    pub(super) const fn is_alone(&self) -> bool {
        self.not_alone == 0
    }

    /// Whether what comes is decided and written before a turn is begun for it, as if nobody else had written.
    pub(super) fn presumes(&self) -> bool {
        self.is_alone()
            && !self.in_doubt
            && self.queues.is_read()
            && !self.absence.is_long(monotonic_now())
            && self.writer.may_presume()
    }

    /// Whether what was decided ahead still holds; it has its turn then, or is written as one.
    pub(super) async fn still_stands(&mut self) -> bool {
        if self.presumes() {
            return true;
        }
        match self.begin().await {
            Ok(standing) => standing == Standing::Known,
            Err(_) => {
                self.writer.leave().await;
                false
            }
        }
    }

    /// Ends what is to be answered and not written. That must be true of what stands: where others have written since it was
    /// decided, it is decided anew.
    pub(super) async fn settle_unwritten(
        &mut self,
        decided: Decided,
        jobs: &[Job],
    ) -> Result<Settled, Failure> {
        // Where the database does not answer, the turn that is begun says so, or connects anew.
        if self.writer.is_behind().await.unwrap_or(true) {
            let mode = decided.mode;
            drop(decided);
            return self.decide_anew(jobs, mode).await;
        }
        Ok(self.settle(decided))
    }

    /// What was decided before its turn does not stand: others have written.
    pub(super) async fn decide_anew(&mut self, jobs: &[Job], mode: Mode) -> Result<Settled, Failure> {
        self.not_alone = ALONE_AFTER;
        Box::pin(self.attempt(jobs, mode)).await
    }

    /// As [`Self::decide`]. Where others write too, the turn is waited for, and what comes meanwhile is decided with `jobs`: a turn
    /// costs much, and little more for many jobs than for few.
    pub(super) async fn decide_with_more(
        &mut self,
        jobs: &mut Vec<Job>,
        intake: Option<&Intake>,
    ) -> Result<Decided, Failure> {
        if let Some(intake) = intake.filter(|_| !self.is_alone()) {
            self.take_turn().await?;
            intake.fill(jobs);
        }
        self.decide(jobs, Mode::Hopeful).await
    }

    /// Sees to it that this has its turn, and knows all that is to be known.
    pub(super) async fn take_turn(&mut self) -> Result<(), Failure> {
        if self.in_doubt {
            self.catch_up().await.map_err(Failure::Down)?;
        }
        self.resume().await?;
        self.begin().await?;
        self.learn_queues().await
    }

    /// Begins a turn, and learns what others wrote since the last one.
    pub(super) async fn begin(&mut self) -> Result<Standing, Failure> {
        let turn = self.writer.begin().await.map_err(Failure::down)?;
        if let Some(time) = turn.time {
            self.clock.follow(time.as_micros());
        }
        if !turn.is_behind {
            return Ok(Standing::Known);
        }
        self.not_alone = ALONE_AFTER;
        if turn.has_definitions || !self.queues.is_empty() {
            self.forget_queues();
        }
        if let Err(error) = self.learn(turn).await {
            // Or the next turn would take what is in memory for what stands.
            self.writer.fall_behind();
            return Err(Failure::down(error));
        }
        Ok(Standing::Learned)
    }

    /// Looks, between turns, whether others have written.
    pub(super) async fn look_out(&mut self) {
        let look = self.lookout.begin();
        let seen = self.glance().await;
        look.end(&seen.map_err(Error::Store));
    }

    async fn glance(&mut self) -> Result<(), StoreError> {
        let turn = self.writer.glance().await?;
        if turn.is_behind {
            self.not_alone = ALONE_AFTER;
            self.learn(turn).await?;
        }
        Ok(())
    }

    /// Takes into account what is new in the store; answers whether there were events.
    pub(super) async fn learn(&mut self, turn: Turn) -> Result<bool, StoreError> {
        self.loader.cache.clear();
        let missed = self.missed().await?;
        if turn.has_definitions {
            self.types.reload(self.loader.store.task_types().await?);
            self.webhooks.reload(self.loader.store.webhooks().await?);
            // A queue may have more room than it had.
            if !self.queues.is_empty() {
                self.workers().parked.everybody();
            }
        }
        let now = Timestamp::from_micros(self.clock.now_micros());
        if missed.skipped {
            self.workers()
                .registry
                .reset(self.loader.store.leases().await?, now);
            self.workers().parked.everybody();
        } else {
            // Of most events no worker here has to hear, and tasks are large.
            let concern = |event: &&Arc<Event>| self.workers().concerns(event);
            let events: Vec<_> = missed.events.iter().filter(concern).cloned().collect();
            let tasks = self.tasks_of(&events).await?;
            let is_shut = |task: &Task| self.queues.is_shut(task, now);
            self.workers().learned(&events, &tasks, is_shut);
        }
        self.move_on(&missed.events);
        self.tell_readers(&missed);
        self.finished.count(missed.events.iter().map(|event| &**event));
        // Tasks that must move, and work for later batches, may be among what was missed.
        self.signals.look_anew();
        self.signals.wake_at(now.plus(LOOK_AHEAD));
        if missed.skipped || missed.events.iter().any(|event| ends_task(event)) {
            self.signals.follow_ups();
        }
        Ok(missed.skipped || !missed.events.is_empty())
    }

    async fn missed(&mut self) -> Result<Missed, StoreError> {
        if !self.in_doubt
            && let Some(news) = self.news().await?
        {
            let News { heads, events, brief } = news;
            let grown = |name| heads.position(name) - self.heads.position(name);
            let grown: i64 = heads.namespaces().map(grown).sum();
            // Of tasks that are gone no events may be left, and positions are counted by events.
            if usize::try_from(grown).is_ok_and(|grown| grown == events.len()) {
                self.trim_feed(&heads);
                return Ok(Missed {
                    events: events.into_iter().map(Arc::new).collect(),
                    brief,
                    skipped: false,
                });
            }
        }
        self.missed_much().await
    }

    async fn news(&mut self) -> Result<Option<News>, StoreError> {
        let feed = &self.feed;
        self.writer.news(&self.heads, |name| feed.was_read(name)).await
    }

    fn tell_readers(&self, missed: &Missed) {
        for run in missed.events.chunk_by(|a, b| a.namespace == b.namespace) {
            let Some(last) = run.last() else { continue };
            if missed.brief.contains(&last.namespace) {
                self.feed.skip_to(&last.namespace, last.position);
            } else {
                self.feed.publish(run);
            }
        }
    }

    fn trim_feed(&self, heads: &Heads) {
        for namespace in heads.namespaces() {
            if heads.oldest(namespace) > self.feed.oldest(namespace) {
                self.feed.trim(namespace, heads.oldest(namespace));
            }
        }
    }

    /// As [`Self::missed`], whatever it may be, piece by piece.
    async fn missed_much(&mut self) -> Result<Missed, StoreError> {
        let heads = self.loader.store.heads().await?;
        let mut missed = Missed {
            events: Vec::new(),
            brief: HashSet::new(),
            skipped: false,
        };
        self.trim_feed(&heads);
        for namespace in heads.namespaces() {
            let (head, known) = (heads.position(namespace), self.heads.position(namespace));
            let (mut events, mut position) = (Vec::new(), known);
            while position < head && head - known <= EVENTS_LEARNED {
                let found = self.loader.store.log(namespace, position, EVENTS_READ).await?;
                let Some(last) = found.last() else { break };
                position = last.position;
                events.extend(found.into_iter().map(Arc::new));
            }
            if i64::try_from(events.len()).is_ok_and(|count| count >= head - known) {
                missed.events.extend(events);
                continue;
            }
            let time = heads.time(namespace);
            Arc::make_mut(&mut self.heads).skip_to(namespace, head, time);
            self.last_time = self.last_time.max(time);
            self.feed.skip_to(namespace, head);
            missed.skipped = true;
            self.loader.floors.forget();
        }
        Ok(missed)
    }

    async fn tasks_of(&self, events: &[Arc<Event>]) -> Result<HashMap<TaskId, Arc<Task>>, StoreError> {
        let mut ids: Vec<TaskId> = events.iter().map(|event| event.task_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut tasks = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(TASKS_READ) {
            let found = self.loader.store.tasks(ids).await?;
            tasks.extend(found.into_iter().map(|task| (task.id, Arc::new(task))));
        }
        Ok(tasks)
    }
}

/// Whether others may have waited for the end of that task: what follows from all else can wait for the next look.
fn ends_task(event: &Event) -> bool {
    event.to_state.is_settled() || event.kind == EventType::Deleted
}
