//! Posts events to where webhooks say: one loop for each that is not paused, reading the feed from where it is.
//!
//! Nothing here decides what a webhook is; that is the engine's, and every change of it starts its loop anew. How far a loop is
//! goes through the committer, so that what was delivered is known after a restart.

mod courier;
mod delivery;
mod lines;

use std::collections::HashMap;
use std::time::Duration;

use baton_domain::webhook::WebhookFormat;
use baton_domain::{Event, WebhookId};
use bytes::Bytes;
use futures::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use self::courier::{Courier, NotSent};
use self::delivery::Delivery;
use crate::engine::Engine;

/// The wait after a failure that is not the other side's.
const BACKOFF: Duration = Duration::from_secs(1);

/// Writes the body of the message that tells of an event.
pub(crate) type Write = fn(&Event, WebhookFormat) -> Bytes;

/// What every loop needs.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) engine: Engine,
    pub(crate) courier: Courier,
    pub(crate) write: Write,
}

/// A loop that runs, of one content of a webhook.
struct Running {
    revision: i64,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

/// Delivers until `stop` is cancelled, then waits a moment for answers and notes how far every webhook is.
pub(crate) fn start(post: Post, stop: &CancellationToken) -> JoinHandle<()> {
    tokio::spawn(watch_over(post, stop.clone()))
}

async fn watch_over(post: Post, stop: CancellationToken) {
    let mut changes = post.engine.webhooks().changes();
    let mut leads = post.engine.signals().leads();
    let mut running = HashMap::<WebhookId, Running>::new();
    loop {
        changes.borrow_and_update();
        let leads_now = *leads.borrow_and_update();
        let mut wanted = post.engine.webhooks().all();
        wanted.retain(|webhook| leads_now && !webhook.paused);
        let is_wanted = |id: &WebhookId, running: &Running| {
            let same = |revision| revision == running.revision;
            wanted.iter().any(|known| known.id == *id && same(known.revision))
        };
        let (old, kept) = running
            .into_iter()
            .partition(|(id, running)| !is_wanted(id, running));
        running = kept;
        end(old).await;
        for webhook in wanted {
            if running.contains_key(&webhook.id) {
                continue;
            }
            let stop = stop.child_token();
            let (id, revision) = (webhook.id, webhook.revision);
            let ended = tokio::spawn(Delivery::keep_up(post.clone(), webhook, stop.clone()));
            let begun = Running {
                revision,
                stop,
                ended,
            };
            running.insert(id, begun);
        }
        tokio::select! {
            () = stop.cancelled() => break,
            // The sender lives in the engine, which this holds.
            _ = changes.changed() => {}
            _ = leads.changed() => {}
        }
    }
    end(running).await;
}

async fn end(running: HashMap<WebhookId, Running>) {
    running.values().for_each(|running| running.stop.cancel());
    for ended in join_all(running.into_values().map(|running| running.ended)).await {
        if let Err(error) = ended {
            tracing::error!(%error, "the loop of a webhook ended by a fault of its own");
        }
    }
}
