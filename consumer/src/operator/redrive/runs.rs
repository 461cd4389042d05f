//! Redriving records of which only places are kept: they are read again from Kafka.

use super::refused::{Headers, Refused};
use super::round::{Round, Selected, Unfit, marked};
use crate::operator::console::Advance;
use crate::record::place::Place;
use crate::record::{Offset, Span};
use crate::source::cluster::{Outgoing, Reread, all_published};
use crate::store::{LetterRun, OperatorConnection};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// Rows looked at together. A row stands for a batch at most.
const ROWS: i64 = 100;

/// The rows of a page that are of one partition; their records are read in one go.
#[derive(Debug, Default)]
struct Stretch {
    run_ids: Vec<i64>,
    spans: Vec<Span>,
    /// When the records of a span were refused, by its first offset.
    rejected: BTreeMap<Offset, DateTime<Utc>>,
}

/// Reads the records of runs again, publishes them, and marks those that Kafka has taken. A dry run reads them, too: only then
/// it is known which can be published.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer, or Kafka doesn't take a record.
pub async fn redrive(
    round: &mut Round,
    connection: &OperatorConnection,
    selected: &Selected,
    advance: &mut Advance,
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let page = connection.letter_runs(&selected.filter, selected.redriven, after, ROWS).await;
        let page = page.context("PostgreSQL")?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.run_id;
        for ((place, topic_id), stretch) in stretches(page) {
            redrive_stretch(round, connection, &place, &topic_id, &stretch, advance).await?;
        }
    }
}

async fn redrive_stretch(
    round: &mut Round,
    connection: &OperatorConnection,
    place: &Place,
    topic_id: &str,
    stretch: &Stretch,
    advance: &mut Advance,
) -> anyhow::Result<()> {
    let there = match round.still_there(place, topic_id, &stretch.spans)? {
        Ok(there) => there,
        Err(unfit) => {
            round.tally.hold_back(unfit, records(&stretch.spans));
            return Ok(());
        }
    };
    let rereader = round.rereader()?;
    let mut reading = rereader.begin(place, &there).context("Kafka")?;
    let mut found = 0;
    loop {
        let records = tokio::task::block_in_place(|| reading.take_next()).context("Kafka")?;
        if records.is_empty() {
            break;
        }
        found += records.len() as u64;
        publish(round, connection, (place, topic_id), stretch, &records).await?;
        advance.at(format_args!("{found} records of {place} read again from Kafka"));
    }
    round.tally.hold_back(Unfit::PayloadNotKept, records(&stretch.spans).saturating_sub(found));
    Ok(())
}

async fn publish(
    round: &mut Round,
    connection: &OperatorConnection,
    (place, topic_id): (&Place, &str),
    stretch: &Stretch,
    records: &[Reread],
) -> anyhow::Result<()> {
    let mut fit: Vec<(&Reread, i32, Headers)> = Vec::new();
    for record in records {
        let refused = Refused {
            place,
            topic_id,
            offset: record.offset,
            rejected_at: stretch.rejected_at(record.offset),
            key: record.key.as_deref(),
            payload: record.payload.as_deref(),
            headers: &record.headers,
        };
        let partition = round.partition_for(connection, &refused).await?;
        let headers = marked(&record.headers, 0, round.redrives_max);
        match partition.and_then(|partition| Ok((partition, headers?))) {
            Ok((partition, headers)) => fit.push((record, partition, headers)),
            Err(unfit) => round.tally.hold_back(unfit, 1),
        }
    }
    if round.dry_run {
        round.tally.redriven += fit.len() as u64;
        return Ok(());
    }
    let publishing = fit.iter().map(|(record, partition, headers)| {
        round.republisher.publish(outgoing(&place.topic, *partition, record, headers))
    });
    let outcomes = join_all(publishing).await;
    let delivered = fit.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    let delivered: Vec<Offset> = delivered.map(|((record, ..), _)| record.offset).collect();
    connection.mark_runs_redriven(&stretch.run_ids, &delivered).await.context("PostgreSQL")?;
    round.tally.redriven += delivered.len() as u64;
    all_published(outcomes).context("Kafka did not take a record")
}

impl Stretch {
    /// When the record at this offset was refused.
    fn rejected_at(&self, offset: Offset) -> DateTime<Utc> {
        let span = self.rejected.range(..=offset).next_back();
        *span.expect("only records of its spans are read").1
    }
}

fn outgoing<'a>(topic: &'a str, partition: i32, record: &'a Reread, headers: &'a Headers) -> Outgoing<'a> {
    Outgoing { topic, partition, key: record.key.as_deref(), payload: record.payload.as_deref(), headers }
}

fn records(spans: &[Span]) -> u64 {
    spans.iter().map(|span| (span.until.0 - span.from.0).unsigned_abs()).sum()
}

/// A page's rows by partition, the spans in the order of the partition.
fn stretches(page: Vec<LetterRun>) -> BTreeMap<(Place, String), Stretch> {
    let mut stretches: BTreeMap<_, Stretch> = BTreeMap::new();
    for LetterRun { run_id, place, topic_id, rejected_at, spans } in page {
        let stretch = stretches.entry((place, topic_id)).or_default();
        stretch.run_ids.push(run_id);
        stretch.rejected.extend(spans.iter().map(|span| (span.from, rejected_at)));
        stretch.spans.extend(spans);
    }
    stretches.values_mut().for_each(|stretch| stretch.spans.sort_unstable_by_key(|span| span.from));
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_partition_are_read_in_its_order() {
        let span = |(from, until)| Span { from: Offset(from), until: Offset(until) };
        let second = |second| DateTime::from_timestamp(second, 0).unwrap();
        let row = |run_id, partition, spans: &[(i64, i64)]| LetterRun {
            run_id,
            place: Place { topic: "events".into(), partition },
            topic_id: String::new(),
            rejected_at: second(run_id),
            spans: spans.iter().copied().map(span).collect(),
        };
        let page = vec![row(1, 0, &[(4, 6), (9, 10)]), row(2, 1, &[(0, 1)]), row(3, 0, &[(1, 2), (6, 7)])];
        let stretches: Vec<Stretch> = stretches(page).into_values().collect();
        let spans = [(1, 2), (4, 6), (6, 7), (9, 10)].map(span);
        assert_eq!((&*stretches[0].run_ids, &*stretches[0].spans), (&[1, 3][..], &spans[..]));
        let rejected = [1, 4, 5, 6, 9].map(|offset| stretches[0].rejected_at(Offset(offset)));
        assert_eq!(rejected, [3, 1, 1, 3, 1].map(second), "each by its own row");
        assert_eq!((records(&stretches[0].spans), stretches[1].run_ids.as_slice()), (5, &[2][..]));
    }
}
