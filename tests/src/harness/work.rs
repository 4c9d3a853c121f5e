//! Recorded calls of workers.

use baton_proto::v1::worker_service_client::WorkerServiceClient;
use baton_proto::v1::{
    AppendOutputRequest, AppendOutputResponse, LeaseTasksRequest, LeaseTasksResponse, RenewLeasesRequest,
    RenewLeasesResponse, ReportTasksRequest, ReportTasksResponse, SaveCheckpointRequest,
    SaveCheckpointResponse, Task,
};
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::TestServer;
use super::history::History;
use crate::oracle::{self, Outcome};

impl TestServer {
    /// The generated client of workers: for calls that change no task.
    pub fn workers(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(self.channel()).max_decoding_message_size(64 << 20)
    }

    /// Leases tasks.
    ///
    /// Errors: the status.
    pub async fn lease_tasks(&self, request: LeaseTasksRequest) -> Result<LeaseTasksResponse, Status> {
        let mut workers = self.workers();
        let call = workers.lease_tasks(request);
        let leased = |answer: &LeaseTasksResponse| {
            answer
                .leased_tasks
                .iter()
                .filter_map(|lease| lease.task.clone())
                .collect()
        };
        record(self.history(), ("LeaseTasks", Vec::new()), call, leased).await
    }

    /// Renews leases. The answer shows no task: what it may have started or told is taken as its own.
    ///
    /// Errors: the status.
    pub async fn renew_leases(&self, request: RenewLeasesRequest) -> Result<RenewLeasesResponse, Status> {
        let named = request.renewals.iter().map(|renewal| renewal.id.clone());
        let named = ("RenewLeases", named.collect());
        let mut workers = self.workers();
        let entry = begun(self.history(), named);
        let answer = workers.renew_leases(request).await.map(Response::into_inner);
        self.history().add(entry);
        answer
    }

    /// Reports many tasks.
    ///
    /// Errors: the status.
    pub async fn report_tasks(&self, request: ReportTasksRequest) -> Result<ReportTasksResponse, Status> {
        let named = request.reports.iter().map(|report| report.id.clone());
        let named = ("ReportTasks", named.collect());
        let mut workers = self.workers();
        let call = workers.report_tasks(request);
        let done = |answer: &ReportTasksResponse| {
            answer
                .results
                .iter()
                .filter_map(|result| result.task.clone())
                .collect()
        };
        record(self.history(), named, call, done).await
    }

    /// Saves a checkpoint.
    ///
    /// Errors: the status.
    pub async fn save_checkpoint(
        &self,
        request: SaveCheckpointRequest,
    ) -> Result<SaveCheckpointResponse, Status> {
        let named = ("SaveCheckpoint", vec![request.id.clone()]);
        let mut workers = self.workers();
        let call = workers.save_checkpoint(request);
        let saved = |answer: &SaveCheckpointResponse| answer.task.clone().into_iter().collect();
        record(self.history(), named, call, saved).await
    }

    /// Tells a part of the output.
    ///
    /// Errors: the status.
    pub async fn append_output(&self, request: AppendOutputRequest) -> Result<AppendOutputResponse, Status> {
        let named = ("AppendOutput", vec![request.id.clone()]);
        let mut workers = self.workers();
        let call = workers.append_output(request);
        let told = |answer: &AppendOutputResponse| answer.task.clone().into_iter().collect();
        record(self.history(), named, call, told).await
    }
}

fn begun(history: &History, (method, named): (&'static str, Vec<String>)) -> oracle::Call {
    oracle::Call {
        begun: history.tick(),
        ended: 0,
        method,
        actor: None,
        named,
        outcome: Outcome::Unknown,
    }
}

async fn record<T>(
    history: &History,
    named: (&'static str, Vec<String>),
    call: impl Future<Output = Result<Response<T>, Status>>,
    changed: impl FnOnce(&T) -> Vec<Task>,
) -> Result<T, Status> {
    let entry = begun(history, named);
    // If the caller is dropped meanwhile, nobody knows how the call ended.
    let mut unfinished = history.unfinished(entry);
    let answer = call.await;
    let outcome = match &answer {
        Ok(answer) => Outcome::Changed {
            tasks: changed(answer.get_ref()),
            replayed: answer.metadata().contains_key("baton-replayed"),
        },
        Err(status) if status.code() == tonic::Code::Unavailable => Outcome::Unknown,
        Err(status) => Outcome::Refused(status.code(), status.message().to_owned()),
    };
    unfinished.end(outcome);
    answer.map(Response::into_inner)
}
