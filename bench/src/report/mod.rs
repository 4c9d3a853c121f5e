//! The report: a table for people, JSON for programs, a page for docs/performance.md.

mod numbers;
mod page;

use comfy_table::{Table, presets::ASCII_MARKDOWN};
use serde::Serialize;

use crate::machine::Machine;
use crate::results::{Outcome, Skipped};
use crate::row::{Row, Verdict};

pub(crate) use page::write as write_page;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// How each figure was measured.
    pub(crate) seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) tasks: u32,
    pub(crate) rows: Vec<Outcome>,
    /// What was wanted and could not be measured.
    pub(crate) skipped: Vec<Skipped>,
    /// Versions of the programs that the peers use.
    pub(crate) peers: Vec<String>,
    /// The PostgreSQL under test, where there was one.
    pub(crate) postgres: Option<String>,
    /// Finished tasks of the groups about growth, and for how many seconds a snapshot was open.
    pub(crate) growth: (u64, u64),
}

impl Report {
    /// Prints it as JSON.
    ///
    /// Errors: stdout is closed.
    pub(crate) fn print_json(&self) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(self)?);
        Ok(())
    }

    /// Prints it as a table.
    pub(crate) fn print_table(&self) {
        let Machine {
            processor,
            cores,
            disk,
            baton,
            ..
        } = &self.machine;
        println!("{baton}; {processor}, {cores} cores; {disk}");
        let (rows, skipped): (Vec<_>, Vec<_>) = (self.rows.iter().collect(), self.skipped.iter().collect());
        println!("{}", table(&rows, &skipped));
        for line in self.peers.iter().cloned().chain(notes(&rows)) {
            println!("{line}");
        }
    }

    /// The worst verdict of all rows; `None` where none was asked for anything.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.rows.iter().filter_map(|outcome| outcome.verdict).min()
    }
}

/// One line a row.
fn table(rows: &[&Outcome], skipped: &[&Skipped]) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header([
        "row",
        "what",
        "figure",
        "reference",
        "ratio",
        "p99",
        "target",
        "floor",
        "verdict",
        "flush",
    ]);
    for outcome in rows {
        table.add_row(cells(outcome));
    }
    for Skipped { row, why } in skipped {
        let Row { id, what, .. } = row;
        table.add_row([*id, *what, &format!("not measured: {why}"), row.reference]);
    }
    table
}

fn cells(outcome: &Outcome) -> Vec<String> {
    let row = outcome.row;
    let value = |value| numbers::figure(value, row.unit);
    let milliseconds = |value| format!("{value:.2} ms");
    let reference = outcome.reference_value.map_or_else(String::new, |reference| {
        format!("{} {}", row.reference, value(reference.median))
    });
    let p99 = outcome
        .p99_ms
        .map_or_else(String::new, |p99| milliseconds(p99.median));
    vec![
        row.id.to_owned(),
        row.what.to_owned(),
        numbers::spread(&outcome.figure, value),
        reference,
        outcome
            .ratio
            .map_or_else(String::new, |ratio| numbers::spread(&ratio, numbers::ratio)),
        p99,
        numbers::bounds(row, |bound| Some(bound.target)),
        numbers::bounds(row, |bound| bound.floor),
        verdict(outcome),
        numbers::spread(&outcome.probe_ms, milliseconds),
    ]
}

/// A star marks rows of which no measurement was undisturbed.
fn verdict(outcome: &Outcome) -> String {
    let told = match outcome.verdict {
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Between) => "between",
        Some(Verdict::Below) => "BELOW",
        None => "",
    };
    let star = if outcome.disturbed.len() == outcome.trials.len() {
        " *"
    } else {
        ""
    };
    format!("{told}{star}")
}

/// What does not fit into a table: losses, disturbances, remarks.
fn notes(rows: &[&Outcome]) -> Vec<String> {
    let mut notes = Vec::new();
    for outcome in rows {
        let id = outcome.row.id;
        notes.extend(outcome.broken.iter().map(|why| format!("{id}: {why}")));
        if !outcome.disturbed.is_empty() {
            let (disturbed, all) = (outcome.disturbed.len(), outcome.trials.len());
            notes.push(format!(
                "{id}: {disturbed} of {all} measurements disturbed: {:?}",
                outcome.disturbed
            ));
        }
        notes.extend(outcome.notes.iter().map(|note| format!("{id}: {note}")));
    }
    notes
}
