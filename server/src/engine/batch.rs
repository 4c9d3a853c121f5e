//! Decides the jobs of one batch in memory, in order. No I/O: what it needs was loaded before.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{
    Action, Actor, Command, Dependency, Outcome, Rejection, RetryPolicy, State, Task, TaskId, Timestamp,
    decide_under, report,
};
use uuid::Uuid;

use super::ahead::UnderWay;
use super::claim::{Candidates, Left};
use super::error::Error;
use super::job::{Answer, Done, Job, Reported, Told, Work};
use super::keys::Keys;
use super::load::{GRAPH_TASKS, SoFar};
use super::queues::{Changes, HeldBack, Limits, QueueReads, Queues};
use super::runs::Runs;
use super::schedules::{Schedules, Ticks};
use super::types::{self, Mark, Types, TypesOfBatch};
use super::webhooks::{self, Webhooks, WebhooksOfBatch};
use super::working::{Working, cycle, settled_state};
use crate::store::{FollowUpKind, Heads, NewFollowUp, RequestRecord, WriteBatch};

/// What was read for a batch.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) working: Working,
    /// Successes remembered by the store, where it was asked.
    pub(super) records: Vec<RequestRecord>,
    pub(super) keys: Keys,
    pub(super) candidates: Candidates,
    pub(super) schedules: Schedules,
    pub(super) queue_reads: QueueReads,
    /// What is to be known of queues before anything is decided.
    pub(super) held_back: Vec<HeldBack>,
}

/// What a batch is decided over: what the committer knows without reading.
pub(super) struct Known {
    /// Where the logs end.
    pub(super) heads: Arc<Heads>,
    /// What is said of types.
    pub(super) types: Arc<Types>,
    /// What limits queues.
    pub(super) queues: Arc<Queues>,
    /// What is posted where.
    pub(super) webhooks: Arc<Webhooks>,
}

/// What a batch makes of what is known, once it is written.
pub(super) struct Changed {
    pub(super) types: Vec<types::Changed>,
    pub(super) queues: Changes,
    pub(super) webhooks: Vec<webhooks::Changed>,
}

/// One batch under way.
pub(super) struct Batch {
    pub(super) now: Timestamp,
    /// Where the logs end without this batch.
    heads: Arc<Heads>,
    /// The last position of each namespace that this batch has events in.
    positions: HashMap<String, i64>,
    pub(super) working: Working,
    pub(super) keys: Keys,
    runs: Runs,
    /// What its claims choose from.
    pub(super) candidates: Candidates,
    /// Tasks that its claims took.
    pub(super) taken: usize,
    /// Ready tasks that its claims left behind.
    pub(super) left: Vec<Left>,
    pub(super) schedules: Schedules,
    /// What its turns did.
    pub(super) ticks: Ticks,
    pub(super) types: TypesOfBatch,
    /// What limits the queues of its tasks.
    pub(super) limits: Limits,
    pub(super) queue_reads: QueueReads,
    pub(super) webhooks: WebhooksOfBatch,
    /// As [`Loaded::records`], by their ids.
    pub(super) remembered: HashMap<Uuid, Vec<RequestRecord>>,
    pub(super) write: WriteBatch,
}

impl Batch {
    /// A batch at `now` over what is `known`.
    pub(super) fn new(now: Timestamp, known: Known, loaded: Loaded) -> Self {
        let Loaded {
            working,
            records,
            keys,
            candidates,
            schedules,
            queue_reads,
            held_back: _,
        } = loaded;
        let mut remembered: HashMap<Uuid, Vec<RequestRecord>> = HashMap::new();
        for record in records {
            remembered.entry(record.request_id).or_default().push(record);
        }
        Self {
            now,
            heads: known.heads,
            positions: HashMap::new(),
            working,
            keys,
            runs: Runs::default(),
            candidates,
            taken: 0,
            left: Vec::new(),
            schedules,
            ticks: Ticks::default(),
            types: TypesOfBatch::new(known.types),
            limits: Limits::new(known.queues),
            webhooks: WebhooksOfBatch::new(known.webhooks),
            queue_reads,
            remembered,
            write: WriteBatch::default(),
        }
    }

    /// Has it follow a batch of `now` that is not written yet.
    pub(super) fn stand_on(&mut self, below: &UnderWay, now: Timestamp) {
        self.now = now;
        self.positions.clone_from(below.positions());
    }

    /// Hands over what it has come to, so that more is read for it: see [`Self::go_on`].
    pub(super) fn so_far(&mut self) -> SoFar {
        SoFar {
            working: std::mem::take(&mut self.working),
            taken: self.taken,
        }
    }

