//! What keeps a ready task of a queue from being given out.

use super::{Bucket, Queue, RateLimit};
use crate::task::Labels;
use crate::time::Timestamp;

/// What is in use of a queue's limits, but for those of its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its tasks that are leased.
    pub leased: i64,
    /// Of its rate limit.
    pub bucket: Bucket,
}

/// One thing that holds a ready task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The queue is paused.
    Paused,
    /// As many of its tasks are leased as may be.
    Concurrency {
        /// How many may be.
        limit: i32,
        /// How many are.
        leased: i64,
    },
    /// Its next turn is later.
    Rate {
        /// Which limit.
        limit: RateLimit,
        /// When.
        next: Timestamp,
    },
    /// As many tasks of the same key are leased as may be.
    Key {
        /// The key.
        key: String,
        /// How many may be.
        limit: i32,
        /// How many are.
        leased: i64,
    },
}

impl Queue {
    /// How many of its tasks may be given out at `now`, whatever their keys are.
    #[must_use]
    pub fn room(&self, usage: Usage, now: Timestamp) -> i64 {
        if self.paused {
            return 0;
        }
        let places = self.spec.concurrency;
        let places = places.map_or(i64::MAX, |limit| i64::from(limit) - usage.leased);
        let turns = self.spec.rate;
        let turns = turns.map_or(i64::MAX, |rate| rate.available(usage.bucket, now));
        places.min(turns).max(0)
    }

    /// How many more tasks of a key may be leased of which `leased` are.
    #[must_use]
    pub fn room_of_key(&self, leased: i64) -> i64 {
        let keys = self.spec.keys.as_ref();
        keys.map_or(i64::MAX, |keys| (i64::from(keys.limit) - leased).max(0))
    }

    /// Whether it keeps a ready task with these labels from being given out at `now`; `leased`: how many tasks of a key are.
    #[must_use]
    pub fn is_shut(
        &self,
        labels: &Labels,
        (usage, leased): (Usage, impl FnOnce(&str) -> i64),
        now: Timestamp,
    ) -> bool {
        if !self.is_limited() {
            return false;
        }
        let key = self.key_of(labels);
        self.room(usage, now) == 0 || key.is_some_and(|key| self.room_of_key(leased(key)) == 0)
    }

    /// All that holds a ready task at `now`; `key`: the task's, and how many of it are leased.
    #[must_use]
    pub fn holds(&self, usage: Usage, key: Option<(&str, i64)>, now: Timestamp) -> Vec<Hold> {
        let spec = &self.spec;
        let places = spec.concurrency.filter(|limit| usage.leased >= i64::from(*limit));
        let turn = spec.rate.and_then(|limit| {
            let next = limit.next_time(usage.bucket, now)?;
            Some(Hold::Rate { limit, next })
        });
        let of_key = spec.keys.as_ref().zip(key);
        let of_key = of_key.filter(|(keys, (_, leased))| *leased >= i64::from(keys.limit));
        let holds = [
            self.paused.then_some(Hold::Paused),
            places.map(|limit| Hold::Concurrency {
                limit,
                leased: usage.leased,
            }),
            turn,
            of_key.map(|(keys, (key, leased))| Hold::Key {
                key: key.to_owned(),
                limit: keys.limit,
                leased,
            }),
        ];
        holds.into_iter().flatten().collect()
    }

    /// What is in use after a task was given out at `now`; its lease is counted by what is written of it.
    #[must_use]
    pub fn given_out(&self, usage: Usage, now: Timestamp) -> Usage {
        let bucket = self.spec.rate.map(|rate| rate.take(usage.bucket, now));
        Usage {
            bucket: bucket.unwrap_or(usage.bucket),
            ..usage
        }
    }

    /// What is in use where this took the place of `before`.
    #[must_use]
    pub fn taken_over(&self, before: &Self, usage: Usage, now: Timestamp) -> Usage {
        if self.spec.rate == before.spec.rate {
            return usage;
        }
        let bucket = self.spec.rate;
        let bucket = bucket.map(|rate| rate.after(before.spec.rate, usage.bucket, now));
        Usage {
            bucket: bucket.unwrap_or_default(),
            ..usage
        }
    }
}
