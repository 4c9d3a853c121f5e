//! Holding tasks by lease, call by call: for programs that have no use for a [`Worker`](crate::Worker).
//!
//! The token of a lease goes with everything that its holder sends: see [`Call::lease_token`].

use std::time::Duration;

use baton_proto::v1::{
    AppendOutputRequest, AssignTaskRequest, CompleteTaskRequest, FailTaskRequest, LeaseRenewal,
    LeaseTasksRequest, Payload, ReleaseTaskRequest, RenewLeasesRequest, ReportTasksRequest,
    RequestInputRequest, SaveCheckpointRequest, SnoozeTaskRequest, StartTaskRequest, SubmitForReviewRequest,
    TaskReport, UpdateProgressRequest,
};

use crate::Client;
use crate::call::Call;
use crate::value::span;

impl Client {
    /// Leases ready tasks for the worker that the client's actor is, or the call's
    /// [`worker`](Call::<LeaseTasksRequest>::worker); waits for one up to 20 s unless told otherwise. QUEUED to
    /// ASSIGNED. Not repeated when its answer is lost: what it may have leased goes back by itself after 10 s.
    pub fn lease_tasks(&self) -> Call<LeaseTasksRequest> {
        self.call(LeaseTasksRequest::default())
    }

    /// Keeps leases, 1 to 1,000, and answers what to do about each, in their order. The first renewal of a lease says
    /// that the work has begun: ASSIGNED to IN_PROGRESS.
    pub fn renew_leases(&self, renewals: impl IntoIterator<Item = LeaseRenewal>) -> Call<RenewLeasesRequest> {
        self.call(RenewLeasesRequest {
            renewals: renewals.into_iter().collect(),
            ..Default::default()
        })
    }

    /// Ends the work on tasks, 1 to 500; answers what became of each report, in their order, also where all are
    /// refused. [`Refusal::from`](crate::Refusal) reads the error of one.
    pub fn report_tasks(&self, reports: impl IntoIterator<Item = TaskReport>) -> Call<ReportTasksRequest> {
        self.call(ReportTasksRequest {
            reports: reports.into_iter().collect(),
        })
    }

    /// Saves where the work on an IN_PROGRESS task can be taken up again.
    pub fn save_checkpoint(&self, id: impl Into<String>, checkpoint: Payload) -> Call<SaveCheckpointRequest> {
        self.call(SaveCheckpointRequest {
            id: id.into(),
            checkpoint: Some(checkpoint),
            ..Default::default()
        })
    }

    /// Tells a part of the output of an IN_PROGRESS task; whoever watches it sees the part at once.
    pub fn append_output(&self, id: impl Into<String>, chunk: Payload) -> Call<AppendOutputRequest> {
        self.call(AppendOutputRequest {
            id: id.into(),
            chunk: Some(chunk),
            ..Default::default()
        })
    }
}

impl Call<LeaseTasksRequest> {
    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|request| request.namespace = namespace.into())
    }

    /// Who leases, in place of the client's actor: one id for each running worker.
    pub fn worker(self, worker: baton_proto::v1::Actor) -> Self {
        self.with(|request| request.worker = Some(worker))
    }

    /// The queues to take from, at most 16. Default `default`.
    pub fn queues(self, queues: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|request| request.queues = queues.into_iter().map(Into::into).collect())
    }

    /// The types of tasks that the worker can do, at most 16. Either this or [`any_type`](Self::any_type).
    pub fn types(self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|request| request.types = types.into_iter().map(Into::into).collect())
    }

    /// Tasks of whatever type.
    pub fn any_type(self) -> Self {
        self.with(|request| request.any_type = true)
    }

    /// How many tasks to lease at most, 1 to 256. Default 1.
    pub fn max_tasks(self, count: i32) -> Self {
        self.with(|request| request.max_tasks = count)
    }

    /// How long each lease lasts from its start and from each renewal, 5 s to 1 h. Default 30 s.
    pub fn lease_duration(self, duration: Duration) -> Self {
        self.with(|request| request.lease_duration = Some(span(duration)))
    }

    /// How long to wait where nothing is ready, 0 to 60 s. Default 20 s; 0 answers at once.
    pub fn wait_timeout(self, wait: Duration) -> Self {
        self.with(|request| request.wait_timeout = Some(span(wait)))
    }
}

impl Call<RenewLeasesRequest> {
    /// The new length of the leases, 5 s to 1 h. Default: each as it was granted.
    pub fn lease_duration(self, duration: Duration) -> Self {
        self.with(|request| request.lease_duration = Some(span(duration)))
    }

    /// How long to stay open for a lease that is to be given up, 0 to 60 s. Default 0.
    pub fn wait_timeout(self, wait: Duration) -> Self {
        self.with(|request| request.wait_timeout = Some(span(wait)))
    }
}

/// `lease_duration`: what makes an assignment a lease.
macro_rules! may_lease {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// Makes it a lease, of 5 s to 1 h from its start and from each renewal:
            /// [`Reply::lease`](crate::Reply::lease) has its token. Default: no lease, for people who take as long as
            /// it takes.
            pub fn lease_duration(self, duration: Duration) -> Self {
                self.with(|request| request.lease_duration = Some(span(duration)))
            }
        }
    )+};
}

may_lease!(AssignTaskRequest StartTaskRequest);

impl Call<AppendOutputRequest> {
    /// The place of the part in this run: 0, 1, 2 and so on; with it the call repeats safely. Default: the next.
    pub fn index(self, index: i32) -> Self {
        self.with(|request| request.index = Some(index))
    }
}

/// `lease_token`: what the holder of a task says with everything about it.
macro_rules! by_lease {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// The token of the lease by which the task is held. It is a secret: keep it out of logs.
            pub fn lease_token(self, token: impl Into<String>) -> Self {
                self.with(|request| request.lease_token = token.into())
            }
        }
    )+};
}

by_lease! {
    StartTaskRequest UpdateProgressRequest CompleteTaskRequest FailTaskRequest ReleaseTaskRequest SnoozeTaskRequest
    RequestInputRequest SubmitForReviewRequest SaveCheckpointRequest AppendOutputRequest
}
