//! Turns what is wrong with a request into its refusal.

use super::status::{Reason, Refusal};
use super::violations::{Rule, Violation, Violations};

/// The refusal of a request that breaks rules. A reason of its own is given only where nothing else is wrong: who
/// reads INVALID_FIELD looks at the list.
pub(super) fn invalid(violations: &Violations) -> Refusal {
    let kept = violations.kept();
    let Some(first) = kept.first() else {
        return Refusal::new(Reason::InvalidField, "the request cannot be used");
    };
    let single = kept.iter().all(|violation| violation.rule == first.rule);
    let rule = if single { first.rule } else { Rule::Field };
    let mut refusal = Refusal::new(reason(rule), message(first, violations.count()));
    if let Rule::Filter { position } = rule {
        refusal = refusal.with("position", position.to_string());
    }
    for Violation { path, what, rule: _ } in kept {
        refusal = refusal.field(path, what);
    }
    refusal.more_fields(violations.count() - kept.len())
}

const fn reason(rule: Rule) -> Reason {
    match rule {
        Rule::Field => Reason::InvalidField,
        Rule::PayloadSize => Reason::PayloadTooLarge,
        Rule::BatchSize => Reason::BatchTooLarge,
        Rule::Filter { .. } => Reason::InvalidFilter,
    }
}

fn message(first: &Violation, count: usize) -> String {
    let Violation { path, what, rule } = first;
    let told = match rule {
        Rule::Filter { position } => format!("{path}: {what} (at byte {position})"),
        Rule::Field | Rule::PayloadSize | Rule::BatchSize => format!("{path} {what}"),
    };
    if count > 1 {
        format!("{told}, and {} more", count - 1)
    } else {
        told
    }
}
