//! Carries the effects of one task to others: dependants of a settled task, children of a cancelled one.

use baton_domain::{Action, TaskId};
use futures::future::try_join_all;
use tracing::warn;

use super::{BACKOFF, ROUND, pause};
use crate::engine::{Engine, Error};
use crate::store::{FollowUp, FollowUpKind};

/// Follow-ups worked on together.
const TOGETHER: u32 = 32;

pub(super) async fn run(engine: Engine) {
    loop {
        match round(&engine).await {
            Ok(true) => {}
            Ok(false) => engine.signals().followed().await,
            Err(error) => {
                warn!(error = %error, "follow-ups not finished, will try again");
                pause(&engine, BACKOFF).await;
            }
        }
    }
}

/// Works on the oldest follow-ups; answers whether there were any.
pub(super) async fn round(engine: &Engine) -> Result<bool, Error> {
    let found = engine.store().follow_ups(TOGETHER).await.map_err(Error::Store)?;
    let any = !found.is_empty();
    try_join_all(found.iter().map(|follow_up| expand(engine, follow_up))).await?;
    Ok(any)
}

/// Moves the tasks that `follow_up` reaches, in chunks, and strikes it out when there are none left. Each chunk
/// shortens the list that is read next, so a crash in between repeats nothing.
async fn expand(engine: &Engine, follow_up: &FollowUp) -> Result<(), Error> {
    loop {
        let (reached, action) = reach(engine, follow_up).await?;
        let whole = reached.len() < ROUND as usize;
        try_join_all(reached.into_iter().map(|id| engine.advance(id, action.clone()))).await?;
        if whole {
            // Nobody can begin to wait for a task that has settled, so there are none after these.
            return engine.close_follow_up(follow_up.id).await;
        }
    }
}

async fn reach(engine: &Engine, follow_up: &FollowUp) -> Result<(Vec<TaskId>, Action), Error> {
    let (store, task_id) = (engine.store(), follow_up.task_id);
    match follow_up.kind {
        FollowUpKind::DependencySettled => {
            let reached = store
                .dependants(task_id, follow_up.revision, ROUND)
                .await
                .map_err(Error::Store)?;
            Ok((
                reached,
                Action::SettleDependency {
                    task_id,
                    result: follow_up.result,
                },
            ))
        }
        FollowUpKind::ParentGone => {
            let reached = store.open_children(task_id, ROUND).await.map_err(Error::Store)?;
            Ok((reached, Action::CancelByParent))
        }
    }
}
