//! Puts the finds of several scans into one page.

use std::cmp::Ordering;

use super::SortKey;

/// What one scan found: matches in the order of the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Find {
    pub(super) keys: Vec<SortKey>,
    /// How far it looked; `None` to its end.
    pub(super) end: Option<SortKey>,
}

/// The first `limit` matches, and where to go on. Nothing beyond the nearest end of a scan counts: the others may have
/// found matches there, but this one has not looked.
pub(super) fn merge(finds: Vec<Find>, descending: bool, limit: usize) -> (Vec<SortKey>, Option<SortKey>) {
    let order = |a: &SortKey, b: &SortKey| compare(a, b, descending);
    let end = finds.iter().filter_map(|find| find.end).min_by(order);
    let mut keys: Vec<SortKey> = finds.into_iter().flat_map(|find| find.keys).collect();
    keys.sort_unstable_by(order);
    if let Some(end) = end {
        keys.retain(|key| order(key, &end).is_le());
    }
    let is_full = keys.len() > limit;
    keys.truncate(limit);
    let next = if is_full { keys.last().copied() } else { end };
    (keys, next)
}

/// Values first, absent ones last; ties by number, and by id where there are no numbers.
pub(super) fn compare(a: &SortKey, b: &SortKey, descending: bool) -> Ordering {
    let ties = (a.number, a.id).cmp(&(b.number, b.id));
    let ties = if descending { ties.reverse() } else { ties };
    compare_values(a.value, b.value, descending).then(ties)
}

/// Values first, absent ones last.
pub(super) fn compare_values(a: Option<i64>, b: Option<i64>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use baton_domain::TaskId;
    use uuid::Uuid;

    use super::*;

    fn key(value: impl Into<Option<i64>>, number: i64) -> SortKey {
        SortKey {
            value: value.into(),
            number,
            id: TaskId(Uuid::nil()),
        }
    }

    fn find(keys: &[i64], end: Option<i64>) -> Find {
        Find {
            keys: keys.iter().map(|n| key(*n, 0)).collect(),
            end: end.map(|n| key(n, 0)),
        }
    }

    fn merged(finds: Vec<Find>, descending: bool, limit: usize) -> (Vec<i64>, Option<i64>) {
        let (keys, next) = merge(finds, descending, limit);
        (
            keys.into_iter().filter_map(|key| key.value).collect(),
            next.and_then(|key| key.value),
        )
    }

    #[test]
    fn whole_scans_give_the_last_page() {
        assert_eq!(
            merged(vec![find(&[1, 4], None), find(&[2, 3], None)], false, 4),
            (vec![1, 2, 3, 4], None)
        );
        assert_eq!(
            merged(vec![find(&[4, 1], None), find(&[3, 2], None)], true, 4),
            (vec![4, 3, 2, 1], None)
        );
    }

    #[test]
    fn more_than_a_page_goes_on_after_its_last() {
        assert_eq!(
            merged(vec![find(&[1, 4], None), find(&[2, 3], None)], false, 3),
            (vec![1, 2, 3], Some(3))
        );
    }

    #[test]
    fn nothing_beyond_the_nearest_end_counts() {
        assert_eq!(
            merged(vec![find(&[1, 9], Some(10)), find(&[2], Some(5))], false, 5),
            (vec![1, 2], Some(5))
        );
        assert_eq!(
            merged(vec![find(&[9, 1], Some(0)), find(&[8], Some(5))], true, 5),
            (vec![9, 8], Some(5))
        );
        assert_eq!(
            merged(vec![find(&[], Some(5)), find(&[7], None)], false, 5),
            (vec![], Some(5))
        );
    }

    #[test]
    fn absent_values_come_last_either_way_and_numbers_break_ties() {
        let (low, high, twin, none) = (key(1, 1), key(2, 1), key(2, 2), key(None, 1));
        let keys = vec![none, twin, low, high];
        let all = |descending| {
            merge(
                vec![Find {
                    keys: keys.clone(),
                    end: None,
                }],
                descending,
                9,
            )
            .0
        };
        assert_eq!(all(false), vec![low, high, twin, none]);
        assert_eq!(all(true), vec![twin, high, low, none]);
        let [one, two] = [1, 2].map(|id| SortKey::of_id(TaskId(Uuid::from_u128(id))));
        assert_eq!(compare(&one, &two, true), Ordering::Greater);
    }
}
