//! The committed report: the groups that a run measures are written anew, what people wrote around them stays.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::{Report, notes, table};
use crate::machine::Machine;
use crate::processor::Shares;
use crate::results::{Outcome, Skipped, Trial};
use crate::row::{Group, Unit};
use crate::statistics::Spread;

const END: &str = "<!-- end of what is measured -->\n";
const TITLE: &str = "# Performance\n";

/// The marks are a group's own: a run of some groups leaves the others as they were.
fn begin(group: Group) -> String {
    let name = name(group);
    format!(
        "<!-- measured, {name}: written by `cargo xtask bench --report`; changes between these marks are lost -->\n"
    )
}

fn name(group: Group) -> String {
    let value = group.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Writes the report into `file`, each group that was measured in the place of what is there of it.
///
/// Errors: the file cannot be read or written, or has lost a mark of such a group.
pub(crate) fn write(report: &Report, file: &Path) -> anyhow::Result<()> {
    let mut page = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => empty(),
        Err(error) => return Err(error.into()),
    };
    for group in Group::value_variants() {
        let part = Part::of(report, *group);
        if !part.rows.is_empty() || !part.skipped.is_empty() {
            let begin = begin(*group);
            page = replace(&page, &begin, &part.measured(report))
                .with_context(|| format!("{} has no marks to write between: {begin}{END}", file.display()))?;
        }
    }
    Ok(fs::write(file, page)?)
}

fn empty() -> String {
    let groups = Group::value_variants().iter();
    let parts = groups.map(|group| format!("\n## {}\n\n{}{END}", name(*group), begin(*group)));
    std::iter::once(TITLE.to_owned()).chain(parts).collect()
}

fn replace(text: &str, begin: &str, measured: &str) -> Option<String> {
    let (head, rest) = text.split_once(begin)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{begin}{measured}{END}{tail}"))
}

/// What a report says of one group.
struct Part<'a> {
    group: Group,
    rows: Vec<&'a Outcome>,
    skipped: Vec<&'a Skipped>,
}

impl<'a> Part<'a> {
    fn of(report: &'a Report, group: Group) -> Self {
        let (rows, skipped) = (report.rows.iter(), report.skipped.iter());
        Part {
            group,
            rows: rows.filter(|outcome| outcome.row.group == group).collect(),
            skipped: skipped.filter(|skipped| skipped.row.group == group).collect(),
        }
    }

    fn measured(&self, report: &Report) -> String {
        let mut text = format!("\n{}\n", circumstances(report));
        let finished = format!(
            "There are {} finished tasks, and 20,000 beside the references.",
            report.growth.0
        );
        let lines = match self.group {
            Group::Reads => vec![format!("There are {} tasks.", report.tasks)],
            Group::Peers => vec![format!("Beside us: {}.", report.peers.join("; "))],
            Group::Postgres => report.postgres.iter().map(|text| format!("On {text}.")).collect(),
            Group::Growth => vec![finished],
            Group::GrowthPostgres => {
                let open = format!(
                    "A snapshot was open for {} s before it was measured beside it.",
                    report.growth.1
                );
                report
                    .postgres
                    .iter()
                    .map(|text| format!("On {text}."))
                    .chain([finished, open])
                    .collect()
            }
            Group::Writes | Group::Watches | Group::Workers | Group::Footprint => Vec::new(),
        };
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        // A String takes every line.
        write!(text, "\n{}\n\n", table(&self.rows, &self.skipped)).unwrap_or_default();
        text.push_str(&shares(&self.rows).unwrap_or_default());
        for note in notes(&self.rows) {
            writeln!(text, "- {note}").unwrap_or_default();
        }
        text
    }
}

fn circumstances(report: &Report) -> String {
    let Report {
        machine,
        seconds,
        rounds,
        ..
    } = report;
    let Machine {
        date,
        processor,
        cores,
        memory_gib,
        kernel,
        disk,
        rust,
        baton,
    } = machine;
    format!(
        "Measured on {date}: {baton}; {rust}; {processor}, {cores} cores, {memory_gib} GiB; Linux {kernel}; {disk}; \
        {rounds} rounds, {seconds} s a figure."
    )
}

/// Who used how much of the processors during the figures. What a unit costs says more than a rate where neighbours
/// take their share of the machine. None where nothing is known of any row.
fn shares(rows: &[&Outcome]) -> Option<String> {
    let mut text = String::from(
        "Cores used during the figure, and what one unit cost; medians.\n\n\
        | row | server | client | others | server a unit | client a unit |\n|---|---|---|---|---|---|\n",
    );
    let mut known = false;
    for outcome in rows {
        let median = |pick: &dyn Fn(&Trial, &Shares) -> f64| {
            let trials = outcome
                .trials
                .iter()
                .filter_map(|trial| Some((trial, trial.shares.as_ref()?)));
            Spread::of(trials.map(|(trial, shares)| pick(trial, shares))).map(|spread| spread.median)
        };
        let cores = [
            median(&|_, shares| shares.server),
            median(&|_, shares| shares.client),
            median(&|_, shares| shares.others),
        ];
        let [Some(server), Some(client), Some(others)] = cores else {
            continue;
        };
        // Between two peers we are measured in all ways at once.
        if outcome.row.group == Group::Peers {
            continue;
        }
        known = true;
        let cost = |pick: fn(&Shares) -> f64| {
            let micros = median(&|trial, shares| 1e6 * pick(shares) / trial.figure);
            let micros = micros.filter(|_| outcome.row.unit == Unit::PerSecond);
            micros.map_or_else(String::new, |micros| format!("{micros:.1} us"))
        };
        let (ours, theirs) = (cost(|shares| shares.server), cost(|shares| shares.client));
        let id = outcome.row.id;
        writeln!(
            text,
            "| {id} | {server:.2} | {client:.2} | {others:.2} | {ours} | {theirs} |"
        )
        .unwrap_or_default();
    }
    text.push('\n');
    known.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_and_other_groups_too() {
        let (reads, writes) = (begin(Group::Reads), begin(Group::Writes));
        let page = |of_reads| format!("# Title\n{writes}old\n{END}Between.\n{reads}{of_reads}{END}After.\n");
        let fresh = replace(&page("old\n"), &reads, "new\n").unwrap();
        assert_eq!(fresh, page("new\n"));
        assert_eq!(replace(&fresh, &reads, "new\n").unwrap(), fresh);
        assert_eq!(replace("no marks", &reads, "new"), None);
    }

    #[test]
    fn an_empty_page_takes_every_group() {
        for group in Group::value_variants() {
            assert!(replace(&empty(), &begin(*group), "new\n").is_some(), "{group:?}");
        }
    }
}
