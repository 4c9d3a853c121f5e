//! Numbers for people.

use crate::row::{Bound, Judged, Row, Sense, Unit};
use crate::statistics::Spread;

/// A figure with its unit.
pub(super) fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => format!("{}/s", grouped(value)),
        Unit::Milliseconds => format!("{value:.2} ms"),
        Unit::Mebibytes => format!("{value:.1} MiB"),
        Unit::Percent => format!("{value:.2} %"),
        Unit::Count => grouped(value),
    }
}

/// The median, and what it lies between where it was measured more than once.
pub(super) fn spread(spread: &Spread, show: impl Fn(f64) -> String) -> String {
    let Spread { min, median, max } = *spread;
    if min == max {
        show(median)
    } else {
        format!("{} ({} to {})", show(median), show(min), show(max))
    }
}

/// A ratio: three digits are more than the noise allows.
pub(super) fn ratio(value: f64) -> String {
    if value < 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.2}")
    }
}

/// What a row has to reach: its targets, or its floors.
pub(super) fn bounds(row: &Row, pick: impl Fn(&Bound) -> Option<f64>) -> String {
    let told = row.bounds.iter().filter_map(|bound| {
        let value = pick(bound)?;
        let value = match bound.judged {
            Judged::Figure => figure(value, row.unit),
            Judged::Ratio => format!("{} x", trimmed(value)),
        };
        let sense = match bound.sense {
            Sense::AtLeast => "≥",
            Sense::AtMost => "≤",
        };
        Some(format!("{sense} {value}"))
    });
    told.collect::<Vec<_>>().join(" or ")
}

fn trimmed(value: f64) -> String {
    format!("{value}")
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ROWS;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(grouped(0.4), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_000.0), "1,000");
        assert_eq!(grouped(1_234_567.8), "1,234,568");
    }

    #[test]
    fn bounds_are_told_as_the_design_tells_them() {
        let row = |id: &str| ROWS.iter().find(|row| row.id == id).unwrap();
        assert_eq!(bounds(row("create-64"), |bound| Some(bound.target)), "≥ 0.28 x");
        let batch = bounds(row("batch-500"), |bound| bound.floor);
        assert_eq!(batch, "≥ 40,000/s or ≥ 0.12 x");
        assert_eq!(bounds(row("watch-100"), |bound| bound.floor), "");
        assert_eq!(bounds(row("idle-cpu"), |bound| Some(bound.target)), "≤ 0.20 %");
    }

    #[test]
    fn one_measurement_has_no_range() {
        let one = Spread::of([2.0]).unwrap();
        assert_eq!(spread(&one, ratio), "2.00");
        let three = Spread::of([0.1, 0.2, 0.3]).unwrap();
        assert_eq!(spread(&three, ratio), "0.200 (0.100 to 0.300)");
    }
}
