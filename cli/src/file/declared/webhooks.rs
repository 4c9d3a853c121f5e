//! What of a webhook stands outside of the file: a URL that nobody else may know, and what signs.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::DeTable;

use super::super::mistakes::Mistake;
use super::super::tree;

pub(super) const MESSAGE: &str = "baton.v1.Webhook";

/// Keys that name where something stands, as those of endpoints do.
pub(super) const BESIDE: [&str; 4] = ["url_env", "url_file", "secrets_env", "secrets_file"];

/// Reads what these keys name.
pub(super) fn read_beside(
    table: &DeTable<'_>,
    path: &str,
    fields: &mut Map<String, Value>,
    found: &mut Vec<Mistake>,
) {
    let given: Vec<&str> = ["url", "url_env", "url_file"]
        .into_iter()
        .filter(|key| table.contains_key(*key))
        .collect();
    if let [_, second, ..] = given[..] {
        let at = tree::entry(table, second).map(|(key, _)| key);
        let what = "stands beside another of `url`, `url_env` and `url_file`: give one";
        found.push(Mistake::new(at, format!("{path}.{second}"), what));
    }
    let mut reader = Beside { table, path, found };
    if let Some(url) = reader.text("url") {
        fields.insert("url".to_owned(), url.trim().into());
    }
    if let Some(secrets) = reader.text("secrets") {
        let secrets: Vec<&str> = secrets.split_whitespace().collect();
        fields.insert("secrets".to_owned(), secrets.into());
    }
}

/// A secret that is drawn is shown to whoever creates a webhook, and a file is nobody. `start`: the place of its name.
pub(super) fn check_signed(
    (table, start): (&DeTable<'_>, Range<usize>),
    path: &str,
    fields: &Map<String, Value>,
    found: &mut Vec<Mistake>,
) {
    let is_signed = table.contains_key("secrets_env") || table.contains_key("secrets_file");
    // Nobody verifies what is said in a chat.
    let is_chat = fields.get("format").and_then(Value::as_str) == Some("WEBHOOK_FORMAT_SLACK");
    if !is_signed && !is_chat {
        let what = "must be given, or `secrets_file`: whoever receives has to know what signs (`whsec_..`)";
        found.push(Mistake::new(Some(start), format!("{path}.secrets_env"), what));
    }
}

struct Beside<'a, 'f> {
    table: &'a DeTable<'a>,
    path: &'a str,
    found: &'f mut Vec<Mistake>,
}

impl Beside<'_, '_> {
    /// What the variable or the file holds that the entry names.
    fn text(&mut self, what: &str) -> Option<String> {
        let of_variable = self.named(&format!("{what}_env"), |name| {
            let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
            value.ok_or_else(|| format!("the variable {name} is not set"))
        });
        let of_file = self.named(&format!("{what}_file"), |path| {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
        });
        of_variable.or(of_file)
    }

    fn named(&mut self, key: &str, read: impl FnOnce(&str) -> Result<String, String>) -> Option<String> {
        let (_, value) = tree::entry(self.table, key)?;
        let told = match value.get_ref().as_str() {
            Some(name) => read(name),
            None => Err("must be text: \"..\"".to_owned()),
        };
        told.map_err(|what| {
            let path = format!("{}.{key}", self.path);
            self.found.push(Mistake::new(Some(value.span()), path, what));
        })
        .ok()
    }
}
