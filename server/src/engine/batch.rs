//! Decides the jobs of one batch in memory, in order. No I/O: what it needs was loaded before.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{
    Action, Actor, Command, Dependency, Outcome, Rejection, State, Task, TaskId, Timestamp, decide, report,
};
use uuid::Uuid;

use super::claim::{Candidates, Left};
use super::error::Error;
use super::job::{Answer, Done, Job, Reported, RequestKey, Told, Work};
use super::keys::Keys;
use super::load::GRAPH_TASKS;
use super::runs::Runs;
use super::schedules::{Schedules, Ticks};
use super::types::{Changed, Mark, Types, TypesOfBatch};
use super::working::{Working, cycle, settled_state};
use crate::store::{FollowUpKind, Heads, NewFollowUp, RequestRecord, WriteBatch};

/// How long a success is remembered for its request id: 24 hours.
const REQUEST_MEMORY: baton_domain::Span = baton_domain::Span::from_secs(24 * 60 * 60);

/// In place of a revision: the create that is remembered found another task with its key, and made none.
const FOUND: i64 = 0;

/// What was read for a batch.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) working: Working,
    /// Successes remembered by the store, where it was asked.
    pub(super) records: Vec<RequestRecord>,
    pub(super) keys: Keys,
    pub(super) candidates: Candidates,
    pub(super) schedules: Schedules,
}

/// One batch under way.
pub(super) struct Batch<'a> {
    pub(super) now: Timestamp,
    /// Where the logs end without this batch.
    heads: &'a Heads,
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
    pub(super) types: TypesOfBatch<'a>,
    /// As [`Loaded::records`], by their ids.
    remembered: HashMap<Uuid, Vec<RequestRecord>>,
    pub(super) write: WriteBatch,
}

impl<'a> Batch<'a> {
    /// A batch at `now` whose events are numbered from `heads`, and whose tasks are of `types`.
    pub(super) fn new((now, heads): (Timestamp, &'a Heads), types: &'a Types, loaded: Loaded) -> Self {
        let Loaded {
            working,
            records,
            keys,
            candidates,
            schedules,
        } = loaded;
        let mut remembered: HashMap<Uuid, Vec<RequestRecord>> = HashMap::new();
        for record in records {
            remembered.entry(record.request_id).or_default().push(record);
        }
        Self {
            now,
            heads,
            positions: HashMap::new(),
            working,
            keys,
            runs: Runs::default(),
            candidates,
            taken: 0,
            left: Vec::new(),
            schedules,
            ticks: Ticks::default(),
            types: TypesOfBatch::new(types),
            remembered,
            write: WriteBatch::default(),
        }
    }

    /// The write of everything decided so far, the tasks after it, and the types that it changes.
    pub(super) fn into_write(self) -> (WriteBatch, Working, Vec<Changed>) {
        let mut write = self.write;
        self.working.write_into(&mut write);
        self.keys.write_into(&mut write);
        self.schedules.write_into(&mut write);
        self.types.write_into(&mut write);
        let working = self.working;
        self.runs.write_into(&mut write, |id| working.get(id).is_none());
        (write, working, self.types.into_changed())
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

    /// The answer to a call that was made before.
    fn replay(&self, work: &Work, key: &RequestKey) -> Option<Answer> {
        let records = self.remembered.get(&key.id)?;
        let record = records.iter().find(|record| self.is_beside(work, record))?;
        if !key.is_of(record) {
            return Some(Err(Error::RequestIdReused));
        }
        if let Work::Schedule(change) = work {
            let done = self.replay_schedule(change, record);
            return Some(done.map(|done| Told::Schedule(Box::new(done))));
        }
        if let Work::Type(change) = work {
            let done = self.replay_type(change, record);
            return Some(done.map(|done| Told::Type(Box::new(done))));
        }
        let creates = matches!(work, Work::Create { .. });
        let done = |id: &TaskId| {
            self.working.get(*id).map(|t| Done {
                task: Arc::clone(t),
                events: Vec::new(),
                replayed: true,
                deduplicated: creates && record.revision == FOUND,
                revision: record.revision,
            })
        };
        let Work::Create { single, .. } = work else {
            // Whoever moved a task that is gone since is told so by finding none.
            let done = record.task_ids.iter().filter_map(done).collect();
            return Some(Ok(Told::Tasks(done)));
        };
        // Answers stand in the order of the members: one that is gone is no answer, and not the next one's.
        let members = record.task_ids.iter().enumerate().map(|(index, id)| {
            done(id).ok_or_else(|| {
                let source = Box::new(Error::NotFound { id: *id });
                unindexed(Error::InBatch { index, source }, *single)
            })
        });
        Some(members.collect::<Result<_, _>>().map(Told::Tasks))
    }

    /// Whether `work` is done in the namespace of `record`: a request id says nothing in any other.
    fn is_beside(&self, work: &Work, record: &RequestRecord) -> bool {
        match work {
            Work::Create { members, .. } => members.iter().any(|m| m.new.namespace == record.namespace),
            Work::Move { id, .. } => match self.working.get(*id) {
                Some(task) => task.namespace == record.namespace,
                None => record.task_ids.contains(id),
            },
            Work::Remember { namespace, .. } => *namespace == record.namespace,
            Work::Schedule(change) => change.namespace == record.namespace,
            Work::Type(change) => change.namespace == record.namespace,
            Work::Claim(_) | Work::CloseFollowUp(_) | Work::Turn(_) => false,
        }
    }

    fn remember(&mut self, key: &RequestKey, done: &[Done]) {
        let Some(first) = done.first() else { return };
        let ids = done.iter().map(|d| d.task.id).collect();
        let revision = if first.deduplicated {
            FOUND
        } else {
            first.task.revision
        };
        self.record(key, &first.task.namespace, (ids, revision));
    }

    pub(super) fn record(
        &mut self,
        key: &RequestKey,
        namespace: &str,
        (task_ids, revision): (Vec<TaskId>, i64),
    ) {
        let record = RequestRecord {
            namespace: namespace.to_owned(),
            request_id: key.id,
            method: key.method.to_owned(),
            hash: key.hash,
            task_ids,
            revision,
            expire_time: self.now.plus(REQUEST_MEMORY),
        };
        // A repeat in the same batch finds it here.
        self.remembered.entry(key.id).or_default().push(record.clone());
        self.write.requests.push(record);
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
        let outcome = match (&resolved, reported) {
            (Some(resolved), _) => decide(&task, resolved, self.now)?,
            (None, Some(Reported { start_time })) => report(&task, command, start_time, self.now)?,
            (None, None) => decide(&task, command, self.now)?,
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
            self.working.remove(task.id);
        } else if !outcome.replayed {
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
