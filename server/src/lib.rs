//! The Baton server: `run(config, listener, shutdown)` serves tasks over gRPC until it is told to stop.
//!
//! Modules in reading order: [`config`] (every setting), [`Server`] (what runs), `net` (connections, and what is
//! done to every call), [`api`] (services and statuses), [`engine`] (changes), [`store`] (the database), [`feed`]
//! (events), `timers` (what happens by itself), `webhooks` (events that are posted elsewhere), [`schema`] (what payloads are checked against), [`seams`] (clock and ids), [`token`] (page and resume tokens),
//! [`telemetry`] (the log).

mod metrics;
mod net;
mod panics;
mod webhooks;

pub mod api;
pub mod config;
pub mod engine;
pub mod feed;
mod replicas;
pub mod schema;
pub mod seams;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod store;
pub mod telemetry;
mod timers;
pub mod token;

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, IntakeLimits};
use crate::feed::Feed;
use crate::seams::{Clock, Ids};
use crate::store::{DatabaseUrl, Opened, Schema, Store, StoreError, StoreOptions};
use crate::webhooks::{Courier, Post};

pub use config::Config;
pub use net::{NetworkError, Shutdown};

/// A server that holds everything it needs and waits to serve.
pub struct Server {
    config: Config,
    port: net::Port,
    address: SocketAddr,
    database: Database,
    engine: Engine,
    committer: JoinHandle<()>,
}

impl Server {
    /// Checks the settings and opens all that the server needs. `listener` is already bound; its address counts,
    /// not `config.listen`.
    ///
    /// Errors: see [`RunError`]; nothing was served.
    pub async fn open(config: Config, listener: TcpListener) -> Result<Self, RunError> {
        let store = store_options(&config);
        Self::open_with(config, listener, &store, IntakeLimits::default()).await
    }

    /// As [`Server::open`], with other inner workings than a user can choose: for tests and measurements.
    ///
    /// Errors: as there.
    pub async fn open_with(
        config: Config,
        listener: TcpListener,
        store: &StoreOptions,
        limits: IntakeLimits,
    ) -> Result<Self, RunError> {
        config.validate()?;
        let port = net::Port::open(&config, listener).await?;
        let address = port.address()?;
        let clock = if config.test_mode {
            Clock::movable()
        } else {
            Clock::system()
        };
        let ids = store.ids.clone();
        let (database, opened) = open_database(&config, store).await?;
        let feed = Feed::new(opened.store.clone(), opened.heads.clone(), feed::RING_BYTES);
        let (engine, committer) = Engine::new(engine::Parts {
            opened,
            feed,
            clock,
            ids,
            limits,
            unknown_types: config.unknown_types,
        });
        Ok(Server {
            config,
            port,
            address,
            database,
            engine,
            committer: on_a_thread("committer", async move { committer.await.close().await }),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server keeps its tasks.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Where the server shows its metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.port.metrics_address()
    }

    /// Brings queues, task types, schedules and webhooks to where a file declares them, see [`api::Declarations`]. Before it serves: so nobody
    /// meets what is about to change.
    ///
    /// Errors: what the same calls would be refused with; what stands before it in the file is done.
    pub async fn declare(&self, declared: api::Declarations) -> Result<(), RunError> {
        let done = api::declare(&self.engine, self.config.webhook_rules, declared).await;
        done.map_err(|api::NotDeclared { entry, refusal }| RunError::Declared {
            reason: refusal.reason().as_str(),
            message: match (entry.as_str(), refusal.message()) {
                ("", message) => message.to_owned(),
                (entry, message) => format!("{entry}: {message}"),
            },
        })
    }

    /// Serves until `shutdown` is cancelled, then drains for at most `drain_grace_ms` and closes every connection.
    ///
    /// Errors: the listener broke.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let Self {
            config,
            port,
            engine,
            committer,
            ..
        } = self;
        let mut services = net::Services::new(baton_proto::DESCRIPTOR_SET);
        let bookmark_every = Duration::from_millis(config.watch_bookmark_interval_ms);
        let courier = Courier::new(config.webhook_rules, engine.clock().clone());
        api::serve(
            &mut services,
            (&engine, &courier),
            port.shutdown().clone(),
            bookmark_every,
            config.backup_folder.clone(),
        );
        let stop = shutdown.child_token();
        // What happens by itself goes on after the restart: the grace is for callers.
        let mut timers = timers::start(&engine, &config, &stop);
        timers.extend(replicas::start(&engine, &stop));
        let post = Post {
            engine: engine.clone(),
            courier,
            write: api::write_notice,
        };
        timers.push(webhooks::start(post, &stop));
        let serving = async {
            // Who asks for a lease that nobody has read yet would be told that it is gone.
            tokio::select! {
                () = engine.begun() => {}
                () = stop.cancelled() => {}
            }
            let served = port.serve(&config, services, stop.clone()).await;
            // Nobody else has stopped the timers where the listener broke.
            stop.cancel();
            let timers = join_all(timers).await;
            // Callers are gone; what they asked for is committed, then the store is closed.
            engine.close();
            timers
                .into_iter()
                .collect::<Result<(), _>>()
                .map_err(RunError::Ended)?;
            Ok::<_, RunError>(served?)
        };
        let committing = async {
            let ended = committer.await;
            // Without a committer nobody is answered any more: refuse, drain, and say so.
            engine.close();
            stop.cancel();
            ended.map_err(RunError::Ended)
        };
        let (served, committed) = tokio::join!(serving, committing);
        committed.and(served)
    }
}

