//! Settings in the environment.

use std::collections::HashMap;

use baton_server::Config;
use config::Environment;
use serde_json::Value;

/// The variables that name a setting. Others that begin with BATON_ are left alone: some belong to the client, and
/// Kubernetes makes BATON_PORT and its like for every service called baton.
pub(super) fn known(environment: HashMap<String, String>) -> anyhow::Result<Environment> {
    let mut names = Vec::new();
    collect("BATON", &serde_json::to_value(Config::default())?, &mut names);
    let known = environment
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .collect();
    Ok(Environment::with_prefix("BATON")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("indexed_labels")
        .ignore_empty(true)
        .source(Some(known)))
}

/// What the client and the tools beside the server read.
const OTHER_VARIABLES: [&str; 7] = [
    "BATON_CONFIG",
    "BATON_SERVER",
    "BATON_API_KEY",
    "BATON_NAMESPACE",
    "BATON_ACTOR",
    "BATON_OUTPUT",
    "BATON_TEST_POSTGRES",
];

/// Variables that look like a setting and are none, each with what may have been meant. They cannot be refused: anybody may
/// name a variable so.
pub(super) fn misspelt<'a>(environment: impl Iterator<Item = &'a String>) -> anyhow::Result<Vec<String>> {
    let mut known = Vec::new();
    collect("BATON", &serde_json::to_value(Config::default())?, &mut known);
    let mut doubts = Vec::new();
    for name in environment.filter(|name| !known.contains(name) && !OTHER_VARIABLES.contains(&name.as_str()))
    {
        let is_near = |other: &&String| strsim::damerau_levenshtein(name, other) <= 2;
        if let Some(near) = known.iter().find(is_near) {
            doubts.push(format!(
                "{name} is no setting, and does nothing; did you mean {near}?"
            ));
        } else if name.starts_with("BATON_LIMITS__") || name.starts_with("BATON_WEBHOOK_RULES__") {
            doubts.push(format!(
                "{name} is no setting, and does nothing (docs/configuration.md)"
            ));
        }
    }
    doubts.sort();
    Ok(doubts)
}

fn collect(path: &str, settings: &Value, names: &mut Vec<String>) {
    let Value::Object(settings) = settings else {
        names.push(path.to_owned());
        return;
    };
    let separator = if path == "BATON" { "_" } else { "__" };
    for (name, value) in settings {
        collect(&format!("{path}{separator}{}", name.to_uppercase()), value, names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_told_of() {
        let told = |name: &str| misspelt([name.to_owned()].iter()).unwrap();
        assert_eq!(
            told("BATON_LISTN"),
            ["BATON_LISTN is no setting, and does nothing; did you mean BATON_LISTEN?"]
        );
        assert_eq!(told("BATON_LIMITS_MAX_WATCHES").len(), 1);
        assert_eq!(told("BATON_LIMITS__SPEED").len(), 1);
        // Of a service of Kubernetes, of the client, of the file's secrets.
        for name in [
            "BATON_LISTEN",
            "BATON_PORT",
            "BATON_SERVICE_HOST",
            "BATON_PORT_50051_TCP",
            "BATON_API_KEY",
            "BATON_HOOK_SECRET",
        ] {
            assert_eq!(told(name), [""; 0], "{name}");
        }
    }
}
