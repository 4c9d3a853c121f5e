//! What servers on one database do for each other: they wake one another after commits, and agree on one that does what
//! needs to be done once.
//!
//! Both are hints. A server that was not woken looks by itself before long. Two that both take themselves for the leader
//! do some work twice and nothing wrong: every change goes through the committer, which decides on what stands.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::engine::{Engine, Error};
use crate::store::{Herald, Listener, StoreError};

/// A server that hears nothing looks that often whether others have written.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a server shows that it is alive: four times within the time after which the leader's session is ended.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Commits within that time are told of together, and those of others looked at together.
const TELL_EVERY: Duration = Duration::from_millis(5);
/// The wait after a failure of the store.
const BACKOFF: Duration = Duration::from_secs(1);

/// Speaks to the other servers and listens to them until `stop` is cancelled. Where there can be none, this server leads
/// from the start.
pub(crate) fn start(engine: &Engine, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    if !engine.store().is_shared() {
        engine.signals().set_leads(true);
        return Vec::new();
    }
    let run = stop.clone().run_until_cancelled_owned(keep_up(engine.clone()));
    vec![tokio::spawn(async move { run.await.unwrap_or_default() })]
}

async fn keep_up(engine: Engine) {
    let name = uuid::Uuid::from_bytes(engine.ids().bytes());
    loop {
        match engine.store().replicas(name).await {
            Ok(Some((herald, listener))) => {
                tokio::join!(speak(&engine, herald), listen(&engine, listener));
            }
            Ok(None) => return,
            Err(error) => {
                warn!(error = %error, "other servers are not heard of, will try again");
                tokio::time::sleep(BACKOFF).await;
            }
        }
    }
}

async fn speak(engine: &Engine, mut herald: Herald) {
    let mut beat = tokio::time::interval(BEAT_EVERY);
    loop {
        let said = tokio::select! {
            _ = beat.tick() => herald.beat().await.map(|leads| lead(engine, leads)),
            () = engine.signals().was_committed() => {
                let told = herald.tell().await;
                tokio::time::sleep(TELL_EVERY).await;
                told
            }
        };
        if let Err(error) = said {
            lost(engine, &error).await;
        }
    }
}

fn lead(engine: &Engine, leads: bool) {
    if engine.signals().set_leads(leads) {
        let what = if leads {
            "this server leads"
        } else {
            "another server leads"
        };
        info!("{what}: the leader moves tasks whose time has come");
    }
}

async fn lost(engine: &Engine, error: &StoreError) {
    lead(engine, false);
    warn!(error = %error, "other servers are not told of commits, will try again");
    tokio::time::sleep(BACKOFF).await;
}

async fn listen(engine: &Engine, mut listener: Listener) {
    loop {
        let heard = tokio::time::timeout(LOOK_EVERY, listener.heard()).await;
        let heard = heard.unwrap_or(Ok(())).map_err(Error::Store);
        if let Err(error) = heard.and(engine.look_out().await) {
            warn!(error = %error, "other servers are not heard of, will try again");
            tokio::time::sleep(BACKOFF).await;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}
