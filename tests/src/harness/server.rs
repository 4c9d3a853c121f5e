//! A server of this process: `baton_server::run` on a port of its own and a database that goes with the test.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use baton_client::{Call, Client, ClientBuilder, Error, Refusal, RetrySettings, Rpc};
use baton_migrations::Steps;
use baton_proto::v1::task_service_client::TaskServiceClient;
use baton_proto::v1::{TaskState, WatchStart, WatchTaskRequest, WatchTasksRequest};
use baton_server::engine::IntakeLimits;
use baton_server::seams::Ids;
use baton_server::store::StoreOptions;
use baton_server::{Config, RunError, Server};
use baton_test_database::TestDatabase;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::History;
use super::collect::{collect, outran};
use super::judge::judge;
use super::record::Recorded;
use super::stream::{Opening, Stream};
use crate::oracle::{self, Evidence, Scope};

/// Bookmarks come this often in tests: they tell that a stream has caught up.
const BOOKMARKS_MS: u64 = 50;
/// So often is the log read for what its streams have; an event that it does not have then is a finding.
const READINGS: u32 = 3;
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server under test, and the record of what was asked of it.
#[derive(Debug)]
pub struct TestServer {
    config: Config,
    limits: IntakeLimits,
    steps: Steps,
    running: Option<Running>,
    channel: Channel,
    client: Client,
    history: Arc<History>,
    database: Arc<TestDatabase>,
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), RunError>>,
}

