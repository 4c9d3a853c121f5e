//! ReportTasks: many reports in one call, each for itself.

use baton_domain::limits::REPLY_BYTES;
use baton_domain::{Command, Token};
use baton_proto::raw::v1 as raw;
use futures::future::join_all;
use prost::Message;
use tonic::{Request, Response, Status};

use super::WorkerApi;
use crate::api::convert::lease;
use crate::api::outcome::{moved, refused};
use crate::api::repeat::{call_of, fingerprint};
use crate::api::requests::report;
use crate::api::status::Refusal;
use crate::api::violations::Path;
use crate::api::{failed, judge};
use crate::engine::workers::{Seen, WorkerKey};
use crate::engine::{Class, MoveRequest, Reported};

impl WorkerApi {
    pub(super) async fn report_tasks(
        &self,
        request: Request<raw::ReportTasksRequest>,
    ) -> Result<Response<raw::ReportTasksResponse>, Status> {
        let request = request.into_inner();
        let reports = judge::read(|v| report::read_all(v, request))?;
        let reports = reports.into_iter().enumerate();
        let results = join_all(reports.map(|(index, report)| self.report_one(index, report))).await;
        let mut bytes = 0;
        let fit = |mut result: raw::BulkTaskResult| {
            bytes += result.encoded_len();
            if bytes > REPLY_BYTES {
                result.task = None;
            }
            result
        };
        Ok(Response::new(raw::ReportTasksResponse {
            results: results.into_iter().map(fit).collect(),
        }))
    }

    async fn report_one(&self, index: usize, report: raw::TaskReport) -> raw::BulkTaskResult {
        let id = report.id.clone();
        let result = self.try_report(index, report).await;
        result.unwrap_or_else(|refusal| refused(id, &refusal))
    }

    async fn try_report(
        &self,
        index: usize,
        mut report: raw::TaskReport,
    ) -> Result<raw::BulkTaskResult, Refusal> {
        let call = call_of::<raw::TaskReport>(&fingerprint(&mut report));
        let token = report.lease_token.clone();
        let reports = Path::REQUEST.field("reports");
        let at = reports.index(index);
        let report = judge::read(|v| report::read(v, &at, report, &self.tasks.draw()))?;
        let id = report.id;
        let token_at = at.field("lease_token");
        let lease = judge::read(|v| lease::read_token(v, &token_at, (&token, id), &self.tasks.watches.keys))?;
        let command = Command {
            actor: lease.holder.clone(),
            token: Some(Token {
                fence: lease.fence,
                call,
            }),
            action: report.action,
        };
        let asked = MoveRequest {
            id,
            command,
            etag: None,
            request: None,
            // As a renewal: what is done already must not be done again because too much is asked for.
            class: Class::Holder,
        };
        let start_time = report.start_time;
        let done = self.tasks.engine.report(asked, Reported { start_time }).await;
        let done = done.map_err(|error| failed::refuse_error(&error))?;
        let key = WorkerKey::of(&done.task.namespace, &lease.holder);
        let registry = &self.engine().workers().registry;
        registry.seen(&key, &lease.holder, (Seen::Speaks, self.now()));
        Ok(moved(id, &done.task))
    }
}
