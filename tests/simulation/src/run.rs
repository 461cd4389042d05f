//! Running seeds, one or many.

use crate::defect::Defect;
use crate::trace::Events;
use crate::world::World;
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lines of a trace that are shown.
pub const LINES: usize = 60;

/// How a seed ended.
#[derive(Debug)]
pub struct Outcome {
    /// Which seed.
    pub seed: u64,
    /// The law that was broken, if one was.
    pub broken: Option<String>,
    /// How many steps it took.
    pub steps: u64,
    /// The hash of all steps.
    pub hash: u64,
    /// The last steps in words, where they were asked for.
    pub lines: Vec<String>,
    /// How often what happened.
    pub events: Events,
}

/// How many seeds ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Seeds that were run.
    pub seeds: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// How often what happened.
    pub events: Events,
    /// The smallest seed that broke a law, told in words; those after it may not have been run.
    pub failed: Option<Outcome>,
}

/// Runs a seed; keeps so many lines of what happens.
#[must_use]
pub fn one(seed: u64, defect: Option<Defect>, lines: usize) -> Outcome {
    let (trace, broken) = World::new(seed, defect, lines).run();
    let (steps, hash) = (trace.steps(), trace.hash());
    let (lines, events) = trace.end();
    Outcome { seed, broken, steps, hash, lines, events }
}

/// Runs seeds in this many threads until one fails, and tells `progress` how many are done.
pub fn many(
    seeds: Range<u64>,
    defect: Option<Defect>,
    threads: usize,
    progress: impl Fn(u64) + Sync,
) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let failed = AtomicU64::new(seeds.end);
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= failed.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = one(seed, defect, 0);
                    if outcome.broken.is_some() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.add(&outcome);
                    progress(summary.seeds);
                }
            });
        }
    });
    let failed = failed.into_inner();
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The same again, in words.
    summary.failed = (failed < seeds.end).then(|| one(failed, defect, LINES));
    summary
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.steps += outcome.steps;
        outcome.events.iter().for_each(|(what, count)| *self.events.entry(what).or_default() += count);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match &self.broken {
            Some(broken) => {
                write!(
                    f,
                    "seed {}, step {}: {broken}\nagain: cargo xtask simulate --seed {}",
                    self.seed, self.steps, self.seed
                )
            }
            None => write!(f, "seed {} ended well after {} steps", self.seed, self.steps),
        }
    }
}
