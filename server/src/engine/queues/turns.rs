//! When rate limits let the next task go, for those who wait for it.

use std::collections::BTreeMap;

use baton_domain::Timestamp;
use baton_domain::queue::{Bucket, RateLimit};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::StandingQueue;

/// Namespace and name.
type Named = (String, String);

/// Turns that somebody may wait for. Hints: whoever is woken looks.
#[derive(Default)]
pub(crate) struct Turns {
    /// At most one of each queue at a time.
    coming: Mutex<BTreeMap<(Timestamp, Named), (RateLimit, Bucket)>>,
    told: Notify,
}

impl Turns {
    /// The next turn of this queue may be waited for, where it has a rate limit that gives out nothing at `now`.
    pub(super) fn wait(&self, standing: &StandingQueue, now: Timestamp) {
        let rate = standing.queue.spec.rate;
        let next = rate.and_then(|rate| rate.next_time(standing.usage.bucket, now));
        if let Some(next) = next {
            self.at(next, standing);
        }
    }

    /// A turn of this queue at `time`.
    pub(super) fn at(&self, time: Timestamp, standing: &StandingQueue) {
        let StandingQueue { queue, usage } = standing;
        let Some(rate) = queue.spec.rate else { return };
        let named = (queue.namespace.clone(), queue.name.clone());
        let mut coming = self.coming.lock();
        let is_first = coming
            .first_key_value()
            .is_none_or(|((first, _), _)| time < *first);
        coming.insert((time, named), (rate, usage.bucket));
        drop(coming);
        if is_first {
            self.told.notify_one();
        }
    }

    /// When the first one comes.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        let coming = self.coming.lock();
        coming.first_key_value().map(|((time, _), _)| *time)
    }

    /// Waits until one comes sooner than was known.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    /// Takes out those that have come at `now`, each with how many tasks it lets go.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<(Named, usize)> {
        let mut coming = self.coming.lock();
        let mut come = Vec::new();
        while let Some(first) = coming.first_entry() {
            if first.key().0 > now {
                break;
            }
            let ((_, named), (rate, bucket)) = first.remove_entry();
            let tasks = usize::try_from(rate.available(bucket, now)).unwrap_or(0);
            come.push((named, tasks.max(1)));
        }
        come
    }
}
