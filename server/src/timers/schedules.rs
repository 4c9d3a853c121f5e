//! Lets schedules act when a tick is due, or a task settled that ticks wait for.

use baton_domain::{ScheduleId, Timestamp};
use futures::future::try_join_all;
use tracing::{info, warn};

use super::{BACKOFF, ROUND, pause};
use crate::engine::{Engine, Error, announce};
use crate::store::StoreError;

/// Schedules that are told of one by one when the server starts.
const ANNOUNCED: usize = 1_000;

/// Lets every schedule act that has to; answers when the next one has to.
pub(super) async fn round(engine: &Engine) -> Result<Option<Timestamp>, Error> {
    let store = engine.store();
    loop {
        let now = Timestamp::from_micros(engine.clock().now_micros());
        let due = store.due_schedules(now, ROUND).await.map_err(Error::Store)?;
        if due.is_empty() {
            break;
        }
        turn_all(engine, &due).await?;
    }
    engine.signals().set_ticks_wait(false);
    let mut after = None;
    loop {
        let found = store.waiting_schedules(after, ROUND).await;
        let waiting = found.map_err(Error::Store)?;
        let Some(last) = waiting.last() else { break };
        engine.signals().set_ticks_wait(true);
        after = Some(*last);
        turn_all(engine, &waiting).await?;
    }
    store.next_schedule_time().await.map_err(Error::Store)
}

async fn turn_all(engine: &Engine, ids: &[ScheduleId]) -> Result<(), Error> {
    try_join_all(ids.iter().map(|id| engine.turn(*id)))
        .await
        .map(drop)
}

/// Says once which schedules there are.
pub(super) async fn announce_all(engine: Engine) {
    while let Err(error) = tell(&engine).await {
        warn!(error = %error, "schedules not told of, will try again");
        pause(&engine, BACKOFF).await;
    }
    engine.signals().all_announced();
}

async fn tell(engine: &Engine) -> Result<(), StoreError> {
    const READ: u32 = 50;
    let (mut after, mut told) = (None, 0);
    while told < ANNOUNCED {
        let found = engine.store().all_schedules(after, READ).await?;
        found
            .iter()
            .for_each(|schedule| announce(engine.signals(), schedule));
        told += found.len();
        let Some(last) = found.last() else { return Ok(()) };
        after = Some(last.id);
    }
    info!(told, "there are more schedules than are told of");
    Ok(())
}
