//! Calls that give one command to one task.

use std::sync::Arc;

use baton_domain::{Command, Event, TaskId};
use baton_proto::raw::v1 as raw;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::{event, task};
use super::repeat::{Repeatable, fingerprint};
use super::requests::moves::{Asked, Move};
use super::status::Refusal;
use super::{TaskApi, failed, judge};
use crate::engine::{Class, Done, MoveRequest, RequestKey};
use crate::store::{EventsOfQuery, Window};

/// The header of an answer to a call that was made before.
const REPLAYED: &str = "baton-replayed";

/// A move, and what its answer is made of.
pub(super) trait Answered: Move {
    /// The response of its call.
    type Answer;
    /// Whether the answer holds what happened, so that a repeat must look it up.
    const TELLS_EVENT: bool = false;

    /// Makes the answer. `events`: what the command did; for a repeat only where [`Self::TELLS_EVENT`].
    fn answer(task: Box<raw::Task>, events: &[Arc<Event>]) -> Self::Answer;
}

impl TaskApi {
    /// Reads a request, gives its command and answers the task after it.
    pub(super) async fn run<M: Answered>(&self, request: Request<M>) -> Result<Response<M::Answer>, Status> {
        let (asked, key) = self.read_move(request.into_inner())?;
        let Asked {
            envelope,
            action,
            shown,
        } = asked;
        let done = self.engine.execute(MoveRequest {
            id: envelope.id,
            command: Command::new(envelope.actor, action),
            etag: envelope.etag,
            request: key,
            class: Class::Move,
        });
        let Done {
            task,
            mut events,
            replayed,
            revision,
        } = done.await.map_err(failed::failed)?;
        if replayed && M::TELLS_EVENT {
            // Boxed: it is rare, and in its place every move's future would be twice as large.
            events = Box::pin(self.event_at(task.id, revision)).await?;
        }
        let task = Box::new(task::write(&task, shown));
        Ok(answered(M::answer(task, &events), replayed))
    }

    /// The event that brought a task to `revision`.
    async fn event_at(&self, id: TaskId, revision: i64) -> Result<Vec<Arc<Event>>, Refusal> {
        let query = EventsOfQuery {
            window: Window::After(revision - 1),
            types: Vec::new(),
            limit: 1,
            payloads: false,
        };
        let found = self.engine.store().events_of(id, &query).await;
        let found = found.map_err(|error| failed::store_failed(&error))?;
        Ok(found.into_iter().map(Arc::new).collect())
    }

    /// Deletes a task: nothing is left to answer.
    pub(super) async fn delete_task(
        &self,
        request: Request<raw::DeleteTaskRequest>,
    ) -> Result<Response<raw::DeleteTaskResponse>, Status> {
        let (asked, key) = self.read_move(request.into_inner())?;
        let Asked {
            envelope,
            action,
            shown: _,
        } = asked;
        let replayed = self.engine.delete(MoveRequest {
            id: envelope.id,
            command: Command::new(envelope.actor, action),
            etag: envelope.etag,
            request: key,
            class: Class::Move,
        });
        Ok(answered(
            raw::DeleteTaskResponse {},
            replayed.await.map_err(failed::failed)?,
        ))
    }

    fn read_move<M: Move>(&self, mut request: M) -> Result<(Asked, Option<RequestKey>), Status> {
        let again = Again::of(&mut request);
        let asked = judge::read(|v| request.read(v, &self.draw()))?;
        let key = again.zip(asked.envelope.request_id);
        Ok((asked, key.map(|(again, id)| again.key(id))))
    }
}

/// By what a repeat of a request is known, but for the id it gives itself, which is not read yet.
pub(super) struct Again {
    method: &'static str,
    hash: [u8; 32],
}

impl Again {
    /// `None` where the request does not say that it may be repeated.
    pub(super) fn of<R: Repeatable>(request: &mut R) -> Option<Self> {
        (!request.request_id().is_empty()).then(|| Self {
            method: R::METHOD,
            hash: fingerprint(request),
        })
    }

    pub(super) fn key(self, id: Uuid) -> RequestKey {
        let Self { method, hash } = self;
        RequestKey { id, method, hash }
    }
}

/// An answer; `replayed` says that its call was made before.
pub(super) fn answered<A>(answer: A, replayed: bool) -> Response<A> {
    let mut response = Response::new(answer);
    if replayed {
        response
            .metadata_mut()
            .insert(REPLAYED, MetadataValue::from_static("true"));
    }
    response
}

/// Declares the moves whose answer is the task and nothing else.
macro_rules! answered_with_task {
    ($($request:ident => $response:ident;)+) => { $(
        impl Answered for raw::$request {
            type Answer = raw::$response;

            fn answer(task: Box<raw::Task>, _: &[Arc<Event>]) -> Self::Answer {
                raw::$response { task: Some(task) }
            }
        }
    )+ };
}

answered_with_task! {
    UpdateTaskRequest => UpdateTaskResponse;
    QueueTaskRequest => QueueTaskResponse;
    ScheduleTaskRequest => ScheduleTaskResponse;
    AssignTaskRequest => AssignTaskResponse;
    StartTaskRequest => StartTaskResponse;
    UpdateProgressRequest => UpdateProgressResponse;
    CompleteTaskRequest => CompleteTaskResponse;
    FailTaskRequest => FailTaskResponse;
    CancelTaskRequest => CancelTaskResponse;
    RetryTaskRequest => RetryTaskResponse;
    DiscardTaskRequest => DiscardTaskResponse;
    PauseTaskRequest => PauseTaskResponse;
    ResumeTaskRequest => ResumeTaskResponse;
    ReleaseTaskRequest => ReleaseTaskResponse;
    SnoozeTaskRequest => SnoozeTaskResponse;
    RequestInputRequest => RequestInputResponse;
    ProvideInputRequest => ProvideInputResponse;
    SubmitForReviewRequest => SubmitForReviewResponse;
    ApproveTaskRequest => ApproveTaskResponse;
    RequestReworkRequest => RequestReworkResponse;
    RejectTaskRequest => RejectTaskResponse;
    AddDependencyRequest => AddDependencyResponse;
    RemoveDependencyRequest => RemoveDependencyResponse;
}

impl Answered for raw::AddCommentRequest {
    type Answer = raw::AddCommentResponse;
    const TELLS_EVENT: bool = true;

    fn answer(task: Box<raw::Task>, events: &[Arc<Event>]) -> Self::Answer {
        raw::AddCommentResponse {
            task: Some(task),
            event: events.first().map(|comment| event::write(comment, false)),
        }
    }
}
