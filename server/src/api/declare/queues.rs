//! Queues of a file.

use baton_domain::queue::{KeyLimit, QueueSpec};
use baton_domain::{Queue, QueueEdit};
use baton_proto::{raw::v1 as raw, v1};
use tracing::warn;

use super::{as_raw, draw, file};
use crate::api::requests::queues::QueueCall;
use crate::api::status::Refusal;
use crate::api::{failed, judge};
use crate::engine::{Engine, QueueAction, QueueChange};

/// A queue of a file.
#[derive(Clone, Debug)]
pub struct DeclaredQueue {
    /// All of it.
    pub queue: v1::Queue,
    /// Whether it is paused, where the file says so. Else whoever paused it has the say.
    pub paused: Option<bool>,
}

/// Answers namespace and name.
pub(super) async fn declare(engine: &Engine, declared: DeclaredQueue) -> Result<(String, String), Refusal> {
    let DeclaredQueue { queue, paused } = declared;
    let request: raw::CreateQueueRequest = as_raw(&v1::CreateQueueRequest {
        queue: Some(queue),
        ..Default::default()
    })?;
    let change = judge::read(|v| request.read(v, &draw(engine)))?.change;
    let key = (change.namespace, change.name);
    let QueueAction::Create(mut new) = change.action else {
        return Err(Refusal::opaque_bug());
    };
    new.creator = file();
    let found = engine.store().queue(&key.0, &key.1).await;
    let found = found.map_err(|error| failed::store_failed(&error))?;
    let Some(found) = found else {
        give(engine, &key, QueueAction::Create(new)).await?;
        return Ok(key);
    };
    let found: &Queue = &found.queue;
    if found.spec != new.spec {
        let edit = whole(new.spec);
        give(engine, &key, QueueAction::Update(Box::new(edit))).await?;
    }
    let note = new.note;
    match paused {
        Some(true) if !found.paused => give(engine, &key, QueueAction::Pause { note }).await?,
        Some(false) if found.paused => give(engine, &key, QueueAction::Resume { note }).await?,
        Some(_) | None => {}
    }
    Ok(key)
}

/// An edit that leaves nothing as it was.
fn whole(spec: QueueSpec) -> QueueEdit {
    let QueueSpec {
        description,
        concurrency,
        rate,
        keys,
        retry_policy,
        retention,
    } = spec;
    let (key_label, key_limit) = keys.map(|KeyLimit { label, limit }| (label, limit)).unzip();
    QueueEdit {
        description: Some(description),
        concurrency: Some(concurrency),
        rate: Some(rate),
        key_label: Some(key_label.unwrap_or_default()),
        key_limit: Some(key_limit),
        retry_policy: Some(retry_policy),
        retention: Some(retention),
    }
}

/// Queues that the file made and names no more stay: without one, its limits would hold no more.
pub(super) async fn tell_of_others(engine: &Engine, declared: &[(String, String)]) -> Result<(), Refusal> {
    let (all, _) = engine
        .store()
        .all_queues()
        .await
        .map_err(|error| failed::store_failed(&error))?;
    for found in all {
        let Queue {
            namespace,
            name,
            creator,
            ..
        } = &*found.queue;
        let is_named = declared.iter().any(|key| key.0 == *namespace && key.1 == *name);
        if *creator == file() && !is_named {
            warn!(
                namespace,
                queue = name,
                "baton.toml declares this queue no more; it stays as it is: `baton queue delete` forgets it"
            );
        }
    }
    Ok(())
}

async fn give(engine: &Engine, key: &(String, String), action: QueueAction) -> Result<(), Refusal> {
    let (namespace, name) = key.clone();
    let change = QueueChange {
        namespace,
        name,
        etag: None,
        action,
    };
    let done = engine.change_queue(change, None).await;
    done.map(drop).map_err(|error| failed::refuse_error(&error))
}
