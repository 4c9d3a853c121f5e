//! The page of the reasons says what the code writes.

use std::collections::BTreeSet;

use baton_domain::{State, reason};

const PAGE: &str = include_str!("../../../../docs/reasons.md");

/// The cells of the rows of a table, its head left out.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

fn is_state(word: &str) -> bool {
    State::from_name(word).is_some()
}

#[test]
fn the_page_names_every_reason_and_no_other() {
    let (words, _) = PAGE.split_once("\n## ").expect("the page has two tables");
    let mut named = BTreeSet::new();
    for row in rows(words) {
        let states = row[1].split(", ");
        let loose = ["where it came from", "as it was"].contains(&row[1]);
        assert!(loose || states.clone().all(is_state), "{row:?}");
        assert!(named.insert(row[0]), "{} stands there twice", row[0]);
    }
    assert_eq!(named, reason::ALL.iter().copied().collect());
}

#[test]
fn what_another_plugin_calls_it_is_named_in_words_of_ours() {
    let (_, plugin) = PAGE.split_once("\n## ").expect("the page has two tables");
    for row in rows(plugin) {
        let (state, rest) = row[1].split_once(", ").expect("a state and a reason");
        let end = rest.find([';', ':']).unwrap_or(rest.len());
        assert!(is_state(state), "{row:?}");
        assert!(reason::ALL.contains(&&rest[..end]), "{row:?}");
    }
}
