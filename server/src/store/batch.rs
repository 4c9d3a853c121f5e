//! What the committer hands to the writer, and what it finds again.

use std::sync::Arc;

use baton_domain::dedup::Hold;
use baton_domain::queue::Usage;
use baton_domain::{
    Event, Payload, PayloadRole, Queue, QueueId, Run, RunEnd, Schedule, State, Task, TaskId, TaskType,
    Timestamp, Webhook,
};
use uuid::Uuid;

/// Everything one transaction writes. Payloads that a newer version took the place of are kept without being named.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    /// New tasks.
    pub inserted: Vec<Arc<Task>>,
    /// Changed tasks: as they stand in the store, and as they will. Only what differs is written. A task at most once.
    pub updated: Vec<(Arc<Task>, Arc<Task>)>,
    /// Tasks that go, as they stand in the store. Their DELETED events are in `events`.
    pub deleted: Vec<Arc<Task>>,
    /// Runs that began, in the order in which they did; with their end where they are over already.
    pub runs_begun: Vec<Run>,
    /// Runs that ended which the store has.
    pub runs_ended: Vec<EndedRun>,
    /// New events with their positions, rising within each namespace.
    pub events: Vec<Arc<Event>>,
    /// Payloads that stand on no row any more.
    pub payloads_kept: Vec<KeptPayload>,
    /// Successes to be remembered.
    pub requests: Vec<RequestRecord>,
    /// Keys that a task holds from now on, whoever held them before; one entry each.
    pub keys_taken: Vec<HeldKey>,
    /// Keys that go where their tasks have settled: those held by just that task and without an expire time.
    pub keys_released: Vec<HeldKey>,
    /// Dependencies that opened.
    pub edges_added: Vec<Edge>,
    /// Dependencies that are open no more; one that is not there is no error.
    pub edges_removed: Vec<Edge>,
    /// Work for later batches.
    pub follow_ups_added: Vec<NewFollowUp>,
    /// Work that is done; one that is not there is no error.
    pub follow_ups_removed: Vec<i64>,
    /// New schedules.
    pub schedules_added: Vec<Arc<Schedule>>,
    /// Changed schedules: as they stand in the store, and as they will, with the revision that follows. A schedule at most
    /// once; one that does not stand at its revision fails the batch.
    pub schedules_updated: Vec<(Arc<Schedule>, Arc<Schedule>)>,
    /// Schedules that go.
    pub schedules_removed: Vec<Arc<Schedule>>,
    /// New task types.
    pub task_types_added: Vec<Arc<TaskType>>,
    /// Changed task types, as they will stand; one that is not there fails the batch.
    pub task_types_updated: Vec<Arc<TaskType>>,
    /// Task types that go.
    pub task_types_removed: Vec<Arc<TaskType>>,
    /// New queues.
    pub queues_added: Vec<StandingQueue>,
    /// Changed queues: as they stand in the store, and as they will. A queue at most once.
    pub queues_updated: Vec<(StandingQueue, StandingQueue)>,
    /// Queues that go, with the keys that are in use of them.
    pub queues_removed: Vec<QueueId>,
    /// What is in use of keys from now on. A key at most once.
    pub keys_used: Vec<KeyUse>,
    /// New webhooks.
    pub webhooks_added: Vec<Arc<Webhook>>,
    /// Changed webhooks, as they will stand; one that is not there fails the batch.
    pub webhooks_updated: Vec<Arc<Webhook>>,
    /// Webhooks that go.
    pub webhooks_removed: Vec<Arc<Webhook>>,
}

impl WriteBatch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            inserted,
            updated,
            deleted,
            runs_begun,
            runs_ended,
            events,
            payloads_kept,
            requests,
            keys_taken,
            keys_released,
            edges_added,
            edges_removed,
            follow_ups_added,
            follow_ups_removed,
            schedules_added,
            schedules_updated,
            schedules_removed,
            task_types_added,
            task_types_updated,
            task_types_removed,
            queues_added,
            queues_updated,
            queues_removed,
            keys_used,
            webhooks_added,
            webhooks_updated,
            webhooks_removed,
        } = self;
        inserted.is_empty()
            && updated.is_empty()
            && deleted.is_empty()
            && runs_begun.is_empty()
            && runs_ended.is_empty()
            && events.is_empty()
            && payloads_kept.is_empty()
            && requests.is_empty()
            && keys_taken.is_empty()
            && keys_released.is_empty()
            && edges_added.is_empty()
            && edges_removed.is_empty()
            && follow_ups_added.is_empty()
            && follow_ups_removed.is_empty()
            && schedules_added.is_empty()
            && schedules_updated.is_empty()
            && schedules_removed.is_empty()
            && task_types_added.is_empty()
            && task_types_updated.is_empty()
            && task_types_removed.is_empty()
            && queues_added.is_empty()
            && queues_updated.is_empty()
            && queues_removed.is_empty()
            && keys_used.is_empty()
            && webhooks_added.is_empty()
            && webhooks_updated.is_empty()
            && webhooks_removed.is_empty()
    }
}

