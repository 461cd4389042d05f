//! What the log can no longer say, because its oldest records are gone.

use super::state::{Progress, State};
use crate::record::Topic;
use crate::record::topic_names::TopicNames;
use domain::Counters;
use recount::Cell;
use std::ops::Range;
use std::time::Duration;

/// From which second on the log has all records of each topic, so that a bucket can be judged. A bucket before it can still be
/// too low: what the log has must have been counted.
pub struct Judged {
    from: [i64; 3],
}

/// The counters that a topic's records add to.
pub const fn counters_of(topic: Topic) -> Range<usize> {
    match topic {
        Topic::Events => 0..3,
        Topic::WorkflowTerminals => 3..6,
        Topic::MessageDeliveries => 6..Counters::NAMES.len(),
    }
}

impl Judged {
    /// Records that are gone were older than the first one that is left, and their times at most `skew` ahead of that.
    pub fn of(state: &State, names: &TopicNames, skew: Duration) -> Self {
        let skew = i64::try_from(skew.as_secs()).unwrap_or(i64::MAX);
        let of_topic = |topic| {
            let partitions = state.partitions.iter().filter(|at| at.topic == names.of(topic));
            partitions.map(|at| judged_from(at, skew)).max().unwrap_or(i64::MIN)
        };
        Self { from: Topic::ALL.map(of_topic) }
    }

    /// From which second on buckets of this topic's counters can be judged.
    pub fn from(&self, topic: Topic) -> i64 {
        match topic {
            Topic::Events => self.from[0],
            Topic::WorkflowTerminals => self.from[1],
            Topic::MessageDeliveries => self.from[2],
        }
    }

    /// The highest values that are right for a bucket that starts at `start`.
    pub fn highest(&self, start: i64, cell: &Cell<8>) -> [i64; 8] {
        let mut high = cell.high;
        for topic in Topic::ALL {
            if start < self.from(topic) {
                high[counters_of(topic)].fill(i64::MAX);
            }
        }
        high
    }
}

fn judged_from(at: &Progress, skew: i64) -> i64 {
    if at.is_short {
        return i64::MAX;
    }
    match (at.is_cut, at.cut_ms) {
        (false, _) => i64::MIN,
        (true, None) => i64::MAX,
        (true, Some(ms)) => ms.div_euclid(1_000).saturating_add(skew).saturating_add(1),
    }
}
