//! What happened in a run: a hash of all of it, and, where it is asked for, the last steps in words.

use std::collections::{BTreeMap, VecDeque};

/// FNV-1a's offset basis and prime for 64 bits (G. Fowler, L. Noll, P. Vo).
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A run's trace.
pub struct Trace {
    hash: u64,
    steps: u64,
    kept: usize,
    lines: VecDeque<String>,
    events: Events,
}

/// How often what happened.
pub type Events = BTreeMap<&'static str, u64>;

impl Trace {
    /// A trace that keeps the last so many lines; with 0 none is even worded.
    #[must_use]
    pub fn keeping(lines: usize) -> Self {
        Self { hash: BASIS, steps: 0, kept: lines, lines: VecDeque::new(), events: Events::new() }
    }

    /// The scheduler's next step, known by a number.
    pub fn step(&mut self, choice: u64) {
        self.steps += 1;
        self.mix(choice);
    }

    /// Takes a number into the hash.
    pub fn mix(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }

    /// Keeps a line.
    pub fn say(&mut self, words: impl FnOnce() -> String) {
        if self.kept > 0 {
            if self.lines.len() == self.kept {
                self.lines.pop_front();
            }
            self.lines.push_back(format!("{:>5}  {}", self.steps, words()));
        }
    }

    /// Takes note that something happened.
    pub fn event(&mut self, what: &'static str) {
        *self.events.entry(what).or_default() += 1;
    }

    /// The hash of all steps: the same for the same seed.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The lines kept, and how often what happened.
    #[must_use]
    pub fn end(self) -> (Vec<String>, Events) {
        (self.lines.into(), self.events)
    }
}
