//! Which faults a test injects, how often, and how that went: the rows of `docs/faults.md`.
//!
//! `cargo xtask faults` names a folder in `BATON_FAULTS_REPORT`; without it nothing is written. `BATON_FAULTS_FULL=1` has
//! tests inject more than they do in every run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

/// Names the folder of the records.
const REPORT: &str = "BATON_FAULTS_REPORT";

/// So many in the tests of every run, and so many where all is wanted.
pub fn count(usual: u64, full: u64) -> u64 {
    let is_full = std::env::var("BATON_FAULTS_FULL").is_ok_and(|value| value == "1");
    if is_full { full } else { usual }
}

/// A fault that a test injects. When it goes out of scope, it is written down how often that was, and whether the test had
/// failed by then.
#[derive(Debug)]
pub struct Injected {
    fault: &'static str,
    times: AtomicU64,
}

impl Injected {
    /// `fault`: its name in `tests/faults.toml`.
    pub fn new(fault: &'static str) -> Self {
        Injected {
            fault,
            times: AtomicU64::new(0),
        }
    }

    /// It was injected so many times more.
    pub fn add(&self, times: u64) {
        self.times.fetch_add(times, Ordering::SeqCst);
    }

    /// It was injected once more.
    pub fn once(&self) {
        self.add(1);
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os(REPORT) else {
            return;
        };
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "{}-{}-{}.json",
            self.fault,
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        );
        let database = match std::env::var_os(baton_test_database::VARIABLE) {
            Some(_) => "postgres",
            None => "sqlite",
        };
        let record = json!({
            "fault": self.fault,
            "database": database,
            "times": self.times.load(Ordering::SeqCst),
            "failed": std::thread::panicking(),
        });
        std::fs::write(PathBuf::from(folder).join(name), record.to_string())
            .expect("the folder of the records is there");
    }
}
