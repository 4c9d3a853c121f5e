//! Decides the jobs of one batch in memory, in order. No I/O: what it needs was loaded before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use baton_domain::{
    Action, Actor, Command, Dependency, Outcome, Rejection, State, Task, TaskId, Timestamp, create, decide,
};
use uuid::Uuid;

use super::committer::GRAPH_TASKS;
use super::error::Error;
use super::job::{Answer, CreateRequest, Done, Job, RequestKey, Work};
use super::order::creation_order;
use super::working::{Working, cycle, settled_state};
use crate::store::{FollowUpKind, Heads, NewFollowUp, RequestRecord, WriteBatch};

/// How long a success is remembered for its request id: 24 hours.
const REQUEST_MEMORY: baton_domain::Span = baton_domain::Span::from_secs(24 * 60 * 60);

/// One batch under way.
pub(super) struct Batch<'a> {
    now: Timestamp,
    /// Where the logs end without this batch.
    heads: &'a Heads,
    /// The last position of each namespace that this batch has events in.
    positions: HashMap<String, i64>,
    pub(super) working: Working,
    /// Successes remembered by the store, where it was asked.
    remembered: HashMap<Uuid, Vec<RequestRecord>>,
    pub(super) write: WriteBatch,
}

impl<'a> Batch<'a> {
    /// A batch at `now` whose events are numbered from `heads`.
    pub(super) fn new(
        (now, heads): (Timestamp, &'a Heads),
        working: Working,
        records: Vec<RequestRecord>,
    ) -> Self {
        let mut remembered: HashMap<Uuid, Vec<RequestRecord>> = HashMap::new();
        for record in records {
            remembered.entry(record.request_id).or_default().push(record);
        }
        Self {
            now,
            heads,
            positions: HashMap::new(),
            working,
            remembered,
            write: WriteBatch::default(),
        }
    }

    /// The write of everything decided so far.
    pub(super) fn into_write(self) -> (WriteBatch, Working) {
        let mut write = self.write;
        self.working.write_into(&mut write);
        (write, self.working)
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
            Work::Move { id, command, etag } => vec![self.advance(*id, command, etag.as_deref())?],
            Work::CloseFollowUp(id) => {
                self.write.follow_ups_removed.push(*id);
                Vec::new()
            }
            Work::Remember { namespace, ids } => {
                if let Some(key) = &job.request {
                    self.record(key, namespace, (ids.clone(), 0));
                }
                return Ok(Vec::new());
            }
        };
        if let Some(key) = &job.request {
            self.remember(key, &done);
        }
        Ok(done)
    }

