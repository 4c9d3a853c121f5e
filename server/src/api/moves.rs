//! Calls that give one command to one task.

use std::sync::Arc;

use baton_domain::{Actor, Command, Event, TaskId, Token};
use baton_proto::raw::v1 as raw;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::envelope::Envelope;
use super::convert::lease::{self, Grant};
use super::convert::task::Shown;
use super::convert::{event, task};
use super::repeat::{Repeatable, call_of, fingerprint};
use super::requests::moves::{Asked, Move};
use super::status::Refusal;
use super::violations::Path;
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

    /// Makes the answer.
    fn answer(task: Box<raw::Task>, told: Told<'_>) -> Self::Answer;
}

/// What an answer tells beside the task.
pub(super) struct Told<'a> {
    /// What the command did; for a repeat only where [`Answered::TELLS_EVENT`].
    events: &'a [Arc<Event>],
    /// The task's fence.
    fence: i64,
    /// Present where the caller holds the task by lease.
    grant: Option<Grant>,
}

impl TaskApi {
    /// Reads a request, gives its command and answers the task after it.
    pub(super) async fn run<M: Answered>(&self, request: Request<M>) -> Result<Response<M::Answer>, Status> {
        let (asked, shown) = self.read_move(request.into_inner())?;
        let shows_token = asked.command.token.is_some();
        let Done {
            task,
            mut events,
            replayed,
            deduplicated: _,
            revision,
        } = self.engine.execute(asked).await.map_err(failed::failed)?;
        if replayed && M::TELLS_EVENT && !shows_token {
            // Boxed: it is rare, and in its place every move's future would be twice as large.
            events = Box::pin(self.event_at(task.id, revision)).await?;
        }
        // Since the call that this one repeats, the task may have been granted to somebody else.
        let holds = shows_token || events.last().is_some_and(|event| event.fence == task.fence);
        let granted = M::TELLS_EVENT && holds;
        let told = Told {
            events: &events,
            fence: task.fence,
            grant: granted.then(|| lease::grant(&task, &self.watches.keys)).flatten(),
        };
        let written = Box::new(task::write(&task, shown));
        Ok(answered(M::answer(written, told), replayed))
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
        let (asked, _) = self.read_move(request.into_inner())?;
        let replayed = self.engine.delete(asked);
        Ok(answered(
            raw::DeleteTaskResponse {},
            replayed.await.map_err(failed::failed)?,
        ))
    }

    /// Reads a request whole, the token of its lease included.
    fn read_move<M: Move>(&self, mut request: M) -> Result<(MoveRequest, Shown), Status> {
        let known = !request.request_id().is_empty() || !request.lease_token().is_empty();
        let hash = known.then(|| fingerprint(&mut request));
        let asked = judge::read(|v| request.read(v, &self.draw()))?;
        let Asked {
            envelope,
            action,
            shown,
        } = asked;
        let Envelope {
            id,
            request_id,
            etag,
            lease_token,
            actor,
        } = envelope;
        let holder = match &lease_token {
            Some(token) => Some(judge::read(|v| {
                lease::read_token(
                    v,
                    &Path::REQUEST.field("lease_token"),
                    (token, id),
                    &self.watches.keys,
                )
            })?),
            None => None,
        };
        let hash = hash.unwrap_or_default();
        let token = holder.as_ref().map(|holder| Token {
            fence: holder.fence,
            call: call_of::<M>(&hash),
        });
        let actor = actor.or(holder.map(|holder| holder.holder));
        let command = Command {
            actor: actor.unwrap_or_else(Actor::anonymous),
            token,
            action,
        };
        let request = request_id.map(|id| RequestKey {
            id,
            method: M::METHOD,
            hash,
        });
        let class = Class::Move;
        Ok((
            MoveRequest {
                id,
                command,
                etag,
                request,
                class,
            },
            shown,
        ))
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

            fn answer(task: Box<raw::Task>, _: Told<'_>) -> Self::Answer {
                raw::$response { task: Some(task) }
            }
        }
    )+ };
}

answered_with_task! {
    UpdateTaskRequest => UpdateTaskResponse;
    QueueTaskRequest => QueueTaskResponse;
    ScheduleTaskRequest => ScheduleTaskResponse;
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
    SaveCheckpointRequest => SaveCheckpointResponse;
    AppendOutputRequest => AppendOutputResponse;
    ApproveTaskRequest => ApproveTaskResponse;
    RequestReworkRequest => RequestReworkResponse;
    RejectTaskRequest => RejectTaskResponse;
    AddDependencyRequest => AddDependencyResponse;
    RemoveDependencyRequest => RemoveDependencyResponse;
}

impl Answered for raw::AddCommentRequest {
    type Answer = raw::AddCommentResponse;
    const TELLS_EVENT: bool = true;

    fn answer(task: Box<raw::Task>, told: Told<'_>) -> Self::Answer {
        raw::AddCommentResponse {
            task: Some(task),
            event: told.events.first().map(|comment| event::write(comment, false)),
        }
    }
}

/// Declares the moves that may grant a lease.
macro_rules! answered_with_grant {
    ($($request:ident => $response:ident;)+) => { $(
        impl Answered for raw::$request {
            type Answer = raw::$response;
            const TELLS_EVENT: bool = true;

            fn answer(task: Box<raw::Task>, told: Told<'_>) -> Self::Answer {
                let (lease_token, expire_time) = told.grant.map(|g| (g.token, g.expire_time)).unzip();
                raw::$response {
                    task: Some(task),
                    lease_token: lease_token.unwrap_or_default(),
                    fence: told.fence,
                    lease_expire_time: expire_time,
                }
            }
        }
    )+ };
}

answered_with_grant! {
    AssignTaskRequest => AssignTaskResponse;
    StartTaskRequest => StartTaskResponse;
}
