//! The numbers of namespaces: the keys of their events begin with them.

use std::collections::{BTreeMap, BTreeSet};

/// Namespaces and their numbers; none is given twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(BTreeMap<String, i64>);

impl Numbers {
    pub(super) const fn new(numbers: BTreeMap<String, i64>) -> Self {
        Self(numbers)
    }

    pub(super) fn of(&self, namespace: &str) -> Option<i64> {
        self.0.get(namespace).copied()
    }

    /// Numbers for those of `names` that have none yet.
    pub(super) fn fresh<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let new: BTreeSet<&str> = names.filter(|name| !self.0.contains_key(*name)).collect();
        if new.is_empty() {
            // As nearly always: nobody walks all namespaces for each batch.
            return Self::default();
        }
        let last = self.0.values().copied().max().unwrap_or_default();
        let numbered = new.into_iter().zip(last + 1..);
        Self(numbered.map(|(name, number)| (name.to_owned(), number)).collect())
    }

    /// Takes numbers that now stand in the database.
    pub(super) fn add(&mut self, fresh: Self) {
        self.0.extend(fresh.0);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, number)| (name.as_str(), *number))
    }
}
