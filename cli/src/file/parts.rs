//! The tables that serde reads: the server's settings and the runner's. Each entry is read alone, so that a mistake in one
//! hides none in another.

use std::ops::Range;

use baton_runner::RunnerConfig;
use baton_runner::config::{EndpointConfig, HandlerConfig, ProgramConfig};
use baton_server::Config;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error, ValueDeserializer};

use super::declared;
use super::mistakes::Mistake;
use super::tree::{self, Place};
use super::words;

/// Whether a table is none of the server's settings.
pub(super) fn is_foreign(table: &str) -> bool {
    RunnerConfig::TABLES.contains(&table) || declared::TABLES.contains(&table)
}

/// The names of the server's settings, of which some are tables themselves.
fn settings() -> Vec<String> {
    let all = serde_json::to_value(Config::default()).ok();
    let all = all.as_ref().and_then(serde_json::Value::as_object);
    all.map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

/// Says what is wrong with these tables, as far as each can be read alone.
pub(super) fn check(root: &DeTable<'_>, found: &mut Vec<Mistake>) {
    let settings = settings();
    for (key, value) in root {
        let name = key.get_ref().as_ref();
        match (name, value.get_ref()) {
            ("programs", DeValue::Table(entries)) => each::<ProgramConfig>(name, entries, found),
            ("endpoints", DeValue::Table(entries)) => each::<EndpointConfig>(name, entries, found),
            ("handlers", DeValue::Table(entries)) => each::<HandlerConfig>(name, entries, found),
            _ if declared::TABLES.contains(&name) => {}
            _ if RunnerConfig::TABLES.contains(&name) => {
                alone::<RunnerConfig>(&[], (key.clone(), value), found)
            }
            (_, DeValue::Table(entries)) if settings.iter().any(|setting| setting == name) => {
                for (inner, value) in entries {
                    alone::<Config>(&[key], (inner.clone(), value), found);
                }
            }
            _ if settings.iter().any(|setting| setting == name) => {
                alone::<Config>(&[], (key.clone(), value), found);
            }
            _ => {
                let tables = RunnerConfig::TABLES.into_iter().chain(declared::TABLES);
                let known = settings.iter().map(String::as_str).chain(tables);
                found.push(Mistake::new(Some(key.span()), name, words::unknown(name, known)));
            }
        }
    }
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// Reads each entry of a table as a `T`.
fn each<T: DeserializeOwned>(table: &str, entries: &DeTable<'_>, found: &mut Vec<Mistake>) {
    for (key, value) in entries {
        if let Err(error) = T::deserialize(ValueDeserializer::from(value.clone())) {
            let path = format!("{table}.{}", key.get_ref());
            found.push(told(&error, path, (key.span(), value)));
        }
    }
}

/// Reads a `T` that has this one entry, within the tables of `around`.
fn alone<T: DeserializeOwned>(
    around: &[&Key<'_>],
    (key, value): (Key<'_>, Place<'_, '_>),
    found: &mut Vec<Mistake>,
) {
    let mut path: Vec<&str> = around.iter().map(|key| key.get_ref().as_ref()).collect();
    let name = key.get_ref().to_string();
    path.push(&name);
    let at = (key.span(), value);
    let mut root = DeTable::new();
    root.insert(key.clone(), value.clone());
    for outer in around.iter().rev() {
        let inner = Spanned::new(value.span(), DeValue::Table(root));
        root = DeTable::new();
        root.insert((*outer).clone(), inner);
    }
    let root = Spanned::new(value.span(), root);
    if let Err(error) = T::deserialize(Deserializer::from(root)) {
        found.push(told(&error, path.join("."), at));
    }
}

/// What serde found wrong with an entry, at the key it names where it names one.
fn told(error: &Error, path: String, (key, value): (Range<usize>, Place<'_, '_>)) -> Mistake {
    let message = error.message();
    if let Some((word, known)) = words::of_serde(message) {
        let at = key_within(value, &word).or(error.span()).unwrap_or(key);
        let own = path.rsplit('.').next() == Some(word.as_str());
        let path = if own { path } else { format!("{path}.{word}") };
        let known = known.iter().map(String::as_str);
        return Mistake::new(Some(at), path, words::unknown(&word, known));
    }
    Mistake::new(Some(error.span().unwrap_or(key)), path, message)
}

/// Where a key or a text stands within a value.
fn key_within(value: Place<'_, '_>, word: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => tree::entry(table, word)
            .map(|(key, _)| key)
            .or_else(|| table.iter().find_map(|(_, inner)| key_within(inner, word))),
        DeValue::Array(items) => items.iter().find_map(|inner| key_within(inner, word)),
        DeValue::String(text) => (text == word).then(|| value.span()),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => None,
    }
}
