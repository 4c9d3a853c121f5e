//! Moves tasks whose time has come, and lets schedules act that have to.

use std::time::Duration;

use baton_domain::{Action, Timestamp};
use futures::future::try_join_all;
use tokio::time::Instant;
use tracing::warn;

use super::{BACKOFF, ROUND, pause, schedules};
use crate::engine::{Engine, Error};
use crate::seams::monotonic_now;
use crate::store::BEGINNING;

/// A look from the front on comes so often, at most.
const WHOLE: Duration = Duration::from_secs(10);

pub(super) async fn run(engine: Engine) {
    // No task must move before. In PostgreSQL's indexes those that have moved stand before all others for as long as an old
    // snapshot may want to see them: a look from the front on would walk over all of them.
    let mut floor = BEGINNING;
    let mut looked: Option<Instant> = None;
    loop {
        floor = engine.signals().take_wake(floor);
        // What was told is a hint: a task of which nothing was told moves late, and not never.
        if looked.is_none_or(|at| at.elapsed() > WHOLE) {
            floor = BEGINNING;
        }
        if floor == BEGINNING {
            looked = Some(monotonic_now());
        }
        match round(&engine, floor).await {
            Ok(Next { stored, tick }) => {
                floor = stored.unwrap_or(Timestamp::from_micros(i64::MAX));
                wait(&engine, (floor, tick)).await;
            }
            Err(error) => {
                warn!(error = %error, "due tasks not moved, will try again");
                floor = BEGINNING;
                pause(&engine, BACKOFF).await;
            }
        }
    }
}

/// Waits until the time has come that was stored, that of a tick, or any that is told meanwhile.
async fn wait(engine: &Engine, (stored, tick): (Timestamp, Option<Timestamp>)) {
    loop {
        let known = engine.signals().wait_until(stored);
        let due = tick.map_or(known, |tick| tick.min(known)).as_micros();
        tokio::select! {
            () = engine.clock().sleep_until(due) => return,
            () = engine.signals().woken() => {}
        }
    }
}

/// When the next ones are due.
pub(super) struct Next {
    stored: Option<Timestamp>,
    tick: Option<Timestamp>,
}

/// Moves what is due, which is nothing before `floor`.
pub(super) async fn round(engine: &Engine, floor: Timestamp) -> Result<Next, Error> {
    loop {
        let now = Timestamp::from_micros(engine.clock().now_micros());
        let due = engine
            .store()
            .due((floor, now), ROUND)
            .await
            .map_err(Error::Store)?;
        if due.is_empty() {
            break;
        }
        try_join_all(due.into_iter().map(|id| {
            let jitter = engine.ids().fraction();
            engine.advance(id, Action::Tick { jitter })
        }))
        .await?;
    }
    let tick = schedules::round(engine).await?;
    let stored = engine.store().next_wake(floor).await.map_err(Error::Store)?;
    Ok(Next { stored, tick })
}
