//! What the files for operators name exists: metrics, variables of settings, services. And no metric goes without a word.

use std::collections::BTreeSet;

use super::{File, Violation};

const METRICS: &str = "server/src/metrics.rs";
const MANUAL: &str = "docs/operations.md";
/// What Prometheus adds to the name of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let known = Known::read(files);
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| is_for_operators(&file.path)) {
        let unknown = words(&file.text).filter_map(|(line, word)| Some((line, known.fault(word)?)));
        violations.extend(unknown.map(|(line, message)| Violation::new(file, line, message)));
    }
    if let Some(manual) = files.iter().find(|file| file.path == MANUAL) {
        let told: BTreeSet<&str> = words(&manual.text).map(|(_, word)| word).collect();
        let untold = known.metrics.iter().filter(|metric| !told.contains(*metric));
        violations
            .extend(untold.map(|metric| Violation::new(manual, 0, format!("says nothing of {metric}"))));
    }
    violations
}

fn is_for_operators(path: &str) -> bool {
    path.starts_with("deploy/") || path == MANUAL || path == "docs/scale.md"
}

/// What can be named.
struct Known<'a> {
    metrics: BTreeSet<&'a str>,
    variables: BTreeSet<&'a str>,
    services: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn read(files: &'a [File]) -> Self {
        let mut known = Known {
            metrics: BTreeSet::new(),
            variables: BTreeSet::new(),
            services: BTreeSet::new(),
        };
        for file in files {
            if file.path == METRICS {
                known.metrics.extend(quoted(&file.text, "baton_"));
            } else if file.path.starts_with("cli/src/") {
                known.variables.extend(quoted(&file.text, "BATON_"));
            } else if file.path.starts_with("proto/baton/v1/") {
                let names = file.text.lines().filter_map(|line| line.strip_prefix("service "));
                known
                    .services
                    .extend(names.filter_map(|rest| rest.split_whitespace().next()));
            }
        }
        known
    }

    /// What is wrong with a word, if it is such a name and there is no such thing.
    fn fault(&self, word: &str) -> Option<String> {
        if word.starts_with("baton_") {
            let whole = PARTS.iter().find_map(|part| word.strip_suffix(part));
            let is_known =
                self.metrics.contains(word) || whole.is_some_and(|whole| self.metrics.contains(whole));
            return (!is_known).then(|| format!("{METRICS} has no metric {word}"));
        }
        if word.starts_with("BATON_") {
            return (!self.variables.contains(word)).then(|| format!("no setting has the variable {word}"));
        }
        let service = word.strip_prefix("baton.v1.")?;
        (!self.services.contains(service)).then(|| format!("the contract has no service {service}"))
    }
}

/// The words of a text with their lines, counted from 1. Dots are part of a word, but do not end it.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_apart = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    text.lines().enumerate().flat_map(move |(index, line)| {
        let words = line.split(is_apart);
        words.map(move |word| (index + 1, word.trim_end_matches('.')))
    })
}

/// What stands between quotation marks and begins with `prefix`.
fn quoted<'a>(text: &'a str, prefix: &'static str) -> impl Iterator<Item = &'a str> {
    text.split('"').filter(move |piece| {
        piece.starts_with(prefix) && piece.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkout with one metric, one setting and one service, and a manual that says `text`.
    fn faults(text: &str) -> Vec<String> {
        let files = [
            File::of(METRICS, "const CALLS: &str = \"baton_call_seconds\";"),
            File::of("cli/src/settings.rs", "(\"BATON_LISTEN\", \"[::1]:1\")"),
            File::of(
                "proto/baton/v1/task_service.proto",
                "service TaskService {\n  rpc X();\n}",
            ),
            File::of(MANUAL, "`baton_call_seconds`"),
            File::of("deploy/a.yaml", text),
        ];
        check(&files).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn what_is_there_can_be_named() {
        let text = "rate(baton_call_seconds_bucket{le=\"1\"}) baton_call_seconds\nBATON_LISTEN: x\n\
                    Calls of baton.v1.TaskService/CreateTask, of baton.v1.TaskService.";
        assert!(faults(text).is_empty(), "{:?}", faults(text));
    }

    #[test]
    fn what_is_not_there_is_found_with_its_line() {
        assert_eq!(
            faults("baton_calls\nBATON_LISTNE\nbaton.v1.TaskServcie"),
            [
                "deploy/a.yaml:1: server/src/metrics.rs has no metric baton_calls",
                "deploy/a.yaml:2: no setting has the variable BATON_LISTNE",
                "deploy/a.yaml:3: the contract has no service TaskServcie",
            ]
        );
    }

    #[test]
    fn the_manual_tells_of_every_metric() {
        let files = [
            File::of(METRICS, "\"baton_told\" \"baton_untold\""),
            File::of(MANUAL, "baton_told"),
        ];
        let faults: Vec<String> = check(&files).iter().map(Violation::to_string).collect();
        assert_eq!(faults, ["docs/operations.md: says nothing of baton_untold"]);
    }
}
