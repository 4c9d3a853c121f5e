//! How fast a queue gives out its tasks: a bucket that fills by one token each interval.
//!
//! The bucket is one moment, that at which it is full again; how many tokens it has follows from the time. So nothing has
//! to be done while nobody asks, and what is stored is a number.

use crate::time::{Span, Timestamp};

/// Tasks in a period, evenly, with a burst after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Tasks in each period; at least 1.
    pub count: i32,
    /// Longer than nothing.
    pub period: Span,
    /// Tokens of a full bucket; at least 1.
    pub burst: i32,
}

/// When a bucket is full again, or has been since. The default: since ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(pub Timestamp);

impl RateLimit {
    /// Between two tokens. Rounded up: the limit is never exceeded.
    #[must_use]
    pub fn interval(self) -> Span {
        let count = i64::from(self.count.max(1));
        let (whole, rest) = (self.period.as_micros() / count, self.period.as_micros() % count);
        Span::from_micros(whole + i64::from(rest > 0))
    }

    fn span_of(self, tokens: i64) -> Span {
        Span::from_micros(self.interval().as_micros().saturating_mul(tokens))
    }

    /// Tokens at `now`.
    #[must_use]
    pub fn available(self, bucket: Bucket, now: Timestamp) -> i64 {
        let missing = bucket.0.since(now).as_micros();
        let interval = self.interval().as_micros().max(1);
        let tokens = missing / interval + i64::from(missing % interval > 0);
        (i64::from(self.burst.max(1)) - tokens).max(0)
    }

    /// When there is a token again; `None` where there is one at `now`.
    #[must_use]
    pub fn next_time(self, bucket: Bucket, now: Timestamp) -> Option<Timestamp> {
        let most = i64::from(self.burst.max(1));
        (self.available(bucket, now) == 0).then(|| bucket.0.minus(self.span_of(most - 1)))
    }

    /// The bucket after a token was taken.
    #[must_use]
    pub fn take(self, bucket: Bucket, now: Timestamp) -> Bucket {
        Bucket(bucket.0.max(now).plus(self.interval()))
    }

    /// The bucket of this limit where it takes the place of `before`, which has `bucket`: it begins without a burst, and no
    /// sooner with its next token than the sooner of the two.
    #[must_use]
    pub fn after(self, before: Option<Self>, bucket: Bucket, now: Timestamp) -> Bucket {
        let next = before.and_then(|before| before.next_time(bucket, now));
        let next = next.map_or(now, |next| next.min(now.plus(self.interval())));
        Bucket(next.plus(self.span_of(i64::from(self.burst.max(1)) - 1)))
    }
}
