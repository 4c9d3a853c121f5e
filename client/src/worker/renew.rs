//! Keeping leases: what is due is renewed in one call, and between renewals a call is open that hears of a cancel at
//! once.

use std::convert::Infallible;
use std::time::Duration;

use baton_proto::v1::{LeaseRenewal, RenewLeasesRequest};
use tokio::time::{Instant, sleep_until};

use super::shared::Shared;
use super::{Context, report};
use crate::Error;
use crate::value::span;

/// The least time from one call to the next, and what each lease in it adds: a worker asks for 1,000 renewals a second
/// at most.
const PACE: Duration = Duration::from_millis(50);
const PACE_PER_LEASE: Duration = Duration::from_millis(1);

/// A worker that drains is answered at once, always; so it asks only so often.
const DRAINING_PACE: Duration = Duration::from_secs(1);

/// The longest time for which a call may be open.
const LISTENING_MAX: Duration = Duration::from_secs(60);

/// Keeps all leases for as long as it runs.
pub(super) async fn keep(shared: &Shared) -> Infallible {
    let mut keeper = Keeper {
        shared,
        not_before: Instant::now(),
        listen_not_before: Instant::now(),
        backoff: shared.backoff(),
    };
    loop {
        sleep_until(keeper.not_before).await;
        let due = shared.table().take_due(Instant::now(), keeper.duration());
        if !due.is_empty() {
            keeper.renew(due).await;
            continue;
        }
        let started = shared.table().started();
        if started.is_empty() || Instant::now() < keeper.listen_not_before {
            let until = (!started.is_empty()).then_some(keeper.listen_not_before);
            keeper.until_due(until, false).await;
        } else {
            keeper.listen(started).await;
        }
    }
}

/// Tells the server that this work begins, and answers whether it is still wanted. Where the server is away the work
/// begins all the same, as it would have without asking.
pub(super) async fn start(shared: &Shared, context: &Context) -> bool {
    let sent = Instant::now();
    let renewal = LeaseRenewal {
        id: context.id().to_owned(),
        lease_token: context.lease_token().to_owned(),
        progress: None,
        listen_only: false,
    };
    let call = shared.client.renew_leases([renewal]);
    match call.lease_duration(shared.settings.lease_duration).await {
        Ok(answer) => {
            shared.hear(answer.updates, Some(sent));
            shared.to_renew.notify_one();
        }
        Err(error) => tracing::debug!(%error, "a start could not be told"),
    }
    !context.is_cancelled()
}

/// Answers whether there was any.
fn drop_progress(renewals: &mut [LeaseRenewal]) -> bool {
    let told = renewals.iter_mut().filter_map(|renewal| renewal.progress.take());
    told.count() > 0
}

struct Keeper<'a> {
    shared: &'a Shared,
    not_before: Instant,
    listen_not_before: Instant,
    backoff: super::shared::Backoff,
}

impl Keeper<'_> {
    fn duration(&self) -> Duration {
        self.shared.settings.lease_duration
    }

    /// Renews these now; the first renewal of a lease starts it.
    async fn renew(&mut self, mut due: Vec<LeaseRenewal>) {
        let sent = self.begin(due.len());
        let mut answer = self.call(due.clone(), Duration::ZERO).await;
        if let Err(error) = &answer
            && report::is_unfit(error)
            && drop_progress(&mut due)
        {
            // What one handler tells, or all of them together, must not cost the others their leases.
            tracing::warn!(%error, "progress was refused");
            answer = self.call(due.clone(), Duration::ZERO).await;
        }
        match answer {
            Ok(updates) => {
                self.backoff = self.shared.backoff();
                self.shared.hear(updates, Some(sent));
            }
            Err(error) => {
                self.shared.table().put_back(due);
                self.failed(&error);
            }
        }
    }

    /// Waits for news of these, until something is to be renewed.
    async fn listen(&mut self, started: Vec<LeaseRenewal>) {
        self.begin(0);
        let wait = (self.duration() / 3).min(LISTENING_MAX);
        let answer = tokio::select! {
            biased;
            answer = self.call(started, wait) => answer,
            () = self.until_due(None, true) => return,
        };
        match answer {
            Ok(updates) => {
                self.backoff = self.shared.backoff();
                self.shared.hear(updates, None);
                if self.shared.draining.is_cancelled() {
                    self.listen_not_before = Instant::now() + DRAINING_PACE;
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    async fn call(
        &self,
        renewals: Vec<LeaseRenewal>,
        wait: Duration,
    ) -> Result<Vec<baton_proto::v1::LeaseUpdate>, Error> {
        let request = RenewLeasesRequest {
            renewals,
            lease_duration: Some(span(self.duration())),
            wait_timeout: Some(span(wait)),
        };
        Ok(self.shared.client.call(request).await?.updates)
    }

    fn begin(&mut self, leases: usize) -> Instant {
        let now = Instant::now();
        let leases = u32::try_from(leases).unwrap_or(u32::MAX);
        self.not_before = now + PACE.max(PACE_PER_LEASE * leases);
        now
    }

    fn failed(&mut self, error: &Error) {
        tracing::debug!(%error, "leases could not be renewed");
        let wait = self.backoff.next().max(error.retry_after().unwrap_or_default());
        self.not_before = Instant::now() + wait;
    }

    /// Waits until a renewal is due, but not longer than `until`; while listening, not longer than there is something
    /// to listen for.
    async fn until_due(&self, until: Option<Instant>, listening: bool) {
        loop {
            let due = {
                let table = self.shared.table();
                if listening && !table.any_started() {
                    return;
                }
                table.next_due(self.duration())
            };
            let due = due.map(|due| due.max(self.not_before));
            let wake = due.into_iter().chain(until).min();
            let Some(wake) = wake else {
                self.shared.to_renew.notified().await;
                continue;
            };
            if wake <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(wake) => return,
                () = self.shared.to_renew.notified() => {}
            }
        }
    }
}
