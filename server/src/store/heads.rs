//! Where each namespace's log ends and begins.

use std::collections::BTreeMap;

use baton_domain::Timestamp;

/// One namespace's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    /// The position given last; 0 before the first.
    position: i64,
    /// The oldest position that the feed still answers.
    oldest: i64,
    /// The time of the event at `position`.
    time: Timestamp,
}

/// The ends of all logs, as the store was opened and as the committer moves them on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    namespaces: BTreeMap<String, Head>,
}

impl Heads {
    pub(super) fn insert(&mut self, namespace: String, (position, oldest): (i64, i64), time: Timestamp) {
        self.namespaces.insert(
            namespace,
            Head {
                position,
                oldest,
                time,
            },
        );
    }

    /// The position given last in `namespace`; 0 where it has none.
    #[must_use]
    pub fn position(&self, namespace: &str) -> i64 {
        self.namespaces.get(namespace).map_or(0, |head| head.position)
    }

    /// The oldest position of `namespace` that the feed still answers; 1 where nothing was ever trimmed.
    #[must_use]
    pub fn oldest(&self, namespace: &str) -> i64 {
        self.namespaces.get(namespace).map_or(1, |head| head.oldest)
    }

    /// The time of the newest event of all; the beginning of time where there is none.
    #[must_use]
    pub fn last_time(&self) -> Timestamp {
        self.namespaces
            .values()
            .map(|head| head.time)
            .max()
            .unwrap_or_default()
    }

    /// Takes the next position of `namespace` for an event of `time`.
    pub fn advance(&mut self, namespace: &str, time: Timestamp) -> i64 {
        if let Some(head) = self.namespaces.get_mut(namespace) {
            head.position += 1;
            head.time = head.time.max(time);
            return head.position;
        }
        self.insert(namespace.to_owned(), (1, 1), time);
        1
    }
}
