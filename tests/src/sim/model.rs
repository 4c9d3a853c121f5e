//! What must be true, whatever the engine does: what was acknowledged stands, a repeat is told the same, a fence that
//! rose is never let in again, what is due is done. The rest is the oracle's.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use baton_domain::{Actor, Event, Task, TaskId};
use baton_proto::v1::TaskEvent;
use baton_server::engine::{Done, Error};
use baton_server::simulation;
use baton_server::store::BEGINNING;
use uuid::Uuid;

use super::ask::{Answer, Ask, What};
use super::dice::NAMESPACE;
use super::world::{Stopped, World};
use crate::oracle::{self, Call, Evidence, Namespace, Outcome, Rule};

/// Events read at once.
const READ: u32 = 1_000;

/// A lease that a worker was told of.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) id: TaskId,
    pub(super) worker: Actor,
    pub(super) fence: i64,
}

/// What a request id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// Its success was told, with this revision; of a deletion, 0.
    Told(i64),
    /// It may have succeeded.
    Maybe,
}

/// All that was asked and told.
#[derive(Default)]
pub(super) struct Model {
    asked: Vec<Ask>,
    known: Vec<TaskId>,
    grants: Vec<Grant>,
    granted: HashSet<(TaskId, i64)>,
    memories: HashMap<Uuid, Memory>,
    rows: BTreeMap<TaskId, Task>,
    log: Vec<TaskEvent>,
    calls: Vec<Call>,
    ticks: u64,
    /// Repeats that were refused: the tasks they name, and what to say of it.
    denied: Vec<(Vec<TaskId>, String)>,
    findings: Vec<String>,
}

impl Model {
    pub(super) fn asked(&self) -> &[Ask] {
        &self.asked
    }

    /// Every task that may be there, in the order in which they were asked for.
    pub(super) fn known(&self) -> &[TaskId] {
        &self.known
    }

    pub(super) fn grants(&self) -> &[Grant] {
        &self.grants
    }

    pub(super) fn log(&self) -> &[TaskEvent] {
        &self.log
    }

    /// Takes in what came of a call; `None`: nobody heard it. Calls of one step come in the order in which they were put.
    pub(super) fn hear(&mut self, ask: Ask, answer: Option<Answer>, stopped: bool) {
        if let What::Create(members) = &ask.what {
            let ids = members.iter().map(|member| member.new.id);
            let new: Vec<TaskId> = ids.filter(|id| !self.known.contains(id)).collect();
            self.known.extend(new);
        }
        let failed = matches!(
            &answer,
            Some(Answer::Refused(
                Error::OutcomeUnknown | Error::Store(_) | Error::Draining | Error::Overloaded { .. }
            ))
        );
        if failed && !stopped {
            self.found(format!("{ask}: the engine failed: {answer:?}"));
        }
        self.remember(&ask, answer.as_ref());
        self.fence(&ask, answer.as_ref());
        if let (What::Claim(claim), Some(Answer::Tasks(done))) = (&ask.what, &answer) {
            for done in done {
                self.grant(done.task.id, &claim.worker, done.task.fence);
            }
        }
        self.record(&ask, answer);
        if !self.asked.iter().any(|before| before.number == ask.number) {
            self.asked.push(ask);
        }
    }

    /// One success for each request id, and each repeat is told of it.
    fn remember(&mut self, ask: &Ask, answer: Option<&Answer>) {
        let Some(key) = &ask.request else { return };
        if matches!(ask.what, What::Claim(_)) {
            return;
        }
        let told = match answer {
            // One that found another task with its key made nothing.
            Some(Answer::Tasks(done)) => done.first().map(|done| {
                let revision = if done.deduplicated { 0 } else { done.revision };
                (done.replayed, revision)
            }),
            Some(Answer::Deleted { replayed }) => Some((*replayed, 0)),
            Some(Answer::Refused(_)) | None => None,
        };
        let before = self.memories.get(&key.id).copied();
        match (before, told) {
            (Some(Memory::Told(first)), Some((replayed, revision))) if !replayed || revision != first => {
                self.found(format!("{ask}: was done at {first}, and is now told {answer:?}"));
            }
            (Some(Memory::Told(_)), None) if answer.is_some() => {
                let text = format!("{ask}: was done, and is now told {answer:?}");
                self.denied.push((ask.named(), text));
            }
            (None, Some((true, _))) if !may_stand(ask) => {
                self.found(format!("{ask}: is told of a success before it"));
            }
            _ => {}
        }
        let now = match (before, told) {
            (Some(Memory::Told(first)), _) => Memory::Told(first),
            (_, Some((_, revision))) => Memory::Told(revision),
            (Some(Memory::Maybe), None) => Memory::Maybe,
            (None, None) if answer.is_none() => Memory::Maybe,
            (None, None) => return,
        };
        self.memories.insert(key.id, now);
    }

    /// Nothing that was done is denied, unless its tasks are gone: a call of the same step may have deleted them first.
    fn nothing_is_denied(&mut self) {
        for (ids, text) in std::mem::take(&mut self.denied) {
            if ids.iter().all(|id| self.rows.contains_key(id)) {
                self.found(text);
            }
        }
    }

    /// Whose fence was passed before the step changes nothing.
    fn fence(&mut self, ask: &Ask, answer: Option<&Answer>) {
        let (What::Move(asked) | What::Report(asked)) = &ask.what else {
            return;
        };
        let (Some(token), Some(row)) = (asked.command.token, self.rows.get(&asked.id)) else {
            return;
        };
        let Some(Answer::Tasks(done)) = answer else { return };
        if token.fence < row.fence && done.iter().any(|done| !done.replayed) {
            let text = format!("{ask}: was let in, though the fence was {} already", row.fence);
            self.found(text);
        }
    }