    /// Goes on at `now`, which is no earlier than before, with what was read for jobs that need nothing but tasks.
    pub(super) fn go_on(&mut self, loaded: Loaded, now: Timestamp) {
        self.now = now;
        self.working = loaded.working;
        self.candidates.extend(loaded.candidates);
    }

    /// The write of everything decided so far, the tasks after it, and what it changes of what is known.
    pub(super) fn into_write(self) -> (WriteBatch, Working, Changed) {
        let mut write = self.write;
        self.working.write_into(&mut write);
        self.keys.write_into(&mut write);
        self.schedules.write_into(&mut write);
        self.types.write_into(&mut write);
        self.webhooks.write_into(&mut write);
        let queues = self.limits.write_into(&mut write);
        let working = self.working;
        self.runs.write_into(&mut write, |id| working.get(id).is_none());
        let (types, webhooks) = (self.types.into_changed(), self.webhooks.into_changed());
        (
            write,
            working,
            Changed {
                types,
                queues,
                webhooks,
            },
        )
    }

    /// Decides one job. An error leaves no trace in the batch.
    pub(super) fn decide(&mut self, job: &Job) -> Answer {
        if let Some(key) = &job.request
            && let Some(answer) = self.replay(&job.work, key)
        {
            return answer;
        }
        let done = match &job.work {
            Work::Create { members, single } => self.create(members).map_err(|e| unindexed(e, *single))?,
            Work::Move {
                id,
                command,
                etag,
                reported,
                checked,
            } => vec![self.advance(*id, (command, *reported, *checked), etag.as_deref())?],
            Work::Claim(claim) => return Ok(Told::Tasks(self.give_out(claim))),
            Work::Schedule(change) => {
                let done = self.change_schedule(change, job.request.as_ref())?;
                return Ok(Told::Schedule(Box::new(done)));
            }
            Work::Type(change) => {
                let done = self.change_type(change, job.request.as_ref())?;
                return Ok(Told::Type(Box::new(done)));
            }
            Work::Queue(change) => {
                let done = self.change_queue(change, job.request.as_ref())?;
                return Ok(Told::Queue(Box::new(done)));
            }
            Work::Webhook(change) => {
                let done = self.change_webhook(change, job.request.as_ref())?;
                return Ok(Told::Webhook(Box::new(done)));
            }
            Work::Turn(id) => {
                self.take_turn(*id);
                Vec::new()
            }
            Work::CloseFollowUp(id) => {
                self.write.follow_ups_removed.push(*id);
                Vec::new()
            }
            Work::Remember { namespace, ids } => {
                if let Some(key) = &job.request {
                    self.record(key, namespace, (ids.clone(), 0));
                }
                return Ok(Told::Tasks(Vec::new()));
            }
        };
        if let Some(key) = &job.request {
            self.remember(key, &done);
        }
        Ok(Told::Tasks(done))
    }

    fn advance(
        &mut self,
        id: TaskId,
        (command, reported, checked): (&Command, Option<Reported>, Option<Mark>),
        etag: Option<&str>,
    ) -> Result<Done, Error> {
        let task = Arc::clone(self.working.get(id).ok_or(Error::NotFound { id })?);
        if let Some(etag) = etag {
            let current = super::etag(&task);
            if etag != current {
                return Err(Error::EtagMismatch { current });
            }
        }
        let resolved = self.resolve(&task, command)?;
        let policy = self.retry_policy(&task);
        let outcome = match (&resolved, reported) {
            (Some(resolved), _) => decide_under(&task, resolved, policy, self.now)?,
            (None, Some(Reported { start_time })) => report(&task, command, start_time, policy, self.now)?,
            (None, None) => decide_under(&task, command, policy, self.now)?,
        };
        self.check_given((&task, command), &outcome, checked)?;
        if let Action::Retry { .. } = command.action {
            self.claim_again(&task)?;
        }
        let done = self.accept(Some(&task), outcome);
        if let Action::AddDependency(dependency) = &command.action {
            self.working.wait(id, dependency.task_id);
        }
        Ok(done)
    }

    /// When a failed attempt of the task is tried again where it does not say so itself.
    fn retry_policy(&self, task: &Task) -> Option<&RetryPolicy> {
        if task.retry_policy.is_some() {
            return None;
        }
        self.limits.retry_policy(task)
    }

