//! PurgeQueue.

use baton_domain::{Action, Command, State, Task, TaskId};
use baton_proto::raw::v1 as raw;
use futures::future::join_all;
use tonic::{Response, Status};

use super::{QueueApi, not_found};
use crate::api::crud::FETCHED_MAX_COUNT;
use crate::api::moves::{Again, answered};
use crate::api::requests::queues::{self, Purge};
use crate::api::{failed, judge};
use crate::engine::{Class, Error, MoveRequest, RequestKey, etag};
use crate::store::{Demand, TaskGroup};

/// What became of the tasks so far.
#[derive(Default)]
struct Purged {
    cancelled: i32,
    passed_over: i32,
}

impl QueueApi {
    /// Cancels what is ready.
    pub(super) async fn purge(
        &self,
        mut request: raw::PurgeQueueRequest,
    ) -> Result<Response<raw::PurgeQueueResponse>, Status> {
        let again = Again::of(&mut request);
        let asked = judge::read(|v| queues::read_purge(v, request))?;
        let (namespace, name) = &asked.key;
        let is_known = self.found(&asked.key).await?.is_some() || !self.groups(&asked).await?.is_empty();
        if !is_known {
            return Err(not_found(asked.key));
        }
        let key = again.zip(asked.request_id).map(|(again, id)| again.key(id));
        let (ids, replayed) = self.select(&asked, key).await?;
        let mut purged = Purged::default();
        for ids in ids.chunks(FETCHED_MAX_COUNT) {
            self.cancel(ids, (&asked, replayed), &mut purged).await?;
        }
        let groups = self.engine.store().task_groups_of(namespace, name).await;
        let groups = groups.map_err(failed::unread)?;
        let ready = groups.iter().filter(|group| group.state == State::Queued);
        let answer = raw::PurgeQueueResponse {
            cancelled_count: purged.cancelled,
            passed_over_count: purged.passed_over,
            remaining_count: ready.map(|group| group.count).sum(),
        };
        Ok(answered(answer, replayed))
    }

    async fn groups(&self, asked: &Purge) -> Result<Vec<TaskGroup>, Status> {
        let (namespace, name) = &asked.key;
        let groups = self.engine.store().task_groups_of(namespace, name).await;
        groups.map_err(failed::unread)
    }

    /// Which tasks the call cancels: those it found when it was made first, if it was.
    async fn select(&self, asked: &Purge, key: Option<RequestKey>) -> Result<(Vec<TaskId>, bool), Status> {
        let (namespace, name) = &asked.key;
        if let Some(key) = &key {
            let before = self.engine.recall(namespace, key).await.map_err(failed::failed)?;
            if let Some(ids) = before {
                return Ok((ids, true));
            }
        }
        let demand = Demand {
            namespace: namespace.clone(),
            queues: vec![name.clone()],
            types: None,
        };
        let limit = asked.max_count;
        let found = self.engine.store().ready(&demand, limit).await;
        // Behind as many as were asked for stands the one that waits longest.
        let found = found.map_err(failed::unread)?.into_iter().take(limit);
        let ids: Vec<TaskId> = found.map(|ready| ready.id).collect();
        let Some(key) = key else {
            return Ok((ids, false));
        };
        let remembered = self.engine.remember(namespace, key, ids).await;
        Ok((remembered.map_err(failed::failed)?, false))
    }

    /// Cancels those of these tasks that are ready still, as they were read.
    async fn cancel(
        &self,
        ids: &[TaskId],
        (asked, replayed): (&Purge, bool),
        purged: &mut Purged,
    ) -> Result<(), Status> {
        let found = self.engine.store().tasks(ids).await.map_err(failed::unread)?;
        let is_ready = |task: &&Task| task.state == State::Queued && task.queue == asked.key.1;
        let ready: Vec<&Task> = found.iter().filter(is_ready).collect();
        let before = found
            .iter()
            .filter(|task| replayed && task.state == State::Cancelled);
        let mut cancelled = before.count();
        let moves = ready.iter().map(|task| {
            let action = Action::Cancel {
                reason: asked.reason.clone(),
            };
            self.engine.execute(MoveRequest {
                id: task.id,
                command: Command::new(asked.actor.clone(), action),
                etag: Some(etag(task)),
                request: None,
                class: Class::Create,
            })
        });
        for done in join_all(moves).await {
            match done {
                Ok(_) => cancelled += 1,
                // Somebody was faster.
                Err(Error::NotFound { .. } | Error::EtagMismatch { .. } | Error::Rejected(_)) => {}
                Err(error) => return Err(failed::failed(error)),
            }
        }
        purged.cancelled += count(cancelled);
        purged.passed_over += count(ids.len() - cancelled);
        Ok(())
    }
}

fn count(tasks: usize) -> i32 {
    i32::try_from(tasks).unwrap_or(i32::MAX)
}
