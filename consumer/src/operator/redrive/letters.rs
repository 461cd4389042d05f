//! Redriving records that are kept in PostgreSQL, whole or cut.

use super::refused::{Headers, Refused};
use super::round::{Round, Selected, Unfit, marked};
use crate::operator::console::Advance;
use crate::record::reason::Reason;
use crate::record::{Offset, Span};
use crate::source::cluster::{Outgoing, all_published};
use crate::store::{Letter, LetterPlace, OperatorConnection};
use anyhow::Context as _;
use futures_util::future::join_all;

/// Dead letters held in memory, and on their way to Kafka, at once.
const PAGE: i64 = 50;

/// Redrives them, page by page.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer, or Kafka doesn't take a record.
pub async fn redrive(
    round: &mut Round,
    connection: &OperatorConnection,
    selected: &Selected,
    count: i64,
    advance: &mut Advance,
) -> anyhow::Result<()> {
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = connection.letters(&selected.filter, selected.redriven, after.as_ref(), PAGE).await;
        let page = page.context("PostgreSQL")?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.line.at.clone());
        seen += page.len();
        redrive_page(round, connection, page).await?;
        advance.at(format_args!("{seen} of {count} dead letters"));
    }
}

/// Publishes a page and marks what Kafka has taken, even if it doesn't take all.
async fn redrive_page(
    round: &mut Round,
    connection: &OperatorConnection,
    page: Vec<Letter>,
) -> anyhow::Result<()> {
    let mut kept = Vec::with_capacity(page.len());
    for mut letter in page {
        match complete(round, &mut letter)? {
            Ok(()) => kept.push(letter),
            Err(unfit) => round.tally.hold_back(unfit, 1),
        }
    }
    let mut fit = Vec::new();
    for letter in &kept {
        match fitted(round, connection, letter).await? {
            Ok(fitted) => fit.push((letter, fitted)),
            Err(unfit) => round.tally.hold_back(unfit, 1),
        }
    }
    if round.dry_run {
        round.tally.redriven += fit.len() as u64;
        return Ok(());
    }
    let publishing = fit.iter().map(|(letter, fitted)| round.republisher.publish(outgoing(letter, fitted)));
    let outcomes = join_all(publishing).await;
    let delivered = fit.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    let delivered: Vec<_> = delivered.map(|((letter, _), _)| &letter.line.at).collect();
    connection.mark_redriven(&delivered).await.context("PostgreSQL")?;
    round.tally.redriven += delivered.len() as u64;
    all_published(outcomes).context("Kafka did not take a record")
}

/// Fills in what was cut off, if Kafka still has the record, or says why it can't be looked for.
fn complete(round: &mut Round, letter: &mut Letter) -> anyhow::Result<Result<(), Unfit>> {
    if letter.line.is_whole {
        return Ok(Ok(()));
    }
    let at = letter.line.at.clone();
    let spans = [Span { from: Offset(at.offset), until: Offset(at.offset).next() }];
    let there = match round.still_there(&at.place, &at.topic_id, &spans)? {
        Ok(there) => there,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let rereader = round.rereader()?;
    let found = tokio::task::block_in_place(|| rereader.begin(&at.place, &there)?.take_next());
    if let Some(record) = found.context("Kafka")?.pop() {
        (letter.line.key, letter.headers, letter.payload) = (record.key, record.headers, record.payload);
        letter.line.is_whole = true;
    }
    Ok(Ok(()))
}

/// What a record is published with, beside what is kept of it.
struct Fitted {
    partition: i32,
    headers: Headers,
}

/// What the record is published with, or why it can't be.
async fn fitted(
    round: &mut Round,
    connection: &OperatorConnection,
    letter: &Letter,
) -> anyhow::Result<Result<Fitted, Unfit>> {
    let LetterPlace { place, topic_id, offset } = &letter.line.at;
    let record = Refused {
        place,
        topic_id,
        offset: Offset(*offset),
        rejected_at: letter.line.rejected_at,
        key: letter.line.key.as_deref(),
        payload: letter.payload.as_deref(),
        headers: &letter.headers,
    };
    let partition = round.partition_for(connection, &record).await?;
    let headers = marked_letter(letter, round.redrives_max);
    Ok(partition.and_then(|partition| Ok(Fitted { partition, headers: headers? })))
}

fn marked_letter(letter: &Letter, redrives_max: u32) -> Result<Headers, Unfit> {
    // Only a record refused as empty had no value. A letter of any other reason without one has lost it.
    let is_hollow = letter.payload.is_none() && letter.line.reason != Reason::EmptyPayload.code();
    if is_hollow || !letter.line.is_whole {
        return Err(Unfit::PayloadNotKept);
    }
    marked(&letter.headers, letter.line.redrives, redrives_max)
}

fn outgoing<'a>(letter: &'a Letter, fitted: &'a Fitted) -> Outgoing<'a> {
    Outgoing {
        topic: &letter.line.at.place.topic,
        partition: fitted.partition,
        key: letter.line.key.as_deref(),
        payload: letter.payload.as_deref(),
        headers: &fitted.headers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::place::Place;
    use crate::store::LetterLine;

    fn letter(headers: &[(&str, &str)], redrives: i32, payload: Option<&str>) -> Letter {
        let place = Place { topic: "events".into(), partition: 0 };
        let line = LetterLine {
            at: LetterPlace { place, topic_id: String::new(), offset: 0 },
            reason: "missing_id".into(),
            detail: String::new(),
            organization: None,
            organization_from_key: None,
            key: None,
            broker_timestamp: None,
            rejected_at: chrono::DateTime::UNIX_EPOCH,
            redriven_at: None,
            redrives,
            payload_bytes: None,
            is_whole: true,
        };
        let headers = headers.iter().map(|(name, value)| ((*name).into(), Some((*value).into())));
        Letter { line, headers: headers.collect(), payload: payload.map(Into::into) }
    }

    #[test]
    fn redrives_are_counted_along_the_way_and_limited() {
        let check = |headers: &[(&str, &str)], redrives, expected: Result<&str, Unfit>| {
            let marked = marked_letter(&letter(headers, redrives, Some("x")), 3);
            let count =
                marked.map(|headers| String::from_utf8(headers.last().unwrap().1.clone().unwrap()).unwrap());
            assert_eq!(count, expected.map(str::to_owned));
        };
        check(&[], 0, Ok("1"));
        check(&[("redrive-count", "1"), ("trace", "t")], 0, Ok("2"));
        check(&[("redrive-count", "1")], 1, Ok("3"));
        check(&[("redrive-count", "3")], 0, Err(Unfit::TooOften));
        check(&[("redrive-count", "2")], 1, Err(Unfit::TooOften));
        check(&[("redrive-count", "junk")], 0, Ok("1"));
        assert_eq!(marked_letter(&letter(&[], 0, None), 3), Err(Unfit::PayloadNotKept));
        let mut cut = letter(&[], 0, Some("x"));
        cut.line.is_whole = false;
        assert_eq!(marked_letter(&cut, 3), Err(Unfit::PayloadNotKept), "half a record is another record");
    }
}
