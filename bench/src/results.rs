//! What was measured, row by row, and how each row came out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::probe;
use crate::processor::Shares;
use crate::row::{Row, Verdict};
use crate::statistics::{Latency, Spread};

/// More of the machine than this, in cores, and neighbours disturb a figure.
const NEIGHBOURS: f64 = 0.15;

/// One figure with its reference and what was going on around it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Trial {
    pub(crate) figure: f64,
    /// The mean of the reference before and after.
    pub(crate) reference: Option<f64>,
    pub(crate) latency: Option<Latency>,
    pub(crate) shares: Option<Shares>,
    /// Median flush before and after the figure.
    pub(crate) probes_ms: [f64; 2],
    /// Why the figure does not count whatever its number: something was lost.
    pub(crate) broken: Option<String>,
    /// What a reader should know beside the numbers.
    pub(crate) note: Option<String>,
}

impl Trial {
    /// The figure divided by its reference.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.reference.map(|reference| self.figure / reference)
    }

    /// What disturbed it, if anything.
    pub(crate) fn disturbance(&self) -> Option<Disturbance> {
        let [before, after] = self.probes_ms;
        let crowded = self.shares.is_some_and(|shares| shares.others > NEIGHBOURS);
        if !probe::steady(before, after) {
            Some(Disturbance::Disk)
        } else if crowded {
            Some(Disturbance::Neighbours)
        } else {
            None
        }
    }
}

/// Why a trial says less than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Disturbance {
    /// The disk changed its mood meanwhile.
    Disk,
    /// Other programs used the processor.
    Neighbours,
}

/// All trials so far.
#[derive(Debug, Default)]
pub(crate) struct Results {
    trials: BTreeMap<&'static str, Vec<Trial>>,
    skipped: BTreeMap<&'static str, String>,
}

/// A row that could not be measured.
#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    #[serde(flatten)]
    pub(crate) row: &'static Row,
    pub(crate) why: String,
}

/// A row and how it came out.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) row: &'static Row,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) figure: Spread,
    pub(crate) reference_value: Option<Spread>,
    pub(crate) ratio: Option<Spread>,
    /// Of the latencies' p99.
    pub(crate) p99_ms: Option<Spread>,
    pub(crate) probe_ms: Spread,
    /// Trials that were disturbed. If not all were, the numbers above are those of the others.
    pub(crate) disturbed: Vec<Disturbance>,
    pub(crate) broken: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) trials: Vec<Trial>,
}

impl Results {
    pub(crate) fn add(&mut self, row: &'static str, trial: Trial) {
        self.trials.entry(row).or_default().push(trial);
    }

    /// A row cannot be measured. Answers false where that was known.
    pub(crate) fn skip(&mut self, row: &'static str, why: &str) -> bool {
        self.skipped.insert(row, why.to_owned()).is_none()
    }

    /// The rows that were not measured at all although they were wanted, in the order of `rows`.
    pub(crate) fn skipped(&self, rows: &'static [Row]) -> Vec<Skipped> {
        let skipped = |row: &'static Row| {
            let why = self.skipped.get(row.id)?.clone();
            (!self.trials.contains_key(row.id)).then_some(Skipped { row, why })
        };
        rows.iter().filter_map(skipped).collect()
    }

    /// The rows that were measured, in the order of `rows`.
    pub(crate) fn outcomes(&self, rows: &'static [Row]) -> Vec<Outcome> {
        let measured = |row: &'static Row| Outcome::of(row, self.trials.get(row.id)?);
        rows.iter().filter_map(measured).collect()
    }
}

impl Outcome {
    fn of(row: &'static Row, trials: &[Trial]) -> Option<Self> {
        let disturbed: Vec<Disturbance> = trials.iter().filter_map(Trial::disturbance).collect();
        let all_disturbed = disturbed.len() == trials.len();
        let counting: Vec<&Trial> = trials
            .iter()
            .filter(|trial| all_disturbed || trial.disturbance().is_none())
            .collect();
        let figure = Spread::of(counting.iter().map(|trial| trial.figure))?;
        let ratio = Spread::of(counting.iter().filter_map(|trial| trial.ratio()));
        let broken: Vec<String> = trials.iter().filter_map(|trial| trial.broken.clone()).collect();
        let judged = row.judge(figure.median, ratio.map(|ratio| ratio.median));
        Some(Outcome {
            row,
            verdict: if broken.is_empty() {
                judged
            } else {
                Some(Verdict::Below)
            },
            figure,
            reference_value: Spread::of(counting.iter().filter_map(|trial| trial.reference)),
            ratio,
            p99_ms: Spread::of(counting.iter().filter_map(|trial| Some(trial.latency?.p99_ms))),
            probe_ms: Spread::of(trials.iter().flat_map(|trial| trial.probes_ms))?,
            disturbed,
            broken,
            notes: trials.iter().filter_map(|trial| trial.note.clone()).collect(),
            trials: trials.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ROWS;

    fn trial(figure: f64, after_ms: f64) -> Trial {
        Trial {
            figure,
            reference: Some(100.0),
            latency: None,
            shares: None,
            probes_ms: [0.1, after_ms],
            broken: None,
            note: None,
        }
    }

    fn outcome(trials: impl IntoIterator<Item = Trial>) -> Outcome {
        let mut results = Results::default();
        for trial in trials {
            results.add("create-64", trial);
        }
        results.outcomes(ROWS).pop().unwrap()
    }

    #[test]
    fn the_median_is_judged() {
        let outcome = outcome([trial(10.0, 0.1), trial(30.0, 0.1), trial(90.0, 0.1)]);
        assert_eq!(outcome.ratio.unwrap().median, 0.3);
        assert_eq!(outcome.verdict, Some(Verdict::Pass));
    }

    #[test]
    fn disturbed_trials_count_only_where_all_are() {
        let mixed = outcome([trial(10.0, 0.1), trial(90.0, 0.3), trial(90.0, 4.0)]);
        assert_eq!(mixed.figure.median, 10.0);
        assert_eq!(mixed.disturbed, [Disturbance::Disk, Disturbance::Disk]);
        assert_eq!(mixed.verdict, Some(Verdict::Below));
        assert_eq!(outcome([trial(90.0, 4.0)]).verdict, Some(Verdict::Pass));
    }

    #[test]
    fn busy_neighbours_disturb() {
        let shares = Shares {
            server: 1.0,
            client: 0.5,
            others: 0.2,
        };
        let crowded = Trial {
            shares: Some(shares),
            ..trial(1.0, 0.1)
        };
        assert_eq!(crowded.disturbance(), Some(Disturbance::Neighbours));
    }

    #[test]
    fn a_row_is_skipped_if_it_was_never_measured() {
        let mut results = Results::default();
        assert!(results.skip("drain-bullmq", "no node"));
        assert!(!results.skip("drain-bullmq", "no node"));
        results.skip("create-64", "at first");
        results.add("create-64", trial(1.0, 0.1));
        let skipped = results.skipped(ROWS);
        let [only] = &*skipped else { panic!("{skipped:?}") };
        assert_eq!((only.row.id, &*only.why), ("drain-bullmq", "no node"));
    }

    #[test]
    fn what_lost_something_is_below_whatever_its_number() {
        let broken = Trial {
            broken: Some("3 events lost".to_owned()),
            ..trial(90.0, 0.1)
        };
        assert_eq!(outcome([broken, trial(90.0, 0.1)]).verdict, Some(Verdict::Below));
    }
}
