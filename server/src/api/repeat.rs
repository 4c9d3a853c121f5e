//! Repeats: what makes two requests the same.
//!
//! A hash is taken over the message as it was decoded and encodes again, so that two encodings of one request are
//! one request. Labels encode in the order of their keys anyway; JSON documents are brought into order first.
//! It is taken before the request is read, which takes it apart: of a request that is refused it is worth nothing and
//! does no harm.
//! The hash of a task's specification stands on its row for as long as it lives: what goes into it never changes.

use std::collections::VecDeque;

use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::payload::Kind;
use baton_proto::raw::v1::task_report::Result as Reported;
use bytes::Bytes;
use prost::Message;

use super::convert::given;
use super::value::{canonical_struct, canonical_value};

/// A request that changes something and may be repeated.
pub(super) trait Repeatable: Message + Clone + Sized {
    /// The name of its call.
    const METHOD: &'static str;

    /// The caller's `request_id`, empty where it gave none.
    fn request_id(&self) -> &str;

    /// The token of the caller's lease, empty where it shows none.
    fn lease_token(&self) -> &str {
        ""
    }

    /// Shows every JSON document in it.
    fn documents(&mut self, _each: &mut dyn FnMut(Document<'_>)) {}
}

/// An encoded JSON document inside a request.
pub(super) enum Document<'a> {
    Struct(&'a mut Bytes),
    Value(&'a mut Bytes),
}

impl Document<'_> {
    /// Puts it into order and hands out how it came.
    fn bring_into_order(self) -> Bytes {
        match self {
            Self::Struct(bytes) => {
                let ordered = canonical_struct(bytes).into();
                std::mem::replace(bytes, ordered)
            }
            Self::Value(bytes) => {
                let ordered = canonical_value(bytes).into();
                std::mem::replace(bytes, ordered)
            }
        }
    }

    fn set(self, sent: Bytes) {
        let (Self::Struct(bytes) | Self::Value(bytes)) = self;
        *bytes = sent;
    }
}

/// The hash of a request, which stays as it is.
pub(super) fn fingerprint<R: Repeatable>(request: &mut R) -> [u8; 32] {
    let mut sent = VecDeque::new();
    request.documents(&mut |document| sent.push_back(document.bring_into_order()));
    let hash = *blake3::hash(&request.encode_to_vec()).as_bytes();
    request.documents(&mut |document| {
        if let Some(sent) = sent.pop_front() {
            document.set(sent);
        }
    });
    hash
}

/// Over a call and all that it says, the token included: tells the repeat of a holder's call from another call.
pub(super) fn call_of<R: Repeatable>(hash: &[u8; 32]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(R::METHOD.as_bytes()).update(hash);
    let mut head = [0; 8];
    head.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    i64::from_be_bytes(head)
}

/// The hash of what a create asks for, whoever asks and however often: tells a repeated `task_id` from one that is
/// used for another task. Of the task, only what clients give is left; the rest is ignored anyway.
pub(super) fn spec_hash(request: &mut raw::CreateTaskRequest) -> [u8; 32] {
    let raw::CreateTaskRequest {
        task,
        request_id: _,
        actor: _,
        hold,
        dedup,
        validate_only: _,
        r#ref: _,
        task_id: _,
        delay,
    } = request;
    if let Some(task) = task {
        given::clear_others(task);
    }
    let mut spec = raw::CreateTaskRequest {
        task: task.take(),
        hold: *hold,
        dedup: dedup.clone(),
        delay: *delay,
        ..raw::CreateTaskRequest::default()
    };
    let hash = fingerprint(&mut spec);
    *task = spec.task;
    hash
}

pub(super) fn in_payload(payload: &mut Option<raw::Payload>, each: &mut dyn FnMut(Document<'_>)) {
    if let Some(Kind::Json(value)) = payload.as_mut().and_then(|payload| payload.kind.as_mut()) {
        each(Document::Value(value));
    }
}

pub(super) fn in_task(task: &mut Option<Box<raw::Task>>, each: &mut dyn FnMut(Document<'_>)) {
    let Some(task) = task else {
        return;
    };
    in_payload(&mut task.input, each);
    if let Some(metadata) = &mut task.metadata {
        each(Document::Struct(metadata));
    }
    if let Some(function) = &mut task.function {
        if let Some(args) = &mut function.args {
            each(Document::Struct(args));
        }
        if let Some(output) = &mut function.output {
            each(Document::Value(output));
        }
    }
}

pub(super) fn in_error(error: &mut Option<raw::TaskError>, each: &mut dyn FnMut(Document<'_>)) {
    if let Some(details) = error.as_mut().and_then(|error| error.details.as_mut()) {
        each(Document::Struct(details));
    }
}

/// Declares which requests may be repeated, by the call each belongs to, and where they hold JSON documents.
macro_rules! repeatable {
    ($($method:ident: $request:ident { $($field:ident by $inside:ident)? $(; $holds:ident)? })+) => { $(
        impl Repeatable for raw::$request {
            const METHOD: &'static str = stringify!($method);

            fn request_id(&self) -> &str {
                &self.request_id
            }

            $(fn lease_token(&self) -> &str {
                &self.$holds
            })?

            $(fn documents(&mut self, each: &mut dyn FnMut(Document<'_>)) {
                $inside(&mut self.$field, each);
            })?
        }
    )+ };
}

fn in_question(question: &mut Option<raw::InputRequest>, each: &mut dyn FnMut(Document<'_>)) {
    let Some(question) = question else {
        return;
    };
    if let Some(schema) = &mut question.schema {
        each(Document::Struct(schema));
    }
    in_payload(&mut question.default_input, each);
}

fn in_schedule(schedule: &mut Option<raw::Schedule>, each: &mut dyn FnMut(Document<'_>)) {
    if let Some(schedule) = schedule {
        in_task(&mut schedule.task, each);
    }
}

fn in_task_type(task_type: &mut Option<raw::TaskType>, each: &mut dyn FnMut(Document<'_>)) {
    let Some(task_type) = task_type else {
        return;
    };
    let schemas = [&mut task_type.input_schema, &mut task_type.output_schema];
    for schema in schemas.into_iter().flatten() {
        each(Document::Struct(schema));
    }
}

fn in_members(requests: &mut [raw::CreateTaskRequest], each: &mut dyn FnMut(Document<'_>)) {
    for request in requests {
        in_task(&mut request.task, each);
    }
}

/// As a request of its own: a report repeats by its token, whatever stands beside it.
impl Repeatable for raw::TaskReport {
    const METHOD: &'static str = "ReportTasks";

    fn request_id(&self) -> &str {
        ""
    }

    fn lease_token(&self) -> &str {
        &self.lease_token
    }

    fn documents(&mut self, each: &mut dyn FnMut(Document<'_>)) {
        match &mut self.result {
            Some(Reported::Complete(complete)) => in_payload(&mut complete.output, each),
            Some(Reported::Fail(fail)) => in_error(&mut fail.error, each),
            Some(Reported::Release(_) | Reported::Snooze(_)) | None => {}
        }
    }
}

repeatable! {
    CreateTask: CreateTaskRequest { task by in_task }
    BatchCreateTasks: BatchCreateTasksRequest { requests by in_members }
    UpdateTask: UpdateTaskRequest { task by in_task }
    DeleteTask: DeleteTaskRequest {}
    QueueTask: QueueTaskRequest {}
    ScheduleTask: ScheduleTaskRequest {}
    AssignTask: AssignTaskRequest {}
    StartTask: StartTaskRequest { ; lease_token }
    UpdateProgress: UpdateProgressRequest { ; lease_token }
    CompleteTask: CompleteTaskRequest { output by in_payload; lease_token }
    FailTask: FailTaskRequest { error by in_error; lease_token }
    CancelTask: CancelTaskRequest {}
    RetryTask: RetryTaskRequest { input by in_payload }
    DiscardTask: DiscardTaskRequest {}
    PauseTask: PauseTaskRequest {}
    ResumeTask: ResumeTaskRequest {}
    ReleaseTask: ReleaseTaskRequest { ; lease_token }
    SnoozeTask: SnoozeTaskRequest { ; lease_token }
    RequestInput: RequestInputRequest { input_request by in_question; lease_token }
    ProvideInput: ProvideInputRequest { input by in_payload }
    SubmitForReview: SubmitForReviewRequest { output by in_payload; lease_token }
    ApproveTask: ApproveTaskRequest {}
    RequestRework: RequestReworkRequest {}
    RejectTask: RejectTaskRequest {}
    AddComment: AddCommentRequest {}
    AddDependency: AddDependencyRequest {}
    RemoveDependency: RemoveDependencyRequest {}
    SaveCheckpoint: SaveCheckpointRequest { checkpoint by in_payload; lease_token }
    AppendOutput: AppendOutputRequest { chunk by in_payload; lease_token }
    BulkUpdateState: BulkUpdateStateRequest {}
    BulkCancel: BulkCancelRequest {}
    BulkRetry: BulkRetryRequest {}
    BulkDiscard: BulkDiscardRequest {}
    CreateSchedule: CreateScheduleRequest { schedule by in_schedule }
    UpdateSchedule: UpdateScheduleRequest { schedule by in_schedule }
    DeleteSchedule: DeleteScheduleRequest {}
    PauseSchedule: PauseScheduleRequest {}
    ResumeSchedule: ResumeScheduleRequest {}
    TriggerSchedule: TriggerScheduleRequest {}
    RegisterTaskType: RegisterTaskTypeRequest { task_type by in_task_type }
    UpdateTaskType: UpdateTaskTypeRequest { task_type by in_task_type }
    DeleteTaskType: DeleteTaskTypeRequest {}
    CreateQueue: CreateQueueRequest {}
    UpdateQueue: UpdateQueueRequest {}
    DeleteQueue: DeleteQueueRequest {}
    PauseQueue: PauseQueueRequest {}
    ResumeQueue: ResumeQueueRequest {}
    PurgeQueue: PurgeQueueRequest {}
    CreateWebhook: CreateWebhookRequest {}
    UpdateWebhook: UpdateWebhookRequest {}
    DeleteWebhook: DeleteWebhookRequest {}
    PauseWebhook: PauseWebhookRequest {}
    ResumeWebhook: ResumeWebhookRequest {}
}
