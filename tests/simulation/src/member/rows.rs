//! From the production code's rows to what the simulated tables take.

use crate::kafka;
use crate::statement::{
    CounterRow, Failure, Place, SegmentRow, SpanRow, Step, TailRow, Update, WorkflowKey, WorkflowSums, Writes,
};
use chrono::{DateTime, Utc};
use consumer::decide::changes::Changes;
use consumer::ledger::segment::PageKey;
use consumer::record::topic_names::TopicNames;
use consumer::record::{Partition, Topic};
use consumer::store::Rows;
use domain::{BucketSize, Counters, Quarter};
use std::collections::BTreeMap;

/// The rows of the partitions that have moved, by these steps: the ledger's, and all others.
pub fn of(
    changes: &Changes,
    moved: &[Partition],
    steps: &[Step],
    topic_ids: &BTreeMap<Topic, u32>,
) -> (Writes, Writes) {
    let topics = kafka::names();
    let ids = topic_ids.iter().map(|(topic, id)| (*topic, id.to_string())).collect();
    let rows = Rows::of(changes, moved, &topics, &ids);
    let moving = steps.iter().filter(|step| moved.contains(&step.partition));
    let spans = moving.map(|step| SpanRow {
        partition: step.partition,
        from: step.from,
        until: step.until,
        log: step.log,
        floor: changes.floor,
    });
    let filed = rows.filed.topic.iter().zip(&rows.filed.partition);
    let ledger = Writes {
        filed: filed.map(|(topic, number)| partition(&topics, topic, *number)).collect(),
        segments: segments(&rows, &topics),
        tails: tails(&rows, &topics),
        ..Writes::default()
    };
    let others = Writes {
        spans: spans.collect(),
        counters: counters(&rows),
        organizations: organizations(&rows),
        workflows: workflows(&rows),
        failures: failures(&rows),
        letters: letters(&rows, &topics),
        ..Writes::default()
    };
    (ledger, others)
}

fn partition(topics: &TopicNames, topic: &str, number: i32) -> Partition {
    Partition { topic: topics.topic(topic).unwrap_or(Topic::Events), number }
}

fn segments(rows: &Rows, topics: &TopicNames) -> Vec<(i32, SegmentRow)> {
    let s = &rows.segments;
    let segment = |row: usize| {
        let partition = partition(topics, &s.topic[row], s.partition[row]);
        let key = PageKey { partition, quarter: Quarter::of(s.quarter[row]) };
        (s.layout[row], (key, fingerprints(&s.fingerprints[row]).collect(), row_of(&s.sums, row)))
    };
    (0..s.topic.len()).map(segment).collect()
}

fn tails(rows: &Rows, topics: &TopicNames) -> Vec<(Partition, i32, TailRow)> {
    let tail = |row: &consumer::store::TailRow| {
        let partition = partition(topics, &row.topic, row.partition);
        let mut rest = fingerprints(&row.fingerprints);
        let segment = |(place, quarter): (usize, &DateTime<Utc>)| {
            let key = PageKey { partition, quarter: Quarter::of(*quarter) };
            let length = usize::try_from(row.lengths[place]).unwrap_or_default();
            (key, rest.by_ref().take(length).collect(), row_of(&row.sums, place))
        };
        (partition, row.layout, row.quarters.iter().enumerate().map(segment).collect())
    };
    rows.tails.iter().map(tail).collect()
}

fn fingerprints(stored: &[u8]) -> impl Iterator<Item = u64> {
    let (fingerprints, _) = stored.as_chunks::<{ size_of::<u64>() }>();
    fingerprints.iter().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Quarters, hours, days. An hour's row has its quarters.
fn counters(rows: &Rows) -> [Vec<CounterRow>; 3] {
    let [mut quarters, mut hours, mut days] = [(); 3].map(|()| Vec::new());
    for (size, table) in rows.counters() {
        for (row, (organization, bucket)) in table.organization.iter().zip(table.bucket.iter()).enumerate() {
            let adds = |(start, adds)| ((organization.to_owned(), start), adds);
            if size == BucketSize::Day {
                days.push(adds((bucket, table.adds(row))));
                continue;
            }
            hours.push(adds((bucket, table.adds(row))));
            let of_hour =
                table.quarters_add(row).into_iter().filter(|(_, adds)| *adds != Counters::default());
            quarters.extend(of_hour.map(adds));
        }
    }
    [quarters, hours, days]
}

fn row_of(columns: &[Vec<i64>; 8], row: usize) -> Counters {
    Counters::from_values(columns.each_ref().map(|column| column[row]))
}

fn organizations(rows: &Rows) -> Vec<(String, Update)> {
    let o = &rows.organizations;
    let update = |row: usize| {
        let nanos = i64::from(o.as_of[row].timestamp_subsec_micros()) * 1_000 + i64::from(o.as_of_nanos[row]);
        let update = Update {
            as_of: (o.as_of[row].timestamp(), nanos),
            event_id: o.event_id[row].clone(),
            name: o.name[row].clone(),
        };
        (o.organization[row].clone(), update)
    };
    (0..o.organization.len()).map(update).collect()
}

fn workflows(rows: &Rows) -> Vec<(WorkflowKey, WorkflowSums)> {
    let w = &rows.workflows;
    let workflow = |row: usize| {
        let key = (w.organization[row].clone(), w.workflow_id[row].clone(), w.hour[row]);
        let sums = WorkflowSums {
            named: (w.name_as_of[row].timestamp_micros(), w.name[row].clone()),
            sums: [w.runs[row], w.failed[row], w.failed_safety_limit[row], w.execution_time_ms[row]],
        };
        (key, sums)
    };
    (0..w.organization.len()).map(workflow).collect()
}

fn failures(rows: &Rows) -> Vec<((String, String), Failure)> {
    let f = &rows.failures;
    let failure = |row: usize| {
        let failure = Failure {
            finished_at: f.finished_at[row].timestamp_micros(),
            workflow_id: f.workflow_id[row].clone(),
            error_message: f.error_message[row].clone(),
        };
        ((f.organization[row].clone(), f.execution_id[row].clone()), failure)
    };
    (0..f.organization.len()).map(failure).collect()
}

fn letters(rows: &Rows, topics: &TopicNames) -> Vec<(Place, &'static str)> {
    let d = &rows.dead_letters;
    let place = |row: usize| {
        let id = d.topic_id[row].parse().unwrap_or(0);
        (id, partition(topics, &d.topic[row], d.partition[row]), d.offset[row])
    };
    (0..d.topic.len()).map(|row| (place(row), d.reason[row])).collect()
}
