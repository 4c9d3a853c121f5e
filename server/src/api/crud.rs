//! Calls that create tasks, and those that read tasks by their ids.

use std::collections::HashMap;

use baton_domain::limits::REPLY_BYTES;
use baton_domain::{Task, TaskId};
use baton_proto::raw::v1 as raw;
use prost::Message;
use tonic::{Request, Response, Status};

use super::convert::event;
use super::convert::new_task::Creation;
use super::convert::task::{self, Shown};
use super::failed::task_not_found;
use super::moves::{Again, answered};
use super::requests::create::{self, Batch, Member};
use super::requests::lists::{self, BatchGet, Get};
use super::status::{Reason, Refusal};
use super::{TaskApi, failed, judge};
use crate::engine::{CreateRequest, Done};
use crate::store::{EventsOfQuery, Window};

/// Tasks that one read of a large batch fetches: with payloads they may have megabytes each.
pub(super) const FETCHED_MAX_COUNT: usize = 32;

impl TaskApi {
    pub(super) async fn create_task(
        &self,
        request: Request<raw::CreateTaskRequest>,
    ) -> Result<Response<raw::CreateTaskResponse>, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let Member { creation, chosen_id } = judge::read(|v| create::read(v, request, &self.draw()))?;
        let shown = Shown {
            input: creation.new.input.is_some(),
            ..Shown::BASIC
        };
        let Creation {
            new,
            creator,
            request_id,
            validate_only,
        } = creation;
        let member = CreateRequest {
            new,
            creator,
            chosen_id,
        };
        let done = if validate_only {
            self.engine.preview(member).await
        } else {
            let key = again.zip(request_id).map(|(again, id)| again.key(id));
            self.engine.create(member, key).await
        };
        let Done {
            task,
            replayed,
            deduplicated,
            ..
        } = done.map_err(failed::failed)?;
        // What was sent is not what that task works on.
        let shown = if deduplicated { Shown::BASIC } else { shown };
        let answer = raw::CreateTaskResponse {
            task: Some(Box::new(task::write(&task, shown))),
            deduplicated,
        };
        Ok(answered(answer, replayed))
    }

    pub(super) async fn batch_create_tasks(
        &self,
        request: Request<raw::BatchCreateTasksRequest>,
    ) -> Result<Response<raw::BatchCreateTasksResponse>, Status> {
        let mut request = request.into_inner();
        let shares = answer_bytes(&request);
        if shares.iter().sum::<usize>() > REPLY_BYTES {
            return Err(batch_too_large().into());
        }
        let again = Again::of(&mut request);
        let batch = judge::read(|v| create::read_batch(v, request, &self.draw()))?;
        let Batch {
            members,
            names,
            request_id,
        } = batch;
        let key = again.zip(request_id).map(|(again, id)| again.key(id));
        let ids = members.iter().map(|member| member.creation.new.id);
        let names: HashMap<TaskId, String> = ids.zip(names).collect();
        let members = members.into_iter().map(create_request).collect();
        let done = self.engine.create_batch(members, key).await.map_err(|error| {
            let name = |id| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
            Status::from(failed::refuse_batch(&error, &name))
        })?;
        let replayed = done.iter().all(|done| done.replayed);
        let mut reply = Reply::default();
        for (done, share) in done.iter().zip(shares) {
            let mut task = task::write(&done.task, Shown::BASIC);
            if done.deduplicated && task.encoded_len() > share {
                task = outline(task);
            }
            // Only a repeat can fail here, where tasks have grown since: new ones fit, that was looked at first.
            reply.push(task, reply_too_large)?;
        }
        let answer = raw::BatchCreateTasksResponse { tasks: reply.tasks };
        Ok(answered(answer, replayed))
    }

    pub(super) async fn get_task(
        &self,
        request: Request<raw::GetTaskRequest>,
    ) -> Result<Response<raw::GetTaskResponse>, Status> {
        let request = request.into_inner();
        let Get {
            id,
            full,
            event_limit,
        } = judge::read(|v| lists::read_get(v, request))?;
        let shown = if full { Shown::FULL } else { Shown::BASIC };
        let (revision, task) = {
            let task = self.fetch(id).await?;
            (task.revision, Box::new(task::write(&task, shown)))
        };
        let events = if event_limit == 0 {
            Vec::new()
        } else {
            let query = EventsOfQuery {
                // No newer than the task: the two are read one after the other.
                window: Window::Before(revision + 1),
                types: Vec::new(),
                limit: event_limit,
                payloads: false,
            };
            // Boxed: few ask for events, and every get's future would have room for it.
            let read = Box::pin(self.engine.store().events_of(id, &query)).await;
            read.map_err(failed::unread)?
        };
        Ok(Response::new(raw::GetTaskResponse {
            task: Some(task),
            events: events.iter().map(|read| event::write(read, false)).collect(),
        }))
    }

    pub(super) async fn batch_get_tasks(
        &self,
        request: Request<raw::BatchGetTasksRequest>,
    ) -> Result<Response<raw::BatchGetTasksResponse>, Status> {
        let request = request.into_inner();
        let BatchGet { ids, full } = judge::read(|v| lists::read_batch_get(v, request))?;
        let shown = if full { Shown::FULL } else { Shown::BASIC };
        let mut reply = Reply::default();
        for chunk in ids.chunks(FETCHED_MAX_COUNT) {
            let mut found = self.fetch_all(chunk).await?;
            for id in chunk {
                let index = reply.tasks.len();
                let task = found.remove(id).ok_or_else(|| missing(*id, index))?;
                reply.push(task::write(&task, shown), reply_too_large)?;
            }
        }
        Ok(Response::new(raw::BatchGetTasksResponse { tasks: reply.tasks }))
    }

    /// One task with its payloads.
    pub(super) async fn fetch(&self, id: TaskId) -> Result<Task, Status> {
        let task = self.engine.store().task(id).await.map_err(failed::unread)?;
        task.ok_or_else(|| task_not_found(id).into())
    }

    /// Those of the tasks that exist, with their payloads.
    pub(super) async fn fetch_all(&self, ids: &[TaskId]) -> Result<HashMap<TaskId, Task>, Status> {
        let tasks = self.engine.store().tasks(ids).await.map_err(failed::unread)?;
        Ok(tasks.into_iter().map(|task| (task.id, task)).collect())
    }
}

