//! Writes a log by hand: each line is an event, its envelope worked out from the one before.

use std::collections::BTreeMap;

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{
    Actor, ActorType, Task, TaskCreated, TaskEvent, TaskEventType as Type, TaskPriority, TaskState as State,
};
use prost_types::Timestamp;

use crate::oracle::evidence::{Call, Evidence, Message, Namespace, Outcome, Scope, Start, Watch};
use crate::oracle::fold::Folded;
use crate::oracle::moves::{World, judge};
use crate::oracle::runs::runs_of;

pub(super) fn ada() -> Actor {
    Actor {
        r#type: ActorType::Human.into(),
        id: "ada".to_owned(),
        name: "Ada".to_owned(),
    }
}

pub(super) fn second(seconds: i64) -> Timestamp {
    Timestamp {
        seconds: 1_800_000_000 + seconds,
        nanos: 0,
    }
}

#[derive(Default)]
pub(super) struct Script {
    pub(super) seconds: i64,
    feed: Vec<TaskEvent>,
    tasks: BTreeMap<String, Folded>,
    calls: Vec<Call>,
}

/// One line of the script; by Ada, and what it does not say is as it was.
pub(super) struct Line {
    task: &'static str,
    kind: Type,
    to: State,
    reason: &'static str,
    actor: Actor,
    detail: Option<Detail>,
    attempt: Option<i32>,
    fence: Option<i64>,
}

pub(super) fn line(task: &'static str, kind: Type, to: State, reason: &'static str) -> Line {
    Line {
        task,
        kind,
        to,
        reason,
        actor: ada(),
        detail: None,
        attempt: None,
        fence: None,
    }
}

impl Line {
    pub(super) fn by_baton(self) -> Self {
        let actor = Actor {
            r#type: ActorType::System.into(),
            id: "baton".to_owned(),
            name: String::new(),
        };
        Line { actor, ..self }
    }

    pub(super) fn with(self, detail: Detail) -> Self {
        let detail = Some(detail);
        Line { detail, ..self }
    }

    pub(super) fn attempt(self, attempt: i32) -> Self {
        let attempt = Some(attempt);
        Line { attempt, ..self }
    }

    pub(super) fn fence(self, fence: i64) -> Self {
        let fence = Some(fence);
        Line { fence, ..self }
    }
}

impl Script {
    pub(super) fn create(&mut self, id: &str, change: impl FnOnce(&mut Task)) {
        self.seconds += 1;
        let time = Some(second(self.seconds));
        let mut task = Task {
            id: id.to_owned(),
            namespace: "default".to_owned(),
            queue: "default".to_owned(),
            state: State::Pending.into(),
            state_reason: "created".to_owned(),
            priority: TaskPriority::Normal.into(),
            creator: Some(ada()),
            create_time: time,
            update_time: time,
            revision: 1,
            attempt: 1,
            ..Task::default()
        };
        change(&mut task);
        let event = TaskEvent {
            task_id: id.to_owned(),
            namespace: task.namespace.clone(),
            sequence: 1,
            position: self.position(),
            r#type: Type::Created.into(),
            time,
            actor: Some(ada()),
            to_state: task.state,
            state_reason: task.state_reason.clone(),
            attempt: 1,
            queue: task.queue.clone(),
            detail: Some(Detail::Created(Box::new(TaskCreated {
                task: Some(task),
                input: None,
            }))),
            ..TaskEvent::default()
        };
        self.tasks.insert(id.to_owned(), Folded::created(&event).unwrap());
        self.feed.push(event);
    }

    fn position(&self) -> i64 {
        i64::try_from(self.feed.len()).unwrap() + 1
    }

    /// The next event, a second later.
    pub(super) fn tell(&mut self, line: Line) {
        self.seconds += 1;
        self.also(line);
    }

    /// An event of the same call as the one before.
    pub(super) fn also(&mut self, line: Line) {
        let before = &self.tasks[line.task];
        let event = TaskEvent {
            task_id: line.task.to_owned(),
            namespace: before.task.namespace.clone(),
            sequence: before.task.revision + 1,
            position: self.position(),
            r#type: line.kind.into(),
            time: Some(second(self.seconds)),
            actor: Some(line.actor),
            from_state: before.task.state,
            to_state: line.to.into(),
            state_reason: line.reason.to_owned(),
            attempt: line.attempt.unwrap_or(before.task.attempt),
            fence: line.fence.unwrap_or(before.fence),
            queue: before.task.queue.clone(),
            detail: line.detail,
            ..TaskEvent::default()
        };
        let after = judge(before, &event, &World::default()).expect("the script tells legal moves");
        self.tasks.insert(line.task.to_owned(), after);
        self.feed.push(event);
    }

    /// A call was answered with the task as it is now.
    pub(super) fn answer(&mut self, method: &'static str, id: &str) {
        let tick = u64::try_from(self.calls.len()).unwrap() * 10;
        self.calls.push(Call {
            begun: tick,
            ended: tick + 5,
            method,
            actor: Some(ada()),
            named: vec![id.to_owned()],
            outcome: Outcome::Changed {
                tasks: vec![self.shown(id)],
                replayed: false,
            },
        });
    }

    fn shown(&self, id: &str) -> Task {
        let folded = &self.tasks[id];
        Task {
            etag: format!("\"{}\"", folded.edited),
            ..folded.task.clone()
        }
    }

    pub(super) fn evidence(self) -> Evidence {
        let rows = self.tasks.keys().map(|id| self.shown(id)).collect();
        let watch = Watch {
            namespace: "default".to_owned(),
            scope: Scope::all(),
            start: Start::Oldest,
            messages: self.feed.iter().map(message).collect(),
            caught_up: true,
        };
        let mut stories: BTreeMap<&str, Vec<TaskEvent>> = BTreeMap::new();
        for event in &self.feed {
            stories.entry(&event.task_id).or_default().push(event.clone());
        }
        // The newest first, as a server tells them.
        let mut runs: Vec<_> = stories
            .values()
            .filter_map(|story| runs_of(story))
            .flatten()
            .collect();
        runs.reverse();
        let namespace = Namespace {
            feed: self.feed,
            rows,
            runs: Some(runs),
        };
        Evidence {
            namespaces: BTreeMap::from([("default".to_owned(), namespace)]),
            histories: BTreeMap::new(),
            calls: self.calls,
            watches: vec![watch],
            every_call: true,
            queues: Vec::new(),
        }
    }
}

fn message(event: &TaskEvent) -> Message {
    Message {
        tick: 1,
        tasks: Vec::new(),
        events: vec![event.clone()],
        token: format!("t{}", event.position),
        snapshot_complete: false,
    }
}
