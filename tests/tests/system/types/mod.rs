//! Task types: what is checked, and who may create what.

mod calls;
mod checks;

use baton_client::{Error, Refusal};

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("was to be refused, but: {other:?}"),
    }
}

/// The violations of a refusal, as `field: description`.
fn violations(refusal: &Refusal) -> Vec<String> {
    let line =
        |violation: &baton_client::Violation| format!("{}: {}", violation.field, violation.description);
    refusal.violations.iter().map(line).collect()
}
