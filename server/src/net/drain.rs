//! How a server stops: the phases, and the handle by which long calls hear of them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::services::Health;
use crate::api::status::{Reason, Refusal};

/// Time for last words: after the grace calls that are left are answered, and after that connections say GOAWAY; each
/// gets this long to reach its peer.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// When clients that were refused should come back: about the time of a restart.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The phases of a stop, shared by everything that serves. Clones are one and the same.
///
/// 1. `draining`: health says NOT_SERVING, new calls are refused, streams end themselves; calls go on.
/// 2. `expired` (no call left, or the grace is over): calls that are left are answered: with DRAINING where they only
///    read, with OUTCOME_UNKNOWN where they may have changed something.
/// 3. `closing`: no new connections, GOAWAY on the others.
/// 4. `killed`: connections that are still open break.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    expired: CancellationToken,
    closing: CancellationToken,
    killed: CancellationToken,
    calls: TaskTracker,
}

impl Shutdown {
    /// Fires when the server begins to stop. A stream then sends what it has, ends with UNAVAILABLE / DRAINING,
    /// and its client resumes elsewhere or later.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// The refusal of calls that come too late, and of reads and streams that end because the server stops: nothing
    /// was changed.
    pub fn refusal() -> Refusal {
        Refusal::new(Reason::Draining, "the server is stopping").retry_after(RETRY_AFTER)
    }

    /// The answer to a change that was under way when the grace ended: it may still be committed.
    pub(super) fn outcome_unknown() -> Refusal {
        let message = "the server stopped meanwhile: the change stands whole or not at all";
        Refusal::new(Reason::OutcomeUnknown, message).retry_after(RETRY_AFTER)
    }

    /// Fires when calls that are still open must be answered at once.
    pub(super) fn expired(&self) -> &CancellationToken {
        &self.expired
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    pub(super) fn killed(&self) -> &CancellationToken {
        &self.killed
    }

    /// Counts a call as open until the token is dropped.
    pub(super) fn count_call(&self) -> TaskTrackerToken {
        self.calls.token()
    }

    /// Walks through the phases, as fast as the open calls allow. Returns with every connection told to break.
    pub(super) async fn drain(&self, grace: Duration, health: &Health) {
        health.set_not_serving().await;
        self.draining.cancel();
        self.calls.close();
        let open_calls = self.calls.len();
        tracing::info!(open_calls, grace_seconds = grace.as_secs_f64(), "draining");
        if tokio::time::timeout(grace, self.calls.wait()).await.is_err() {
            tracing::warn!(
                open_calls = self.calls.len(),
                "the grace is over, ending the calls that are left"
            );
        }
        self.expired.cancel();
        if tokio::time::timeout(LAST_WORDS, self.calls.wait()).await.is_err() {
            tracing::warn!(
                open_calls = self.calls.len(),
                "calls are left whose peers do not listen"
            );
        }
        self.closing.cancel();
        tokio::time::sleep(LAST_WORDS).await;
        self.killed.cancel();
    }
}
