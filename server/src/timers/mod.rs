//! What happens without a caller: tasks and schedules whose time has come, effects of one task on others, upkeep.
//!
//! Every loop here takes no input and is idempotent: it reads from the store what is due and asks the engine. A
//! signal only makes it look sooner. A failure of the store is logged and waited out; no loop ever ends by itself, and
//! each may be dropped wherever it waits.

mod backlog;
mod follow_ups;
mod retention;
mod schedules;
mod turns;
mod upkeep;
mod wake;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::upkeep::UpkeepSettings;
use crate::config::Config;
use crate::engine::{Engine, Error};

/// Tasks moved by one round of a loop: what callers ask meanwhile waits for a batch of so many, and no more.
const ROUND: u32 = 100;
/// The wait after a failure of the store.
const BACKOFF: Duration = Duration::from_secs(1);

/// Starts every loop. When `stop` is cancelled each is dropped where it waits, however much it has left to do: the store
/// knows what that is, also after a restart. The backlog is counted only where somebody can see it.
pub(crate) fn start(engine: &Engine, config: &Config, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let mut loops = vec![
        spawn(stop, schedules::announce_all(engine.clone())),
        spawn(stop, wake::run(engine.clone())),
        spawn(stop, follow_ups::run(engine.clone())),
        spawn(stop, turns::run(engine.clone())),
        spawn(stop, upkeep::run(engine.clone(), UpkeepSettings::from(config))),
    ];
    if config.metrics_listen.is_some() {
        loops.push(spawn(stop, backlog::run(engine.clone())));
    }
    loops
}

fn spawn(stop: &CancellationToken, run: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let stopped = stop.clone().run_until_cancelled_owned(run);
    tokio::spawn(async move { stopped.await.unwrap_or_default() })
}

/// Moves all that is due by now; answers when it is done.
///
/// # Errors
/// What the engine and the store may do; some tasks may have been moved.
pub(crate) async fn catch_up(engine: &Engine) -> Result<(), Error> {
    wake::round(engine).await.map(drop)
}

/// Waits, by the clock of the service.
async fn pause(engine: &Engine, time: Duration) {
    let until = engine.clock().now_micros().saturating_add(micros(time));
    engine.clock().sleep_until(until).await;
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
