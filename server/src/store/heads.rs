//! Where each namespace's log ends and begins.

use std::collections::BTreeMap;

use baton_domain::Timestamp;

use super::{Store, StoreError, dialect};

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

    /// Every namespace that is known.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    /// The time of the newest event of `namespace`; the beginning of time where there is none.
    #[must_use]
    pub fn time(&self, namespace: &str) -> Timestamp {
        self.namespaces
            .get(namespace)
            .map(|head| head.time)
            .unwrap_or_default()
    }

    /// Takes over where the log of `namespace` ends, without the events on the way there.
    pub fn skip_to(&mut self, namespace: &str, position: i64, time: Timestamp) {
        let oldest = self.oldest(namespace);
        self.insert(namespace.to_owned(), (position, oldest), time);
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

impl Store {
    /// Where each log begins and ends.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn heads(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        for row in self.asked(dialect::FIND_HEADS.of(self.dialect()), []).await? {
            let name: String = row.try_get_by_index(0)?;
            let [oldest, floor, floor_time] = [1, 2, 3].map(|place| row.try_get_by_index(place));
            let (oldest, floor, floor_time) = (oldest?, floor?, floor_time?);
            let last: Option<i64> = row.try_get_by_index(4)?;
            let time: Option<i64> = row.try_get_by_index(5)?;
            let position = last.unwrap_or(0).max(floor);
            let time = time.unwrap_or(0).max(floor_time);
            heads.insert(name, (position, oldest), Timestamp::from_micros(time));
        }
        Ok(heads)
    }

    /// The oldest position that the feed of `namespace` answers.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn oldest_position(&self, namespace: &str) -> Result<i64, StoreError> {
        let rows = self.asked(dialect::FIND_OLDEST, [namespace.into()]).await?;
        let oldest = rows.first().map(|row| row.try_get_by_index(0));
        Ok(oldest.transpose()?.unwrap_or(1))
    }
}
