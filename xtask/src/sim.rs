//! `cargo xtask sim`: the simulation, with as many seeds as one likes.

use crate::run;

/// Seeds where nobody says: ten times those of the tests.
const SEEDS: u64 = 1_000;

/// Runs `seeds` seeds from `seed` on; a named seed alone where nobody says how many. On PostgreSQL where
/// `BATON_TEST_POSTGRES` names one.
pub fn run(seeds: Option<u64>, seed: Option<u64>) -> anyhow::Result<()> {
    let count = seeds.unwrap_or(if seed.is_some() { 1 } else { SEEDS });
    run::command(
        run::cargo()
            .args(["test", "--package", "baton-tests", "--test", "sim"])
            .args(["--", "--nocapture", "whatever_is_asked"])
            .env("BATON_SIM_SEED", seed.unwrap_or(0).to_string())
            .env("BATON_SIM_SEEDS", count.to_string()),
    )
}
