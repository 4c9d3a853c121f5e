//! ScheduleService.

use baton_domain::limits::REPLY_BYTES;
use baton_domain::{Schedule, ScheduleId, Timestamp};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::schedule_service_server::ScheduleService;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::task::{self, Shown};
use super::convert::{Draw, schedule};
use super::moves::{Again, answered};
use super::page::{Listing, other_list};
use super::requests::named::Key;
use super::requests::schedules::{self, Asked, Previewed, ScheduleCall};
use super::{failed, judge};
use crate::engine::{Engine, Error, ScheduleDone};

/// Schedules that one read fetches: each may carry a megabyte.
const FETCHED_MAX_COUNT: usize = 16;

/// Creates, changes and shows schedules.
#[derive(Clone)]
pub(crate) struct ScheduleApi {
    engine: Engine,
}

impl ScheduleApi {
    /// Serves the schedules of `engine`.
    pub(crate) const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Reads a request, makes its change and answers what it did.
    async fn change<R: ScheduleCall>(&self, request: Request<R>) -> Result<ScheduleDone, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let draw = Draw {
            ids: self.engine.ids(),
            now_micros: self.engine.clock().now_micros(),
        };
        let Asked { change, request_id } = judge::read(|v| request.read(v, &draw))?;
        let key = again.zip(request_id).map(|(again, id)| again.key(id));
        let done = self.engine.change_schedule(change, key).await;
        done.map_err(failed::failed)
    }

    /// As [`Self::change`], of a call that answers with the schedule and nothing else.
    async fn changed<R: ScheduleCall, A>(
        &self,
        request: Request<R>,
        answer: fn(Option<raw::Schedule>) -> A,
    ) -> Result<Response<A>, Status> {
        let done = self.change(request).await?;
        let written = done.schedule.map(|found| schedule::write(&found, true));
        Ok(answered(answer(written), done.replayed))
    }

    async fn known(&self, (namespace, name): Key) -> Result<Schedule, Status> {
        let found = self.engine.store().schedule(&namespace, &name).await;
        let found = found.map_err(failed::unread)?;
        found.ok_or_else(|| failed::failed(Error::ScheduleNotFound { name }))
    }

    async fn list(&self, request: raw::ListSchedulesRequest) -> Result<raw::ListSchedulesResponse, Status> {
        let (namespace, page) = judge::read(|v| schedules::read_list(v, request))?;
        let listing = Listing {
            method: "ListSchedules",
            scope: &namespace,
            filter: String::new(),
            order: String::new(),
        };
        let keyring = self.engine.store().keyring();
        let mut after = match listing.open(keyring, &page.token)? {
            Some(key) => String::from_utf8(key).map_err(|_| other_list())?,
            None => String::new(),
        };
        let (mut answer, mut bytes) = (raw::ListSchedulesResponse::default(), 0);
        loop {
            // One more than is shown tells whether there is another.
            let wanted = (page.size - answer.schedules.len()).min(FETCHED_MAX_COUNT);
            let limit = u32::try_from(wanted + 1).unwrap_or(u32::MAX);
            let found = self
                .engine
                .store()
                .list_schedules(&namespace, &after, limit)
                .await;
            let found = found.map_err(failed::unread)?;
            let more = found.len() > wanted;
            for found in found.into_iter().take(wanted) {
                let written = schedule::write(&found, false);
                bytes += written.encoded_len();
                if bytes > REPLY_BYTES && !answer.schedules.is_empty() {
                    answer.next_page_token = listing.next(keyring, after.into_bytes());
                    return Ok(answer);
                }
                after = found.name;
                answer.schedules.push(written);
            }
            if !more {
                return Ok(answer);
            }
            if answer.schedules.len() == page.size {
                answer.next_page_token = listing.next(keyring, after.into_bytes());
                return Ok(answer);
            }
        }
    }

    async fn preview(
        &self,
        request: raw::PreviewScheduleRequest,
    ) -> Result<raw::PreviewScheduleResponse, Status> {
        let asked = judge::read(|v| schedules::read_preview(v, request))?;
        let (id, spec) = match asked.of {
            Previewed::Known(key) => {
                let Schedule { id, spec, .. } = self.known(key).await?;
                (id, Box::new(spec))
            }
            Previewed::New(spec) => (ScheduleId(Uuid::nil()), spec),
        };
        let now = Timestamp::from_micros(self.engine.clock().now_micros());
        let first = spec.tick_after(id, asked.after.unwrap_or(now));
        let ticks = std::iter::successors(first, |tick| spec.tick_after(id, tick.time));
        Ok(raw::PreviewScheduleResponse {
            ticks: ticks.take(asked.count).map(schedule::write_tick).collect(),
            words: spec.words(),
        })
    }

    async fn trigger(
        &self,
        request: Request<raw::TriggerScheduleRequest>,
    ) -> Result<Response<raw::TriggerScheduleResponse>, Status> {
        let ScheduleDone {
            schedule,
            task,
            replayed,
        } = self.change(request).await?;
        let answer = raw::TriggerScheduleResponse {
            task: task.map(|task| Box::new(task::write(&task, Shown::BASIC))),
            schedule: schedule.map(|found| schedule::write(&found, true)),
        };
        Ok(answered(answer, replayed))
    }
}

