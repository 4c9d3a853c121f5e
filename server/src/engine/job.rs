//! What waits for the committer, and how it is answered.

use std::sync::Arc;

use baton_domain::{Actor, Command, Event, HeapBytes as _, NewTask, ScheduleId, Task, TaskId, Timestamp};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::claim::ClaimRequest;
use super::error::Error;
use super::queues::{QueueChange, QueueDone};
use super::schedules::{ScheduleChange, ScheduleDone};
use super::types::{Mark, TypeChange, TypeDone};
use super::webhooks::{WebhookChange, WebhookDone};
use crate::store::{Archive, RequestRecord};

/// Whose place a job takes in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Timers and follow-ups: never refused, or nothing would ever settle. What they ask for is bounded where they ask.
    Vital,
    /// Renewals and reports, of work that is done already: refused only far above what honest workers send.
    Holder,
    /// A move of an existing task.
    Move,
    /// Creates and bulk calls: the first to be refused.
    Create,
}

impl Class {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Vital => "vital",
            Self::Holder => "holder",
            Self::Move => "move",
            Self::Create => "create",
        }
    }
}

/// Makes a call safe to repeat: remembered with its success for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's `request_id`.
    pub id: Uuid,
    /// The RPC.
    pub method: &'static str,
    /// Over the decoded request.
    pub hash: [u8; 32],
}

impl RequestKey {
    /// Whether that success is this call's, and not that of another one with the same id.
    pub(super) fn is_of(&self, record: &RequestRecord) -> bool {
        self.id == record.request_id && self.method == record.method && self.hash == record.hash
    }
}

/// One task to create.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// The task.
    pub new: Box<NewTask>,
    /// Who creates it.
    pub creator: Actor,
    /// Whether the caller chose the id: then it may exist already.
    pub chosen_id: bool,
}

/// One command to one task.
#[derive(Clone, Debug)]
pub struct MoveRequest {
    /// Which task.
    pub id: TaskId,
    /// What is asked.
    pub command: Command,
    /// Must match where given.
    pub etag: Option<String>,
    /// Makes it safe to repeat.
    pub request: Option<RequestKey>,
    /// Its place in the queue.
    pub class: Class,
}

/// Of a command that ends the work on a task: whose lease was not started yet, is started first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// When the work began; `None`: now.
    pub start_time: Option<Timestamp>,
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The task after it; after its last event where it was deleted.
    pub task: Arc<Task>,
    /// Its events; none for a repeat.
    pub events: Vec<Arc<Event>>,
    /// This call was made before: the task is as it stands now.
    pub replayed: bool,
    /// Of a create: this is another task, which holds the same key.
    pub deduplicated: bool,
    /// The task's revision after the call; for a repeat, after the first one. Of a batch that is repeated only the first
    /// member's is known, and stands for all.
    pub revision: i64,
}

pub(super) enum Work {
    /// All or none. A single create is a batch of one that answers without an index.
    Create {
        members: Vec<CreateRequest>,
        single: bool,
    },
    Move {
        id: TaskId,
        command: Box<Command>,
        etag: Option<String>,
        reported: Option<Reported>,
        /// What it brings was checked against this.
        checked: Option<Mark>,
    },
    /// Ready tasks for a worker.
    Claim(Box<ClaimRequest>),
    /// A follow-up has nothing left to do.
    CloseFollowUp(i64),
    /// Nothing but the memory of the job's request: a call on many tasks is going to move these.
    Remember { namespace: String, ids: Vec<TaskId> },
    /// What a caller changes of a schedule.
    Schedule(Box<ScheduleChange>),
    /// What a caller changes of a queue.
    Queue(Box<QueueChange>),
    /// A schedule acts on what is due.
    Turn(ScheduleId),
    /// What a caller changes of a task type.
    Type(Box<TypeChange>),
    /// What a caller changes of a webhook, or how far that is.
    Webhook(Box<WebhookChange>),
}

