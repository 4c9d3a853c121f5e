//! How tasks come into being in a batch: all members of a call or none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use baton_domain::dedup::{Verdict, judge};
use baton_domain::{Action, Dedup, DedupPolicy, NewTask, Rejection, State, Task, TaskId, create, decide};

use super::batch::{Batch, system, unindexed};
use super::error::Error;
use super::job::{CreateRequest, Done};
use super::order::creation_order;

/// What the members of one call are to each other.
#[derive(Default)]
struct Siblings<'a> {
    ids: HashSet<TaskId>,
    /// Namespaces and keys of members that were looked at.
    keys: HashSet<(&'a str, &'a str)>,
    /// In place of a member that was not created because another task holds its key: that task.
    standing: HashMap<TaskId, TaskId>,
}

impl Siblings<'_> {
    fn known_as(&self, id: TaskId) -> TaskId {
        self.standing.get(&id).copied().unwrap_or(id)
    }

    /// Lets `new` refer to the tasks that stand for its siblings, to each of them once.
    fn resolve(&self, new: &mut NewTask) {
        if self.standing.is_empty() {
            return;
        }
        new.parent_id = new.parent_id.map(|id| self.known_as(id));
        let mut seen = HashSet::new();
        for dependency in &mut new.dependencies {
            dependency.task_id = self.known_as(dependency.task_id);
        }
        new.dependencies
            .retain(|dependency| seen.insert(dependency.task_id));
    }
}

impl Batch {
    /// Creates one task outside of any batch of jobs: its errors name no member.
    pub(super) fn create_alone(&mut self, member: CreateRequest) -> Result<Option<Done>, Error> {
        let mut done = self.create(&[member]).map_err(|e| unindexed(e, true))?;
        Ok(done.pop())
    }

    /// Creates all members or none: whatever can go wrong is looked at before the first is created.
    pub(super) fn create(&mut self, members: &[CreateRequest]) -> Result<Vec<Done>, Error> {
        let order = creation_order(members)?;
        let mut siblings = Siblings {
            ids: members.iter().map(|m| m.new.id).collect(),
            ..Siblings::default()
        };
        for index in &order {
            let checked = self.check_member(&mut siblings, &members[*index]);
            checked.map_err(|e| Error::InBatch {
                index: *index,
                source: Box::new(e),
            })?;
        }
        let mut done: Vec<Option<Done>> = vec![None; members.len()];
        for index in order {
            let member = &members[index];
            done[index] = Some(match self.working.get(member.new.id) {
                Some(task) => standing(task, true),
                None => self.create_one(member, &mut siblings),
            });
        }
        Ok(done.into_iter().flatten().collect())
    }

    fn check_member<'m>(&self, siblings: &mut Siblings<'m>, member: &'m CreateRequest) -> Result<(), Error> {
        let new = &member.new;
        if let Some(standing) = self.working.get(new.id) {
            let same = standing.spec_hash == new.spec_hash && standing.namespace == new.namespace;
            return if same {
                Ok(())
            } else {
                Err(Error::TaskIdReused { id: new.id })
            };
        }
        if let Some(dedup) = &new.dedup {
            self.check_key(siblings, (&new.namespace, dedup))?;
        }
        for (n, dependency) in new.dependencies.iter().enumerate() {
            if !siblings.ids.contains(&dependency.task_id) {
                let field = || format!("task.dependencies[{n}].task_id");
                self.reference(dependency.task_id, &new.namespace, field)?;
            }
        }
        match new.parent_id {
            Some(id) if !siblings.ids.contains(&id) => self
                .reference(id, &new.namespace, || "task.parent_id".to_owned())
                .map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Refuses a member that wants to be the only one with its key, and is not.
    fn check_key<'m>(
        &self,
        siblings: &mut Siblings<'m>,
        (namespace, dedup): (&'m str, &'m Dedup),
    ) -> Result<(), Error> {
        let named = (namespace, dedup.key.as_str());
        let is_first = siblings.keys.insert(named);
        if dedup.policy != DedupPolicy::Reject {
            return Ok(());
        }
        if !is_first {
            let why = "another task of this call has the same key".to_owned();
            let field = "dedup";
            return Err(Rejection::InvalidField { field, why }.into());
        }
        match self.keys.holder(&self.working, named, self.now) {
            Some(holder) => Err(Error::Duplicate {
                id: holder.id,
                key: dedup.key.clone(),
            }),
            None => Ok(()),
        }
    }

    fn create_one(&mut self, member: &CreateRequest, siblings: &mut Siblings<'_>) -> Done {
        let mut new = (*member.new).clone();
        let id = new.id;
        if let Some(holder) = new.dedup.as_ref().and_then(|dedup| self.claim(&new, dedup)) {
            siblings.standing.insert(id, holder.id);
            return Done {
                deduplicated: true,
                ..standing(&holder, false)
            };
        }
        siblings.resolve(&mut new);
        for dependency in &mut new.dependencies {
            dependency.result = self.working.wait(id, dependency.task_id);
        }
        let parent = new.parent_id.and_then(|id| self.working.get(id).cloned());
        let hold = new.dedup.as_ref().map(|dedup| dedup.hold(id, self.now));
        let outcome = create(new, &member.creator, self.now);
        if let Some(hold) = hold
            && hold.stands(Some(outcome.task.state), self.now)
        {
            self.keys.take(&outcome.task, hold.expire_time);
        }
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
        self.accept(None, outcome)
    }

    /// The task that stands in the place of `new`, whose key it holds. Where `new` may take its place, that is done.
    fn claim(&mut self, new: &NewTask, dedup: &Dedup) -> Option<Arc<Task>> {
        let named = (new.namespace.as_str(), dedup.key.as_str());
        let holder = Arc::clone(self.keys.holder(&self.working, named, self.now)?);
        match judge(dedup.policy, &holder) {
            // A refusal was looked for before.
            Verdict::Existing | Verdict::Refused => Some(holder),
            Verdict::Replaces => {
                let supersede = system(Action::Supersede { by: new.id });
                match decide(&holder, &supersede, self.now) {
                    Ok(outcome) => {
                        self.accept(Some(&holder), outcome);
                        None
                    }
                    Err(_) => Some(holder),
                }
            }
        }
    }
}

/// The answer that names a task which was there before.
fn standing(task: &Arc<Task>, replayed: bool) -> Done {
    Done {
        task: Arc::clone(task),
        events: Vec::new(),
        replayed,
        deduplicated: false,
        revision: task.revision,
    }
}
