//! What many tests need.

use std::time::Duration;

use baton_client::{NewTask, actor, proto};
use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::{Actor, Task, TaskState, WatchStart, WatchTasksRequest};
use baton_test_database::Shell;
use baton_tests::harness::{Process, TestDatabase, TestServer};
use tonic::Status;

/// Between two looks at what nobody tells of.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A worker.
pub(crate) fn worker() -> Actor {
    actor::agent("agent-1")
}

/// A person.
pub(crate) fn person() -> Actor {
    actor::human("ada")
}

/// A UUID of the test's own.
pub(crate) fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Creates a task that nobody has touched.
pub(crate) async fn queued(server: &TestServer) -> Task {
    created(server, NewTask::new("test")).await
}

/// Creates a task.
pub(crate) async fn created(server: &TestServer, new: NewTask) -> Task {
    server.ok(server.client().create(new)).await.into_inner()
}

/// Creates a task and starts it.
pub(crate) async fn started(server: &TestServer, new: NewTask) -> Task {
    let task = created(server, new).await;
    start(server, &task.id).await
}

/// Starts a task.
pub(crate) async fn start(server: &TestServer, id: &str) -> Task {
    server
        .ok(server.client().start(id).assignee(worker()))
        .await
        .into_inner()
}

/// Reads a task.
pub(crate) async fn get(server: &TestServer, id: &str) -> Task {
    server.ok(server.client().get(id)).await.task
}

/// Waits until a task is in this state.
pub(crate) async fn until(server: &TestServer, id: &str, state: TaskState) -> Task {
    let request = proto::WaitTaskRequest {
        id: id.to_owned(),
        timeout: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        until_states: vec![state.into()],
    };
    let answer = server.ok(server.client().call(request)).await;
    let task = answer.task.expect("WaitTask answers a task");
    assert!(
        !answer.timed_out,
        "task {id} is {} and not {}: {task:#?}",
        task.state().as_str_name(),
        state.as_str_name()
    );
    task
}

/// Holds the database, so that nothing is committed until it is let go.
pub(crate) struct Holder(Shell);

impl Holder {
    pub(crate) async fn of(server: &TestServer) -> Self {
        let mut shell = server.database().shell().await;
        shell.hold().await;
        Holder(shell)
    }

    pub(crate) async fn let_go(mut self) {
        self.0.let_go().await;
        self.0.close().await;
    }
}

/// Everything from the oldest event on.
pub(crate) fn from_oldest() -> WatchTasksRequest {
    let mut request = WatchTasksRequest::default();
    request.set_start(WatchStart::Oldest);
    request
}

/// How a server answers a token that it gave itself, after its database was put back to a time before.
pub(crate) async fn refused_future_token() -> Status {
    let database = TestDatabase::new();
    let run = || Process::start(&database, |_| {}).unwrap();
    let first = run();
    first.client().create(NewTask::new("test")).await.unwrap();
    first.kill();
    database.keep_copy();
    let second = run();
    second.client().create(NewTask::new("test")).await.unwrap();
    let mut watches = TaskServiceClient::new(second.channel());
    let mut watch = watches.watch_tasks(from_oldest()).await.unwrap().into_inner();
    let mut token = String::new();
    let mut events = 0;
    while events < 4 {
        let message = watch.message().await.unwrap().unwrap();
        events += message.events.len();
        token = message.resume_token;
    }
    second.kill();
    database.put_copy_back();
    let third = run();
    let request = WatchTasksRequest {
        resume_token: token,
        ..WatchTasksRequest::default()
    };
    let refused = TaskServiceClient::new(third.channel()).watch_tasks(request).await;
    refused.expect_err("the token is of a time that this database does not know")
}

/// How long something stands, or between two looks.
pub(crate) async fn moment(span: Duration) {
    let mut looks = tokio::time::interval(span.max(Duration::from_millis(1)));
    looks.tick().await;
    looks.tick().await;
}

/// Memory that a process holds.
pub(crate) fn resident_bytes(process: u32) -> usize {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).expect("the process is there");
    let resident = pages
        .split(' ')
        .nth(1)
        .and_then(|count| count.parse::<usize>().ok());
    resident.expect("statm has a resident count") * 4_096
}
