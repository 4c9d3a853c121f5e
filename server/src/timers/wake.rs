//! Moves tasks whose time has come.

use baton_domain::{Action, Timestamp};
use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{ROUND, back_off};
use crate::engine::{Engine, Error};

pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match round(&engine).await {
            Ok(next) => {
                let due = next.map_or(i64::MAX, Timestamp::as_micros);
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = engine.clock().sleep_until(due) => {}
                    () = engine.signals().woken() => {}
                }
            }
            Err(error) => {
                warn!(error = %error, "due tasks not moved, will try again");
                if back_off(&engine, &stop).await {
                    return;
                }
            }
        }
    }
}

/// Moves what is due; answers when the next task is.
pub(super) async fn round(engine: &Engine) -> Result<Option<Timestamp>, Error> {
    engine.signals().reset_wake();
    loop {
        let now = Timestamp::from_micros(engine.clock().now_micros());
        let due = engine.store().due(now, ROUND).await.map_err(Error::Store)?;
        if due.is_empty() {
            break;
        }
        try_join_all(due.into_iter().map(|id| engine.advance(id, Action::Tick))).await?;
    }
    let stored = engine.store().next_wake().await.map_err(Error::Store)?;
    let told = engine.signals().next_wake();
    Ok(stored.into_iter().chain(told).min())
}
