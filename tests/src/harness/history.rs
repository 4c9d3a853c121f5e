//! The recorded history of a test: calls and streams, on one counter.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use baton_client::{Call, Error, Rpc};
use baton_proto::v1::{Queue, Task};
use tokio::sync::watch;

use super::record::Recorded;
use crate::oracle::{self, Message, Outcome, Watch};

/// Collects what happens while a test runs.
pub struct History {
    ticks: AtomicU64,
    every_call: AtomicBool,
    calls: Mutex<Vec<oracle::Call>>,
    watches: Mutex<Vec<Watch>>,
    namespaces: Mutex<BTreeSet<String>>,
    queues: Mutex<Vec<Queue>>,
    /// Counts messages, so that a test can wait for the next.
    pub(super) received: watch::Sender<u64>,
}

/// Short: a whole history would hide what a failed test says.
impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").finish_non_exhaustive()
    }
}

impl Default for History {
    fn default() -> Self {
        History {
            ticks: AtomicU64::default(),
            every_call: AtomicBool::new(true),
            calls: Mutex::default(),
            watches: Mutex::default(),
            namespaces: Mutex::new(BTreeSet::from(["default".to_owned()])),
            queues: Mutex::default(),
            received: watch::Sender::default(),
        }
    }
}

impl History {
    /// The next tick.
    pub fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    /// Others change tasks too: not every event has a recorded call.
    pub fn others_act_too(&self) {
        self.every_call.store(false, Ordering::SeqCst);
    }

    /// A namespace that the oracle must look at though no answer showed a task of it.
    pub fn look_at(&self, namespace: &str) {
        let mut known = self.namespaces.lock().expect("no holder panics");
        known.insert(namespace.to_owned());
    }

    /// A queue that has no task yet, and stays as it is: the oracle holds its limits and its retry policy.
    pub fn limited(&self, queue: Queue) {
        self.queues.lock().expect("no holder panics").push(queue);
    }

    /// Makes a call and records it with its answer.
    pub async fn send<R: Recorded>(&self, call: Call<R>) -> Result<<R as Rpc>::Output, Error> {
        let mut request = None;
        let call = call.with(|seen| request = Some(seen.clone()));
        let request = request.expect("with shows the request");
        let mut entry = oracle::Call {
            begun: self.tick(),
            ended: 0,
            method: R::METHOD,
            actor: request.actor(),
            named: request.named(),
            outcome: Outcome::Unknown,
        };
        // If the caller is dropped meanwhile, nobody knows how the call ended.
        let mut unfinished = Unfinished {
            history: self,
            entry: Some(entry.clone()),
        };
        let answer = call.await;
        unfinished.entry = None;
        entry.outcome = match &answer {
            Ok(answer) => request.outcome(answer),
            Err(error) => R::failure(error),
        };
        self.add(entry);
        answer
    }

    /// Records a call that has begun, whatever becomes of its caller.
    pub(super) fn unfinished(&self, entry: oracle::Call) -> Unfinished<'_> {
        Unfinished {
            history: self,
            entry: Some(entry),
        }
    }

    pub(super) fn add(&self, mut entry: oracle::Call) {
        entry.ended = self.tick();
        if let Outcome::Changed { tasks, .. } | Outcome::Read(tasks) = &entry.outcome {
            let mut known = self.namespaces.lock().expect("no holder panics");
            known.extend(tasks.iter().map(|task: &Task| task.namespace.clone()));
        }
        self.calls.lock().expect("no holder panics").push(entry);
    }

    pub(super) fn open_watch(&self, watch: Watch) -> usize {
        let mut watches = self.watches.lock().expect("no holder panics");
        watches.push(watch);
        watches.len() - 1
    }

    pub(super) fn with_watch<T>(&self, index: usize, look: impl FnOnce(&mut Watch) -> T) -> T {
        let mut watches = self.watches.lock().expect("no holder panics");
        look(&mut watches[index])
    }

    pub(super) fn receive(&self, index: usize, message: Message) {
        self.with_watch(index, |watch| watch.messages.push(message));
        self.received.send_modify(|count| *count += 1);
    }

    pub(super) fn known_namespaces(&self) -> Vec<String> {
        let known = self.namespaces.lock().expect("no holder panics");
        known.iter().cloned().collect()
    }

    /// The evidence so far, without log and rows.
    pub(super) fn evidence(&self) -> oracle::Evidence {
        oracle::Evidence {
            calls: self.calls.lock().expect("no holder panics").clone(),
            watches: self.watches.lock().expect("no holder panics").clone(),
            every_call: self.every_call.load(Ordering::SeqCst),
            queues: self.queues.lock().expect("no holder panics").clone(),
            ..oracle::Evidence::default()
        }
    }
}

/// A call under way.
pub(super) struct Unfinished<'a> {
    history: &'a History,
    entry: Option<oracle::Call>,
}

impl Unfinished<'_> {
    /// It ended.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if let Some(entry) = &mut self.entry {
            entry.outcome = outcome;
        }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.history.add(entry);
        }
    }
}
