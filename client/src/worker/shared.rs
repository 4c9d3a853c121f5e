//! What the loops of a worker and its handlers share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::ExponentialBackoff;
use baton_proto::v1::{Actor, LeaseDirective, LeaseUpdate, TaskReport};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::handler::Handler;
use super::held::{LeaseId, Table};
use super::{Failure, Outcome};
use crate::Client;

/// The longest wait before a call is made again that failed on its way: a worker is back soon after its server is.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How a worker is set up.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) namespace: String,
    pub(super) actor: Actor,
    pub(super) queues: Vec<String>,
    pub(super) concurrency: usize,
    pub(super) lease_duration: Duration,
    pub(super) grace: Duration,
}

/// How the work on a task ended, to be told.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) lease: LeaseId,
    pub(super) told: TaskReport,
    /// It stands in the place of one whose content the server refused.
    pub(super) is_stand_in: bool,
    /// Since when the server fails on it, and on no other.
    pub(super) failing_since: Option<Instant>,
}

pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) handlers: BTreeMap<String, Handler>,
    table: Mutex<Table>,
    reports: Mutex<VecDeque<Report>>,
    running: AtomicUsize,
    /// There is room for more tasks.
    pub(super) has_room: Notify,
    /// Something is to be renewed, or nothing any more.
    pub(super) to_renew: Notify,
    /// Something is to be reported.
    pub(super) to_report: Notify,
    /// A handler or a report is over.
    pub(super) is_less: Notify,
    /// Nothing new is taken any more.
    pub(super) draining: CancellationToken,
    /// What still runs is dropped and given back.
    pub(super) give_up: CancellationToken,
}

impl Shared {
    pub(super) fn new(client: Client, settings: Settings, handlers: BTreeMap<String, Handler>) -> Self {
        Shared {
            client,
            settings,
            handlers,
            table: Mutex::default(),
            reports: Mutex::default(),
            running: AtomicUsize::new(0),
            has_room: Notify::new(),
            to_renew: Notify::new(),
            to_report: Notify::new(),
            is_less: Notify::new(),
            draining: CancellationToken::new(),
            give_up: CancellationToken::new(),
        }
    }

    /// Never across an await.
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reports(&self) -> MutexGuard<'_, VecDeque<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Takes the answer to a poll, or to a renewal that was sent at a time.
    pub(super) fn hear(&self, updates: Vec<LeaseUpdate>, renewed: Option<Instant>) {
        let mut table = self.table();
        for update in updates {
            let directive = update.directive();
            let lease = LeaseId {
                task: update.id,
                fence: update.fence,
            };
            match directive {
                LeaseDirective::Cancel | LeaseDirective::Pause | LeaseDirective::Lost => {
                    tracing::debug!(task = lease.task, ?directive, "a lease is gone");
                    table.lose(&lease.task, Some(lease.fence), directive);
                    continue;
                }
                LeaseDirective::Drain => self.draining.cancel(),
                // A word of a newer server: the lease has an end all the same.
                LeaseDirective::Continue | LeaseDirective::Unspecified => {}
            }
            if let (Some(sent), Some(held)) = (renewed, table.get(&lease)) {
                held.started = true;
                held.end = sent + self.settings.lease_duration;
            }
        }
        drop(table);
        self.has_less();
    }

    /// The server said of one lease that it is gone.
    pub(super) fn lose(&self, lease: &LeaseId) {
        self.table()
            .lose(&lease.task, Some(lease.fence), LeaseDirective::Lost);
        self.has_less();
    }

    /// The work on a task is over. Where its lease is gone nobody wants to know.
    pub(super) fn finish(
        &self,
        lease: LeaseId,
        began: std::time::SystemTime,
        ended: Result<Outcome, Failure>,
    ) {
        let Some(token) = self.table().get(&lease).map(|held| {
            held.running = false;
            held.token.clone()
        }) else {
            return;
        };
        if let Err(failure) = &ended {
            tracing::debug!(
                task = lease.task,
                failure = failure.message(),
                "an attempt failed"
            );
        }
        let told = TaskReport {
            id: lease.task.clone(),
            lease_token: token,
            start_time: Some(began.into()),
            result: Some(ended.map_or_else(Failure::told, Outcome::told)),
        };
        self.reports().push_back(Report {
            lease,
            told,
            is_stand_in: false,
            failing_since: None,
        });
        self.to_report.notify_one();
    }

    /// The end of a lease was told.
    pub(super) fn settle(&self, lease: &LeaseId) {
        self.table().remove(lease);
        self.has_less();
    }

    pub(super) fn has_less(&self) {
        self.has_room.notify_one();
        self.is_less.notify_one();
        if self.table().len() == 0 {
            self.to_renew.notify_one();
        }
    }

    /// Waits between repeats of a call.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff(self.client.inner.retry.endless_waits())
    }
}

pub(super) struct Backoff(ExponentialBackoff);

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }

    /// Waits after an error, as the server asks at least.
    pub(super) async fn wait(&mut self, error: &crate::Error) {
        let wait = self.next().max(error.retry_after().unwrap_or_default());
        sleep(wait).await;
    }
}

/// A handler's place among those that run at once.
pub(super) struct Place(Arc<Shared>);

impl Place {
    pub(super) fn take(shared: &Arc<Shared>) -> Self {
        shared.running.fetch_add(1, Ordering::SeqCst);
        Place(Arc::clone(shared))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.has_less();
    }
}
