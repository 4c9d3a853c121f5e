//! The client of Baton, a durable task service.
//!
//! Every RPC of the contract is a method of [`Client`]. A method makes a [`Call`]; what it may be told beside its
//! arguments are methods of the call; `.await` sends it.
//!
//! ```no_run
//! use std::time::Duration;
//! use baton_client::{Client, NewTask, actor};
//!
//! # async fn example() -> Result<(), baton_client::Error> {
//! let client = Client::builder()
//!     .endpoint("http://127.0.0.1:50051")
//!     .actor(actor::service("billing"))
//!     .build()?;
//!
//! let task = client
//!     .create(NewTask::new("invoice.send").input_json(&serde_json::json!({ "invoice": 42 })))
//!     .await?;
//! let done = client.wait(&task.id, Duration::from_secs(60)).await?;
//! println!("{}: {:?}", done.task.id, done.task.state());
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! [`Error::Refused`] is the server's no: a [`Reason`] for programs, words for people, every field that breaks a rule,
//! the moves that are allowed instead. Everything else is the way there: a transport that broke, a time that ran out.
//! [`Error::outcome_unknown`] says when a change may have been made all the same.
//!
//! ```no_run
//! # use baton_client::{Client, Reason};
//! # async fn example(client: Client, id: &str) -> Result<(), baton_client::Error> {
//! match client.complete(id).output_json(&serde_json::json!("ok")).await {
//!     Ok(task) => println!("{:?}", task.state()),
//!     Err(error) if error.reason() == Some(&Reason::InvalidStateTransition) => {
//!         println!("not now; allowed: {}", error.allowed_moves().join(", "));
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Repeats
//!
//! A call that failed on its way is repeated where that is safe, with growing, jittered waits, not before the server's
//! RetryInfo, within the call's time and the client's [`RetrySettings`]:
//!
//! | What came | Repeated |
//! |---|---|
//! | no connection; a connection that closed before the request was sent (the GOAWAY case) | always |
//! | OVERLOADED, STORE_BUSY, STORE_UNAVAILABLE, DRAINING: nothing was done | always |
//! | OUTCOME_UNKNOWN, another UNAVAILABLE, a connection that broke under the call | reads, and changes with a `task_id` or `request_id` |
//! | anything else Baton says, and a time that ran out | never |
//!
//! Creates always carry a `task_id`, other changes a `request_id` unless [`ClientBuilder::request_ids`] says no, so
//! by default all but [`Client::advance_clock`] and [`Client::backup_store`] is repeated. Carried out twice is none of them: the server answers a
//! repeat with the task as it is, and [`Reply::replayed`] tells.
//!
//! # The feed
//!
//! [`Client::watch`] tells what happens, and finds its way back by itself:
//!
//! ```no_run
//! # use baton_client::{Client, WatchItem, WatchOptions};
//! # async fn example(client: Client) -> Result<(), baton_client::Error> {
//! let mut watch = client.watch(WatchOptions::tasks().filter("queue = mail").from_snapshot()).await?;
//! while let Some(item) = watch.next().await {
//!     match item? {
//!         WatchItem::Snapshot(task) => println!("{} is {:?}", task.id, task.state()),
//!         WatchItem::Event(event) => println!("{} had {:?}", event.task_id, event.r#type()),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Workers
//!
//! A [`Worker`] takes tasks from queues and runs the handlers that are registered for their types. For programs that want
//! to do that themselves there are the calls: [`Client::lease_tasks`], [`Client::renew_leases`],
//! [`Client::report_tasks`].
//!
//! docs/handlers.md teaches handlers.
//!
//! # Connections
//!
//! A client has one connection for calls and one for what stays open (watches, waits); it makes them when it needs them
//! and again when they break. A server allows a limited number of streams on a connection: for more watches than
//! that, build more clients.

mod admin;
mod answers;
mod archives;
mod bulk;
mod call;
mod channel;
mod client;
mod connector;
mod crud;
mod error;
mod leases;
mod moves;
mod new_task;
mod queues;
mod reason;
mod retry;
mod rpc;
mod schedules;
mod settings;
mod task_types;
mod wait;
mod watch;
mod webhooks;
mod wire;
mod work;
mod worker;
mod workers;

pub mod actor;
pub mod value;

pub use answers::{BulkOutcome, Commented, Fetched, Lease, Triggered};
pub use archives::Export;
pub use baton_proto::v1 as proto;
pub use baton_proto::v1::{
    DedupPolicy, LeaseDirective, TaskEventType as EventType, TaskPriority as Priority, TaskState as State,
    TaskView as View,
};
pub use bulk::Selection;
pub use call::{Call, Reply};
pub use client::Client;
pub use error::{Delivery, Error, Refusal, TransportError, Violation};
pub use moves::When;
pub use new_task::NewTask;
pub use queues::NewQueue;
pub use reason::Reason;
pub use retry::RetrySettings;
pub use rpc::{Change, Guarded, Rpc};
pub use schedules::NewSchedule;
pub use settings::{ClientBuilder, DEFAULT_ENDPOINT};
pub use task_types::NewTaskType;
pub use tokio_util::sync::CancellationToken;
pub use tonic::Code;
pub use wait::{Wait, Waited};
pub use watch::{Watch, WatchItem, WatchOptions};
pub use webhooks::NewWebhook;
pub use worker::{Context, Ended, Failure, IntoOutcome, Outcome, Worker, WorkerBuilder};
