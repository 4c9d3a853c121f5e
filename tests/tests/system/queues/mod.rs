//! Queues: what limits the tasks that name them, and what is done about all of them.

mod calls;
mod explains;
mod limits;
mod rates;
mod settled;

use baton_client::NewTask;
use baton_client::proto::task_report;
use baton_client::proto::{
    LeaseTasksRequest, LeasedTask, Queue, ReportTasksRequest, ReportedCompletion, Task, TaskReport,
};
use baton_tests::harness::TestServer;

use crate::leases::one;
use crate::support::created;

/// A server whose tasks are begun by reports of their end.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.history().others_act_too();
    server
}

/// Creates a queue that stays as it is: the oracle holds its limits.
pub(crate) async fn limited(server: &TestServer, queue: impl Into<Queue>) -> Queue {
    let queue = server.client().create_queue(queue).await.unwrap().into_inner();
    server.history().limited(queue.clone());
    queue
}

/// One task of the queue `steps`.
pub(crate) fn step() -> NewTask {
    NewTask::new("step").queue("steps")
}

async fn steps(server: &TestServer, count: usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        tasks.push(created(server, step()).await);
    }
    tasks
}

/// Reports the work on a task as begun and done.
pub(crate) async fn finish(server: &TestServer, held: &LeasedTask) {
    let report = TaskReport {
        id: crate::leases::id(held).to_owned(),
        lease_token: held.lease_token.clone(),
        result: Some(task_report::Result::Complete(ReportedCompletion::default())),
        ..TaskReport::default()
    };
    let request = ReportTasksRequest {
        reports: vec![report],
    };
    let answer = server.report_tasks(request).await.unwrap();
    assert!(answer.results[0].error.is_none(), "{answer:?}");
}

/// As [`one`], of the queue `steps`.
pub(crate) fn ask(worker: &str) -> LeaseTasksRequest {
    LeaseTasksRequest {
        queues: vec!["steps".to_owned()],
        ..one(worker)
    }
}