    /// The answer to a call that was made before.
    fn replay(&self, work: &Work, key: &RequestKey) -> Option<Answer> {
        let records = self.remembered.get(&key.id)?;
        let record = records.iter().find(|record| self.is_beside(work, record))?;
        if !key.is_of(record) {
            return Some(Err(Error::RequestIdReused));
        }
        let done = |id: &TaskId| {
            self.working.get(*id).map(|t| Done {
                task: Arc::clone(t),
                events: Vec::new(),
                replayed: true,
                revision: record.revision,
            })
        };
        let Work::Create { single, .. } = work else {
            // Whoever moved a task that is gone since is told so by finding none.
            return Some(Ok(record.task_ids.iter().filter_map(done).collect()));
        };
        // Answers stand in the order of the members: one that is gone is no answer, and not the next one's.
        let members = record.task_ids.iter().enumerate().map(|(index, id)| {
            done(id).ok_or_else(|| {
                let source = Box::new(Error::NotFound { id: *id });
                unindexed(Error::InBatch { index, source }, *single)
            })
        });
        Some(members.collect())
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
            Work::CloseFollowUp(_) => false,
        }
    }

    fn remember(&mut self, key: &RequestKey, done: &[Done]) {
        let Some(first) = done.first() else { return };
        let ids = done.iter().map(|d| d.task.id).collect();
        self.record(key, &first.task.namespace, (ids, first.task.revision));
    }

    fn record(&mut self, key: &RequestKey, namespace: &str, (task_ids, revision): (Vec<TaskId>, i64)) {
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

    fn advance(&mut self, id: TaskId, command: &Command, etag: Option<&str>) -> Result<Done, Error> {
        let task = Arc::clone(self.working.get(id).ok_or(Error::NotFound { id })?);
        if let Some(etag) = etag {
            let current = super::etag(&task);
            if etag != current {
                return Err(Error::EtagMismatch { current });
            }
        }
        let resolved = self.resolve(&task, command)?;
        let outcome = decide(&task, resolved.as_ref().unwrap_or(command), self.now)?;
        let done = self.accept(task.state, outcome);
        if let Action::AddDependency(dependency) = &command.action {
            self.working.wait(id, dependency.task_id);
        }
        Ok(done)
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

    fn reference(
        &self,
        id: TaskId,
        namespace: &str,
        field: impl FnOnce() -> String,
    ) -> Result<&Arc<Task>, Error> {
        let task = self.working.get(id).filter(|t| t.namespace == namespace);
        task.ok_or_else(|| Error::ReferenceNotFound { field: field(), id })
    }

    /// Takes a decision into the batch: the task, its events, and the follow-ups of a task that settled or went.
    fn accept(&mut self, before: State, outcome: Outcome) -> Done {
        let deleted = outcome.is_deleted();
        let mut events = Vec::with_capacity(outcome.events.len());
        for mut event in outcome.events {
            event.position = self.next_position(&event.namespace);
            events.push(Arc::new(event));
        }
        self.write.events.extend(events.iter().cloned());
        let task = Arc::new(outcome.task);
        if before.is_open() && (deleted || task.state.is_settled()) {
            let result = if deleted { State::Cancelled } else { task.state };
            self.follow_up(&task, result);
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

    fn follow_up(&mut self, task: &Task, result: State) {
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

    /// Creates one task outside of any batch of jobs: its errors name no member.
    pub(super) fn create_alone(&mut self, member: CreateRequest) -> Result<Option<Done>, Error> {
        let mut done = self.create(&[member]).map_err(|e| unindexed(e, true))?;
        Ok(done.pop())
    }

    /// Creates all members or none: whatever can go wrong is looked at before the first is created.
    fn create(&mut self, members: &[CreateRequest]) -> Result<Vec<Done>, Error> {
        let order = creation_order(members)?;
        let siblings: HashSet<TaskId> = members.iter().map(|m| m.new.id).collect();
        for (index, member) in members.iter().enumerate() {
            self.check_member(&siblings, member).map_err(|e| Error::InBatch {
                index,
                source: Box::new(e),
            })?;
        }
        let mut done: Vec<Option<Done>> = vec![None; members.len()];
        for index in order {
            let member = &members[index];
            done[index] = Some(match self.working.get(member.new.id) {
                Some(task) => Done {
                    task: Arc::clone(task),
                    events: Vec::new(),
                    replayed: true,
                    revision: task.revision,
                },
                None => self.create_one(member),
            });
        }
        Ok(done.into_iter().flatten().collect())
    }

    fn check_member(&self, siblings: &HashSet<TaskId>, member: &CreateRequest) -> Result<(), Error> {
        let new = &member.new;
        if let Some(standing) = self.working.get(new.id)
            && (standing.spec_hash != new.spec_hash || standing.namespace != new.namespace)
        {
            return Err(Error::TaskIdReused { id: new.id });
        }
        for (n, dependency) in new.dependencies.iter().enumerate() {
            if !siblings.contains(&dependency.task_id) {
                let field = || format!("task.dependencies[{n}].task_id");
                self.reference(dependency.task_id, &new.namespace, field)?;
            }
        }
        match new.parent_id {
            Some(id) if !siblings.contains(&id) => self
                .reference(id, &new.namespace, || "task.parent_id".to_owned())
                .map(|_| ()),
            _ => Ok(()),
        }
    }

    fn create_one(&mut self, member: &CreateRequest) -> Done {
        let mut new = (*member.new).clone();
        let id = new.id;
        for dependency in &mut new.dependencies {
            dependency.result = self.working.wait(id, dependency.task_id);
        }
        let parent = new.parent_id.and_then(|id| self.working.get(id).cloned());
        let outcome = create(new, &member.creator, self.now);
        if let Some(parent) = parent {
            self.working.mark(parent.id, |t| t.has_children = true);
            if parent.state == State::Cancelled && outcome.task.state.is_open() {
                // It was cancelled before this child came: its cascade runs once more and finds the child.
                self.follow_up(
                    &Task {
                        has_dependants: false,
                        has_children: true,
                        ..(*parent).clone()
                    },
                    State::Cancelled,
                );
            }
        }
        self.accept(outcome.task.state, outcome)
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