    /// A task that is to run again holds its key again, if no other task does.
    fn claim_again(&mut self, task: &Task) -> Result<(), Error> {
        if task.dedup_key.is_empty() {
            return Ok(());
        }
        let named = (task.namespace.as_str(), task.dedup_key.as_str());
        match self.keys.holder(&self.working, named, self.now) {
            Some(holder) if holder.id != task.id => Err(Error::Duplicate {
                id: holder.id,
                key: task.dedup_key.clone(),
            }),
            // By a window of its own.
            Some(_) => Ok(()),
            None => {
                self.keys.take(task, None);
                Ok(())
            }
        }
    }

    /// A dependency to be added learns how the task it names stands; the rest needs nothing from other tasks.
    fn resolve(&self, task: &Task, command: &Command) -> Result<Option<Command>, Error> {
        let Action::AddDependency(dependency) = &command.action else {
            return Ok(None);
        };
        let target = self.reference(dependency.task_id, &task.namespace, || {
            "dependency.task_id".to_owned()
        })?;
        if self.working.is_given_up(dependency.task_id) {
            let why =
                format!("more than {GRAPH_TASKS} tasks wait behind it; the check for a circle ends there");
            let field = "dependency.task_id";
            return Err(Rejection::InvalidField { field, why }.into());
        }
        if let Some(path) = cycle(&self.working, task.id, dependency.task_id) {
            return Err(Rejection::DependencyCycle { path }.into());
        }
        let dependency = Dependency {
            result: settled_state(target),
            ..*dependency
        };
        let action = Action::AddDependency(dependency);
        Ok(Some(Command::new(command.actor.clone(), action)))
    }

    pub(super) fn reference(
        &self,
        id: TaskId,
        namespace: &str,
        field: impl FnOnce() -> String,
    ) -> Result<&Arc<Task>, Error> {
        let task = self.working.get(id).filter(|t| t.namespace == namespace);
        task.ok_or_else(|| Error::ReferenceNotFound { field: field(), id })
    }

    /// Takes a decision into the batch: the task, its events, its runs, and what follows where it settled or went.
    /// `before`: `None` for a task that is new.
    pub(super) fn accept(&mut self, before: Option<&Task>, outcome: Outcome) -> Done {
        let deleted = outcome.is_deleted();
        if let Some(before) = before {
            self.runs.push(before, &outcome.events);
        }
        let mut events = Vec::with_capacity(outcome.events.len());
        for mut event in outcome.events {
            event.position = self.next_position(&event.namespace);
            events.push(Arc::new(event));
        }
        self.write.events.extend(events.iter().cloned());
        let task = Arc::new(outcome.task);
        if before.is_some_and(|before| before.state.is_open()) && (deleted || task.state.is_settled()) {
            let result = if deleted { State::Cancelled } else { task.state };
            self.follow_up(&task, result);
            self.keys.release(&task);
        }
        if deleted {
            self.limits.moved(before, None);
            self.working.remove(task.id);
        } else if !outcome.replayed {
            self.limits.moved(before, Some(&task));
            self.working.put(Arc::clone(&task));
        }
        Done {
            revision: task.revision,
            task,
            events,
            replayed: outcome.replayed,
            deduplicated: false,
        }
    }

    /// Where the log of `namespace` ends with what is decided so far.
    pub(super) fn last_position(&self, namespace: &str) -> i64 {
        let last = self.positions.get(namespace).copied();
        last.unwrap_or_else(|| self.heads.position(namespace))
    }

    fn next_position(&mut self, namespace: &str) -> i64 {
        if let Some(last) = self.positions.get_mut(namespace) {
            *last += 1;
            return *last;
        }
        let first = self.heads.position(namespace) + 1;
        self.positions.insert(namespace.to_owned(), first);
        first
    }

    pub(super) fn follow_up(&mut self, task: &Task, result: State) {
        let follow_up = |kind| NewFollowUp {
            kind,
            namespace: task.namespace.clone(),
            task_id: task.id,
            result,
            revision: task.revision,
        };
        if task.has_dependants {
            self.write
                .follow_ups_added
                .push(follow_up(FollowUpKind::DependencySettled));
        }
        if task.has_children && result == State::Cancelled {
            self.write
                .follow_ups_added
                .push(follow_up(FollowUpKind::ParentGone));
        }
    }
}

/// A single create is no batch: its errors name no member.
pub(super) fn unindexed(error: Error, single: bool) -> Error {
    match error {
        Error::InBatch { source, .. } if single => *source,
        other => other,
    }
}

/// The command that timers and follow-ups give.
pub(super) fn system(action: Action) -> Command {
    Command::new(Actor::system(), action)
}
