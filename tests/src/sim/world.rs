//! The engine under simulation: how it begins, and how it ends without a warning.

use std::sync::Arc;
use std::time::Duration;

use baton_domain::{Event, Timestamp};
use baton_server::config::UnknownTypes;
use baton_server::engine::{Engine, IntakeLimits, Parts};
use baton_server::feed::{Feed, RING_BYTES};
use baton_server::seams::{Clock, Ids};
use baton_server::simulation::{self, Point};
use baton_server::store::{Opened, Store, StoreError, StoreOptions, Writer};
use baton_test_database::TestDatabase;
use tokio::task::JoinHandle;

/// 2026-01-01, in microseconds since 1970.
const BEGIN: i64 = 1_767_225_600_000_000;

/// The batch that the process was stopped at.
pub(super) type Stopped = Vec<Arc<Event>>;

/// A server's inside, and all that it is given.
pub(super) struct World {
    running: Option<(Engine, JoinHandle<Writer>)>,
    clock: Clock,
    ids: Ids,
    limits: IntakeLimits,
    // Goes last.
    database: TestDatabase,
}

impl World {
    /// Begins with nothing.
    pub(super) async fn open(seed: u64, batch_commands: usize) -> Self {
        let mut world = Self {
            running: None,
            clock: Clock::manual(BEGIN),
            ids: Ids::seeded(seed),
            limits: IntakeLimits {
                batch_commands,
                ..IntakeLimits::default()
            },
            database: TestDatabase::new(),
        };
        world.begin().await;
        world
    }

    /// Ends as a process does that is killed, and goes on with what is in the database.
    pub(super) async fn restart(&mut self) {
        simulation::go_on();
        if let Some((engine, committer)) = self.running.take() {
            committer.abort();
            let ended = committer.await;
            assert!(
                ended.is_err_and(|error| error.is_cancelled()),
                "the committer ends only here"
            );
            drop(engine);
        }
        self.begin().await;
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.running.as_ref().expect("it runs but for a restart").0
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now_micros())
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) async fn settle(&self) -> Result<(), String> {
        let settled = simulation::settle(self.engine()).await;
        settled.map_err(|error| format!("what happens by itself failed: {error}"))
    }

    async fn begin(&mut self) {
        let opened = self.opened().await;
        let parts = Parts {
            feed: Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES),
            opened,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            limits: self.limits,
            unknown_types: UnknownTypes::Allow,
        };
        let (engine, committer) = Engine::new(parts);
        let committer = tokio::spawn(committer);
        engine.begun().await;
        self.running = Some((engine, committer));
    }

    async fn opened(&self) -> Opened {
        let url = self.database.url().parse().expect("a URL of a database");
        let options = StoreOptions {
            durable: false,
            ..StoreOptions::new(self.ids.clone())
        };
        loop {
            match Store::open(&url, &options).await {
                // The reads of the process before are not all over.
                Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
                opened => return opened.expect("the store opens"),
            }
        }
    }
}

/// Does `work`, unless the process is stopped meanwhile: then answers with what it was about to tell.
pub(super) async fn until_stopped<T>(
    stop: Option<(Point, u32)>,
    work: impl Future<Output = T>,
) -> Result<T, Stopped> {
    let Some((point, after)) = stop else {
        return Ok(work.await);
    };
    let stopped = simulation::stop_at(point, after);
    let done = tokio::select! {
        biased;
        done = work => Ok(done),
        Ok(batch) = stopped => Err(batch),
    };
    simulation::go_on();
    done
}
