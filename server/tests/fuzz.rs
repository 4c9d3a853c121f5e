//! The fuzz targets for a second each: every seed, and inputs close to it. The same ones at every run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../fuzz/checks/filter.rs"]
mod filter;
#[path = "../../fuzz/checks/requests.rs"]
mod requests;
#[path = "../../fuzz/checks/tokens.rs"]
mod tokens;

use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Inputs tried for each seed.
const NEIGHBOURS: usize = 3_000;

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/seeds")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Checks every seed, and inputs that differ from it in a few places.
fn near_seeds(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let mut random = StdRng::seed_from_u64(2_026);
    for seed in &seeds {
        check(seed);
        for _ in 0..NEIGHBOURS {
            let mut input = seed.clone();
            for _ in 0..random.random_range(1..4) {
                change(&mut input, &seeds, &mut random);
            }
            check(&input);
        }
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut StdRng) {
    let place = random.random_range(0..=input.len());
    match random.random_range(0..5) {
        0 => input.insert(place, random.random()),
        1 => input.truncate(place),
        2 => {
            if let Some(byte) = input.get_mut(place) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        3 => {
            if place < input.len() {
                input.remove(place);
            }
        }
        // A part of another one.
        _ => {
            let other = &seeds[random.random_range(0..seeds.len())];
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len());
            input.splice(place..place, other[from..to].iter().copied());
        }
    }
}

#[test]
fn filters() {
    near_seeds("filter", filter::check);
}

#[test]
fn requests() {
    near_seeds("requests", requests::check);
}

#[test]
fn tokens() {
    near_seeds("tokens", tokens::check);
}
