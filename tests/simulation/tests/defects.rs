//! The simulation finds what it is for: each deliberate defect breaks a law within a few seeds.

use simulation::Defect;

/// Within how many seeds every defect must be found.
const SEEDS: u64 = 1_000;
const THREADS: usize = 2;

#[test]
fn every_defect_is_found() {
    let mut missed = Vec::new();
    for defect in Defect::ALL {
        let summary = simulation::many(0..SEEDS, Some(defect), THREADS, |_| {});
        let broken = summary.failed.and_then(|failed| Some((failed.seed, failed.broken?)));
        match broken {
            Some((seed, broken)) => println!("{:<24} seed {seed:>3}: {broken:.90}", format!("{defect:?}")),
            None => missed.push(defect),
        }
    }
    assert_eq!(missed, [], "not found within {SEEDS} seeds");
}
