//! A worker whose handlers are those of this crate.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_client::proto::Payload;
use baton_client::{Client, Context, Ended, Error, Failure, Outcome, Worker, WorkerBuilder, actor};
use baton_egress::Sender;

use crate::config::{CleanupConfig, HandlerConfig, Mistake, RunnerConfig, WorkerConfig};
use crate::notify::{Endpoint, Notify};
use crate::process::{Process, Program, Scratch};
use crate::startup::Start;
use crate::{cleanup, heartbeat, logged};

/// A worker that is ready to run.
pub struct Runner {
    worker: WorkerConfig,
    id: String,
    handlers: BTreeMap<String, Work>,
    start: Start,
}

/// What handlers hold cannot be shown.
impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("id", &self.id)
            .field("types", &self.start.types)
            .finish_non_exhaustive()
    }
}

/// Does the tasks of a type.
#[derive(Clone)]
enum Work {
    Process(Arc<Process>),
    Notify(Arc<Notify>),
    Cleanup(Arc<CleanupConfig>),
    Heartbeat,
    Startup(Arc<Start>),
}

/// Why a runner cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration cannot work.
    #[error("the configuration cannot work:{}", list(.0))]
    Mistakes(Vec<Mistake>),
    /// The folder for programs cannot be used.
    #[error("worker.folder: {} cannot be used", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What was wrong.
        source: io::Error,
    },
}

fn list(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("\n  {mistake}")).collect()
}

