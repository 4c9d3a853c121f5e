//! The edge towards callers: services, conversions, and the one maker of gRPC statuses.
//!
//! Reading order: `task_service` (what is called), `requests` (what is asked, read whole), `moves`, `crud`, `lists`,
//! `bulk`, `wait`, `watch` (what is done about it), `convert` (between messages and the domain), `refuse` and
//! `failed` (refusals).

mod admin;
mod bulk;
mod check;
mod convert;
mod crud;
mod declare;
mod explain;
mod explain_queue;
mod failed;
mod judge;
mod lists;
mod moves;
mod outcome;
mod page;
mod queues;
mod reason;
mod refuse;
mod repeat;
mod requests;
mod schedules;
mod stats;
mod task_service;
mod task_types;
#[cfg(test)]
mod tests;
mod transfer;
mod value;
mod violations;
mod wait;
mod watch;
mod webhooks;
mod worker;

pub mod status;

pub(crate) use convert::notice::write as write_notice;
pub use declare::{
    Declarations, DeclaredQueue, DeclaredSchedule, DeclaredTypes, DeclaredWebhook, judge_webhook,
};
pub(crate) use declare::{NotDeclared, declare};
pub use judge::{judge, methods};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_proto::raw::v1::admin_service_server::AdminServiceServer;
use baton_proto::raw::v1::queue_service_server::QueueServiceServer;
use baton_proto::raw::v1::schedule_service_server::ScheduleServiceServer;
use baton_proto::raw::v1::task_service_server::TaskServiceServer;
use baton_proto::raw::v1::task_type_service_server::TaskTypeServiceServer;
use baton_proto::raw::v1::webhook_service_server::WebhookServiceServer;
use baton_proto::raw::v1::worker_service_server::WorkerServiceServer;

use self::admin::AdminApi;
use self::queues::QueueApi;
use self::schedules::ScheduleApi;
use self::task_service::TaskApi;
use self::task_types::TaskTypeApi;
use self::watch::Watches;
use self::webhooks::WebhookApi;
use self::worker::WorkerApi;
use crate::engine::Engine;
use crate::net::{Services, Shutdown};
use crate::webhooks::Courier;

/// A task as GetTask answers it.
///
/// # Panics
/// The two forms of the contract differ.
#[cfg(feature = "simulation")]
#[must_use]
pub fn answered_task(task: &baton_domain::Task) -> baton_proto::v1::Task {
    shown(&convert::task::write(task, convert::task::Shown::FULL))
}

/// An event as WatchTasks answers it.
///
/// # Panics
/// As [`answered_task`].
#[cfg(feature = "simulation")]
#[must_use]
pub fn answered_event(event: &baton_domain::Event) -> baton_proto::v1::TaskEvent {
    shown(&convert::event::write(event, true))
}

#[cfg(feature = "simulation")]
fn shown<M: prost::Message + Default>(written: &impl prost::Message) -> M {
    M::decode(written.encode_to_vec().as_slice()).expect("both are the same message")
}

/// Adds the services of the contract over `engine`; `courier` brings what webhooks send.
pub(crate) fn serve(
    services: &mut Services,
    (engine, courier): (&Engine, &Courier),
    shutdown: Shutdown,
    bookmark_every: Duration,
    backup_folder: Option<PathBuf>,
) {
    let watches = Watches {
        engine: engine.clone(),
        shutdown,
        keys: Arc::new(engine.store().keyring().clone()),
        bookmark_every,
    };
    let tasks = TaskApi::new(watches);
    services
        .add(TaskServiceServer::new(tasks.clone()))
        .add(WorkerServiceServer::new(WorkerApi::new(tasks)))
        .add(ScheduleServiceServer::new(ScheduleApi::new(engine.clone())))
        .add(TaskTypeServiceServer::new(TaskTypeApi::new(engine.clone())))
        .add(QueueServiceServer::new(QueueApi::new(engine.clone())))
        .add(WebhookServiceServer::new(WebhookApi::new(
            engine.clone(),
            courier.clone(),
        )))
        .add(AdminServiceServer::new(AdminApi::new(
            engine.clone(),
            backup_folder,
        )));
}
