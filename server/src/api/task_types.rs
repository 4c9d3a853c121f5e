//! TaskTypeService.

use baton_domain::limits::REPLY_BYTES;
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::task_type_service_server::TaskTypeService;
use prost::Message as _;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::convert::{Draw, task_type};
use super::moves::{Again, answered};
use super::page::{Listing, other_list};
use super::requests::task_types::{self, Asked, TypeCall};
use super::status::Refusal;
use super::{failed, judge};
use crate::engine::{Engine, Error, TypeDone};

/// Requests with schemas that are read at once: so many processors they may keep busy.
static READING: Semaphore = Semaphore::const_new(2);

/// Registers, changes and shows task types.
#[derive(Clone)]
pub(crate) struct TaskTypeApi {
    engine: Engine,
}

impl TaskTypeApi {
    /// Serves the types of `engine`.
    pub(crate) const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Reads a request, makes its change and answers what it did. A request with a schema is read beside the threads that
    /// calls share: making a large one ready takes a while.
    async fn change<R: TypeCall + Send + 'static>(&self, request: Request<R>) -> Result<TypeDone, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let _turn = READING.acquire().await;
        let engine = self.engine.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let draw = Draw {
                ids: engine.ids(),
                now_micros: engine.clock().now_micros(),
            };
            judge::read(|v| request.read(v, &draw))
        });
        let Asked { change, request_id } = reading.await.map_err(|error| Refusal::bug(&error))??;
        let key = again.zip(request_id).map(|(again, id)| again.key(id));
        let done = self.engine.change_type(change, key).await;
        done.map_err(failed::failed)
    }

    fn list(&self, request: raw::ListTaskTypesRequest) -> Result<raw::ListTaskTypesResponse, Status> {
        let (namespace, page) = judge::read(|v| task_types::read_list(v, request))?;
        let listing = Listing {
            method: "ListTaskTypes",
            scope: &namespace,
            filter: String::new(),
            order: String::new(),
        };
        let keyring = self.engine.store().keyring();
        let mut after = match listing.open(keyring, &page.token)? {
            Some(key) => String::from_utf8(key).map_err(|_| other_list())?,
            None => String::new(),
        };
        let (mut answer, mut bytes) = (raw::ListTaskTypesResponse::default(), 0);
        // One more than is shown tells whether there is another.
        for found in self.engine.list_task_types(&namespace, &after, page.size + 1) {
            let written = task_type::write(&found);
            bytes += written.encoded_len();
            let full = bytes > REPLY_BYTES && !answer.task_types.is_empty();
            if full || answer.task_types.len() == page.size {
                answer.next_page_token = listing.next(keyring, after.into_bytes());
                break;
            }
            after.clone_from(&found.name);
            answer.task_types.push(written);
        }
        Ok(answer)
    }
}

#[tonic::async_trait]
impl TaskTypeService for TaskTypeApi {
    async fn register_task_type(
        &self,
        request: Request<raw::RegisterTaskTypeRequest>,
    ) -> Result<Response<raw::RegisterTaskTypeResponse>, Status> {
        let done = self.change(request).await?;
        let task_type = done.task_type.map(|found| task_type::write(&found));
        Ok(answered(
            raw::RegisterTaskTypeResponse { task_type },
            done.replayed,
        ))
    }

    async fn get_task_type(
        &self,
        request: Request<raw::GetTaskTypeRequest>,
    ) -> Result<Response<raw::GetTaskTypeResponse>, Status> {
        let (namespace, name) = judge::read(|v| task_types::read_get(v, request.into_inner()))?;
        let found = self.engine.task_type(&namespace, &name);
        let found = found.ok_or_else(|| failed::failed(Error::TypeNotFound { name }))?;
        Ok(Response::new(raw::GetTaskTypeResponse {
            task_type: Some(task_type::write(&found)),
        }))
    }

    async fn list_task_types(
        &self,
        request: Request<raw::ListTaskTypesRequest>,
    ) -> Result<Response<raw::ListTaskTypesResponse>, Status> {
        self.list(request.into_inner()).map(Response::new)
    }

    async fn update_task_type(
        &self,
        request: Request<raw::UpdateTaskTypeRequest>,
    ) -> Result<Response<raw::UpdateTaskTypeResponse>, Status> {
        let done = self.change(request).await?;
        let task_type = done.task_type.map(|found| task_type::write(&found));
        Ok(answered(raw::UpdateTaskTypeResponse { task_type }, done.replayed))
    }

    async fn delete_task_type(
        &self,
        request: Request<raw::DeleteTaskTypeRequest>,
    ) -> Result<Response<raw::DeleteTaskTypeResponse>, Status> {
        let done = self.change(request).await?;
        Ok(answered(raw::DeleteTaskTypeResponse {}, done.replayed))
    }
}