/// Why a runner came to its end without being told to.
#[derive(Debug, thiserror::Error)]
#[error("the worker cannot go on")]
pub struct RunError(#[from] Error);

impl Runner {
    /// Finds the programs, reads the secrets and makes the folder that the configuration names; removes what workers left
    /// there that died.
    ///
    /// Errors: all mistakes together; a folder that cannot be used.
    pub fn new(config: RunnerConfig) -> Result<Self, SetupError> {
        let mistakes = config.mistakes();
        if !mistakes.is_empty() {
            return Err(SetupError::Mistakes(mistakes));
        }
        let parts = Parts::find(&config)?;
        let id = config.worker.id.clone();
        let id = id.unwrap_or_else(|| format!("worker-{}", uuid::Uuid::now_v7()));
        let start = Start {
            worker: id.clone(),
            queue: config.worker.queues[0].clone(),
            types: config.handlers.keys().cloned().collect(),
        };
        let handlers = config.handlers.into_iter();
        Ok(Runner {
            handlers: handlers
                .map(|(task_type, handler)| (task_type, parts.work(handler, &start)))
                .collect(),
            worker: config.worker,
            id,
            start,
        })
    }

    /// The worker's name, as the server will know it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Takes tasks and does them until `stop` is over or somebody drains the worker; then finishes what it holds, for the
    /// worker's grace at most.
    ///
    /// Errors: what the server refuses for good, for example an API key.
    pub async fn run_until(self, client: Client, stop: impl Future<Output = ()>) -> Result<Ended, RunError> {
        let Runner {
            worker,
            id,
            handlers,
            start,
        } = self;
        tracing::info!(worker = id, types = ?start.types, queues = ?worker.queues, "handlers are ready");
        let starts = handlers
            .iter()
            .filter(|(_, work)| matches!(work, Work::Startup(_)));
        for (task_type, _) in starts {
            // A worker that cannot leave a note works all the same.
            if let Err(error) = start.tell(&client, task_type).await {
                tracing::warn!(%error, "the start is not recorded");
            }
        }
        let mut builder = Worker::builder(client)
            .actor(actor::service(&id))
            .concurrency(worker.concurrency)
            .grace(Duration::from_millis(worker.grace_ms));
        for queue in &worker.queues {
            builder = builder.queue(queue);
        }
        for (task_type, work) in handlers {
            builder = register(builder, task_type, work);
        }
        let stop = async {
            stop.await;
            tracing::info!(
                worker = id,
                "told to stop: finishes what it has, and takes nothing new"
            );
        };
        Ok(builder.run_until(stop).await?)
    }
}

fn register(builder: WorkerBuilder, task_type: String, work: Work) -> WorkerBuilder {
    builder.raw_handler(task_type, move |context, input| {
        let work = work.clone();
        logged::logged(context.clone(), async move { work.run(&context, input).await })
    })
}

impl Work {
    async fn run(&self, context: &Context, input: Option<Payload>) -> Result<Outcome, Failure> {
        match self {
            Work::Process(process) => process.run(context, input).await,
            Work::Notify(notify) => notify.run(context, input).await,
            Work::Cleanup(config) => cleanup::clean_up(context, config).await,
            Work::Heartbeat => heartbeat::beat(context).await,
            Work::Startup(start) => start.output(context),
        }
    }
}

/// What handlers share.
struct Parts {
    programs: BTreeMap<String, Arc<Program>>,
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    /// None where nothing is sent.
    sender: Option<Sender>,
    scratch: Option<Arc<Scratch>>,
}

impl Parts {
    fn find(config: &RunnerConfig) -> Result<Self, SetupError> {
        let mut mistakes = Vec::new();
        let mut note = |path: String, message: String| mistakes.push(Mistake { path, message });
        let sends = |handler: &HandlerConfig| matches!(handler, HandlerConfig::Notify(_));
        let sender = if !config.endpoints.is_empty() || config.handlers.values().any(sends) {
            Sender::new(config.egress.clone())
                .map_err(|error| note("egress".to_owned(), error.to_string()))
                .ok()
        } else {
            None
        };
        let mut programs = BTreeMap::new();
        for (name, program) in &config.programs {
            match Program::find(program) {
                Ok(program) => drop(programs.insert(name.clone(), Arc::new(program))),
                Err(why) => note(format!("programs.{name}"), why),
            }
        }
        let mut endpoints = BTreeMap::new();
        for (name, endpoint) in &config.endpoints {
            match sender.as_ref().map(|sender| Endpoint::read(endpoint, sender)) {
                Some(Ok(endpoint)) => drop(endpoints.insert(name.clone(), Arc::new(endpoint))),
                Some(Err(why)) => note(format!("endpoints.{name}"), why),
                None => {}
            }
        }
        if !mistakes.is_empty() {
            return Err(SetupError::Mistakes(mistakes));
        }
        let runs_programs = |handler: &HandlerConfig| matches!(handler, HandlerConfig::Process(_));
        let scratch = config.handlers.values().any(runs_programs);
        Ok(Parts {
            programs,
            endpoints,
            sender,
            scratch: scratch
                .then(|| scratch_folder(&config.worker.folder))
                .transpose()?,
        })
    }

    fn work(&self, handler: HandlerConfig, start: &Start) -> Work {
        match handler {
            HandlerConfig::Process(config) => Work::Process(Arc::new(Process {
                program: config
                    .program
                    .as_ref()
                    .map(|name| Arc::clone(&self.programs[name])),
                scratch: self.scratch.clone().expect("made where a handler runs programs"),
                config,
            })),
            HandlerConfig::Notify(config) => Work::Notify(Arc::new(Notify {
                endpoint: config
                    .endpoint
                    .as_ref()
                    .map(|name| Arc::clone(&self.endpoints[name])),
                sender: self.sender.clone().expect("made where a handler sends"),
                config,
            })),
            HandlerConfig::Cleanup(config) => Work::Cleanup(Arc::new(config)),
            HandlerConfig::Heartbeat(_) => Work::Heartbeat,
            HandlerConfig::Startup(_) => Work::Startup(Arc::new(start.clone())),
        }
    }
}

fn scratch_folder(path: &std::path::Path) -> Result<Arc<Scratch>, SetupError> {
    let (scratch, removed) = Scratch::open(path).map_err(|source| SetupError::Folder {
        path: path.to_owned(),
        source,
    })?;
    if removed > 0 {
        tracing::info!(removed, "folders of workers that died are removed");
    }
    Ok(Arc::new(scratch))
}
