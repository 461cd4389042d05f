//! The summary of a run.

use super::kind::Kind;
use machine::say;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often each fault occurred, and the longest time until everything was counted again.
#[derive(Clone, Debug)]
pub struct Report {
    kinds: Vec<Kind>,
    faults: BTreeMap<Kind, Line>,
    at_once: Line,
}

/// How often a fault occurred, and the longest time until everything was counted again.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    times: u32,
    longest: Option<Duration>,
}

/// What happened to the records.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// Acknowledged by Kafka outside of transactions.
    pub produced: i64,
    /// Transactions begun, and those of them that were committed.
    pub transactions: (usize, usize),
    /// Records that redrives published.
    pub redriven: u64,
    /// Of those, the records that would have counted, had they not been counted before.
    pub repeated: u64,
    /// Of those, the records that had to be refused.
    pub refused: u64,
    /// Partitions of all topics at the end.
    pub partitions: i32,
    /// Partitions that a member lost to another claim.
    pub fenced: u64,
    /// Offsets by which failovers, restores and resets took progress back.
    pub back: i64,
}

impl Report {
    /// A report about faults of these kinds.
    #[must_use]
    pub fn about(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), faults: BTreeMap::new(), at_once: Line::default() }
    }

    /// Adds a finished round, with the time to recover from its faults. The time of two simultaneous faults belongs to neither.
    pub fn take(&mut self, kinds: &[Kind], recovered: Option<Duration>) {
        for kind in kinds {
            self.faults.entry(*kind).or_default().times += 1;
        }
        let line = match kinds {
            [alone] => self.faults.entry(*alone).or_default(),
            _ => {
                self.at_once.times += 1;
                &mut self.at_once
            }
        };
        line.longest = line.longest.max(recovered);
    }

    /// Whether every kind has occurred.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.kinds.iter().all(|kind| self.faults.contains_key(kind))
    }

    /// Prints it.
    pub fn tell(&self, sums: &Sums) {
        say::line(format_args!("\n{:<28}{:>6}  longest until all was counted again", "fault", "times"));
        for kind in &self.kinds {
            self.faults.get(kind).copied().unwrap_or_default().tell(kind.name());
        }
        self.at_once.tell("of these, two at once");
        let Sums { produced, transactions: (begun, committed), redriven, .. } = sums;
        say::line(format_args!(
            "\n{produced} records produced, and {begun} transactions, of which {committed} were committed; \
             {redriven} records redriven"
        ));
        let Sums { repeated, refused, partitions, fenced, back, .. } = sums;
        say::line(format_args!(
            "{repeated} copies, {refused} bad; {partitions} partitions; {fenced} partitions fenced; progress went back \
             by {back} offsets in all"
        ));
    }
}

impl Line {
    fn tell(self, name: &str) {
        let longest = self.longest.map(|time| format!("{:.1} s", time.as_secs_f64()));
        let longest = longest.unwrap_or_else(|| "not measured alone".to_owned());
        say::line(format_args!("{name:<28}{:>6}  {longest}", self.times));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_time_alone_is_kept() {
        let mut report = Report::about(&[Kind::Kill, Kind::Kafka]);
        let second = |n| Some(Duration::from_secs(n));
        report.take(&[Kind::Kill], second(3));
        report.take(&[Kind::Kill], second(2));
        report.take(&[Kind::Kill], None);
        assert!(!report.is_complete());
        report.take(&[Kind::Kill, Kind::Kafka], second(9));
        assert!(report.is_complete());
        let (kill, kafka) = (report.faults[&Kind::Kill], report.faults[&Kind::Kafka]);
        assert_eq!((kill.times, kill.longest), (4, second(3)));
        assert_eq!((kafka.times, kafka.longest), (1, None));
        assert_eq!((report.at_once.times, report.at_once.longest), (1, second(9)));
    }
}
