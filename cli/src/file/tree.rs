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

/// Where the path of a violation leads, as far as it does: `.task.labels["a b"][3]`. What the contract has and the file has
/// not, as the kind of a payload, is passed over.
pub(super) fn find(start: (Range<usize>, Place<'_, '_>), path: &str) -> Range<usize> {
    let (mut at, mut here) = start;
    for step in steps(path) {
        let next = match here.get_ref() {
            DeValue::Table(table) => entry(table, &step),
            DeValue::Array(items) => {
                let item = step.parse::<usize>().ok().and_then(|index| items.get(index));
                item.map(|item| (item.span(), item))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => None,
        };
        match next {
            Some((_, value)) => (at, here) = (value.span(), value),
            None if matches!(step.as_str(), "json" | "json_text") => {}
            None => break,
        }
    }
    at
}

/// Where a path leads whose steps are apart by points: `handlers.doc-sync.program`.
pub(super) fn dotted(root: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, value) = entry(root, first)?;
    if rest.is_empty() {
        return Some(key);
    }
    Some(find((key, value), &format!(".{rest}")))
}

/// The steps of a path: names after points, and what stands in brackets.
fn steps(path: &str) -> Vec<String> {
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
