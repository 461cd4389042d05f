//! When each partition advanced, and its longest standstill. Pure.

use std::time::Duration;

/// The times at which each partition was seen to have advanced, ascending, since a start.
#[derive(Clone, Debug)]
pub struct Moves(Vec<Vec<Duration>>);

impl Moves {
    /// No partition of this many has advanced yet.
    #[must_use]
    pub fn none(partitions: usize) -> Self {
        Self(vec![Vec::new(); partitions])
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.0.len()
    }

    /// A partition has advanced.
    pub fn add(&mut self, partition: usize, at: Duration) {
        self.0[partition].push(at);
    }

    /// Whether a partition has advanced since then.
    #[must_use]
    pub fn any_since(&self, partition: usize, since: Duration) -> bool {
        self.0[partition].last().is_some_and(|last| *last > since)
    }

    /// The longest standstill of a partition that overlaps `from` to `until`. One that hadn't ended by `until` counts up to
    /// that.
    #[must_use]
    pub fn standstill(&self, partition: usize, from: Duration, until: Duration) -> Duration {
        let moves = &self.0[partition];
        let reached = moves.partition_point(|at| *at <= from);
        let mut before = reached.checked_sub(1).map_or(from, |last| moves[last]);
        let mut longest = Duration::ZERO;
        for at in &moves[reached..] {
            longest = longest.max(*at - before);
            before = *at;
            if *at >= until {
                return longest;
            }
        }
        longest.max(until.saturating_sub(before))
    }

    /// The longest of several partitions; 0 without partitions.
    #[must_use]
    pub fn longest(&self, partitions: &[usize], from: Duration, until: Duration) -> Duration {
        let each = partitions.iter().map(|partition| self.standstill(*partition, from, until));
        each.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_while_counts_whole_when_a_part_of_it_lies_within() {
        let mut moves = Moves::none(2);
        [1, 2, 3, 9, 10, 30].into_iter().for_each(|at| moves.add(0, seconds(at)));
        let check = |from, until, expected| {
            assert_eq!(moves.standstill(0, seconds(from), seconds(until)), seconds(expected));
        };
        check(1, 3, 1);
        check(4, 6, 6);
        check(3, 10, 6);
        check(9, 10, 1);
        check(4, 11, 20);
        check(31, 35, 5);
        assert!(moves.any_since(0, seconds(29)) && !moves.any_since(0, seconds(30)));
    }

    #[test]
    fn a_partition_that_never_went_on_stood_still_all_the_while() {
        let moves = Moves::none(2);
        assert_eq!(moves.standstill(1, seconds(2), seconds(5)), seconds(3));
        assert_eq!(moves.longest(&[0, 1], seconds(2), seconds(4)), seconds(2));
        assert_eq!(moves.longest(&[], seconds(2), seconds(4)), seconds(0));
        assert!(!moves.any_since(0, seconds(0)));
    }
}
