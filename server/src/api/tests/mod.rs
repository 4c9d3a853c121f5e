//! The services over a real engine and a real database, called without a network.

mod aims;
mod answers;
mod bulk;
mod creates;
mod explain;
mod leases;
mod lists;
mod reads;

use std::time::Duration;

use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::admin_service_server::AdminService;
use baton_proto::raw::v1::payload::Kind;
use baton_proto::raw::v1::task_service_server::TaskService;
use baton_test_database::TestDatabase;
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::admin::AdminApi;
use super::task_service::TaskApi;
use super::watch::Watches;
use crate::engine::{Engine, IntakeLimits, Parts};
use crate::feed::{Feed, RING_BYTES};
use crate::net::Shutdown;
use crate::seams::{Clock, Ids};
use crate::store::{Store, StoreOptions, Writer};

/// A server without its network and its timers.
struct Bench {
    tasks: TaskApi,
    admin: AdminApi,
    engine: Engine,
    committer: JoinHandle<Writer>,
    database: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Clock::movable()).await
    }

    async fn with(clock: Clock) -> Self {
        let database = TestDatabase::new();
        let url = database.url().parse().unwrap();
        let ids = Ids::system();
        let opened = Store::open(&url, &StoreOptions::new(ids.clone())).await.unwrap();
        let feed = Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES);
        let (engine, committer) = Engine::new(Parts {
            opened,
            feed,
            clock,
            ids,
            limits: IntakeLimits::default(),
            unknown_types: crate::config::UnknownTypes::Allow,
        });
        let committer = tokio::spawn(committer);
        let watches = Watches {
            engine: engine.clone(),
            shutdown: Shutdown::default(),
            keys: engine.store().keyring().clone().into(),
            bookmark_every: Duration::from_secs(15),
        };
        Self {
            tasks: TaskApi::new(watches),
            admin: AdminApi::new(engine.clone(), None),
            engine,
            committer,
            database,
        }
    }

    /// Creates a task and answers it as it was answered.
    async fn create(&self, task: raw::Task) -> raw::Task {
        let request = raw::CreateTaskRequest {
            task: Some(Box::new(task)),
            ..Default::default()
        };
        *ok(self.tasks.create_task(Request::new(request)).await)
            .task
            .unwrap()
    }

    async fn create_id(&self) -> String {
        self.create(raw::Task::default()).await.id
    }

    async fn start(&self, id: &str) -> raw::Task {
        let request = raw::StartTaskRequest {
            id: id.to_owned(),
            ..Default::default()
        };
        *ok(self.tasks.start_task(Request::new(request)).await)
            .task
            .unwrap()
    }

    async fn complete(&self, id: &str, output: Option<raw::Payload>) -> raw::Task {
        let request = raw::CompleteTaskRequest {
            id: id.to_owned(),
            output,
            ..Default::default()
        };
        *ok(self.tasks.complete_task(Request::new(request)).await)
            .task
            .unwrap()
    }

    async fn fail(&self, id: &str) -> raw::Task {
        let request = raw::FailTaskRequest {
            id: id.to_owned(),
            error: Some(raw::TaskError {
                message: "no".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        *ok(self.tasks.fail_task(Request::new(request)).await)
            .task
            .unwrap()
    }

    async fn get(&self, id: &str) -> raw::Task {
        let request = raw::GetTaskRequest {
            id: id.to_owned(),
            ..Default::default()
        };
        *ok(self.tasks.get_task(Request::new(request)).await).task.unwrap()
    }

    async fn pause(&self, id: &str) -> raw::Task {
        let request = raw::PauseTaskRequest {
            id: id.to_owned(),
            reason: "budget".to_owned(),
            ..Default::default()
        };
        *ok(self.tasks.pause_task(Request::new(request)).await)
            .task
            .unwrap()
    }

    async fn advance(&self, seconds: i64) {
        let request = raw::AdvanceClockRequest {
            duration: Some(prost_types::Duration { seconds, nanos: 0 }),
        };
        ok(self.admin.advance_clock(Request::new(request)).await);
    }

    /// Ends everything that runs.
    async fn finish(self) {
        self.engine.close();
        self.committer.await.unwrap();
    }
}

#[track_caller]
fn ok<T>(answer: Result<Response<T>, Status>) -> T {
    match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) => panic!("refused: {status:?}"),
    }
}

/// Whether an answer says that its call was made before.
fn is_replayed<T>(answer: &Response<T>) -> bool {
    answer
        .metadata()
        .get("baton-replayed")
        .is_some_and(|value| value == "true")
}

/// What a refusal says to programs.
#[derive(Debug)]
struct Refused {
    reason: String,
    code: tonic::Code,
    metadata: std::collections::HashMap<String, String>,
    fields: Vec<String>,
}

#[track_caller]
fn refused<T>(answer: Result<Response<T>, Status>) -> Refused {
    let status = answer.err().expect("the call must be refused");
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal has an ErrorInfo");
    let violations = details.bad_request().map(|bad| bad.field_violations.clone());
    Refused {
        reason: info.reason.clone(),
        code: status.code(),
        metadata: info.metadata.clone(),
        fields: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| violation.field)
            .collect(),
    }
}

fn text(text: &str) -> raw::Payload {
    raw::Payload {
        kind: Some(Kind::JsonText(text.to_owned())),
        ..Default::default()
    }
}

fn data(len: usize) -> raw::Payload {
    raw::Payload {
        kind: Some(Kind::Data(vec![7; len].into())),
        ..Default::default()
    }
}

fn titled(title: &str) -> raw::Task {
    raw::Task {
        title: title.to_owned(),
        ..Default::default()
    }
}

fn human(id: &str) -> raw::Actor {
    raw::Actor {
        r#type: raw::ActorType::Human.into(),
        id: id.to_owned(),
        ..Default::default()
    }
}

fn new_uuid(n: u32) -> String {
    format!("0199d3a0-5c00-7000-8000-{n:012}")
}
