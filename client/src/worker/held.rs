//! What a worker holds: its leases, and what is known of each.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use baton_proto::v1::{LeaseDirective, LeaseRenewal, Progress};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Work that ends sooner is started and finished by its report alone: half the writes.
pub(super) const START_AFTER: Duration = Duration::from_millis(100);

/// A lease must be started so soon, or it goes back.
const ACKNOWLEDGE: Duration = Duration::from_secs(10);

/// Names a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LeaseId {
    pub(super) task: String,
    pub(super) fence: i64,
}

/// How a handler hears that its work is not wanted any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    pub(super) token: CancellationToken,
    /// Set before the token is cancelled.
    pub(super) why: Arc<OnceLock<LeaseDirective>>,
}

/// A lease as its worker knows it. Without Debug: its token belongs into no log.
pub(super) struct Held {
    pub(super) fence: i64,
    pub(super) token: String,
    pub(super) stop: Stop,
    granted: Instant,
    /// The server knows that the work has begun.
    pub(super) started: bool,
    /// When the lease ends as far as was heard.
    pub(super) end: Instant,
    /// How far the work is, where the server was not told yet.
    pub(super) progress: Option<Progress>,
    /// Its handler is not over.
    pub(super) running: bool,
}

impl Held {
    pub(super) fn new(fence: i64, token: String) -> Self {
        // The poll may have waited for long: it is as new as its answer.
        let granted = Instant::now();
        Held {
            fence,
            token,
            stop: Stop::default(),
            granted,
            started: false,
            end: granted + ACKNOWLEDGE,
            progress: None,
            running: true,
        }
    }

    /// When it is to be renewed at the latest.
    fn due(&self, duration: Duration) -> Instant {
        if self.progress.is_some() {
            return self.granted;
        }
        if !self.started {
            return self.granted + START_AFTER;
        }
        self.end - duration / 2
    }

    fn renewal(&mut self, task: &str) -> LeaseRenewal {
        LeaseRenewal {
            id: task.to_owned(),
            lease_token: self.token.clone(),
            progress: self.progress.take(),
            listen_only: false,
        }
    }
}

/// All that a worker holds, by task.
#[derive(Default)]
pub(super) struct Table {
    held: HashMap<String, Held>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// A new lease. One of the same task that is still here was lost: else nobody could have got a new one.
    pub(super) fn insert(&mut self, task: String, held: Held) {
        self.lose(&task, None, LeaseDirective::Lost);
        self.held.insert(task, held);
    }

    pub(super) fn get(&mut self, lease: &LeaseId) -> Option<&mut Held> {
        let held = self.held.get_mut(&lease.task);
        held.filter(|held| held.fence == lease.fence)
    }

    pub(super) fn remove(&mut self, lease: &LeaseId) {
        if self.get(lease).is_some() {
            self.held.remove(&lease.task);
        }
    }

    /// Forgets those whose handlers are not over; answers their tasks.
    pub(super) fn forget_running(&mut self) -> Vec<String> {
        let running = self.held.extract_if(|_, held| held.running);
        running.map(|(task, _)| task).collect()
    }

    /// A lease is gone, whatever its fence or only with this one: its handler is told.
    pub(super) fn lose(&mut self, task: &str, fence: Option<i64>, why: LeaseDirective) {
        let held = self.held.get(task);
        if held.is_some_and(|held| fence.is_none_or(|fence| fence == held.fence))
            && let Some(held) = self.held.remove(task)
        {
            held.stop.why.get_or_init(|| why);
            held.stop.token.cancel();
        }
    }

    /// The renewals that are due by now; what is told by them is taken out.
    pub(super) fn take_due(&mut self, now: Instant, duration: Duration) -> Vec<LeaseRenewal> {
        let due = self.held.iter_mut().filter(|(_, held)| held.due(duration) <= now);
        due.map(|(task, held)| held.renewal(task)).collect()
    }

    /// When the next renewal is due.
    pub(super) fn next_due(&self, duration: Duration) -> Option<Instant> {
        self.held.values().map(|held| held.due(duration)).min()
    }

    /// What an open call can listen for: all that the server knows as begun. None of it is renewed by that.
    pub(super) fn started(&self) -> Vec<LeaseRenewal> {
        let started = self.held.iter().filter(|(_, held)| held.started);
        let renewal = |(task, held): (&String, &Held)| LeaseRenewal {
            id: task.clone(),
            lease_token: held.token.clone(),
            progress: None,
            listen_only: true,
        };
        started.map(renewal).collect()
    }

    pub(super) fn any_started(&self) -> bool {
        self.held.values().any(|held| held.started)
    }

    /// Puts back what could not be told, where nothing newer is to be told.
    pub(super) fn put_back(&mut self, renewals: Vec<LeaseRenewal>) {
        for renewal in renewals {
            if let Some(held) = self.held.get_mut(&renewal.id)
                && held.token == renewal.lease_token
                && held.progress.is_none()
            {
                held.progress = renewal.progress;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(30);

    fn table() -> (Table, Instant, LeaseId) {
        let mut table = Table::default();
        table.insert("a".to_owned(), Held::new(1, "t1".to_owned()));
        let lease = LeaseId {
            task: "a".to_owned(),
            fence: 1,
        };
        let granted = table.get(&lease).unwrap().granted;
        (table, granted, lease)
    }

    #[tokio::test]
    async fn a_lease_is_started_soon_and_renewed_at_half_its_time() {
        let (mut table, granted, lease) = table();
        assert!(table.take_due(granted, DURATION).is_empty());
        assert_eq!(table.take_due(granted + START_AFTER, DURATION).len(), 1);
        assert!(!table.any_started());
        let held = table.get(&lease).unwrap();
        held.started = true;
        held.end = granted + DURATION;
        assert_eq!(table.next_due(DURATION), Some(granted + DURATION / 2));
    }

    #[tokio::test]
    async fn progress_is_told_at_once_and_only_the_newest() {
        let (mut table, granted, lease) = table();
        let percent = |percent| {
            Some(Progress {
                percent: Some(percent),
                ..Progress::default()
            })
        };
        table.get(&lease).unwrap().progress = percent(1);
        let due = table.take_due(granted, DURATION);
        assert_eq!(due[0].progress, percent(1));
        // It could not be told, and something newer came meanwhile.
        table.get(&lease).unwrap().progress = percent(2);
        table.put_back(due);
        assert_eq!(table.take_due(granted, DURATION)[0].progress, percent(2));
    }

    #[tokio::test]
    async fn news_of_an_old_grant_leaves_the_new_one_alone() {
        let (mut table, _, old) = table();
        let stop = table.get(&old).unwrap().stop.clone();
        table.insert("a".to_owned(), Held::new(2, "t2".to_owned()));
        assert!(stop.token.is_cancelled());
        assert_eq!(stop.why.get(), Some(&LeaseDirective::Lost));
        table.lose("a", Some(1), LeaseDirective::Cancel);
        table.remove(&old);
        assert_eq!(table.len(), 1);
        table.lose("a", Some(2), LeaseDirective::Cancel);
        assert_eq!(table.len(), 0);
    }
}