/// Declares the calls that answer with the schedule alone.
macro_rules! changed {
    ($self:ident, $request:ident, $response:ident) => {
        $self
            .changed($request, |schedule| raw::$response { schedule })
            .await
    };
}

#[tonic::async_trait]
impl ScheduleService for ScheduleApi {
    async fn create_schedule(
        &self,
        request: Request<raw::CreateScheduleRequest>,
    ) -> Result<Response<raw::CreateScheduleResponse>, Status> {
        changed!(self, request, CreateScheduleResponse)
    }

    async fn get_schedule(
        &self,
        request: Request<raw::GetScheduleRequest>,
    ) -> Result<Response<raw::GetScheduleResponse>, Status> {
        let key = judge::read(|v| schedules::read_get(v, request.into_inner()))?;
        let found = self.known(key).await?;
        Ok(Response::new(raw::GetScheduleResponse {
            schedule: Some(schedule::write(&found, true)),
        }))
    }

    async fn list_schedules(
        &self,
        request: Request<raw::ListSchedulesRequest>,
    ) -> Result<Response<raw::ListSchedulesResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new)
    }

    async fn update_schedule(
        &self,
        request: Request<raw::UpdateScheduleRequest>,
    ) -> Result<Response<raw::UpdateScheduleResponse>, Status> {
        changed!(self, request, UpdateScheduleResponse)
    }

    async fn delete_schedule(
        &self,
        request: Request<raw::DeleteScheduleRequest>,
    ) -> Result<Response<raw::DeleteScheduleResponse>, Status> {
        let done = self.change(request).await?;
        Ok(answered(raw::DeleteScheduleResponse {}, done.replayed))
    }

    async fn pause_schedule(
        &self,
        request: Request<raw::PauseScheduleRequest>,
    ) -> Result<Response<raw::PauseScheduleResponse>, Status> {
        changed!(self, request, PauseScheduleResponse)
    }

    async fn resume_schedule(
        &self,
        request: Request<raw::ResumeScheduleRequest>,
    ) -> Result<Response<raw::ResumeScheduleResponse>, Status> {
        changed!(self, request, ResumeScheduleResponse)
    }

    async fn trigger_schedule(
        &self,
        request: Request<raw::TriggerScheduleRequest>,
    ) -> Result<Response<raw::TriggerScheduleResponse>, Status> {
        self.trigger(request).await
    }

    async fn preview_schedule(
        &self,
        request: Request<raw::PreviewScheduleRequest>,
    ) -> Result<Response<raw::PreviewScheduleResponse>, Status> {
        self.preview(request.into_inner()).await.map(Response::new)
    }
}
