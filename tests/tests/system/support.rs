//! What many tests need.

use std::path::{Path, PathBuf};

use baton_client::{NewTask, actor, proto};
use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::{Actor, Task, TaskState, WatchStart, WatchTasksRequest};
use baton_tests::harness::{Process, TestServer};
use sqlx::{Connection, SqliteConnection};
use tonic::Status;

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

/// Holds the file, so that nothing is committed until it is let go.
pub(crate) struct Holder(SqliteConnection);

impl Holder {
    pub(crate) async fn of(server: &TestServer) -> Self {
        let url = format!("sqlite:{}", server.database().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Holder(connection)
    }

    pub(crate) async fn let_go(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// Everything from the oldest event on.
pub(crate) fn from_oldest() -> WatchTasksRequest {
    let mut request = WatchTasksRequest::default();
    request.set_start(WatchStart::Oldest);
    request
}

/// The files of a database that nobody has open.
fn files(database: &Path) -> [PathBuf; 2] {
    ["", "-wal"].map(|suffix| PathBuf::from(format!("{}{suffix}", database.display())))
}

/// How a server answers a token that it gave itself, after its database was put back to a time before.
pub(crate) async fn refused_future_token() -> Status {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let run = || Process::start(&database, |_| {}).unwrap();
    let first = run();
    first.client().create(NewTask::new("test")).await.unwrap();
    first.kill();
    let kept = files(&database).map(|file| std::fs::read(file).unwrap());
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
    for (file, bytes) in files(&database).iter().zip(kept) {
        std::fs::write(file, bytes).unwrap();
    }
    drop(std::fs::remove_file(format!("{}-shm", database.display())));
    let third = run();
    let request = WatchTasksRequest {
        resume_token: token,
        ..WatchTasksRequest::default()
    };
    let refused = TaskServiceClient::new(third.channel()).watch_tasks(request).await;
    refused.expect_err("the token is of a time that this database does not know")
}
