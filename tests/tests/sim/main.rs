//! Seeds of the simulation: so many in every run of the tests, and as many as one likes by `cargo xtask sim`.

use std::sync::atomic::{AtomicU64, Ordering};

use baton_tests::sim;

/// Seeds of a run where nobody says.
const SEEDS: u64 = 100;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Every processor takes the next seed until there is none; a seed that is broken ends the run.
#[test]
fn whatever_is_asked_and_whenever_it_stops_the_log_holds() {
    let first = number("BATON_SIM_SEED");
    let count = number("BATON_SIM_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(0);
    let next = AtomicU64::new(first);
    let (stops, events) = (AtomicU64::new(0), AtomicU64::new(0));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        return;
                    }
                    let story = sim::run(seed).unwrap_or_else(|broken| {
                        next.store(u64::MAX / 2, Ordering::SeqCst);
                        panic!("{broken}")
                    });
                    stops.fetch_add(story.stops as u64, Ordering::SeqCst);
                    events.fetch_add(story.events as u64, Ordering::SeqCst);
                }
            });
        }
    });
    let (stops, events) = (stops.into_inner(), events.into_inner());
    eprintln!("{count} seeds from {first}: stopped {stops} times, {events} events");
    assert!(
        count < SEEDS || stops > count,
        "the process is stopped in most seeds"
    );
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [1, 7, 42] {
        let told = [sim::run(seed), sim::run(seed)];
        let [one, other] = told.map(|story| story.unwrap_or_else(|broken| panic!("{broken}")).lines);
        assert!(one.len() > 100, "something happened");
        assert_eq!(one, other, "seed {seed}");
    }
}
