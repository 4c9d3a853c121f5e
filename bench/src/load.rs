//! Load that waits for its answers: so many callers, each with one call in flight.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::statistics::Latency;

/// Goes before what is counted, as a part of it: connections open, caches fill.
pub(crate) const WARM_UP: f64 = 0.2;

/// One caller: it makes one call, or a fixed series of calls, at a time.
pub(crate) trait Lane: Send + 'static {
    /// Makes it and waits for the answer. Answers how much was done, in the unit of the figure.
    fn step(&mut self) -> impl Future<Output = anyhow::Result<u32>> + Send;
}

/// What callers got done.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Units done a second.
    pub(crate) rate: f64,
    /// How long one step took.
    pub(crate) latency: Latency,
}

/// Runs all lanes at once; `counted` follows upon a warm-up. Dropping the future ends every call.
///
/// Errors: a lane failed, or none answered in time to be counted.
pub(crate) async fn run<L: Lane>(
    lanes: impl IntoIterator<Item = L>,
    counted: Duration,
) -> anyhow::Result<Load> {
    let from = Instant::now() + counted.mul_f64(WARM_UP);
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(run_lane(lane, from, from + counted));
    }
    let mut units = 0_u64;
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        let done = ended.context("a caller panicked")??;
        units += done.units;
        times.extend(done.times);
    }
    let seconds = from.elapsed().as_secs_f64();
    let latency = Latency::of(times).context("no call was answered in time to be counted")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = units as f64 / seconds;
    Ok(Load { rate, latency })
}

struct Done {
    units: u64,
    times: Vec<Duration>,
}

/// A step counts if it begins between `from` and `to`, wherever it ends: the last ones are waited for.
async fn run_lane(mut lane: impl Lane, from: Instant, to: Instant) -> anyhow::Result<Done> {
    let mut units = 0;
    let mut times = Vec::new();
    loop {
        let started = Instant::now();
        if started >= to {
            return Ok(Done { units, times });
        }
        let done = lane.step().await?;
        if started >= from {
            units += u64::from(done);
            times.push(started.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counter {
        steps: Arc<AtomicU32>,
        fails_at: u32,
    }

    impl Lane for Counter {
        async fn step(&mut self) -> anyhow::Result<u32> {
            let step = self.steps.fetch_add(1, Ordering::Relaxed);
            anyhow::ensure!(step != self.fails_at, "as planned");
            tokio::task::yield_now().await;
            Ok(10)
        }
    }

    #[tokio::test]
    async fn the_warm_up_is_not_counted() {
        let steps = Arc::new(AtomicU32::new(0));
        let lane = || Counter {
            steps: Arc::clone(&steps),
            fails_at: u32::MAX,
        };
        let load = run([lane(), lane()], Duration::from_millis(50)).await.unwrap();
        let all = f64::from(steps.load(Ordering::Relaxed) * 10);
        let counted = load.rate * 0.05;
        assert!(counted > 0.0 && counted < all, "{counted} of {all}");
        assert!(load.latency.p50_ms <= load.latency.p99_ms);
    }

    #[tokio::test]
    async fn a_failed_call_fails_the_run() {
        let lane = Counter {
            steps: Arc::default(),
            fails_at: 3,
        };
        let error = run([lane], Duration::from_secs(60)).await.err().unwrap();
        assert_eq!(error.to_string(), "as planned");
    }
}
