//! The table of faults names tests that are there, tests name faults of the table, and the page has a row for each.

use std::collections::BTreeSet;

use super::{File, Violation};
use crate::faults::{PAGE, TABLE, read};

const TESTS: &str = "tests/tests/system/";

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let Some(table) = files.iter().find(|file| file.path == TABLE) else {
        return Vec::new();
    };
    let faults = match read(&table.text) {
        Ok(faults) => faults,
        Err(error) => return vec![Violation::new(table, 0, format!("{error:#}"))],
    };
    let mut violations = Vec::new();
    let sources: Vec<&File> = files.iter().filter(|file| file.path.starts_with(TESTS)).collect();
    let page = files.iter().find(|file| file.path == PAGE);
    for fault in &faults {
        for test in &fault.tests {
            let name = test.rsplit("::").next().unwrap_or(test);
            let is_there = sources.iter().any(|file| {
                file.text.contains(&format!("fn {name}("))
                    && file.text.contains(&format!("Injected::new(\"{}\")", fault.id))
            });
            if !is_there {
                let message = format!(
                    "{}: no file has the test {name} and says that it injects this",
                    fault.id
                );
                violations.push(Violation::new(table, 0, message));
            }
        }
        let row = format!("| {} |", fault.id);
        if page.is_none_or(|page| !page.text.contains(&row)) {
            let message = format!("{PAGE} has no row of {}: run `cargo xtask faults`", fault.id);
            violations.push(Violation::new(table, 0, message));
        }
    }
    let known: BTreeSet<&str> = faults.iter().map(|fault| fault.id.as_str()).collect();
    for file in sources {
        for (line, text) in file.text.lines().enumerate() {
            let named = text
                .split_once("Injected::new(\"")
                .and_then(|(_, rest)| rest.split_once('"'));
            if let Some((id, _)) = named.filter(|(id, _)| !known.contains(id)) {
                violations.push(Violation::new(
                    file,
                    line + 1,
                    format!("{TABLE} has no fault {id}"),
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[fault]]\nid = \"F1\"\nwhat = \"x\"\ntests = [\"a::it_holds\"]\n";

    #[test]
    fn a_fault_has_a_test_and_a_row() {
        let source = File::of(
            "tests/tests/system/a.rs",
            "fn it_holds() { Injected::new(\"F1\") }\n",
        );
        let page = File::of(PAGE, "| F1 | x |\n");
        assert_eq!(check(&[File::of(TABLE, ROW), source, page]), []);
        let other = File::of("tests/tests/system/a.rs", "Injected::new(\"F2\")\n");
        let told: Vec<_> = check(&[File::of(TABLE, ROW), other])
            .into_iter()
            .map(|found| found.message)
            .collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("it_holds") && told[1].contains("no row") && told[2].contains("F2"));
    }
}
