//! The replay oracle: folds the log that a test left behind, by rules of its own, and compares it with the rows, with
//! every acknowledged answer and with what every watcher received.
//!
//! Reading order: `evidence` (what is judged), `lifecycle` (the data file), `moves` (what it means), `fold` (what an
//! event does to a task), then one file a group of rules: `log`, `story`, `answers`, `watches`, `settles`, `runs`, `limits`.

mod answers;
mod compare;
mod evidence;
mod fold;
mod lifecycle;
mod limits;
mod log;
mod moves;
pub mod plant;
mod runs;
mod settles;
mod story;
mod watches;

#[cfg(test)]
mod tests;

pub use evidence::{
    Call, Evidence, Facets, Finding, Findings, Message, Namespace, Outcome, Rule, Scope, Start, Watch,
};
pub use lifecycle::{LIFECYCLE, event_name, short, state};
pub use settles::Debt;

/// Everything that is wrong with this evidence; empty is good.
pub fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Findings::default();
    let stories = log::check(evidence, &mut findings);
    let ends = story::check(evidence, &stories, &mut findings);
    answers::check(evidence, &stories, &mut findings);
    watches::check(evidence, &mut findings);
    settles::check(evidence, (&stories, &ends), &mut findings);
    runs::check(evidence, &stories, &mut findings);
    limits::check(evidence, &mut findings);
    findings.0
}

/// What Baton still owes at the end of these feeds: wait for it, then check.
pub fn debts(evidence: &Evidence) -> Vec<Debt> {
    let mut quiet = Findings::default();
    let stories = log::check(evidence, &mut quiet);
    let ends = story::check(evidence, &stories, &mut quiet);
    settles::debts(&stories, &ends)
}
