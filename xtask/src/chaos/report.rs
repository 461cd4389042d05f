//! What a run amounts to.

use super::schedule::Kind;
use crate::say;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often each fault came, and the longest time it took to count everything again.
#[derive(Clone, Debug, Default)]
pub struct Report {
    faults: BTreeMap<Kind, (u32, Option<Duration>)>,
    at_once: u32,
}

/// What became of the records.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// Handed to Kafka.
    pub produced: i64,
    /// Of those, would have counted had they not been counted before.
    pub repeated: u64,
    /// Of those, had to be refused.
    pub refused: u64,
    /// Partitions of all topics at the end.
    pub partitions: i32,
    /// Partitions that a member lost to another's claim.
    pub fenced: u64,
}

impl Report {
    /// Takes in a fault that is over.
    pub fn take(&mut self, kind: Kind, recovered: Option<Duration>) {
        let (times, longest) = self.faults.entry(kind).or_default();
        *times += 1;
        *longest = (*longest).max(recovered);
    }

    /// Takes in that faults came at once.
    pub fn take_at_once(&mut self) {
        self.at_once += 1;
    }

    /// Whether every kind has come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.faults.len() == Kind::ALL.len()
    }

    /// Prints it.
    pub fn tell(&self, sums: &Sums) {
        say::line(format_args!("\n{:<28}{:>6}  longest until all was counted again", "fault", "times"));
        for kind in Kind::ALL {
            let (times, longest) = self.faults.get(&kind).copied().unwrap_or_default();
            let longest = longest
                .map_or_else(|| "not measured".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
            say::line(format_args!("{:<28}{times:>6}  {longest}", kind.name()));
        }
        say::line(format_args!("{:<28}{:>6}", "two at once", self.at_once));
        let Sums { produced, repeated, refused, partitions, fenced } = sums;
        say::line(format_args!(
            "\n{produced} records produced, {repeated} of them copies, {refused} bad; {partitions} partitions; \
             {fenced} partitions fenced"
        ));
    }
}
