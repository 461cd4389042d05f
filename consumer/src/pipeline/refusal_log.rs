//! When the log has a line about refused records: at most one a minute for each topic and reason, however many there are, and
//! never two at once, since the log drops the second warning of one place within [`APART`]. Pure but for the line itself; the
//! clock is an argument.

use crate::record::reason::Reason;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Topic};
use admin::log::APART;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The pause between two lines about one topic and reason.
const EVERY: Duration = Duration::from_secs(60);

/// What was refused and is not in the log yet.
#[derive(Debug, Default)]
pub struct RefusalLog {
    said_at: Option<Instant>,
    waiting: BTreeMap<(Topic, Reason), Waiting>,
}

/// What a line will say, and when it may.
#[derive(Debug)]
struct Waiting {
    said_at: Option<Instant>,
    records: u64,
    example: (Partition, Offset),
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    reason: Reason,
    records: u64,
    partition: Partition,
    offset: Offset,
}

impl RefusalLog {
    /// Takes refused records of a partition in, one of which is at `offset`.
    pub fn take(&mut self, partition: Partition, reason: Reason, records: u64, offset: Offset) {
        let new = || Waiting { said_at: None, records: 0, example: (partition, offset) };
        let waiting = self.waiting.entry((partition.topic, reason)).or_insert_with(new);
        if waiting.records == 0 {
            waiting.example = (partition, offset);
        }
        waiting.records += records;
    }

    /// The line that is due, if any: the one whose records have waited longest. It is taken for said.
    pub fn due(&mut self, now: Instant) -> Option<Line> {
        let is_over = |at: Option<Instant>, pause| at.is_none_or(|at| now.duration_since(at) >= pause);
        if !is_over(self.said_at, APART) {
            return None;
        }
        let may = |waiting: &Waiting| waiting.records > 0 && is_over(waiting.said_at, EVERY);
        let due = self.waiting.iter_mut().filter(|(_, waiting)| may(waiting));
        let ((_, reason), waiting) = due.min_by_key(|(_, waiting)| waiting.said_at)?;
        (waiting.said_at, self.said_at) = (Some(now), Some(now));
        let (records, (partition, offset)) = (std::mem::take(&mut waiting.records), waiting.example);
        Some(Line { reason: *reason, records, partition, offset })
    }
}

impl Line {
    /// Says it.
    pub fn say(self, topics: &TopicNames) {
        let Self { reason, records, partition, offset } = self;
        tracing::warn!(
            topic = topics.of(partition.topic),
            reason = reason.code(),
            records,
            partition = partition.number,
            offset = offset.0,
            "records were refused since the last line like this, one of them at this offset; `consumer dead-letters list` shows \
             them, and `consumer check-topic` what producers send now"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_and_a_reason_have_a_line_a_minute_that_leaves_nothing_out() {
        let (mut log, start) = (RefusalLog::default(), Instant::now());
        let partition = |topic, number| Partition { topic, number };
        let events = partition(Topic::Events, 3);
        let line =
            |partition, reason, records, offset| Line { reason, records, partition, offset: Offset(offset) };
        log.take(events, Reason::MissingId, 5, Offset(40));
        log.take(partition(Topic::Events, 4), Reason::MissingId, 2, Offset(7));
        log.take(partition(Topic::MessageDeliveries, 0), Reason::MissingId, 1, Offset(1));
        log.take(events, Reason::MissingTime, 1, Offset(44));
        let later = start + APART;
        assert_eq!(log.due(start), Some(line(events, Reason::MissingId, 7, 40)));
        assert_eq!(log.due(later - Duration::from_millis(1)), None, "the log would drop it");
        assert_eq!(log.due(later), Some(line(events, Reason::MissingTime, 1, 44)));
        let third = line(partition(Topic::MessageDeliveries, 0), Reason::MissingId, 1, 1);
        assert_eq!(log.due(later + APART), Some(third));
        assert_eq!(log.due(later + 2 * APART), None, "all is said");
        log.take(events, Reason::MissingId, 9, Offset(50));
        log.take(events, Reason::MissingId, 9, Offset(60));
        assert_eq!(log.due(start + EVERY - Duration::from_millis(1)), None);
        assert_eq!(log.due(start + EVERY), Some(line(events, Reason::MissingId, 18, 50)));
        assert_eq!(log.due(start + 9 * EVERY), None, "there is nothing to say");
    }
}
