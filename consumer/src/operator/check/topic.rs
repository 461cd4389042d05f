//! `consumer check-topic`: the verdicts on a topic's newest records, or on those that come. It reads outside of the consumer group,
//! commits nothing, and asks no database.

use super::report::Judged;
use super::tally::Tally;
use super::verdict::Verdict;
use super::{Limits, summary, topic_named};
use crate::operator::console::{Advance, bar};
use crate::operator::ending::Ending;
use crate::operator::{console, shown};
use crate::record::key::Keys;
use crate::record::place::Place;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Raw, Span, Topic};
use crate::settings::BadSetting;
use crate::signals;
use crate::source::cluster::{self, At, Cluster, Look, Reread, Right, TopicReader};
use anyhow::{Context as _, bail};
use chrono::Utc;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Records that are read, unless another number is asked for.
const LIMIT_DEFAULT: i64 = 10_000;
/// The most that may be asked for.
const LIMIT_MAX: i64 = 100_000_000;
/// How long Kafka may give no record before the command ends, unless it waits for those to come.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Settings of `consumer check-topic`.
#[derive(Debug, clap::Args)]
pub struct CheckTopic {
    /// Kafka, where the topic is.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// The topics' names.
    #[command(flatten)]
    pub names: TopicNames,
    /// How topics' keys are placed.
    #[command(flatten)]
    pub keys: Keys,
    /// Which times are allowed.
    #[command(flatten)]
    pub limits: Limits,
    /// The topic.
    #[arg(long)]
    pub topic: String,
    /// How many of the newest records of each partition are read; with --tail, how many in all.
    #[arg(long, default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(i64).range(1..=LIMIT_MAX))]
    pub limit: i64,
    /// Read what comes from now on, and say each record's verdict, until Ctrl-C or --limit.
    #[arg(long)]
    pub tail: bool,
    /// Say each record's verdict. Without it only the refused and the misplaced ones of --tail are told one by one.
    #[arg(long)]
    pub each: bool,
    /// With each verdict that is said, show the record's value too.
    #[arg(long)]
    pub payloads: bool,
    /// Answer with JSON, for programs: an object for each verdict that is said, a line each, and the summary as the last line.
    #[arg(long)]
    pub json: bool,
}

/// Checks it.
///
/// # Errors
/// When the topic is unknown or missing, or Kafka doesn't give its records.
pub async fn check(settings: &CheckTopic) -> anyhow::Result<Ending> {
    let topic = topic_named(&settings.names, &settings.topic)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (signal, stopped) = (signals::stop_signal()?, Arc::clone(&stop));
    tokio::spawn(async move {
        signal.await;
        stopped.store(true, Ordering::Relaxed);
    });
    let mut checking = Checking::new(settings, topic)?;
    if settings.tail {
        console::tell(format_args!("reading what comes to {}; Ctrl-C ends it", settings.topic));
    }
    let read = tokio::task::block_in_place(|| checking.read(&stop));
    let Checking { spans, tally, advance, .. } = checking;
    // What is left of a line about progress would stand before the answer.
    drop(advance);
    let answered = read.and_then(|()| {
        let answered = if settings.json {
            console::answer(summary::json(&settings.topic, spans.len(), &tally))
        } else {
            console::answer(summary::text(&tally))
        };
        Ok(answered?)
    });
    console::ended(answered, if tally.is_good() { Ending::Good } else { Ending::Bad })
}

/// A check under way.
struct Checking<'a> {
    settings: &'a CheckTopic,
    topic: Topic,
    reader: TopicReader,
    /// What is to be read of each partition; with --tail to an end that is never reached.
    spans: HashMap<i32, Span>,
    /// How many partitions are not read to their end.
    open: usize,
    /// Over how many partitions keys are spread, if by murmur2.
    partitions: Option<i32>,
    tally: Tally,
    total: i64,
    advance: Advance,
}

impl<'a> Checking<'a> {
    /// Finds what is to be read, and begins to.
    fn new(settings: &'a CheckTopic, topic: Topic) -> anyhow::Result<Self> {
        let cluster = Cluster::new(&settings.cluster).context("Kafka")?;
        cluster.must_allow(&settings.topic, Right::Read)?;
        let places = cluster.partitions(&settings.topic).context("Kafka")?;
        if places.is_empty() {
            return Err(BadSetting(format!("--topic: Kafka has no topic {}", settings.topic)).into());
        }
        let starts = cluster.offsets(&places, At::Earliest).context("Kafka")?;
        let ends = cluster.offsets(&places, At::Latest).context("Kafka")?;
        let mut from = Vec::new();
        for place in &places {
            let (start, end) = (starts.get(place), ends.get(place));
            let (Some(start), Some(end)) = (start, end) else { bail!("Kafka gives no offsets of {place}") };
            from.push((place.clone(), span(settings, *start, *end)));
        }
        let reader = TopicReader::begin(
            &settings.cluster,
            &from.iter().map(|(place, span)| (place.clone(), span.from)).collect::<Vec<_>>(),
        );
        let of_murmur2 = settings.keys.are_placed_by_murmur2(&settings.topic);
        let sizes = from.iter().map(|(_, span)| span.until.0.saturating_sub(span.from.0));
        Ok(Self {
            settings,
            topic,
            reader: reader.context("Kafka")?,
            total: if settings.tail { settings.limit } else { sizes.sum() },
            open: from.iter().filter(|(_, span)| !span.is_empty()).count(),
            spans: from.iter().map(|(Place { partition, .. }, span)| (*partition, *span)).collect(),
            partitions: i32::try_from(places.len()).ok().filter(|_| of_murmur2),
            tally: Tally::default(),
            advance: Advance::start(),
        })
    }

