//! The rows of the report: what is measured, against what, and what it has to reach.

use serde::Serialize;

/// Rows that are measured together, on the same servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    /// Creates, moves and batches; ends with a kill.
    Writes,
    /// Commit to watcher.
    Watches,
    /// What leases tasks, and what waits for them.
    Workers,
    /// The same work done by what users would pick instead; measured with `--peers`.
    Peers,
    /// All that is different where the store is a PostgreSQL; measured with `--database`.
    Postgres,
    /// Memory and idle processor time.
    Footprint,
    /// Gets and lists among very many tasks; start on such a database.
    Reads,
    /// What very many finished tasks cost; measured with `--finished`.
    Growth,
    /// The same on PostgreSQL, and what an open snapshot costs; measured with `--finished` and `--database`.
    #[value(name = "growth-postgres")]
    #[serde(rename = "growth-postgres")]
    GrowthPostgres,
}

impl Group {
    /// Whether it needs a PostgreSQL.
    pub(crate) const fn is_on_postgres(self) -> bool {
        matches!(self, Group::Postgres | Group::GrowthPostgres)
    }

    /// Whether it needs a number of finished tasks.
    pub(crate) const fn is_of_growth(self) -> bool {
        matches!(self, Group::Growth | Group::GrowthPostgres)
    }
}

/// One line of the report.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Short and stable, for `--rows`.
    pub(crate) id: &'static str,
    pub(crate) group: Group,
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    /// What the figure is divided by; empty where it stands alone.
    pub(crate) reference: &'static str,
    /// Reached if one of them is. None: the row is told for information.
    pub(crate) bounds: &'static [Bound],
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Mebibytes,
    /// Of one core.
    Percent,
    Count,
}

/// What a row has to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bound {
    pub(crate) judged: Judged,
    pub(crate) sense: Sense,
    pub(crate) target: f64,
    /// Beyond it the work is not done. Without one, missing the target stays between.
    pub(crate) floor: Option<f64>,
}

/// Which number of a row is held against a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Judged {
    /// The figure itself.
    Figure,
    /// The figure divided by its reference.
    Ratio,
}

/// Which side is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sense {
    AtLeast,
    AtMost,
}

/// How a row came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Below,
    Between,
    Pass,
}

impl Bound {
    /// The figure, or its ratio, has to be at least this.
    pub(crate) const fn at_least(judged: Judged, target: f64, floor: f64) -> Self {
        Bound {
            judged,
            sense: Sense::AtLeast,
            target,
            floor: Some(floor),
        }
    }

    /// The figure, or its ratio, may be at most this.
    pub(crate) const fn at_most(judged: Judged, target: f64, floor: Option<f64>) -> Self {
        Bound {
            judged,
            sense: Sense::AtMost,
            target,
            floor,
        }
    }

    fn judge(&self, value: f64) -> Verdict {
        let reaches = |bound: f64| match self.sense {
            Sense::AtLeast => value >= bound,
            Sense::AtMost => value <= bound,
        };
        if reaches(self.target) {
            Verdict::Pass
        } else if self.floor.is_none_or(reaches) {
            Verdict::Between
        } else {
            Verdict::Below
        }
    }
}

impl Row {
    /// How the row comes out with these numbers; `None` where nothing is asked of it, or nothing can be said.
    pub(crate) fn judge(&self, figure: f64, ratio: Option<f64>) -> Option<Verdict> {
        let verdicts = self.bounds.iter().filter_map(|bound| {
            let value = match bound.judged {
                Judged::Figure => Some(figure),
                Judged::Ratio => ratio,
            };
            value.map(|value| bound.judge(value))
        });
        verdicts.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EITHER: Row = Row {
        id: "either",
        group: Group::Writes,
        what: "",
        unit: Unit::PerSecond,
        reference: "raw",
        bounds: &[
            Bound::at_least(Judged::Figure, 80.0, 40.0),
            Bound::at_least(Judged::Ratio, 0.25, 0.12),
        ],
    };

    #[test]
    fn a_bound_has_three_sides() {
        let rate = Bound::at_least(Judged::Ratio, 0.28, 0.18);
        assert_eq!(rate.judge(0.28), Verdict::Pass);
        assert_eq!(rate.judge(0.2799), Verdict::Between);
        assert_eq!(rate.judge(0.1799), Verdict::Below);
        let time = Bound::at_most(Judged::Figure, 10.0, Some(30.0));
        assert_eq!(time.judge(10.0), Verdict::Pass);
        assert_eq!(time.judge(30.0), Verdict::Between);
        assert_eq!(time.judge(30.1), Verdict::Below);
        assert_eq!(
            Bound::at_most(Judged::Figure, 3.0, None).judge(99.0),
            Verdict::Between
        );
    }

    #[test]
    fn a_value_that_is_no_number_reaches_nothing() {
        assert_eq!(
            Bound::at_least(Judged::Ratio, 0.28, 0.18).judge(f64::NAN),
            Verdict::Below
        );
        assert_eq!(
            Bound::at_most(Judged::Ratio, 1.0, Some(2.0)).judge(f64::NAN),
            Verdict::Below
        );
    }

    #[test]
    fn the_best_of_several_bounds_counts() {
        assert_eq!(EITHER.judge(50.0, Some(0.3)), Some(Verdict::Pass));
        assert_eq!(EITHER.judge(50.0, Some(0.1)), Some(Verdict::Between));
        assert_eq!(EITHER.judge(10.0, None), Some(Verdict::Below));
        assert_eq!(
            Row {
                bounds: &[],
                ..EITHER
            }
            .judge(1.0, None),
            None
        );
    }
}
