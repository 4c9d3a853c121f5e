//! Queues.

use baton_domain::limits::{DELAY, DESCRIPTION_CHARS, LABEL_KEY_CHARS, is_label_key};
use baton_domain::queue::{
    BURST, Bucket, KeyLimit, PERIOD_MAX, PERIOD_MIN, PLACES, RATE, RETENTION_MIN, RateLimit, Usage,
};
use baton_domain::{Queue, QueueSpec, Rejection, Span};
use baton_proto::raw::v1 as raw;

use super::{actor, policy, time};
use crate::api::check;
use crate::api::violations::{Path, Violations};
use crate::engine::queue_etag;
use crate::store::StandingQueue;

/// Reads what is said of a new queue.
pub(crate) fn read_spec(v: &mut Violations, at: &Path<'_>, queue: raw::Queue) -> Option<QueueSpec> {
    let description_at = at.field("description");
    let description = check::text(v, &description_at, queue.description, DESCRIPTION_CHARS);
    let concurrency = read_places(v, &at.field("concurrency_limit"), queue.concurrency_limit);
    let rate = read_rate(v, &at.field("rate_limit"), queue.rate_limit);
    let label = read_label(v, &at.field("key_label"), queue.key_label);
    let limit = read_key_limit(v, &at.field("key_concurrency_limit"), queue.key_concurrency_limit);
    let retry_policy = policy::read(v, &at.field("retry_policy"), queue.retry_policy);
    let retention = read_retention(v, &at.field("retention"), queue.retention);
    let keys = match KeyLimit::of(label?, limit?) {
        Ok(keys) => Some(keys),
        Err(rejection) => {
            refuse(v, at, &rejection);
            None
        }
    };
    Some(QueueSpec {
        description: description?,
        concurrency: concurrency?,
        rate: rate?,
        keys: keys?,
        retry_policy: retry_policy?,
        retention: retention?,
    })
}

fn refuse(v: &mut Violations, at: &Path<'_>, rejection: &Rejection) {
    if let Rejection::InvalidField { field, why } = rejection {
        let name = field.strip_prefix("queue.").unwrap_or(field);
        v.add(&at.field(name), why);
    }
}

/// Reads how many tasks of the queue may be leased at once; absent means any number.
pub(crate) fn read_places(v: &mut Violations, at: &Path<'_>, limit: Option<i32>) -> Option<Option<i32>> {
    read_limit(v, at, (limit, 0))
}

/// As [`read_places`], of a key.
pub(crate) fn read_key_limit(v: &mut Violations, at: &Path<'_>, limit: Option<i32>) -> Option<Option<i32>> {
    read_limit(v, at, (limit, 1))
}

fn read_limit(v: &mut Violations, at: &Path<'_>, (limit, least): (Option<i32>, i32)) -> Option<Option<i32>> {
    match limit {
        None => Some(None),
        Some(limit) => check::within(v, at, limit, least..=PLACES).map(Some),
    }
}

/// Reads the label whose values are the keys; empty means none.
pub(crate) fn read_label(v: &mut Violations, at: &Path<'_>, label: String) -> Option<String> {
    if !label.is_empty() && !is_label_key(&label) {
        let what = format!("must be 1 to {LABEL_KEY_CHARS} characters of A-Z a-z 0-9 . _ / -");
        v.add(at, what);
        return None;
    }
    Some(label)
}

/// Reads how fast tasks are given out; absent means as fast as they are asked for.
pub(crate) fn read_rate(
    v: &mut Violations,
    at: &Path<'_>,
    rate: Option<raw::RateLimit>,
) -> Option<Option<RateLimit>> {
    let Some(raw::RateLimit { count, period, burst }) = rate else {
        return Some(None);
    };
    let count_at = at.field("count");
    let count = check::within(v, &count_at, count, 1..=i32::MAX);
    let period_at = at.field("period");
    let period = check::present(v, &period_at, period);
    let period = period.and_then(|period| check::span(v, &period_at, period, PERIOD_MAX));
    let burst = check::within(v, &at.field("burst"), burst, 0..=BURST);
    let period = period?;
    if period < PERIOD_MIN {
        v.add(&period_at, "must be at least 1 ms");
        return None;
    }
    let count = count?;
    let most = period.as_micros().saturating_mul(i64::from(RATE)) / 1_000_000;
    if i64::from(count) > most {
        v.add(
            &count_at,
            format!("must be at most {most}: {RATE} a second on average"),
        );
        return None;
    }
    Some(Some(RateLimit {
        count,
        period,
        burst: burst?.max(1),
    }))
}

/// Reads how long settled tasks are kept; absent means for ever.
pub(crate) fn read_retention(
    v: &mut Violations,
    at: &Path<'_>,
    retention: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    let Some(retention) = retention else {
        return Some(None);
    };
    let span = check::span(v, at, retention, DELAY)?;
    if span < RETENTION_MIN {
        v.add(at, "must be at least 1 s; absent means for ever");
        return None;
    }
    Some(Some(span))
}

/// Writes a queue.
pub(crate) fn write(standing: &StandingQueue) -> raw::Queue {
    let StandingQueue {
        queue,
        usage: Usage {
            leased,
            bucket: Bucket(_),
        },
    } = standing;
    let Queue {
        id: _,
        namespace,
        name,
        spec,
        paused,
        note,
        creator,
        create_time,
        update_time,
        edit_revision: _,
    } = &**queue;
    let QueueSpec {
        description,
        concurrency,
        rate,
        keys,
        retry_policy,
        retention,
    } = spec;
    let rate = rate.map(|RateLimit { count, period, burst }| raw::RateLimit {
        count,
        period: Some(time::write_span(period)),
        burst,
    });
    raw::Queue {
        namespace: namespace.clone(),
        name: name.clone(),
        description: description.clone(),
        concurrency_limit: *concurrency,
        rate_limit: rate,
        key_label: keys.as_ref().map(|keys| keys.label.clone()).unwrap_or_default(),
        key_concurrency_limit: keys.as_ref().map(|keys| keys.limit),
        retry_policy: retry_policy.as_ref().map(policy::write),
        retention: retention.map(time::write_span),
        paused: *paused,
        note: note.clone(),
        leased_count: *leased,
        creator: Some(actor::write(creator)),
        create_time: Some(time::write(*create_time)),
        update_time: Some(time::write(*update_time)),
        etag: queue_etag(queue),
    }
}
