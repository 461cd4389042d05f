//! What metrics say of this member's partitions at the moment of a scrape. A partition that has moved to another member is that
//! member's to show, so sums over members are right; and time goes on though the pipeline waits for PostgreSQL.

use super::positions::Positions;
use crate::clock::Clock;
use crate::decide::backlog::Backlog;
use crate::measure::seconds;
use crate::record::Partition;
use crate::record::topic_names::TopicNames;
use admin::Family;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// The gauges of the partitions, to be asked for at each scrape.
pub fn gauges(
    positions: Positions,
    topics: TopicNames,
    clock: Clock,
) -> impl Fn() -> Vec<Family> + Send + Sync + 'static {
    move || families(&positions.backlogs(), &topics, clock.earliest())
}

/// What a gauge of each partition is called, what it is, and its value at an instant; `None` while that isn't known.
type ByPartition = (&'static str, &'static str, fn(&Backlog, DateTime<Utc>) -> Option<f64>);

const BY_PARTITION: [ByPartition; 6] = [
    (
        "consumer_partition_stopped",
        "Whether a partition is stopped until an operator decides: 1 if it is, 0 if not.",
        |of, _| Some(f64::from(u8::from(of.is_stopped()))),
    ),
    (
        "consumer_lag_records",
        "Records that the brokers have acknowledged and that are not counted yet, by partition.",
        |of, _| of.lag().map(|lag| lag as f64),
    ),
    (
        "consumer_lag_seconds",
        "How long ago a partition was complete; 0 if no record waits to be counted.",
        |of, now| Some(of.lags_for(now).as_seconds_f64()),
    ),
    (
        "consumer_complete_through_timestamp_seconds",
        "The time up to which all records of a partition are counted, in seconds since the epoch.",
        |of, _| of.complete_through().map(seconds),
    ),
    (
        "consumer_open_transaction_offsets",
        "Offsets that can't be read because a producer's transaction is open, by partition.",
        |of, _| Some(of.open_transaction().map_or(0.0, |open| open.offsets as f64)),
    ),
    (
        "consumer_open_transaction_seconds",
        "How long that transaction has been seen to be open, by partition.",
        |of, _| {
            let open_for = of.open_transaction().map_or(TimeDelta::zero(), |open| open.open_for);
            Some(open_for.as_seconds_f64())
        },
    ),
];

fn families(
    partitions: &BTreeMap<Partition, Backlog>,
    topics: &TopicNames,
    now: DateTime<Utc>,
) -> Vec<Family> {
    let count = |is: fn(&Backlog) -> bool| partitions.values().filter(|backlog| is(backlog)).count() as f64;
    let held =
        Family::of("consumer_partitions", "Partitions that this member counts.", count(Backlog::is_held));
    let stopped = Family::of(
        "consumer_partitions_stopped",
        "Partitions of this member that are stopped now.",
        count(Backlog::is_stopped),
    );
    let mut families = vec![held, stopped];
    for (name, help, value) in BY_PARTITION {
        let mut family = Family::new(name, help);
        for (partition, backlog) in partitions {
            if let Some(value) = value(backlog, now) {
                let (topic, number) = (topics.of(partition.topic), partition.number.to_string());
                family.add(&[("topic", topic), ("partition", &number)], value);
            }
        }
        families.push(family);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Offset, Topic};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn topics() -> TopicNames {
        TopicNames::new(["events", "runs", "messages"].map(str::to_owned))
    }

    /// The gauges of the events' partition 3 at second 200, by name, after these steps.
    fn check(steps: impl FnOnce(&mut Backlog), expected: &[(&str, f64)]) {
        let partition = Partition { topic: Topic::Events, number: 3 };
        let mut backlog = Backlog::default();
        steps(&mut backlog);
        let partitions = BTreeMap::from([(partition, backlog)]);
        let families = families(&partitions, &topics(), at(200));
        let text: String = families.iter().map(ToString::to_string).collect();
        for (name, value) in expected {
            let labels = "{topic=\"events\",partition=\"3\"}";
            let lines = [format!("{name}{labels} {value}"), format!("{name} {value}")];
            assert!(text.lines().any(|line| lines.iter().any(|of| of == line)), "{name} {value}:\n{text}");
        }
    }

    #[test]
    fn a_partition_is_shown_as_it_is_at_the_scrape() {
        let claimed = |of: &mut Backlog| {
            of.claimed(at(100), Some(Offset(10)), Some(at(90)));
            of.ended(at(150), Offset(15), Some(Offset(12)));
        };
        check(
            claimed,
            &[
                ("consumer_partitions", 0.0),
                ("consumer_partitions_stopped", 0.0),
                ("consumer_partition_stopped", 0.0),
                ("consumer_lag_records", 5.0),
                ("consumer_lag_seconds", 110.0),
                ("consumer_complete_through_timestamp_seconds", 90.0),
                ("consumer_open_transaction_offsets", 3.0),
                ("consumer_open_transaction_seconds", 0.0),
            ],
        );
        let counted = |of: &mut Backlog| {
            claimed(of);
            of.reached(Offset(15));
            of.ended(at(160), Offset(15), Some(Offset(15)));
        };
        check(
            counted,
            &[
                ("consumer_partitions", 1.0),
                ("consumer_lag_records", 0.0),
                ("consumer_lag_seconds", 0.0),
                ("consumer_open_transaction_offsets", 0.0),
            ],
        );
        let stopped = |of: &mut Backlog| {
            counted(of);
            of.stopped();
        };
        check(
            stopped,
            &[
                ("consumer_partitions", 0.0),
                ("consumer_partitions_stopped", 1.0),
                ("consumer_partition_stopped", 1.0),
                ("consumer_lag_records", 0.0),
                ("consumer_lag_seconds", 110.0),
            ],
        );
    }

    #[test]
    fn what_is_not_known_is_not_shown_and_no_partition_is_shown_by_whoever_has_none() {
        let shown = |partitions: &BTreeMap<Partition, Backlog>, name: &str| {
            let families = families(partitions, &topics(), at(200));
            families.iter().any(|family| family.to_string().contains(&format!("# TYPE {name} gauge")))
        };
        let none = BTreeMap::new();
        assert!(shown(&none, "consumer_partitions") && shown(&none, "consumer_partitions_stopped"));
        assert!(!BY_PARTITION.iter().any(|(name, ..)| shown(&none, name)));
        let unread = BTreeMap::from([(Partition { topic: Topic::Events, number: 0 }, Backlog::default())]);
        assert!(!shown(&unread, "consumer_lag_records"), "its end is not known yet");
        assert!(!shown(&unread, "consumer_complete_through_timestamp_seconds"), "it never was complete");
        assert!(shown(&unread, "consumer_lag_seconds"));
    }
}