    fn grant(&mut self, id: TaskId, worker: &Actor, fence: i64) {
        if !self.granted.insert((id, fence)) {
            self.found(format!("task {id}: was granted twice with fence {fence}"));
        }
        self.grants.push(Grant {
            id,
            worker: worker.clone(),
            fence,
        });
    }

    /// As the oracle hears of it.
    fn record(&mut self, ask: &Ask, answer: Option<Answer>) {
        let outcome = match answer {
            None => Outcome::Unknown,
            Some(Answer::Refused(error)) => {
                Outcome::Refused(baton_client::Code::FailedPrecondition, error.to_string())
            }
            Some(Answer::Deleted { replayed }) => Outcome::Deleted { replayed },
            Some(Answer::Tasks(done)) => {
                if matches!(ask.what, What::Report(_)) && done.iter().any(|done| done.events.len() > 1) {
                    // It started the work too, and answers its last event only.
                    self.call(ask, Outcome::Unknown);
                }
                // A repeat, the holder of a key and a renewal are answered as they stand; of one batch some may be new.
                let (seen, new): (Vec<_>, Vec<_>) = done.iter().partition(|done| done.events.is_empty());
                let shown = |done: Vec<&Done>| done.iter().map(|done| simulation::task(&done.task)).collect();
                self.call(ask, Outcome::Read(shown(seen)));
                Outcome::Changed {
                    tasks: shown(new),
                    replayed: false,
                }
            }
        };
        self.call(ask, outcome);
    }

    fn call(&mut self, ask: &Ask, outcome: Outcome) {
        // All calls of a step are under way together.
        let begun = self.ticks;
        self.calls.push(Call {
            begun,
            ended: begun + 1,
            method: ask.method(),
            actor: None,
            named: ask.named().iter().map(TaskId::to_string).collect(),
            outcome,
        });
    }

    /// What was on disk when the process was stopped is there, and what was not is not.
    pub(super) async fn check_stop(
        &mut self,
        world: &World,
        written: bool,
        batch: &Stopped,
    ) -> Result<(), Vec<String>> {
        self.read_log(world).await;
        for event in batch {
            let found = self.log.iter().any(|stored| {
                stored.task_id == event.task_id.to_string()
                    && (stored.position, stored.sequence) == (event.position, event.sequence)
            });
            if found != written {
                let text = format!(
                    "position {}: was written {written}, is there {found}",
                    event.position
                );
                self.found(text);
            }
        }
        self.verdict()
    }

    /// Looks at everything after a step. `settled`: what happens by itself has happened.
    pub(super) async fn check(&mut self, world: &World, settled: bool) -> Result<(), Vec<String>> {
        self.ticks += 2;
        self.read_log(world).await;
        self.read_rows(world).await;
        self.nothing_is_denied();
        if settled {
            self.nothing_is_due(world).await;
        }
        let evidence = Evidence {
            namespaces: BTreeMap::from([(
                NAMESPACE.to_owned(),
                Namespace {
                    feed: self.log.clone(),
                    rows: self.rows.values().map(simulation::task).collect(),
                    runs: None,
                },
            )]),
            calls: self.calls.clone(),
            every_call: true,
            ..Evidence::default()
        };
        let mut findings = oracle::check(&evidence);
        findings.retain(|finding| settled || finding.rule != Rule::Settles);
        self.findings.extend(findings.iter().map(ToString::to_string));
        self.verdict()
    }

    async fn read_log(&mut self, world: &World) {
        let store = world.engine().store();
        loop {
            let after = self.log.last().map_or(0, |event| event.position);
            let found: Vec<Event> = store.log(NAMESPACE, after, READ).await.expect("the log reads");
            self.log.extend(found.iter().map(simulation::event));
            if found.len() < READ as usize {
                return;
            }
        }
    }

    /// The rows of all tasks; none of them goes back.
    async fn read_rows(&mut self, world: &World) {
        let store = world.engine().store();
        let found = store.tasks(&self.known).await.expect("the rows read");
        let deleted: BTreeSet<&str> = self
            .log
            .iter()
            .filter(|event| event.r#type() == baton_proto::v1::TaskEventType::Deleted)
            .map(|event| event.task_id.as_str())
            .collect();
        let rows: BTreeMap<TaskId, Task> = found.into_iter().map(|task| (task.id, task)).collect();
        let mut findings = Vec::new();
        for (id, before) in &self.rows {
            match rows.get(id) {
                None if deleted.contains(id.to_string().as_str()) => {}
                None => findings.push(format!("task {id}: is gone")),
                Some(now) if now.revision < before.revision || now.fence < before.fence => {
                    findings.push(format!("task {id}: went back"));
                }
                Some(_) => {}
            }
        }
        self.findings.extend(findings);
        self.rows = rows;
    }

    async fn nothing_is_due(&mut self, world: &World) {
        let store = world.engine().store();
        let due = store.due((BEGINNING, world.now()), READ).await;
        let due = due.expect("the rows read");
        if !due.is_empty() {
            self.found(format!("is due, and not done: {due:?}"));
        }
        let owed = store.follow_ups(READ).await.expect("the rows read");
        if !owed.is_empty() {
            self.found(format!("is owed, and not done: {owed:?}"));
        }
    }

    fn found(&mut self, text: String) {
        self.findings.push(text);
    }

    fn verdict(&mut self) -> Result<(), Vec<String>> {
        match self.findings.is_empty() {
            true => Ok(()),
            false => Err(std::mem::take(&mut self.findings)),
        }
    }
}

/// Whether a first call may find that it is done already: a create of an id that somebody chose before, a start of what
/// its holder has started.
fn may_stand(ask: &Ask) -> bool {
    matches!(ask.method(), "CreateTask" | "BatchCreateTasks" | "StartTask")
}