fn create_request(member: Member) -> CreateRequest {
    let Member { creation, chosen_id } = member;
    CreateRequest {
        new: creation.new,
        creator: creation.creator,
        chosen_id,
    }
}

fn missing(id: TaskId, index: usize) -> Status {
    task_not_found(id).with("index", index.to_string()).into()
}

/// Tasks of one answer, which must fit what clients read by default.
#[derive(Default)]
struct Reply {
    tasks: Vec<raw::Task>,
    bytes: usize,
}

impl Reply {
    fn push(&mut self, task: raw::Task, too_large: fn() -> Refusal) -> Result<(), Status> {
        self.bytes += task.encoded_len();
        if self.bytes > REPLY_BYTES {
            return Err(too_large().into());
        }
        self.tasks.push(task);
        Ok(())
    }
}

fn reply_too_large() -> Refusal {
    let message = "the tasks would pass 3 MiB: ask for fewer, or for TASK_VIEW_BASIC";
    Refusal::new(Reason::MessageTooLarge, message).quota("reply bytes", message)
}

/// What is shown of a task that stands in the place of another one and is larger than that would be.
fn outline(task: raw::Task) -> raw::Task {
    raw::Task {
        id: task.id,
        namespace: task.namespace,
        queue: task.queue,
        r#type: task.r#type,
        state: task.state,
        state_reason: task.state_reason,
        priority: task.priority,
        revision: task.revision,
        etag: task.etag,
        create_time: task.create_time,
        update_time: task.update_time,
        dedup_key: task.dedup_key,
        ..raw::Task::default()
    }
}

/// At most so many bytes will tell each of the created tasks without its payloads: a batch that cannot be answered must
/// not be created.
fn answer_bytes(request: &raw::BatchCreateTasksRequest) -> Vec<usize> {
    /// Ids, times, state, reason, the server's other words, and the tags of them all.
    const OWN_BYTES: usize = 600;
    /// A key that is derived.
    const KEY_BYTES: usize = 64;
    /// An id where a short ref stood.
    const DEPENDENCY_BYTES: usize = 48;
    let actor = |actor: &Option<raw::Actor>| actor.as_ref().map_or(0, Message::encoded_len);
    let task = |task: &raw::Task| {
        let input = task.input.as_ref().map_or(0, Message::encoded_len);
        let name = task.function.as_ref().map_or(0, |function| function.name.len());
        task.encoded_len() - input + name + task.dependencies.len() * DEPENDENCY_BYTES
    };
    let member = |member: &raw::CreateTaskRequest| {
        let creator = actor(&member.actor).max(actor(&request.actor));
        let key = member
            .dedup
            .as_ref()
            .map_or(0, |dedup| dedup.key.len().max(KEY_BYTES));
        OWN_BYTES + creator + key + member.task.as_deref().map_or(0, task)
    };
    request.requests.iter().map(member).collect()
}

fn batch_too_large() -> Refusal {
    let message = "the created tasks would not fit an answer of 3 MiB: create them in smaller batches";
    Refusal::new(Reason::MessageTooLarge, message).quota("reply bytes", message)
}
