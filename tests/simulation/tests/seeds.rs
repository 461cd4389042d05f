//! The laws, under thousands of seeds.

/// As many as take about half a minute in a development build.
const SEEDS: u64 = 6_000;
const THREADS: usize = 2;
/// What must have happened in so many worlds, or they are too calm.
const EVENTS: [&str; 29] = [
    "backends ended",
    "backends stalled",
    "backups restored",
    "connections cut",
    "databases emptied",
    "ends of layouts forged",
    "floors raised",
    "layouts changed",
    "layouts' topics emptied",
    "leaders elected",
    "logs put back",
    "members crashed",
    "members paused",
    "members put out",
    "outages of PostgreSQL",
    "pages dropped",
    "partitions added",
    "partitions fenced",
    "partitions set back",
    "partitions shifted",
    "records passed over",
    "records redriven",
    "revocations not waited for",
    "statements failed",
    "stopped partitions continued",
    "topics made anew",
    "topics retired",
    "transactions timed out",
    "waits for a lock",
];

#[test]
fn every_record_counts_once_under_every_seed() {
    let summary = simulation::many(0..SEEDS, None, THREADS, |_| {});
    if let Some(failed) = &summary.failed {
        panic!("\n{failed}\n");
    }
    assert_eq!(summary.seeds, SEEDS);
    let rare = EVENTS.into_iter().filter(|what| summary.events.get(what).is_none_or(|count| *count < 100));
    assert_eq!(rare.collect::<Vec<_>>(), Vec::<&str>::new(), "{:?}", summary.events);
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let [first, second] = [(); 2].map(|()| simulation::one(seed, None, 100_000));
        assert_eq!(first.hash, second.hash, "seed {seed}");
        assert_eq!(first.lines, second.lines, "seed {seed}");
        assert_ne!(first.hash, simulation::one(seed + 1, None, 0).hash, "seeds {seed} and the next are one");
    }
}
