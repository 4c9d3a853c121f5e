//! What a commit wakes besides the feed: the timer loop and the follow-ups. Hints only; the store is the truth.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use baton_domain::Timestamp;
use tokio::sync::{Notify, watch as latest};

use super::schedules::Announced;
use crate::store::BEGINNING;

/// Hints from the committer.
pub(crate) struct Signals {
    next_wake: AtomicI64,
    looks_anew: AtomicBool,
    woken: Notify,
    followed: Notify,
    ticks_wait: AtomicBool,
    committed: Notify,
    leads: latest::Sender<bool>,
    pub(super) announced: Announced,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self {
            next_wake: AtomicI64::new(i64::MAX),
            looks_anew: AtomicBool::new(false),
            woken: Notify::new(),
            followed: Notify::new(),
            ticks_wait: AtomicBool::new(false),
            committed: Notify::new(),
            leads: latest::Sender::new(false),
            announced: Announced::new(),
        }
    }

    /// Some task must move by itself at `time`.
    pub(crate) fn wake_at(&self, time: Timestamp) {
        if self.next_wake.fetch_min(time.as_micros(), Ordering::SeqCst) > time.as_micros() {
            self.woken.notify_one();
        }
    }

    /// Of tasks that must move by themselves, and of follow-ups, more may be there than were told of: at the next look all of
    /// them are looked for.
    pub(crate) fn look_anew(&self) {
        self.looks_anew.store(true, Ordering::SeqCst);
    }

    /// Says that the store was read since the last call of [`Self::take_wake`], and nothing in it moves before `time`: of what
    /// is told from now on, only what is earlier wakes. Answers the earliest time known, of those told since too.
    pub(crate) fn wait_until(&self, time: Timestamp) -> Timestamp {
        let told = self.next_wake.fetch_min(time.as_micros(), Ordering::SeqCst);
        time.min(Timestamp::from_micros(told))
    }

    /// Forgets the earliest time known; whoever calls reads the store next, where no task must move before `floor`. Answers
    /// what that comes to with that time.
    pub(crate) fn take_wake(&self, floor: Timestamp) -> Timestamp {
        let told = self.next_wake.swap(i64::MAX, Ordering::SeqCst);
        if self.looks_anew.swap(false, Ordering::SeqCst) {
            self.follow_ups();
            return BEGINNING;
        }
        floor.min(Timestamp::from_micros(told))
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

    /// The log was told of every schedule that there is.
    pub(crate) fn all_announced(&self) {
        self.announced.end();
    }

    /// Some follow-up was written.
    pub(crate) fn follow_ups(&self) {
        self.followed.notify_one();
    }

    /// Waits for one.
    pub(crate) async fn followed(&self) {
        self.followed.notified().await;
    }

    /// Something was committed that other servers may want to know of.
    pub(crate) fn committed(&self) {
        self.committed.notify_one();
    }

    /// Waits for a commit since the last call. Cancel-safe.
    pub(crate) async fn was_committed(&self) {
        self.committed.notified().await;
    }

    /// Says whether this server does what one of all servers has to do; answers whether that is new.
    pub(crate) fn set_leads(&self, leads: bool) -> bool {
        self.leads.send_replace(leads) != leads
    }

    /// Tells that, and when it changes.
    pub(crate) fn leads(&self) -> latest::Receiver<bool> {
        self.leads.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn only_what_is_earlier_than_the_time_waited_for_wakes() {
        let signals = Signals::new();
        let is_woken = || signals.woken().now_or_never().is_some();
        assert_eq!(signals.take_wake(BEGINNING), BEGINNING);
        assert_eq!(signals.wait_until(at(50)), at(50));
        signals.wake_at(at(50));
        signals.wake_at(at(60));
        assert!(!is_woken());
        signals.wake_at(at(40));
        assert!(is_woken());
        assert_eq!(signals.take_wake(at(50)), at(40));
    }

    #[test]
    fn what_is_told_while_the_store_is_read_counts() {
        let signals = Signals::new();
        signals.take_wake(BEGINNING);
        signals.wake_at(at(30));
        assert_eq!(signals.wait_until(at(50)), at(30));
        // Of what is later than both, nothing was noted: it is found when the store is read from the earliest on.
        signals.wake_at(at(70));
        assert_eq!(signals.take_wake(at(50)), at(30));
    }
}
