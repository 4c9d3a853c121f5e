//! Keeps the store small: moves the feed's horizon, forgets old request ids, gives up keys, deletes what queues keep no
//! longer.

use std::time::Duration;

use baton_domain::{Span, Timestamp};
use tracing::{debug, warn};

use super::{micros, pause, retention};
use crate::config::Config;
use crate::engine::{Engine, Error, Upkeep};

/// How often, and how long things are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpkeepSettings {
    /// Between two rounds.
    pub(super) every: Duration,
    /// Age beyond which an event can no longer be read from the feed. The history of a task stays with the task.
    pub(super) feed_retention: Duration,
}

impl From<&Config> for UpkeepSettings {
    fn from(config: &Config) -> Self {
        Self {
            every: Duration::from_millis(config.upkeep_interval_ms),
            feed_retention: Duration::from_secs(config.feed_retention_secs),
        }
    }
}

pub(super) async fn run(engine: Engine, settings: UpkeepSettings) {
    loop {
        if let Err(error) = round(&engine, settings).await {
            warn!(error = %error, "upkeep not finished, will try again");
        }
        pause(&engine, settings.every).await;
    }
}

async fn round(engine: &Engine, settings: UpkeepSettings) -> Result<(), Error> {
    let now = Timestamp::from_micros(engine.clock().now_micros());
    while engine.keep_up(Upkeep::ForgetRequests(now)).await? {}
    while engine.keep_up(Upkeep::ExpireKeys(now)).await? {}
    retention::round(engine).await?;
    let retention = Span::from_micros(micros(settings.feed_retention));
    let before = Timestamp::from_micros(now.as_micros().saturating_sub(retention.as_micros()));
    for namespace in engine.store().namespaces().await.map_err(Error::Store)? {
        let oldest = engine
            .store()
            .first_position_since(&namespace, before)
            .await
            .map_err(Error::Store)?;
        if oldest > engine.feed().oldest(&namespace) {
            // Told first, so that no reader takes what is left of the log for all of it.
            engine.feed().trim(&namespace, oldest);
            let trim = Upkeep::TrimLog {
                namespace: namespace.clone(),
                oldest,
            };
            while engine.keep_up(trim.clone()).await? {}
            debug!(namespace, oldest, "feed horizon moved");
        }
    }
    Ok(())
}
