//! Redriving records that are not kept whole: they are read again from Kafka, where they stood.

use super::console::Advance;
use super::redrive::{Headers, Round, Unfit, marked};
use crate::record::place::Place;
use crate::record::{Offset, Span};
use crate::source::cluster::{Outgoing, Reread, Rereader};
use crate::store::{Letter, LetterFilter, LetterRun, Redriven, Session};
use anyhow::Context as _;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows looked at together. A row stands for a batch at most.
const ROWS: i64 = 100;

/// The rows of a page that are about one partition, read in one go.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stretch {
    run_ids: Vec<i64>,
    spans: Vec<Span>,
}

impl Round<'_> {
    /// Reads the records of runs again, publishes them, and notes those that Kafka has taken.
    pub(super) async fn runs(
        &mut self,
        session: &Session,
        filter: &LetterFilter,
        meant: Redriven,
        advance: &mut Advance,
    ) -> anyhow::Result<()> {
        let mut after = 0;
        loop {
            let page = session.letter_runs(filter, meant, after, ROWS).await.context("PostgreSQL")?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.run_id;
            for ((place, topic_id), stretch) in stretches(page) {
                self.stretch(session, &place, &topic_id, &stretch, advance).await?;
            }
        }
    }

    async fn stretch(
        &mut self,
        session: &Session,
        place: &Place,
        topic_id: &str,
        stretch: &Stretch,
        advance: &mut Advance,
    ) -> anyhow::Result<()> {
        let there = match self.there(place, topic_id, &stretch.spans)? {
            Ok(there) => there,
            Err(unfit) => {
                self.tally.hold_back(unfit, records(&stretch.spans));
                return Ok(());
            }
        };
        if self.settings.dry_run {
            self.tally.redriven += records(&there);
            self.tally.hold_back(Unfit::PayloadNotKept, records(&stretch.spans) - records(&there));
            return Ok(());
        }
        let rereader = self.rereader()?;
        let mut reading = rereader.begin(place, &there).context("Kafka")?;
        let mut found = 0;
        loop {
            let records = tokio::task::block_in_place(|| reading.take_next()).context("Kafka")?;
            if records.is_empty() {
                break;
            }
            found += records.len() as u64;
            self.publish(session, place, stretch, &records).await?;
            advance.at(format_args!("{} records read again from Kafka and published", self.tally.redriven));
        }
        self.tally.hold_back(Unfit::PayloadNotKept, records(&stretch.spans).saturating_sub(found));
        Ok(())
    }

    async fn publish(
        &mut self,
        session: &Session,
        place: &Place,
        stretch: &Stretch,
        records: &[Reread],
    ) -> anyhow::Result<()> {
        let mut fit: Vec<(&Reread, Headers)> = Vec::new();
        for record in records {
            match marked(&record.headers, 0, self.settings.redrives_max) {
                Ok(headers) => fit.push((record, headers)),
                Err(unfit) => self.tally.hold_back(unfit, 1),
            }
        }
        let outcomes = join_all(
            fit.iter().map(|(record, headers)| self.republisher.publish(outgoing(place, record, headers))),
        )
        .await;
        let delivered = fit.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        let delivered: Vec<Offset> = delivered.map(|((record, _), _)| record.offset).collect();
        session.note_runs_redriven(&stretch.run_ids, &delivered).await.context("PostgreSQL")?;
        self.tally.redriven += delivered.len() as u64;
        outcomes.into_iter().collect::<Result<(), _>>().context("Kafka did not take a record")
    }

    /// Fills in what was cut off, if Kafka still has the record.
    pub(super) fn complete(&mut self, letter: &mut Letter) -> anyhow::Result<()> {
        let at = letter.line.at.clone();
        let spans = [Span { from: Offset(at.offset), until: Offset(at.offset).next() }];
        let Ok(there) = self.there(&at.place, &at.topic_id, &spans)? else { return Ok(()) };
        let rereader = self.rereader()?;
        let found = tokio::task::block_in_place(|| rereader.begin(&at.place, &there)?.take_next());
        if let Some(record) = found.context("Kafka")?.pop() {
            (letter.key, letter.headers, letter.payload) = (record.key, record.headers, record.payload);
            letter.line.is_whole = true;
        }
        Ok(())
    }

    /// What of these spans Kafka still has, unless the partition is no more, or another topic's by now.
    fn there(
        &mut self,
        place: &Place,
        topic_id: &str,
        spans: &[Span],
    ) -> anyhow::Result<Result<Vec<Span>, Unfit>> {
        if !self.exists(place)? {
            return Ok(Err(Unfit::NoSuchPartition));
        }
        if !self.topic_ids.contains_key(&place.topic) {
            let now = tokio::task::block_in_place(|| self.cluster.topic_id(&place.topic));
            self.topic_ids.insert(place.topic.clone(), now);
        }
        let now = self.topic_ids.get(&place.topic).and_then(Option::as_deref);
        if !topic_id.is_empty() && now.is_some_and(|now| now != topic_id) {
            return Ok(Err(Unfit::PayloadNotKept));
        }
        let there = tokio::task::block_in_place(|| self.cluster.still_there(place, spans));
        Ok(Ok(there.context("Kafka")?))
    }

    fn rereader(&mut self) -> anyhow::Result<Arc<Rereader>> {
        let rereader = match self.rereader.take() {
            Some(rereader) => rereader,
            None => Arc::new(Rereader::new(&self.settings.cluster)?),
        };
        Ok(Arc::clone(self.rereader.insert(rereader)))
    }
}

fn outgoing<'a>(place: &'a Place, record: &'a Reread, headers: &'a Headers) -> Outgoing<'a> {
    Outgoing {
        topic: &place.topic,
        partition: place.partition,
        key: record.key.as_deref(),
        payload: record.payload.as_deref(),
        headers,
    }
}

fn records(spans: &[Span]) -> u64 {
    spans.iter().map(|span| (span.until.0 - span.from.0).unsigned_abs()).sum()
}

/// A page's rows by partition, the spans in the order of the partition.
fn stretches(page: Vec<LetterRun>) -> BTreeMap<(Place, String), Stretch> {
    let mut stretches: BTreeMap<_, Stretch> = BTreeMap::new();
    for LetterRun { run_id, place, topic_id, spans } in page {
        let stretch = stretches.entry((place, topic_id)).or_default();
        stretch.run_ids.push(run_id);
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
        let row = |run_id, partition, spans: &[(i64, i64)]| LetterRun {
            run_id,
            place: Place { topic: "events".into(), partition },
            topic_id: String::new(),
            spans: spans.iter().copied().map(span).collect(),
        };
        let page = vec![row(1, 0, &[(4, 6), (9, 10)]), row(2, 1, &[(0, 1)]), row(3, 0, &[(1, 2), (6, 7)])];
        let stretches: Vec<Stretch> = stretches(page).into_values().collect();
        let spans = [(1, 2), (4, 6), (6, 7), (9, 10)].map(span);
        assert_eq!(stretches[0], Stretch { run_ids: vec![1, 3], spans: spans.into() });
        assert_eq!((records(&stretches[0].spans), stretches[1].run_ids.as_slice()), (5, &[2][..]));
    }
}
