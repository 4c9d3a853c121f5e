//! What an edit makes of a queue.

use super::{KeyLimit, Queue, QueueSpec, RateLimit};
use crate::policy::RetryPolicy;
use crate::rejection::Rejection;
use crate::time::{Span, Timestamp};

/// New values of fields; `None`: as it is. Of a field that may be absent the inner `None` clears it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueEdit {
    /// See [`QueueSpec::description`].
    pub description: Option<String>,
    /// See [`QueueSpec::concurrency`].
    pub concurrency: Option<Option<i32>>,
    /// See [`QueueSpec::rate`].
    pub rate: Option<Option<RateLimit>>,
    /// See [`KeyLimit::label`]; empty: none.
    pub key_label: Option<String>,
    /// See [`KeyLimit::limit`].
    pub key_limit: Option<Option<i32>>,
    /// See [`QueueSpec::retry_policy`].
    pub retry_policy: Option<Option<RetryPolicy>>,
    /// See [`QueueSpec::retention`].
    pub retention: Option<Option<Span>>,
}

impl Queue {
    /// The queue after `edit`.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`] where its parts do not go together any more.
    pub fn edit(&self, edit: QueueEdit, now: Timestamp) -> Result<Self, Rejection> {
        let QueueEdit {
            description,
            concurrency,
            rate,
            key_label,
            key_limit,
            retry_policy,
            retention,
        } = edit;
        let before = &self.spec;
        let keys = before.keys.as_ref();
        let label = key_label.unwrap_or_else(|| keys.map(|keys| keys.label.clone()).unwrap_or_default());
        let limit = key_limit.unwrap_or_else(|| keys.map(|keys| keys.limit));
        let spec = QueueSpec {
            description: description.unwrap_or_else(|| before.description.clone()),
            concurrency: concurrency.unwrap_or(before.concurrency),
            rate: rate.unwrap_or(before.rate),
            keys: KeyLimit::of(label, limit)?,
            retry_policy: retry_policy.unwrap_or_else(|| before.retry_policy.clone()),
            retention: retention.unwrap_or(before.retention),
        };
        Ok(Self {
            spec,
            ..self.edited(now)
        })
    }
}

impl KeyLimit {
    /// The limit by that label; `None` without both.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`] where one of them is missing.
    pub fn of(label: String, limit: Option<i32>) -> Result<Option<Self>, Rejection> {
        match (label.is_empty(), limit) {
            (true, None) => Ok(None),
            (false, Some(limit)) => Ok(Some(Self { label, limit })),
            (true, Some(_)) => Err(Rejection::InvalidField {
                field: "queue.key_label",
                why: "must be given with key_concurrency_limit".to_owned(),
            }),
            (false, None) => Err(Rejection::InvalidField {
                field: "queue.key_concurrency_limit",
                why: "must be given with key_label".to_owned(),
            }),
        }
    }
}
