//! Places in a file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the file with its place.
pub(super) type Place<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// The entry under `key`: its key's place and its value.
pub(super) fn entry<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<(Range<usize>, Place<'a, 'i>)> {
    let found = table.iter().find(|(name, _)| name.get_ref() == key);
    found.map(|(name, value)| (name.span(), value))
}

/// Where steps lead, as far as they do, and how many of them do.
pub(super) fn reach(start: (Range<usize>, Place<'_, '_>), steps: &[String]) -> (Range<usize>, usize) {
    let (mut at, mut here) = start;
    for (reached, step) in steps.iter().enumerate() {
        let next = match here.get_ref() {
            DeValue::Table(table) => entry(table, step).map(|(_, value)| value),
            DeValue::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => None,
        };
        let Some(value) = next else {
            return (at, reached);
        };
        (at, here) = (value.span(), value);
    }
    (at, steps.len())
}

/// Where a path leads whose steps are apart by points: `handlers.doc-sync.program`.
pub(super) fn dotted(root: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, value) = entry(root, first)?;
    if rest.is_empty() {
        return Some(key);
    }
    Some(reach((key, value), &steps(&format!(".{rest}"))).0)
}

/// The steps of a path: names after points, and what stands in brackets: `.task.labels["a b"][3]`.
pub(super) fn steps(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let (step, after) = if let Some(quoted) = rest.strip_prefix("[\"") {
            quoted.split_once("\"]").unwrap_or((quoted, ""))
        } else if let Some(index) = rest.strip_prefix('[') {
            index.split_once(']').unwrap_or((index, ""))
        } else {
            let name = if first == '.' { &rest[1..] } else { rest };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            name.split_at(end)
        };
        steps.push(step.to_owned());
        rest = after;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn a_path_has_its_steps() {
        assert_eq!(
            steps(".task.labels[\"a b\"][3].x"),
            ["task", "labels", "a b", "3", "x"]
        );
        assert!(steps("").is_empty());
    }
}
