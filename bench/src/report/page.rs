//! The committed report: the measured part is written anew by every run, what people wrote around it stays.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::{Report, notes, table};
use crate::machine::Machine;
use crate::processor::Shares;
use crate::results::{Outcome, Trial};
use crate::row::Unit;
use crate::statistics::Spread;

const BEGIN: &str =
    "<!-- measured: written by `cargo xtask bench --report`; changes between these marks are lost -->\n";
const END: &str = "<!-- end of what is measured -->\n";
const TITLE: &str = "# Performance\n\n";

/// Writes the report into `file`, in the place of the one that is there.
///
/// Errors: the file cannot be read or written, or has lost one of its marks.
pub(crate) fn write(report: &Report, file: &Path) -> anyhow::Result<()> {
    let before = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => format!("{TITLE}{BEGIN}{END}"),
        Err(error) => return Err(error.into()),
    };
    let after = replace(&before, &measured(report))
        .with_context(|| format!("{} has no marks to write between: {BEGIN}{END}", file.display()))?;
    Ok(fs::write(file, after)?)
}

fn replace(text: &str, measured: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{measured}{END}{tail}"))
}

fn measured(report: &Report) -> String {
    let Report {
        machine,
        seconds,
        rounds,
        tasks,
        rows,
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
    let shares = shares(rows);
    let mut text = format!(
        "\n## Measured on {date}\n\n\
        {baton}; {rust}; {processor}, {cores} cores, {memory_gib} GiB; Linux {kernel}; {disk}.\n\
        Client, server and disk are those of one machine, over loopback. {rounds} rounds, {seconds} s a figure, the \
        reference before and after it; figures are medians (smallest to largest). `flush` is the median fdatasync \
        before and after each figure. The group `reads` has {tasks} tasks. A star: no measurement was undisturbed.\n\n\
        {}\n\n## Processor time\n\n{shares}\n",
        table(rows)
    );
    let notes = notes(rows);
    if !notes.is_empty() {
        text.push_str("## Remarks\n\n");
        for note in notes {
            // A String takes every line.
            writeln!(text, "- {note}").unwrap_or_default();
        }
        text.push('\n');
    }
    text
}

/// Who used how much of the processors during the figures. What a unit costs says more than a rate where neighbours
/// take their share of the machine.
fn shares(rows: &[Outcome]) -> String {
    let mut text = String::from(
        "Cores used during the figure, and what one unit cost; medians.\n\n\
        | row | server | client | others | server a unit | client a unit |\n|---|---|---|---|---|---|\n",
    );
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
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays() {
        let page = format!("# Title\nIntro.\n{BEGIN}old\n{END}After.\n");
        let fresh = replace(&page, "new\n").unwrap();
        assert_eq!(fresh, format!("# Title\nIntro.\n{BEGIN}new\n{END}After.\n"));
        assert_eq!(replace(&fresh, "new\n").unwrap(), fresh);
        assert_eq!(replace("no marks", "new"), None);
    }
}
