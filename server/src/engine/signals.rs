//! What a commit wakes besides the feed: the timer loop and the follow-ups. Hints only; the store is the truth.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use baton_domain::Timestamp;
use tokio::sync::Notify;

/// Hints from the committer.
pub(crate) struct Signals {
    next_wake: AtomicI64,
    woken: Notify,
    followed: Notify,
    ticks_wait: AtomicBool,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self {
            next_wake: AtomicI64::new(i64::MAX),
            woken: Notify::new(),
            followed: Notify::new(),
            ticks_wait: AtomicBool::new(false),
        }
    }

    /// Some task must move by itself at `time`.
    pub(crate) fn wake_at(&self, time: Timestamp) {
        if self.next_wake.fetch_min(time.as_micros(), Ordering::SeqCst) > time.as_micros() {
            self.woken.notify_one();
        }
    }

    /// The earliest time told since the last call of [`Self::reset_wake`].
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        Some(self.next_wake.load(Ordering::SeqCst))
            .filter(|t| *t < i64::MAX)
            .map(Timestamp::from_micros)
    }

    /// Forgets it; whoever calls reads the store next.
    pub(crate) fn reset_wake(&self) {
        self.next_wake.store(i64::MAX, Ordering::SeqCst);
    }

    /// Waits for an earlier time than was known.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Says whether ticks of schedules wait for a task to settle; whoever says that none do reads the store next.
    pub(crate) fn set_ticks_wait(&self, wait: bool) {
        self.ticks_wait.store(wait, Ordering::SeqCst);
    }

    /// Whether some may.
    pub(crate) fn ticks_wait(&self) -> bool {
        self.ticks_wait.load(Ordering::SeqCst)
    }

    /// Some follow-up was written.
    pub(crate) fn follow_ups(&self) {
        self.followed.notify_one();
    }

    /// Waits for one.
    pub(crate) async fn followed(&self) {
        self.followed.notified().await;
    }
}