/// Upkeep of the store, done between batches. Each is bounded and answers whether there is more to do.
#[derive(Clone, Debug)]
pub(crate) enum Upkeep {
    /// Forgets request ids whose memory ended before that moment.
    ForgetRequests(Timestamp),
    /// Gives up keys that were held until that moment or before.
    ExpireKeys(Timestamp),
    /// Moves the horizon and removes events below it whose tasks are gone.
    TrimLog { namespace: String, oldest: i64 },
    /// Writes all of an archive into its namespace. Of all upkeep this alone is not bounded: nobody else writes meanwhile.
    Import(Arc<Archive>),
}

pub(super) struct UpkeepJob {
    pub(super) upkeep: Upkeep,
    pub(super) reply: oneshot::Sender<Result<bool, Error>>,
}

/// What a job did.
#[derive(Debug)]
pub(super) enum Told {
    Tasks(Vec<Done>),
    Schedule(Box<ScheduleDone>),
    Type(Box<TypeDone>),
    Queue(Box<QueueDone>),
    Webhook(Box<WebhookDone>),
}

impl Told {
    /// The tasks that it is told of.
    pub(super) fn tasks(&self) -> &[Done] {
        match self {
            Self::Tasks(done) => done,
            Self::Schedule(_) | Self::Type(_) | Self::Queue(_) | Self::Webhook(_) => &[],
        }
    }

    /// As [`Self::tasks`].
    pub(super) fn into_tasks(self) -> Vec<Done> {
        match self {
            Self::Tasks(done) => done,
            Self::Schedule(_) | Self::Type(_) | Self::Queue(_) | Self::Webhook(_) => Vec::new(),
        }
    }
}

pub(super) type Answer = Result<Told, Error>;

pub(super) struct Job {
    pub(super) class: Class,
    pub(super) work: Work,
    pub(super) request: Option<RequestKey>,
    pub(super) weight: Weight,
    pub(super) reply: oneshot::Sender<Answer>,
}

impl Job {
    /// A job, and where its answer comes.
    pub(super) fn new(
        class: Class,
        work: Work,
        request: Option<RequestKey>,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let weight = work.weight();
        let job = Self {
            class,
            work,
            request,
            weight,
            reply,
        };
        (job, answer)
    }
}

/// What a job takes of a batch and of the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    pub(super) commands: usize,
    pub(super) bytes: usize,
}

impl Weight {
    /// A task row and two events at most for each command.
    pub(super) const fn rows(self) -> usize {
        self.commands * 3
    }
}

impl Work {
    pub(super) fn weight(&self) -> Weight {
        match self {
            Self::Create { members, .. } => Weight {
                commands: members.len(),
                bytes: members.iter().map(create_bytes).sum(),
            },
            Self::Move { command, .. } => Weight {
                commands: 1,
                bytes: ROW_BYTES + command.heap_bytes(),
            },
            // How many tasks it takes is known when they are looked for, and bounded there.
            // What a turn makes is bounded there too.
            Self::Claim(_) | Self::CloseFollowUp(_) | Self::Turn(_) => Weight {
                commands: 1,
                bytes: 64,
            },
            Self::Schedule(change) => Weight {
                commands: 1,
                bytes: ROW_BYTES + change.action.heap_bytes(),
            },
            Self::Type(change) => Weight {
                commands: 1,
                bytes: ROW_BYTES + change.action.heap_bytes(),
            },
            Self::Queue(change) => Weight {
                commands: 1,
                bytes: ROW_BYTES + change.action.heap_bytes(),
            },
            Self::Webhook(change) => Weight {
                commands: 1,
                bytes: ROW_BYTES + change.action.heap_bytes(),
            },
            Self::Remember { ids, .. } => Weight {
                commands: 1,
                bytes: 64 + ids.len() * size_of::<TaskId>(),
            },
        }
    }
}

/// A row without its texts and documents, roughly.
const ROW_BYTES: usize = 512;

fn create_bytes(member: &CreateRequest) -> usize {
    ROW_BYTES + member.new.heap_bytes() + member.creator.heap_bytes()
}
