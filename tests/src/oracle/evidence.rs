//! What a test leaves behind: the log, the rows, what every caller was told and what every watcher received.

use std::collections::BTreeMap;

use baton_client::Code;
use baton_proto::v1::{Actor, Queue, Task, TaskEvent, TaskEventType, TaskRun, TaskState};

/// Everything that is known after a test.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// By namespace.
    pub namespaces: BTreeMap<String, Namespace>,
    /// By task id, what ListTaskEvents answered (FULL, all pages).
    pub histories: BTreeMap<String, Vec<TaskEvent>>,
    /// What callers were told, in the order in which they were told it.
    pub calls: Vec<Call>,
    /// What watchers received.
    pub watches: Vec<Watch>,
    /// Whether `calls` holds every call that can have changed something.
    pub every_call: bool,
    /// Queues that were as they are before their first task, and to the end: their limits hold for every lease.
    pub queues: Vec<Queue>,
}

/// One namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// The feed from WATCH_START_OLDEST (FULL) to its end.
    pub feed: Vec<TaskEvent>,
    /// Every task that ListTasks answers (FULL).
    pub rows: Vec<Task>,
    /// Every run that ListTaskRuns answers (FULL), the newest first; `None` where it was not asked.
    pub runs: Option<Vec<TaskRun>>,
}

/// One call and its answer. `begun` and `ended` are ticks of one counter of the test.
#[derive(Clone, Debug)]
pub struct Call {
    /// Before it was sent.
    pub begun: u64,
    /// After the answer came.
    pub ended: u64,
    /// For example `StartTask`.
    pub method: &'static str,
    /// As the request named it.
    pub actor: Option<Actor>,
    /// The ids that the request names as what is to change.
    pub named: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A read, or `validate_only`: tasks as they were.
    Read(Vec<Task>),
    /// A change: each task after it. `replayed`: the change was made by an earlier call.
    Changed {
        /// The tasks answered.
        tasks: Vec<Task>,
        /// Whether the server said so.
        replayed: bool,
    },
    /// The task is gone.
    Deleted {
        /// Whether the server said so.
        replayed: bool,
    },
    /// The server said no.
    Refused(Code, String),
    /// Nobody knows.
    Unknown,
}

/// One stream. A stream that goes on from another names it.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Where it reads.
    pub namespace: String,
    /// What it may deliver.
    pub scope: Scope,
    /// Where it began.
    pub start: Start,
    /// What came, in order.
    pub messages: Vec<Message>,
    /// Whether it was read until everything had come that the log holds.
    pub caught_up: bool,
}

/// Where a stream began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what happens after.
    Now,
    /// With all that the feed keeps.
    Oldest,
    /// With the tasks as they are.
    Snapshot,
    /// Behind a message of another stream: indexes into `watches` and its `messages`.
    Resume {
        /// Which stream.
        watch: usize,
        /// Behind which of its messages.
        message: usize,
    },
}

/// One message of a stream.
#[derive(Clone, Debug)]
pub struct Message {
    /// The tick at which it came.
    pub tick: u64,
    /// A part of the snapshot.
    pub tasks: Vec<Task>,
    /// What happened.
    pub events: Vec<TaskEvent>,
    /// Stands for all up to here.
    pub token: String,
    /// The snapshot ends here.
    pub snapshot_complete: bool,
}

/// What a stream was asked for, in the oracle's own words: a filter's text is the server's to understand.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only this task.
    pub task: Option<String>,
    /// Only tasks in one of these states; empty: any.
    pub states: Vec<TaskState>,
    /// Only tasks of this queue.
    pub queue: Option<String>,
    /// Only tasks of this type.
    pub task_type: Option<String>,
    /// Only tasks with all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Only events of these types; empty: any.
    pub event_types: Vec<TaskEventType>,
}

/// What filters see of a task.
#[derive(Clone, Copy, Debug)]
pub struct Facets<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it is.
    pub state: TaskState,
    /// Its queue.
    pub queue: &'a str,
    /// Its type.
    pub task_type: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
}

impl Scope {
    /// Everything of a namespace.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether a task is in view.
    pub fn holds(&self, facets: Facets<'_>) -> bool {
        self.task.as_deref().is_none_or(|id| id == facets.id)
            && (self.states.is_empty() || self.states.contains(&facets.state))
            && self.queue.as_deref().is_none_or(|queue| queue == facets.queue)
            && self
                .task_type
                .as_deref()
                .is_none_or(|name| name == facets.task_type)
            && self
                .labels
                .iter()
                .all(|(key, value)| facets.labels.get(key) == Some(value))
    }
}

impl<'a> Facets<'a> {
    /// After the event.
    pub fn after(event: &'a TaskEvent) -> Self {
        Facets {
            id: &event.task_id,
            state: event.to_state(),
            queue: &event.queue,
            task_type: &event.task_type,
            labels: &event.labels,
        }
    }

    /// Of a task as it is.
    pub fn of(task: &'a Task) -> Self {
        Facets {
            id: &task.id,
            state: task.state(),
            queue: &task.queue,
            task_type: &task.r#type,
            labels: &task.labels,
        }
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule is broken.
    pub rule: Rule,
    /// Where and how.
    pub text: String,
}

/// The rules that the oracle holds. INV-n are those of the reliability notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Sequences of a task are 1, 2, 3 and so on (INV-5).
    Sequence,
    /// Positions are contiguous above the horizon, times never fall (INV-19).
    Position,
    /// The feed has a task's events in the order of their sequences (INV-20).
    Order,
    /// Every event is a move of the lifecycle (INV-1).
    Move,
    /// COMPLETED and CANCELLED are never left, FAILED and DEAD only by retry or discard (INV-4).
    Final,
    /// The fold of a task's events is its row (INV-5).
    Row,
    /// ListTaskEvents and the feed tell the same story.
    History,
    /// An acknowledged answer stands in the log (INV-7), and shows the task as it was.
    Answer,
    /// Of racing moves each has its own revision (INV-2), and no event is without its call.
    Trace,
    /// One client never sees a task go back (INV-25).
    BackInTime,
    /// A watcher gets every matching event once and in order (INV-20, INV-21).
    Watch,
    /// A token stands for all that was delivered, no more and no less (INV-22).
    Token,
    /// What must settle by itself does (INV-31).
    Settles,
    /// Every time that somebody worked on a task is a run.
    Run,
    /// At no position are more leases of a queue open than its limits say, nor did it give out more in a period.
    Limit,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.text)
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, rule: Rule, text: impl Into<String>) {
        let text = text.into();
        self.0.push(Finding { rule, text });
    }
}

/// How an event is named in findings.
pub(super) fn at(event: &TaskEvent) -> String {
    format!(
        "task {} event {} {} at {}",
        event.task_id,
        event.sequence,
        super::lifecycle::event_name(event.r#type()),
        event.position
    )
}
