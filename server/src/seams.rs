//! The two seams to the outside: the clock and the source of ids. Nobody else in the server reads the time or
//! draws randomness, so that a test can move the one and repeat the other.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the place that every other one is sent to"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use tokio::sync::watch;
use uuid::Uuid;

/// The longest real sleep before the clock is read again: a step of the system clock (NTP, a laptop that woke
/// up) is noticed within this time.
const RECHECK: Duration = Duration::from_secs(5);

/// The monotonic time, for durations and network deadlines; never for the times of tasks.
pub fn monotonic_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The wall clock of the server, in microseconds since 1970. Clones share their shift.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What test mode has added so far, in microseconds; `None` where time may not be moved.
    shift: Option<Arc<watch::Sender<i64>>>,
    /// What the clock that is followed is ahead of the system's, in microseconds.
    ahead: Arc<AtomicI64>,
    /// Where the clock began that only [`Clock::advance`] moves, in microseconds; `None`: the system's is read.
    begun: Option<i64>,
}

impl Clock {
    /// The system's clock, which nobody moves.
    pub fn system() -> Self {
        Clock {
            shift: None,
            ahead: Arc::default(),
            begun: None,
        }
    }

    /// The system's clock plus a shift that [`Clock::advance`] grows: the clock of test mode.
    pub fn movable() -> Self {
        Clock {
            shift: Some(Arc::new(watch::Sender::new(0))),
            ahead: Arc::default(),
            begun: None,
        }
    }

    /// A clock that stands at `micros` since 1970, and goes only where [`Clock::advance`] takes it: for simulations.
    pub fn manual(micros: i64) -> Self {
        Clock {
            begun: Some(micros),
            ..Self::movable()
        }
    }

    /// The time now, in microseconds since 1970. It may step back where the system's clock does.
    pub fn now_micros(&self) -> i64 {
        let shift = self.shift.as_ref().map_or(0, |shift| *shift.borrow());
        if let Some(begun) = self.begun {
            return begun.saturating_add(shift);
        }
        let ahead = self.ahead.load(Ordering::Relaxed);
        system_micros().saturating_add(ahead).saturating_add(shift)
    }

    /// Follows another clock, which shows `micros` at this moment: that of a database that several servers share. A
    /// manual clock follows none.
    pub fn follow(&self, micros: i64) {
        let ahead = micros.saturating_sub(system_micros());
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Whether [`Clock::advance`] moves it: in test mode only.
    #[must_use]
    pub fn is_movable(&self) -> bool {
        self.shift.is_some()
    }

    /// Moves a movable clock forward by `by` and wakes every sleeper; answers the new time in microseconds, or
    /// `None` where time may not be moved.
    pub fn advance(&self, by: Duration) -> Option<i64> {
        let shift = self.shift.as_ref()?;
        let by_micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        shift.send_modify(|shift| *shift = shift.saturating_add(by_micros));
        Some(self.now_micros())
    }

    /// Waits until the clock shows `due_micros` or more; wakes when the clock is moved there. Cancel-safe.
    pub async fn sleep_until(&self, due_micros: i64) {
        let mut moved = self.shift.as_ref().map(|shift| shift.subscribe());
        loop {
            let remaining = due_micros.saturating_sub(self.now_micros());
            let Ok(remaining @ 1..) = u64::try_from(remaining) else {
                return;
            };
            let sleep = tokio::time::sleep(Duration::from_micros(remaining).min(RECHECK));
            match &mut moved {
                None => sleep.await,
                Some(moved) => tokio::select! {
                    () = sleep => {}
                    // The sender lives in `self`: it cannot close while we borrow it.
                    _ = moved.changed() => {}
                },
            }
        }
    }
}

fn system_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

/// The source of ids and randomness. Clones draw from the same source.
#[derive(Debug, Clone)]
pub struct Ids {
    /// A repeatable generator for tests; `None` draws from the operating system's.
    seeded: Option<Arc<Mutex<StdRng>>>,
}

impl Ids {
    /// Unpredictable ids.
    pub fn system() -> Self {
        Ids { seeded: None }
    }

