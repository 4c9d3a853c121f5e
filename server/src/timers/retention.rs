//! Deletes settled tasks that their queue keeps no longer.

use baton_domain::{Action, Queue, State, Timestamp};
use futures::future::try_join_all;
use tracing::debug;

use super::ROUND;
use crate::engine::{Engine, Error};
use crate::store::SettledQuery;

/// Goes through all queues that do not keep their tasks for ever.
pub(super) async fn round(engine: &Engine) -> Result<(), Error> {
    let (queues, _) = engine.store().all_queues().await.map_err(Error::Store)?;
    for standing in queues {
        let deleted = clear(engine, &standing.queue).await?;
        if deleted > 0 {
            let Queue { namespace, name, .. } = &*standing.queue;
            debug!(namespace, queue = name, deleted, "settled tasks deleted");
        }
    }
    Ok(())
}

/// Answers how many tasks it deleted.
async fn clear(engine: &Engine, queue: &Queue) -> Result<usize, Error> {
    let Some(retention) = queue.spec.retention else {
        return Ok(0);
    };
    let now = Timestamp::from_micros(engine.clock().now_micros());
    let settled = State::ALL.iter().filter(|state| state.is_settled());
    let mut deleted = 0;
    for state in settled {
        let mut query = SettledQuery {
            namespace: &queue.namespace,
            queue: &queue.name,
            state: *state,
            until: now.minus(retention),
            after: None,
        };
        loop {
            let found = engine.store().settled_of(&query, ROUND).await;
            let (ids, next) = found.map_err(Error::Store)?;
            deleted += ids.len();
            let delete = |id| engine.advance(id, Action::Delete { force: false });
            try_join_all(ids.into_iter().map(delete)).await?;
            query.after = next;
            if next.is_none() {
                break;
            }
        }
    }
    Ok(deleted)
}
