//! Keeps the metrics of the backlog fresh: open tasks by state, and how long the oldest ready one has waited.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_domain::{State, Timestamp};
use tracing::warn;

use super::pause;
use crate::engine::Engine;
use crate::metrics;
use crate::store::StoreError;

/// Between two looks: as often as scrapers usually come.
const EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(engine: Engine) {
    loop {
        if let Err(error) = look(&engine).await {
            warn!(error = %error, "backlog not counted, will try again");
        }
        pause(&engine, EVERY).await;
    }
}

async fn look(engine: &Engine) -> Result<(), StoreError> {
    let open = State::ALL.iter().filter(|state| state.is_open());
    let mut counts: BTreeMap<State, i64> = open.map(|state| (*state, 0)).collect();
    let mut oldest: Option<Timestamp> = None;
    for namespace in engine.store().namespaces().await? {
        for group in engine.store().task_groups(&namespace).await? {
            if let Some(count) = counts.get_mut(&group.state) {
                *count += group.count;
            }
            oldest = oldest.into_iter().chain(group.oldest_ready_time).min();
        }
    }
    for (state, count) in counts {
        metrics::open_tasks(state.name(), count);
    }
    let now = Timestamp::from_micros(engine.clock().now_micros());
    let waited = oldest.map_or(0, |since| now.since(since).as_micros());
    metrics::oldest_ready(Duration::from_micros(waited.unsigned_abs()));
    Ok(())
}
