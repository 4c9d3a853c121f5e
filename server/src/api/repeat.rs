//! Repeats: what makes two requests the same.
//!
//! A hash is taken over the message as it was decoded and encodes again, so that two encodings of one request are
//! one request. Labels encode in the order of their keys anyway; JSON documents are brought into order first.
//! The hash of a task's specification stands on its row for as long as it lives: what goes into it never changes.

use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::payload::Kind;
use bytes::Bytes;
use prost::Message;

use super::convert::given::Given;
use super::value::{canonical_struct, canonical_value};

/// A request that changes something and may be repeated.
pub(super) trait Repeatable: Message + Clone + Sized {
    /// The name of its call.
    const METHOD: &'static str;

    /// The caller's `request_id`, empty where it gave none.
    fn request_id(&self) -> &str;

    /// Shows every JSON document in it.
    fn documents(&mut self, _each: &mut dyn FnMut(Document<'_>)) {}
}

/// An encoded JSON document inside a request.
pub(super) enum Document<'a> {
    Struct(&'a mut Bytes),
    Value(&'a mut Bytes),
}

/// The hash of a request whose documents have been checked.
pub(super) fn fingerprint<R: Repeatable>(mut request: R) -> [u8; 32] {
    request.documents(&mut bring_into_order);
    *blake3::hash(&request.encode_to_vec()).as_bytes()
}

/// The hash of what a create asks for, whoever asks and however often: tells a repeated `task_id` from one that is
/// used for another task. The documents have been checked.
pub(super) fn spec_hash(request: raw::CreateTaskRequest) -> [u8; 32] {
    let raw::CreateTaskRequest {
        task,
        request_id: _,
        actor: _,
        hold,
        validate_only: _,
        r#ref: _,
        task_id: _,
        delay,
    } = request;
    fingerprint(raw::CreateTaskRequest {
        task: task.map(|task| Box::new(Given::from(*task).into())),
        hold,
        delay,
        ..raw::CreateTaskRequest::default()
    })
}

fn bring_into_order(document: Document<'_>) {
    match document {
        Document::Struct(bytes) => *bytes = canonical_struct(bytes).into(),
        Document::Value(bytes) => *bytes = canonical_value(bytes).into(),
    }
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
    ($($method:ident: $request:ident { $($field:ident by $inside:ident)? })+) => { $(
        impl Repeatable for raw::$request {
            const METHOD: &'static str = stringify!($method);

            fn request_id(&self) -> &str {
                &self.request_id
            }

            $(fn documents(&mut self, each: &mut dyn FnMut(Document<'_>)) {
                $inside(&mut self.$field, each);
            })?
        }
    )+ };
}

fn in_members(requests: &mut [raw::CreateTaskRequest], each: &mut dyn FnMut(Document<'_>)) {
    for request in requests {
        in_task(&mut request.task, each);
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
    StartTask: StartTaskRequest {}
    UpdateProgress: UpdateProgressRequest {}
    CompleteTask: CompleteTaskRequest { output by in_payload }
    FailTask: FailTaskRequest { error by in_error }
    CancelTask: CancelTaskRequest {}
    RetryTask: RetryTaskRequest { input by in_payload }
    DiscardTask: DiscardTaskRequest {}
    PauseTask: PauseTaskRequest {}
    ResumeTask: ResumeTaskRequest {}
    ReleaseTask: ReleaseTaskRequest {}
    SnoozeTask: SnoozeTaskRequest {}
    RequestInput: RequestInputRequest {}
    ProvideInput: ProvideInputRequest { input by in_payload }
    SubmitForReview: SubmitForReviewRequest { output by in_payload }
    ApproveTask: ApproveTaskRequest {}
    RequestRework: RequestReworkRequest {}
    RejectTask: RejectTaskRequest {}
    AddComment: AddCommentRequest {}
    AddDependency: AddDependencyRequest {}
    RemoveDependency: RemoveDependencyRequest {}
    BulkUpdateState: BulkUpdateStateRequest {}
    BulkCancel: BulkCancelRequest {}
    BulkRetry: BulkRetryRequest {}
    BulkDiscard: BulkDiscardRequest {}
}