impl WriteBatch {
    /// Whether it changes what every process keeps in memory as a whole: task types, webhooks, and which queues there are.
    pub(super) fn changes_definitions(&self) -> bool {
        let types = [
            &self.task_types_added,
            &self.task_types_updated,
            &self.task_types_removed,
        ];
        let webhooks = [
            &self.webhooks_added,
            &self.webhooks_updated,
            &self.webhooks_removed,
        ];
        let queues = self.queues_added.len() + self.queues_removed.len();
        queues > 0
            || types.iter().any(|types| !types.is_empty())
            || webhooks.iter().any(|webhooks| !webhooks.is_empty())
    }
}

/// A queue, and what is in use of its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct StandingQueue {
    /// What is said of it.
    pub queue: Arc<Queue>,
    /// What is in use, but for its keys.
    pub usage: Usage,
}

/// A payload of a task, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPayload {
    /// Whose.
    pub task_id: TaskId,
    /// What it is to the task.
    pub role: PayloadRole,
    /// The payload.
    pub payload: Payload,
}

/// What is in use of a key of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Which queue.
    pub queue: QueueId,
    /// Which key.
    pub key: String,
    /// How many of its tasks are leased.
    pub leased: i64,
}

/// How a run ended that began in an earlier batch.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedRun {
    /// Whose.
    pub task_id: TaskId,
    /// Which, of that task.
    pub number: i32,
    /// How; takes the place of what was known before.
    pub end: RunEnd,
}

/// A key that tells a task from others, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Where the task lives.
    pub namespace: String,
    /// Unique within the namespace.
    pub key: String,
    /// By whom, until when.
    pub hold: Hold,
}

/// A success remembered for its request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Where the tasks live.
    pub namespace: String,
    /// Chosen by the client; unique within the namespace.
    pub request_id: Uuid,
    /// The call it came with.
    pub method: String,
    /// Over the decoded request.
    pub hash: [u8; 32],
    /// The tasks of the answer, in its order.
    pub task_ids: Vec<TaskId>,
    /// Of the first task, after the call; 0 where the call changed none.
    pub revision: i64,
    /// It may be forgotten from then on. Never less than that of a record written before.
    pub expire_time: Timestamp,
}

/// An open dependency of an open task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who waits.
    pub task_id: TaskId,
    /// For whom.
    pub depends_on: TaskId,
    /// The revision of the task waited for when the dependency was made; not looked at where it is removed.
    pub revision: i64,
}

/// Why a follow-up is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUpKind {
    /// Tasks wait for one that settled.
    DependencySettled,
    /// Open tasks belong to one that was cancelled or deleted.
    ParentGone,
}

impl FollowUpKind {
    pub(super) const ALL: [Self; 2] = [Self::DependencySettled, Self::ParentGone];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DependencySettled => "DEPENDENCY_SETTLED",
            Self::ParentGone => "PARENT_GONE",
        }
    }
}

/// A follow-up to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFollowUp {
    /// Where `task_id` lives.
    pub namespace: String,
    /// What for.
    pub kind: FollowUpKind,
    /// The task that settled or went.
    pub task_id: TaskId,
    /// How it settled; CANCELLED for a deleted one.
    pub result: State,
    /// Its revision then.
    pub revision: i64,
}

/// A follow-up that waits to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Names it for ever; rises.
    pub id: i64,
    /// Where `task_id` lives.
    pub namespace: String,
    /// What for.
    pub kind: FollowUpKind,
    /// The task that settled or went.
    pub task_id: TaskId,
    /// How it settled; CANCELLED for a deleted one.
    pub result: State,
    /// Its revision then.
    pub revision: i64,
}