impl TestServer {
    /// Starts a server on a new database, in test mode.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_limited(change, IntakeLimits::default()).await
    }

    /// Starts a server with other settings, where so much may wait to be committed.
    pub async fn start_limited(change: impl FnOnce(&mut Config), limits: IntakeLimits) -> Self {
        Self::start_on(TestDatabase::new(), change, limits).await
    }

    /// Starts a server on a database in which there may be something.
    pub async fn start_on(
        database: TestDatabase,
        change: impl FnOnce(&mut Config),
        limits: IntakeLimits,
    ) -> Self {
        let mut config = Config {
            database: database.url(),
            test_mode: true,
            watch_bookmark_interval_ms: BOOKMARKS_MS,
            ..Config::default()
        };
        change(&mut config);
        let steps: Steps = baton_migrations::steps;
        let running = run(&config, (limits, steps), ANY_PORT).await;
        let running = running.expect("the server opens");
        let channel = channel(running.address);
        let client = client(running.address);
        TestServer {
            config,
            limits,
            steps,
            running: Some(running),
            channel,
            client,
            history: Arc::default(),
            database: Arc::new(database),
        }
    }

    /// Another server on the same database, with the same settings and the same record: on PostgreSQL, which any number may
    /// share.
    pub async fn beside(&self) -> Self {
        self.beside_knowing(self.steps).await.expect("the server opens")
    }

    /// As [`Self::beside`], one that knows these steps of the schema.
    ///
    /// Errors: it does not start.
    pub async fn beside_knowing(&self, steps: Steps) -> Result<Self, RunError> {
        let running = run(&self.config, (self.limits, steps), ANY_PORT).await?;
        Ok(TestServer {
            config: self.config.clone(),
            limits: self.limits,
            steps,
            channel: channel(running.address),
            client: client(running.address),
            running: Some(running),
            history: Arc::clone(&self.history),
            database: Arc::clone(&self.database),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("the server runs").address
    }

    /// Where it shows its metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.running.as_ref().expect("the server runs").metrics
    }

    /// Where its tasks are.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A client of it. Calls made with [`Self::send`] are recorded.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The generated client, for what the client crate would not send.
    pub fn raw(&self) -> TaskServiceClient<Channel> {
        TaskServiceClient::new(self.channel.clone()).max_decoding_message_size(64 << 20)
    }

    /// The connection of [`Self::raw`].
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Another connection, of windows as wide as the first.
    pub fn another_channel(&self) -> Channel {
        channel(self.address())
    }

    /// What was recorded so far.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Makes a recorded call.
    ///
    /// Errors: whatever the client answers.
    pub async fn send<R: Recorded>(&self, call: Call<R>) -> Result<<R as Rpc>::Output, Error> {
        self.history.send(call).await
    }

    /// Makes a recorded call that must succeed.
    #[track_caller]
    pub fn ok<R: Recorded>(&self, call: Call<R>) -> impl Future<Output = <R as Rpc>::Output> + Send + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.send(call).await;
            answer.unwrap_or_else(|error| panic!("{} at {caller}: {error:?}", R::METHOD))
        }
    }

    /// Makes a recorded call that Baton must refuse.
    #[track_caller]
    pub fn refused<R: Recorded>(&self, call: Call<R>) -> impl Future<Output = Refusal> + Send + '_
    where
        R::Output: std::fmt::Debug,
    {
        let caller = std::panic::Location::caller();
        async move {
            match self.send(call).await {
                Err(Error::Refused(refusal)) => *refusal,
                other => panic!("{} at {caller}: was to be refused, but: {other:?}", R::METHOD),
            }
        }
    }

    /// Opens a recorded stream.
    pub async fn watch(&self, opening: impl Into<Opening>, scope: Scope) -> Stream {
        let opened = self.try_watch(opening, scope).await;
        opened.unwrap_or_else(|status| panic!("a watch was refused: {status:?}"))
    }

    /// Follows one task from its first event.
    pub async fn watch_task(&self, id: &str) -> Stream {
        let mut request = WatchTaskRequest {
            id: id.to_owned(),
            ..WatchTaskRequest::default()
        };
        request.set_start(WatchStart::Oldest);
        let scope = Scope {
            task: Some(id.to_owned()),
            ..Scope::default()
        };
        self.watch(request, scope).await
    }

    /// Follows what matches a filter of one state from now on.
    pub async fn watch_state(&self, state: TaskState) -> Stream {
        let request = WatchTasksRequest {
            filter: format!("state = {}", oracle::short(state)),
            ..WatchTasksRequest::default()
        };
        let scope = Scope {
            states: vec![state],
            ..Scope::default()
        };
        let stream = self.watch(request, scope).await;
        stream.until(|messages| !messages.is_empty()).await;
        stream
    }

    /// Opens a recorded stream that may be refused.
    ///
    /// Errors: the refusal.
    pub async fn try_watch(&self, opening: impl Into<Opening>, scope: Scope) -> Result<Stream, Status> {
        Stream::open((&self.history, self.channel.clone()), opening.into(), scope, None).await
    }

    /// Opens a stream by a token of a message of another: `from` names both.
    pub async fn watch_from(&self, opening: Opening, scope: Scope, from: (usize, usize)) -> Stream {
        let opened = Stream::open((&self.history, self.channel.clone()), opening, scope, Some(from)).await;
        opened.unwrap_or_else(|status| panic!("a token was refused: {status:?}"))
    }

    /// Goes on behind the newest message of a stream.
    pub async fn resume(&self, opening: impl Into<Opening>, scope: Scope, stream: &Stream) -> Stream {
        let (token, message) = stream.token();
        let opening = opening.into().resumed(&token);
        self.watch_from(opening, scope, (stream.index(), message)).await
    }

    /// Stops the server in order; its database stays.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("the server runs");
        running.stop.cancel();
        let served = running.served.await.expect("the server does not panic");
        served.expect("the server stops in order");
    }

    /// Starts it again, where it was, on the same database.
    pub async fn start_again(&mut self, address: SocketAddr) {
        let started = self.try_again(address).await;
        started.expect("the server opens");
    }

    /// As [`Self::start_again`].
    ///
    /// Errors: it does not start.
    pub async fn try_again(&mut self, address: SocketAddr) -> Result<(), RunError> {
        assert!(self.running.is_none(), "the server runs already");
        self.running = Some(run(&self.config, (self.limits, self.steps), address).await?);
        Ok(())
    }

    /// From its next start on it knows these steps of the schema, as another version of Baton does.
    pub fn know(&mut self, steps: Steps) {
        self.steps = steps;
    }

    /// Stops and starts.
    pub async fn restart(&mut self) {
        let address = self.address();
        self.stop().await;
        self.start_again(address).await;
    }

    /// Reads everything, lets the oracle judge it, and stops the server.
    pub async fn finish(self) {
        self.finish_with(Vec::new()).await;
    }

    /// As [`Self::finish`], and these streams must have received all that they should.
    pub async fn finish_with(mut self, streams: Vec<Stream>) {
        let evidence = self.evidence(&streams).await;
        drop(streams);
        self.stop().await;
        judge(&evidence);
    }

    /// Everything that is known now, once nothing more is to happen by itself.
    pub async fn evidence(&self, streams: &[Stream]) -> Evidence {
        let mut readings = 0;
        loop {
            let mut evidence = collect(&self.client, self.channel.clone(), &self.history).await;
            for stream in streams {
                stream.until_quiet().await;
            }
            evidence.watches = self.history.evidence().watches;
            for stream in streams {
                evidence.watches[stream.index()].caught_up = true;
            }
            readings += 1;
            // A task may come due while the streams fall quiet, behind the end of the log as it was read.
            if readings == READINGS || !outran(&evidence) {
                return evidence;
            }
        }
    }
}

async fn run(
    config: &Config,
    (limits, steps): (IntakeLimits, Steps),
    address: SocketAddr,
) -> Result<Running, RunError> {
    let listener = TcpListener::bind(address).await.expect("the port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let stop = CancellationToken::new();
    let store = StoreOptions {
        steps,
        ..StoreOptions::new(Ids::system())
    };
    let server = Server::open_with(config.clone(), listener, &store, limits).await?;
    let metrics = server.metrics_address();
    let served = tokio::spawn(server.serve(stop.clone()));
    Ok(Running {
        address,
        metrics,
        stop,
        served,
    })
}

/// A connection with windows that leave no stream waiting for another.
pub(super) fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .expect("an address is a URL")
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(64 << 20)
        .connect_lazy()
}

/// A client that repeats nothing: the oracle judges what came of each call.
pub(super) fn client(address: SocketAddr) -> Client {
    once(address).build().expect("an address is an endpoint")
}

/// The settings of a client that repeats nothing.
pub fn once(address: SocketAddr) -> ClientBuilder {
    let once = RetrySettings {
        max_attempts: 1,
        ..RetrySettings::default()
    };
    Client::builder()
        .endpoint(format!("http://{address}"))
        .request_ids(false)
        .retry(once)
}
