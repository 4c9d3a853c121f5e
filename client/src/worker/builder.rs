//! How a worker is set up.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_proto::v1::{Actor, Payload};
use serde::de::DeserializeOwned;

use super::handler::{self, Handler};
use super::lease::HELD_MAX_COUNT;
use super::shared::Settings;
use super::{Context, Ended, Failure, IntoOutcome, run};
use crate::{Client, Error, actor};

/// Queues, and types, that one poll can name.
const NAMES_MAX_COUNT: usize = 16;

/// The lengths that a lease may have.
const LEASE_DURATIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_secs(3_600);

/// Sets a [`Worker`](super::Worker) up.
#[must_use = "a worker begins with run"]
pub struct WorkerBuilder {
    client: Client,
    settings: Settings,
    handlers: BTreeMap<String, Handler>,
}

/// Handlers cannot be shown.
impl std::fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("settings", &self.settings)
            .field("types", &self.handlers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl WorkerBuilder {
    pub(super) fn new(client: Client) -> Self {
        let id = format!("worker-{}", uuid::Uuid::now_v7());
        WorkerBuilder {
            client,
            settings: Settings {
                namespace: String::new(),
                actor: actor::service(id),
                queues: Vec::new(),
                concurrency: 10,
                lease_duration: Duration::from_secs(30),
                grace: Duration::from_secs(20),
            },
            handlers: BTreeMap::new(),
        }
    }

    /// Who the worker is: one id for each that runs. Default a SERVICE with an id of its own for each start.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.settings.actor = actor;
        self
    }

    /// The namespace to take tasks from, in place of the client's.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = namespace.into();
        self
    }

    /// Adds a queue to take tasks from, at most 16. Default `default`.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.settings.queues.push(queue.into());
        self
    }

    /// How many handlers run at once, 1 to 1,000. Default 10.
    pub fn concurrency(mut self, count: usize) -> Self {
        self.settings.concurrency = count;
        self
    }

    /// How long a lease lasts from each renewal, 5 s to 1 h: so long after a crash of this worker its tasks are tried
    /// again. Default 30 s.
    pub fn lease_duration(mut self, duration: Duration) -> Self {
        self.settings.lease_duration = duration;
        self
    }

    /// How long handlers may go on after the worker is told to stop, or after their own work is not wanted any more.
    /// Default 20 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Does the work on tasks of this type: a function of a [`Context`] and the task's input, read as JSON. It returns
    /// what serde can write, an [`Outcome`](super::Outcome), or a [`Failure`]. The tasks of other types are left to
    /// other workers. At most 16 types; "" stands for tasks without one. A second handler of a type takes the place of
    /// the first.
    ///
    /// An input that does not fit fails the task for good, with the code `INVALID_INPUT`; a panic fails the attempt,
    /// with the code `PANIC`.
    pub fn handler<I, O, W>(
        mut self,
        task_type: impl Into<String>,
        handler: impl Fn(Context, I) -> W + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned,
        O: IntoOutcome,
        W: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        self.handlers.insert(task_type.into(), handler::typed(handler));
        self
    }

    /// As [`handler`](Self::handler), with the input as it is: bytes, the address of something, or none.
    pub fn raw_handler<O, W>(
        mut self,
        task_type: impl Into<String>,
        handler: impl Fn(Context, Option<Payload>) -> W + Send + Sync + 'static,
    ) -> Self
    where
        O: IntoOutcome,
        W: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        self.handlers.insert(task_type.into(), handler::raw(handler));
        self
    }

    /// Works until the process is told to stop by SIGTERM or Ctrl-C, or somebody drains the worker; then finishes what
    /// it holds as [`run_until`](Self::run_until) says.
    ///
    /// Errors: as there; signals that cannot be listened for.
    pub async fn run(self) -> Result<Ended, Error> {
        let stop = run::termination()?;
        self.run_until(stop).await
    }

    /// Works until `stop` is over, or somebody drains the worker by
    /// [`drain_worker`](Client::drain_worker). Then it takes nothing new; handlers go on for its grace at most, those
    /// that are left are dropped and their tasks given back, and all ends are reported.
    ///
    /// It goes on over restarts of the server. Where the future is dropped, handlers are dropped with it, and their tasks
    /// are tried again when the leases run out.
    ///
    /// Errors: [`Error::Settings`] at once; what the server refuses for good, for example an API key, once what is held
    /// is finished.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<Ended, Error> {
        self.check()?;
        let WorkerBuilder {
            client,
            settings,
            handlers,
        } = self;
        run::run(client, settings, handlers, stop).await
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |why: String| Err(Error::Settings(why));
        let Settings {
            queues,
            concurrency,
            lease_duration,
            ..
        } = &self.settings;
        if self.handlers.is_empty() || self.handlers.len() > NAMES_MAX_COUNT {
            let count = self.handlers.len();
            return wrong(format!(
                "a worker has 1 to {NAMES_MAX_COUNT} handlers, not {count}"
            ));
        }
        if queues.len() > NAMES_MAX_COUNT {
            let count = queues.len();
            return wrong(format!(
                "a worker has at most {NAMES_MAX_COUNT} queues, not {count}"
            ));
        }
        if !(1..=HELD_MAX_COUNT).contains(concurrency) {
            return wrong(format!(
                "a worker runs 1 to {HELD_MAX_COUNT} handlers at once, not {concurrency}"
            ));
        }
        if !LEASE_DURATIONS.contains(lease_duration) {
            return wrong(format!("a lease lasts 5 s to 1 h, not {lease_duration:?}"));
        }
        Ok(())
    }
}
