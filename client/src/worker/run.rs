//! A worker's life: it takes, keeps and reports until it is told to stop, and leaves nothing behind.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Ended;
use super::handler::Handler;
use super::lease;
use super::renew;
use super::report;
use super::shared::{Settings, Shared};
use crate::{Client, Error};

/// A handler that is dropped goes at its next await. One that does not come to it in this time blocks its thread: its
/// task is left to the end of its lease, as nobody may have it while it is worked on.
const BLOCKED_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn run(
    client: Client,
    settings: Settings,
    handlers: BTreeMap<String, Handler>,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Error> {
    let shared = Arc::new(Shared::new(client, settings, handlers));
    let never: Infallible = tokio::select! {
        ended = work(&shared, stop) => return ended,
        never = renew::keep(&shared) => never,
        never = report::deliver(&shared) => never,
    };
    match never {}
}

async fn work(shared: &Arc<Shared>, stop: impl Future<Output = ()>) -> Result<Ended, Error> {
    let mut handlers = JoinSet::new();
    let ended = tokio::select! {
        biased;
        taken = lease::take(shared, &mut handlers) => taken.map(|()| Ended::Drained),
        () = shared.draining.cancelled() => Ok(Ended::Drained),
        () = stop => Ok(Ended::Stopped),
    };
    shared.draining.cancel();
    let none_runs = || shared.running() == 0;
    if timeout(shared.settings.grace, until(shared, none_runs))
        .await
        .is_err()
    {
        shared.give_up.cancel();
        if timeout(BLOCKED_AFTER, until(shared, none_runs)).await.is_err() {
            let blocked = shared.table().forget_running();
            tracing::warn!(?blocked, "handlers block; their leases will run out");
        }
    }
    until(shared, || shared.table().len() == 0).await;
    ended
}

/// Waits until there is so little left.
async fn until(shared: &Shared, is_so: impl Fn() -> bool) {
    while !is_so() {
        shared.is_less.notified().await;
    }
}

/// Waits for the process to be told to stop.
///
/// Errors: signals that cannot be listened for.
#[cfg(unix)]
pub(super) fn termination() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        let deaf = |error| Error::Settings(format!("signals cannot be listened for: {error}"));
        signal(kind).map_err(deaf)
    };
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for the process to be told to stop.
///
/// Errors: none here.
#[cfg(not(unix))]
pub(super) fn termination() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