    /// The same ids for the same seed and the same order of calls: for tests.
    pub fn seeded(seed: u64) -> Self {
        Ids {
            seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))),
        }
    }

    /// Draws a UUIDv7 for an instant in microseconds since 1970 (before that counts as 1970). Ids of one
    /// process sort by that instant to a quarter of a microsecond. Source: RFC 9562, section 6.2, method 3.
    pub fn uuid_v7(&self, now_micros: i64) -> Uuid {
        let micros = u64::try_from(now_micros).unwrap_or(0);
        let mut bytes: [u8; 10] = self.bytes();
        // 12 bits of sub-millisecond time; the builder overwrites the upper four of them with the version.
        let fraction = u16::try_from(micros % 1_000 * 4_096 / 1_000)
            .unwrap_or(0)
            .to_be_bytes();
        bytes[..2].copy_from_slice(&fraction);
        uuid::Builder::from_unix_timestamp_millis(micros / 1_000, &bytes).into_uuid()
    }

    /// Draws `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seeded {
            Some(rng) => rng.lock().fill_bytes(&mut bytes),
            None => rand::rng().fill_bytes(&mut bytes),
        }
        bytes
    }

    /// Draws a number from 0 (inclusive) to 1 (exclusive), for jitter.
    pub fn fraction(&self) -> f64 {
        match &self.seeded {
            Some(rng) => rng.lock().random(),
            None => rand::rng().random(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn the_system_clock_cannot_be_moved() {
        assert_eq!(Clock::system().advance(Duration::from_secs(1)), None);
    }

    #[test]
    fn a_clock_that_is_followed_says_the_time() {
        let clock = Clock::system();
        let hour = 3_600_000_000;
        let there = clock.now_micros() - hour;
        clock.clone().follow(there);
        assert!((there..there + hour / 2).contains(&clock.now_micros()));
    }

    #[test]
    fn a_manual_clock_goes_only_where_it_is_taken() {
        let clock = Clock::manual(7);
        clock.follow(1_000);
        assert_eq!(clock.now_micros(), 7);
        assert_eq!(clock.clone().advance(Duration::from_micros(3)), Some(10));
        assert_eq!(clock.now_micros(), 10);
    }

    #[tokio::test]
    async fn advancing_moves_every_clone_and_wakes_sleepers() {
        let clock = Clock::movable();
        let due = clock.now_micros() + 3_600_000_000;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(due).await;
                clock.now_micros()
            }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        // Short of the goal the sleeper goes back to sleep.
        clock.advance(Duration::from_secs(1_800));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert!(clock.advance(Duration::from_secs(1_800)).unwrap() >= due);
        assert!(sleeper.await.unwrap() >= due);
    }

    #[tokio::test]
    async fn a_due_time_in_the_past_does_not_sleep() {
        let clock = Clock::system();
        assert!(clock.sleep_until(clock.now_micros()).now_or_never().is_some());
        assert!(clock.sleep_until(i64::MIN).now_or_never().is_some());
        assert!(clock.sleep_until(i64::MAX).now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_system_clock_wakes_by_itself() {
        let clock = Clock::system();
        let due = clock.now_micros() + 20_000;
        clock.sleep_until(due).await;
        assert!(clock.now_micros() >= due);
    }

    #[test]
    fn extreme_shifts_saturate() {
        let clock = Clock::movable();
        clock.advance(Duration::MAX);
        assert_eq!(clock.advance(Duration::MAX), Some(i64::MAX));
    }

    #[test]
    fn ids_are_version_7_and_sort_by_their_instant() {
        let ids = Ids::system();
        let base = 1_764_000_000_000_000;
        let drawn: Vec<Uuid> = (0..2_000).map(|micros| ids.uuid_v7(base + micros)).collect();
        assert!(drawn.is_sorted());
        for id in &drawn {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        }
        let (seconds, nanos) = drawn[1_999].get_timestamp().unwrap().to_unix();
        assert_eq!(seconds * 1_000 + u64::from(nanos) / 1_000_000, 1_764_000_000_001);
        assert_eq!(ids.uuid_v7(-1).get_timestamp().unwrap().to_unix().0, 0);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (a, b, c) = (Ids::seeded(7), Ids::seeded(7), Ids::seeded(8));
        assert_eq!(a.uuid_v7(1), b.uuid_v7(1));
        assert_eq!(a.fraction().to_bits(), b.clone().fraction().to_bits());
        assert_eq!(a.bytes::<32>(), b.bytes::<32>());
        assert_ne!(a.bytes::<32>(), c.bytes::<32>());
        assert_ne!(Ids::system().bytes::<32>(), Ids::system().bytes::<32>());
        assert!((0.0..1.0).contains(&a.fraction()));
    }
}
