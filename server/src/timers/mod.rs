//! What happens without a caller: tasks whose time has come, effects of one task on others, upkeep.
//!
//! Every loop here takes no input and is idempotent: it reads from the store what is due and asks the engine. A
//! signal only makes it look sooner. A failure of the store is logged and waited out; no loop ever ends by itself.

mod backlog;
mod follow_ups;
mod upkeep;
mod wake;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::upkeep::UpkeepSettings;
use crate::config::Config;
use crate::engine::{Engine, Error};

/// Tasks moved by one round of a loop.
const ROUND: u32 = 500;
/// The wait after a failure of the store.
const BACKOFF: Duration = Duration::from_secs(1);

/// Starts every loop; they end when `stop` is cancelled. The backlog is counted only where somebody can see it.
pub(crate) fn start(engine: &Engine, config: &Config, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let mut loops = vec![
        tokio::spawn(wake::run(engine.clone(), stop.clone())),
        tokio::spawn(follow_ups::run(engine.clone(), stop.clone())),
        tokio::spawn(upkeep::run(
            engine.clone(),
            UpkeepSettings::from(config),
            stop.clone(),
        )),
    ];
    if config.metrics_listen.is_some() {
        loops.push(tokio::spawn(backlog::run(engine.clone(), stop.clone())));
    }
    loops
}

/// Moves all that is due by now; answers when it is done.
///
/// # Errors
/// What the engine and the store may do; some tasks may have been moved.
pub(crate) async fn catch_up(engine: &Engine) -> Result<(), Error> {
    wake::round(engine).await.map(drop)
}

/// Waits out a failure; answers whether the service stops meanwhile.
async fn back_off(engine: &Engine, stop: &CancellationToken) -> bool {
    let until = engine.clock().now_micros() + i64::try_from(BACKOFF.as_micros()).unwrap_or(i64::MAX);
    tokio::select! {
        () = stop.cancelled() => true,
        () = engine.clock().sleep_until(until) => false,
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
