//! QueueService.

mod purge;
mod stats;

use baton_domain::Timestamp;
use baton_domain::limits::REPLY_BYTES;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::queue_service_server::QueueService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::convert::{Draw, queue};
use super::moves::{Again, answered};
use super::page::{Listing, other_list};
use super::requests::named::Key;
use super::requests::queues::{self, Asked, QueueCall};
use super::{failed, judge};
use crate::engine::{Engine, Error, QueueDone};
use crate::store::StandingQueue;

/// Queues that one read fetches.
const FETCHED_MAX_COUNT: usize = 100;

/// Creates, changes, empties and shows queues.
#[derive(Clone)]
pub(crate) struct QueueApi {
    engine: Engine,
}

impl QueueApi {
    /// Serves the queues of `engine`.
    pub(crate) const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.engine.clock().now_micros())
    }

    /// Reads a request, makes its change and answers what it did.
    async fn change<R: QueueCall>(&self, request: Request<R>) -> Result<QueueDone, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let draw = Draw {
            ids: self.engine.ids(),
            now_micros: self.engine.clock().now_micros(),
        };
        let Asked { change, request_id } = judge::read(|v| request.read(v, &draw))?;
        let key = again.zip(request_id).map(|(again, id)| again.key(id));
        let done = self.engine.change_queue(change, key).await;
        done.map_err(failed::failed)
    }

    /// As [`Self::change`], of a call that answers with the queue and nothing else.
    async fn changed<R: QueueCall, A>(
        &self,
        request: Request<R>,
        answer: fn(Option<raw::Queue>) -> A,
    ) -> Result<Response<A>, Status> {
        let QueueDone {
            queue: found,
            replayed,
        } = self.change(request).await?;
        Ok(answered(answer(found.as_ref().map(queue::write)), replayed))
    }

    async fn found(&self, (namespace, name): &Key) -> Result<Option<StandingQueue>, Status> {
        let found = self.engine.store().queue(namespace, name).await;
        found.map_err(failed::unread)
    }

    async fn list(&self, request: raw::ListQueuesRequest) -> Result<raw::ListQueuesResponse, Status> {
        let (namespace, page) = judge::read(|v| queues::read_list(v, request))?;
        let listing = Listing {
            method: "ListQueues",
            scope: &namespace,
            filter: String::new(),
            order: String::new(),
        };
        let keyring = self.engine.store().keyring();
        let mut after = match listing.open(keyring, &page.token)? {
            Some(key) => String::from_utf8(key).map_err(|_| other_list())?,
            None => String::new(),
        };
        let (mut answer, mut bytes) = (raw::ListQueuesResponse::default(), 0);
        loop {
            // One more than is shown tells whether there is another.
            let wanted = (page.size - answer.queues.len()).min(FETCHED_MAX_COUNT);
            let limit = u32::try_from(wanted + 1).unwrap_or(u32::MAX);
            let found = self.engine.store().list_queues(&namespace, &after, limit).await;
            let found = found.map_err(failed::unread)?;
            let more = found.len() > wanted;
            for found in found.iter().take(wanted) {
                let written = queue::write(found);
                bytes += written.encoded_len();
                if bytes > REPLY_BYTES && !answer.queues.is_empty() {
                    answer.next_page_token = listing.next(keyring, after.into_bytes());
                    return Ok(answer);
                }
                after.clone_from(&written.name);
                answer.queues.push(written);
            }
            if !more {
                return Ok(answer);
            }
            if answer.queues.len() == page.size {
                answer.next_page_token = listing.next(keyring, after.into_bytes());
                return Ok(answer);
            }
        }
    }
}

fn not_found((_, name): Key) -> Status {
    failed::failed(Error::QueueNotFound { name })
}

/// Declares the calls that answer with the queue alone.
macro_rules! changed {
    ($self:ident, $request:ident, $response:ident) => {
        $self.changed($request, |queue| raw::$response { queue }).await
    };
}

#[tonic::async_trait]
impl QueueService for QueueApi {
    async fn create_queue(
        &self,
        request: Request<raw::CreateQueueRequest>,
    ) -> Result<Response<raw::CreateQueueResponse>, Status> {
        changed!(self, request, CreateQueueResponse)
    }

    async fn get_queue(
        &self,
        request: Request<raw::GetQueueRequest>,
    ) -> Result<Response<raw::GetQueueResponse>, Status> {
        let key = judge::read(|v| queues::read_get(v, request.into_inner()))?;
        let found = self.found(&key).await?.ok_or_else(|| not_found(key))?;
        Ok(Response::new(raw::GetQueueResponse {
            queue: Some(queue::write(&found)),
        }))
    }

    async fn list_queues(
        &self,
        request: Request<raw::ListQueuesRequest>,
    ) -> Result<Response<raw::ListQueuesResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new)
    }

    async fn update_queue(
        &self,
        request: Request<raw::UpdateQueueRequest>,
    ) -> Result<Response<raw::UpdateQueueResponse>, Status> {
        changed!(self, request, UpdateQueueResponse)
    }

    async fn delete_queue(
        &self,
        request: Request<raw::DeleteQueueRequest>,
    ) -> Result<Response<raw::DeleteQueueResponse>, Status> {
        let done = self.change(request).await?;
        Ok(answered(raw::DeleteQueueResponse {}, done.replayed))
    }

    async fn pause_queue(
        &self,
        request: Request<raw::PauseQueueRequest>,
    ) -> Result<Response<raw::PauseQueueResponse>, Status> {
        changed!(self, request, PauseQueueResponse)
    }

    async fn resume_queue(
        &self,
        request: Request<raw::ResumeQueueRequest>,
    ) -> Result<Response<raw::ResumeQueueResponse>, Status> {
        changed!(self, request, ResumeQueueResponse)
    }

    async fn purge_queue(
        &self,
        request: Request<raw::PurgeQueueRequest>,
    ) -> Result<Response<raw::PurgeQueueResponse>, Status> {
        self.purge(request.into_inner()).await
    }

    async fn get_queue_stats(
        &self,
        request: Request<raw::GetQueueStatsRequest>,
    ) -> Result<Response<raw::GetQueueStatsResponse>, Status> {
        let key = judge::read(|v| queues::read_stats(v, request.into_inner()))?;
        self.stats(key).await.map(Response::new)
    }
}
