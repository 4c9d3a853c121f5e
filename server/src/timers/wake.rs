//! Moves tasks whose time has come, and lets schedules act that have to.

use baton_domain::{Action, Timestamp};
use futures::future::try_join_all;
use tracing::warn;

use super::{BACKOFF, ROUND, pause, schedules};
use crate::engine::{Engine, Error};

pub(super) async fn run(engine: Engine) {
    loop {
        match round(&engine).await {
            Ok(next) => {
                let due = next.map_or(i64::MAX, Timestamp::as_micros);
                tokio::select! {
                    () = engine.clock().sleep_until(due) => {}
                    () = engine.signals().woken() => {}
                }
            }
            Err(error) => {
                warn!(error = %error, "due tasks not moved, will try again");
                pause(&engine, BACKOFF).await;
            }
        }
    }
}

/// Moves what is due; answers when the next task or schedule is.
pub(super) async fn round(engine: &Engine) -> Result<Option<Timestamp>, Error> {
    engine.signals().reset_wake();
    loop {
        let now = Timestamp::from_micros(engine.clock().now_micros());
        let due = engine.store().due(now, ROUND).await.map_err(Error::Store)?;
        if due.is_empty() {
            break;
        }
        try_join_all(due.into_iter().map(|id| {
            let jitter = engine.ids().fraction();
            engine.advance(id, Action::Tick { jitter })
        }))
        .await?;
    }
    let next_tick = schedules::round(engine).await?;
    let stored = engine.store().next_wake().await.map_err(Error::Store)?;
    let told = engine.signals().next_wake();
    Ok(stored.into_iter().chain(next_tick).chain(told).min())
}