    /// Reads until every partition is read to its end, the limit is reached, or it is stopped.
    fn read(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut heard = Instant::now();
        while self.open > 0 && !stop.load(Ordering::Relaxed) {
            match self.reader.look().context("Kafka")? {
                Look::Record(partition, record) => {
                    heard = Instant::now();
                    self.take(partition, &record)?;
                }
                Look::End(partition) if !self.settings.tail => {
                    heard = Instant::now();
                    self.close(partition);
                }
                Look::End(_) | Look::Nothing => {}
            }
            if !self.settings.tail && heard.elapsed() > SILENCE_MAX {
                bail!("Kafka: no record of {} within {SILENCE_MAX:?}", self.settings.topic);
            }
            if self.settings.tail && self.records() >= self.settings.limit {
                break;
            }
            let (done, total) = (self.records(), self.total);
            self.advance.at(format_args!("{} {done} of {total} records read", bar(done, total)));
        }
        Ok(())
    }

    fn records(&self) -> i64 {
        i64::try_from(self.tally.records).unwrap_or(i64::MAX)
    }

    /// Takes a record in, unless it came after the command began to read.
    fn take(&mut self, partition: i32, record: &Reread) -> anyhow::Result<()> {
        let Some(span) = self.spans.get(&partition) else { return Ok(()) };
        let (is_open, until) = (!span.is_empty(), span.until);
        if is_open && record.offset < until {
            self.judge(partition, record)?;
        }
        // Behind the last record there may be offsets that are no records, so the partition's end may come instead.
        if is_open && record.offset.next() >= until {
            self.close(partition);
        }
        Ok(())
    }

    /// Nothing more of this partition is to be read.
    fn close(&mut self, partition: i32) {
        if let Some(span) = self.spans.get_mut(&partition).filter(|span| !span.is_empty()) {
            *span = Span::empty(span.until);
            self.open -= 1;
        }
    }

    fn judge(&mut self, partition: i32, record: &Reread) -> anyhow::Result<()> {
        let Self { settings, topic, partitions, tally, .. } = self;
        let headers = record.headers.iter().map(|(name, value)| (&**name, value.as_deref()));
        let raw = Raw {
            partition: Partition { topic: *topic, number: partition },
            offset: record.offset,
            key: record.key.as_deref(),
            payload: record.payload.as_deref(),
            headers: headers.collect(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        let verdict = Verdict::of(&raw, settings.limits.bounds(Utc::now()));
        let is_wrong = tally.take(&raw, &verdict, *partitions);
        if settings.each || (settings.tail && is_wrong) {
            say(settings, &Judged { raw: &raw, verdict: &verdict, partitions: *partitions })?;
        }
        Ok(())
    }
}

/// What is to be read of a partition that has records in `[start, end)`.
fn span(settings: &CheckTopic, start: Offset, end: Offset) -> Span {
    if settings.tail {
        return Span { from: end, until: Offset(i64::MAX) };
    }
    let newest = Offset(end.0.saturating_sub(settings.limit));
    Span { from: start.max(newest).min(end), until: end }
}

/// Says a record's verdict, and its value if that is asked for.
fn say(settings: &CheckTopic, judged: &Judged<'_>) -> anyhow::Result<()> {
    let (partition, offset) = (judged.raw.partition.number, judged.raw.offset.0);
    if settings.json {
        let mut object = judged.json();
        (object["partition"], object["offset"]) = (json!(partition), json!(offset));
        if settings.payloads {
            let (text, hex) = shown::for_programs(judged.raw.payload);
            (object["payload"], object["payloadHex"]) = (json!(text), json!(hex));
        }
        return Ok(console::answer(object)?);
    }
    let belongs_in = judged.belongs_in().filter(|belongs_in| *belongs_in != partition);
    let misplaced = belongs_in.map(|belongs_in| format!("  belongs in partition {belongs_in}"));
    let misplaced = misplaced.unwrap_or_default();
    console::answer(format_args!("partition {partition} at {offset}  {}{misplaced}", judged.one_line()))?;
    if settings.payloads {
        console::answer(format_args!("  {}", shown::bytes(judged.raw.payload)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        check: CheckTopic,
    }

    #[test]
    fn the_newest_records_are_read_or_those_to_come() {
        let check = |more: &[&str], start: i64, end: i64, expected: (i64, i64)| {
            let needed = ["check", "--topic", "t", "--kafka-brokers", "h:1"];
            let line = Line::parse_from(needed.iter().chain(more));
            let Span { from, until } = span(&line.check, Offset(start), Offset(end));
            assert_eq!((from.0, until.0), expected, "{more:?}");
        };
        check(&[], 0, 7, (0, 7));
        check(&[], 0, 10_007, (7, 10_007));
        check(&["--limit", "3"], 5, 7, (5, 7));
        check(&["--limit", "1"], 5, 7, (6, 7));
        check(&["--limit", "1"], 7, 7, (7, 7));
        check(&["--tail"], 5, 7, (7, i64::MAX));
    }
}
