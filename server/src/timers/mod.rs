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
use crate::store::BEGINNING;

/// Tasks moved by one round of a loop: what callers ask meanwhile waits for a batch of so many, and no more.
const ROUND: u32 = 100;
/// The wait after a failure of the store.
const BACKOFF: Duration = Duration::from_secs(1);

/// Starts every loop. When `stop` is cancelled each is dropped where it waits, however much it has left to do: the store
/// knows what that is, also after a restart. The backlog is counted only where somebody can see it.
pub(crate) fn start(engine: &Engine, config: &Config, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let settings = UpkeepSettings::from(config);
    let mut loops = vec![
        spawn(stop, schedules::announce_all(engine.clone())),
        spawn(stop, leading(engine.clone(), wake::run)),
        spawn(stop, leading(engine.clone(), follow_ups::run)),
        spawn(stop, turns::run(engine.clone())),
        spawn(
            stop,
            leading(engine.clone(), move |engine| upkeep::run(engine, settings)),
        ),
    ];
    if config.metrics_listen.is_some() {
        loops.push(spawn(stop, backlog::run(engine.clone())));
    }
    loops
}

/// Runs a loop whenever this server leads. Where two do for a while, each change is made by one of them.
async fn leading<R: Future<Output = ()>>(engine: Engine, run: impl Fn(Engine) -> R) {
    let mut leads = engine.signals().leads();
    // The sender lives in the engine.
    while leads.wait_for(|leads| *leads).await.is_ok() {
        tokio::select! {
            () = run(engine.clone()) => {}
            _ = leads.wait_for(|leads| !*leads) => {}
        }
    }
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
    wake::round(engine, BEGINNING).await.map(drop)
}

/// Moves all that is due by now, and all that follows from it; answers when nothing is left to be done.
///
/// # Errors
/// As [`catch_up`].
#[cfg(feature = "simulation")]
pub(crate) async fn settle(engine: &Engine) -> Result<(), Error> {
    loop {
        catch_up(engine).await?;
        if !follow_ups::round(engine).await? {
            return Ok(());
        }
    }
}

/// Waits, by the clock of the service.
async fn pause(engine: &Engine, time: Duration) {
    let until = engine.clock().now_micros().saturating_add(micros(time));
    engine.clock().sleep_until(until).await;
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