/// Runs `work` on a thread of its own. On a thread that requests share, each answer of the database would stand in line
/// behind them, while no other batch is written: measured, an eighth of the whole lives a second.
///
/// The handle ends with `work`, and panics where it did.
fn on_a_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let runtime = Handle::current();
    let (done, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            runtime.block_on(work);
            // Nobody waits where the runtime has ended.
            let _unheard = done.send(());
        })
        .expect("the system has a thread to give");
    let name = name.to_owned();
    tokio::spawn(async move { ended.await.unwrap_or_else(|_| panic!("the {name} panicked")) })
}

/// A database as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The whole path of its file, or its URL without the password.
    pub place: String,
    /// It was not there before.
    pub created: bool,
    /// How far its schema is.
    pub schema: Schema,
}

/// Makes the database of `config` where it is not there, and brings its schema up to date, without serving. To `contract`: takes
/// away too what only servers of the versions before need.
///
/// Errors: the settings break their rules, or the database cannot be opened, or such servers are connected.
pub async fn migrate(config: &Config, contract: bool) -> Result<Database, RunError> {
    config.validate()?;
    let options = StoreOptions {
        contract,
        ..store_options(config)
    };
    let (database, opened) = open_database(config, &options).await?;
    opened.writer.close().await;
    Ok(database)
}

/// What a user can choose of the store. All who open a database agree on its indexes, or each would rebuild them.
fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        indexed_labels: config.indexed_labels.clone(),
        ..StoreOptions::new(Ids::system())
    }
}

async fn open_database(config: &Config, options: &StoreOptions) -> Result<(Database, Opened), RunError> {
    let url: DatabaseUrl = config.database.parse()?;
    let place = match &url {
        DatabaseUrl::Sqlite(file) => {
            let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            path.display().to_string()
        }
        DatabaseUrl::Postgres(_) => config.redacted().database,
    };
    let opened = Store::open(&url, options).await?;
    let database = Database {
        place,
        created: opened.created,
        schema: opened.schema,
    };
    Ok((database, opened))
}

/// Opens a server and serves: [`Server::open`] and [`Server::serve`] in one.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), RunError> {
    Server::open(config, listener).await?.serve(shutdown).await
}

/// Why a server did not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Settings break their rules; the text lists them all.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The network side did not start or gave up.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that a file declares was refused.
    #[error("what the file declares cannot be brought about: {message} ({reason})")]
    Declared {
        /// As in docs/errors.md.
        reason: &'static str,
        /// For people, after the entry that it is about: `schedules.nightly: ..`.
        message: String,
    },
    /// A part of the server ended by a fault of its own.
    #[error("a part of the server ended unexpectedly")]
    Ended(#[source] JoinError),
}
