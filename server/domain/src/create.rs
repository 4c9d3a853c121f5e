//! How a task comes into being.

use bytes::Bytes;

use crate::actor::Actor;
use crate::command::When;
use crate::dedup::Dedup;
use crate::id::TaskId;
use crate::payload::Payload;
use crate::place::{Verdict, place, verdict};
use crate::reason;
use crate::steps::{Outcome, Steps};
use crate::task::{Dependency, Function, Labels, Priority, RetryPolicy, State, Task, Timeouts, Verification};
use crate::time::{Span, Timestamp};
use crate::timers::Timers;

/// A task to be, valid in itself. The results of its dependencies are read under their locks.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// Given by the client or drawn.
    pub id: TaskId,
    /// Where it will live.
    pub namespace: String,
    /// Which workers may take it. Empty: not said, see [`NewTask::fill_in`].
    pub queue: String,
    /// Which handler runs it.
    pub task_type: String,
    /// What is to be done.
    pub function: Option<Function>,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// What it works on.
    pub input: Option<Payload>,
    /// How urgent. `None`: not said; NORMAL where its type says nothing either.
    pub priority: Option<Priority>,
    /// For filters and routing.
    pub labels: Labels,
    /// Encoded `google.protobuf.Struct`.
    pub metadata: Option<Bytes>,
    /// Given to somebody from the start.
    pub assignee: Option<Actor>,
    /// The task it belongs to.
    pub parent_id: Option<TaskId>,
    /// What it waits for.
    pub dependencies: Vec<Dependency>,
    /// It runs no sooner.
    pub schedule: Option<When>,
    /// When a failed attempt is tried again.
    pub retry_policy: Option<RetryPolicy>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What completion needs.
    pub verification: Verification,
    /// How long RECEIPT waits for a verification.
    pub verification_grace: Option<Span>,
    /// How it is told from other tasks; the key is held by then.
    pub dedup: Option<Dedup>,
    /// Over the request: tells a repeat from another task with the same id.
    pub spec_hash: [u8; 32],
    /// Stays PENDING until QueueTask.
    pub hold: bool,
}

/// Creates the task: CREATED in PENDING, and unless it is held the event of its place.
#[must_use]
pub fn create(new: NewTask, creator: &Actor, now: Timestamp) -> Outcome {
    let hold = new.hold;
    let task = first_row(new, creator, now);
    let mut steps = Steps::begin(task, creator, now);
    let spoiled = steps
        .task
        .dependencies
        .iter()
        .find(|d| matches!(verdict(d), Verdict::Fail | Verdict::Cancel))
        .copied();
    match spoiled {
        Some(dependency) => steps.settle(dependency),
        None if hold => {}
        None => steps.place(place(&steps.task, now), reason::READY),
    }
    steps.finish()
}

fn first_row(mut new: NewTask, creator: &Actor, now: Timestamp) -> Task {
    new.fill_in(None);
    Task {
        id: new.id,
        namespace: new.namespace,
        queue: new.queue,
        task_type: new.task_type,
        function: new.function,
        title: new.title,
        description: new.description,
        input: new.input.map(|p| p.after(0)),
        output: None,
        receipt: None,
        checkpoint: None,
        error: None,
        state: State::Pending,
        state_reason: if new.hold { reason::HELD } else { reason::CREATED },
        state_message: String::new(),
        priority: new.priority.unwrap_or(Priority::Normal),
        labels: new.labels,
        metadata: new.metadata,
        creator: creator.clone(),
        assignee: new.assignee,
        leased: false,
        lease: None,
        progress: None,
        parent_id: new.parent_id,
        dependencies: new.dependencies,
        schedule_time: new.schedule.map(|when| when.from(now)),
        create_time: now,
        update_time: now,
        queue_time: None,
        start_time: None,
        end_time: None,
        attempt: 1,
        retry_count: 0,
        cleared_input: 0,
        checkpoint_version: 0,
        execution_count: 0,
        run_count: 0,
        output_count: 0,
        retry_policy: new.retry_policy,
        timeouts: new.timeouts,
        timers: Timers {
            since: now,
            spent: Span::ZERO,
            total_since: now,
        },
        verification: new.verification,
        verification_grace: new.verification_grace,
        dedup_key: new.dedup.map(|dedup| dedup.key).unwrap_or_default(),
        input_requests: Vec::new(),
        fence: 0,
        paused_from: None,
        revision: 1,
        edit_revision: 1,
        spec_hash: new.spec_hash,
        last_call: None,
        handover_call: None,
        has_dependants: false,
        has_children: false,
    }
}
