//! `consumer dead-letters redrive`: refused records, published again.

use super::console::{self, Advance};
use super::dead_letters::Filter;
use super::ending::Ending;
use crate::record::place::Place;
use crate::record::reason::Reason;
use crate::settings::BadSetting;
use crate::source::cluster::{self, Cluster, Outgoing, Republisher, Rereader};
use crate::store::settings::Database;
use crate::store::{Letter, LetterFilter, Redriven, Session};
use anyhow::Context as _;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;

/// The header that says how often a record was published again.
const REDRIVE_COUNT: &str = "redrive-count";

/// Dead letters held in memory, and on their way to Kafka, at once.
const PAGE: i64 = 50;

/// Settings of `consumer dead-letters redrive`.
#[derive(Debug, clap::Args)]
pub struct Redrive {
    /// PostgreSQL, where the dead letters are.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where they go.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// Which are redriven.
    #[command(flatten)]
    pub filter: Filter,
    /// All of them. Without it at least one filter must be given.
    #[arg(long)]
    pub all: bool,
    /// Those that were redriven already, too.
    #[arg(long)]
    pub again: bool,
    /// How often a record is redriven at most. One that comes back every time needs mending, not another round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub redrives_max: u32,
    /// Say what would be redriven, and publish nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Why a dead letter is not redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It came back too often.
    TooOften,
    /// There are no bytes to publish, and none in Kafka.
    PayloadNotKept,
    /// The partition is no more.
    NoSuchPartition,
}

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) redriven: u64,
    too_often: u64,
    payload_not_kept: u64,
    no_such_partition: u64,
}

/// Redrives them.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer, or Kafka doesn't take a record. What was done is noted, and the command can
/// be done again.
pub async fn redrive(settings: &Redrive) -> anyhow::Result<Ending> {
    let mut filter = settings.filter.letters();
    if filter == LetterFilter::default() && !settings.all {
        return Err(BadSetting("say which dead letters are meant by a filter, or give --all".into()).into());
    }
    let session = Session::open(&settings.database.database_url).await.context("PostgreSQL")?;
    // What is refused from now on, redriven records above all, is not meant.
    let now = session.now().await.context("PostgreSQL")?;
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    let meant = if settings.again { Redriven::Too } else { Redriven::Not };
    let whole = session.count_letters(&filter, meant).await.context("PostgreSQL")?;
    let count = whole + session.count_in_runs(&filter, meant).await.context("PostgreSQL")?;
    let mut round = Round {
        settings,
        cluster: Cluster::new(&settings.cluster)?,
        republisher: Republisher::new(&settings.cluster)?,
        rereader: None,
        partitions: HashMap::new(),
        topic_ids: HashMap::new(),
        tally: Tally::default(),
    };
    let done = round.go(&session, &filter, meant, count).await;
    let Round { tally, .. } = round;
    console::answer(tally.said(settings))?;
    done.with_context(|| format!("{} of {count} were redriven; do it again to go on", tally.redriven))?;
    let held_back = tally.too_often + tally.payload_not_kept + tally.no_such_partition;
    Ok(if held_back == 0 { Ending::Good } else { Ending::Bad })
}

/// One run of the command.
pub(super) struct Round<'a> {
    pub(super) settings: &'a Redrive,
    pub(super) cluster: Cluster,
    pub(super) republisher: Republisher,
    pub(super) rereader: Option<Arc<Rereader>>,
    /// What Kafka has, by topic.
    partitions: HashMap<String, Vec<Place>>,
    /// The topics' ids, where they can be learned.
    pub(super) topic_ids: HashMap<String, Option<String>>,
    pub(super) tally: Tally,
}

impl Round<'_> {
    async fn go(
        &mut self,
        session: &Session,
        filter: &LetterFilter,
        meant: Redriven,
        count: i64,
    ) -> anyhow::Result<()> {
        let mut advance = Advance::start();
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = session.letters(filter, meant, after.as_ref(), PAGE).await.context("PostgreSQL")?;
            let Some(last) = page.last() else { break };
            after = Some(last.line.at.clone());
            seen += page.len();
            self.page(session, page).await?;
            advance.at(format_args!("{seen} of {count} dead letters"));
        }
        self.runs(session, filter, meant, &mut advance).await
    }

    /// Publishes a page and notes what Kafka has of it, even if it doesn't have all.
    async fn page(&mut self, session: &Session, mut page: Vec<Letter>) -> anyhow::Result<()> {
        for letter in page.iter_mut().filter(|letter| !letter.line.is_whole) {
            self.complete(letter)?;
        }
        let mut fit = Vec::new();
        for letter in &page {
            match self.headers(letter)? {
                Ok(headers) => fit.push((letter, headers)),
                Err(unfit) => self.tally.hold_back(unfit, 1),
            }
        }
        if self.settings.dry_run {
            self.tally.redriven += fit.len() as u64;
            return Ok(());
        }
        let publishing =
            fit.iter().map(|(letter, headers)| self.republisher.publish(outgoing(letter, headers)));
        let outcomes = join_all(publishing).await;
        let delivered: Vec<_> = fit
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_ok())
            .map(|((letter, _), _)| &letter.line.at)
            .collect();
        session.note_redriven(&delivered).await.context("PostgreSQL")?;
        self.tally.redriven += delivered.len() as u64;
        outcomes.into_iter().collect::<Result<(), _>>().context("Kafka did not take a record")
    }

    /// The headers it is published with, unless it isn't.
    fn headers(&mut self, letter: &Letter) -> anyhow::Result<Result<Headers, Unfit>> {
        let exists = self.exists(&letter.line.at.place)?;
        Ok(if exists {
            marked_letter(letter, self.settings.redrives_max)
        } else {
            Err(Unfit::NoSuchPartition)
        })
    }

    /// Whether Kafka has the partition.
    pub(super) fn exists(&mut self, place: &Place) -> anyhow::Result<bool> {
        if !self.partitions.contains_key(&place.topic) {
            let known = tokio::task::block_in_place(|| self.cluster.partitions(&place.topic));
            self.partitions.insert(place.topic.clone(), known.context("Kafka")?);
        }
        Ok(self.partitions.get(&place.topic).is_some_and(|known| known.contains(place)))
    }
}

pub(super) type Headers = Vec<(String, Option<Vec<u8>>)>;

/// The letter's headers with its redrives counted, unless it can't or shall not be published.
fn marked_letter(letter: &Letter, redrives_max: u32) -> Result<Headers, Unfit> {
    // A record without a value is refused as empty; any other without one had one.
    let is_hollow = letter.payload.is_none() && letter.line.reason != Reason::EmptyPayload.code();
    if is_hollow || !letter.line.is_whole {
        return Err(Unfit::PayloadNotKept);
    }
    marked(&letter.headers, letter.line.redrives, redrives_max)
}

/// A record's headers with its redrives counted: those that they tell of, and `redrives` since.
pub(super) fn marked(headers: &Headers, redrives: i32, redrives_max: u32) -> Result<Headers, Unfit> {
    let is_count = |name: &str| name.eq_ignore_ascii_case(REDRIVE_COUNT);
    let before = headers.iter().rfind(|(name, _)| is_count(name)).and_then(|(_, value)| value.as_deref());
    let before = before.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u32>().ok()).unwrap_or(0);
    let redrives = before.saturating_add(u32::try_from(redrives).unwrap_or(0));
    if redrives >= redrives_max {
        return Err(Unfit::TooOften);
    }
    let others = headers.iter().filter(|(name, _)| !is_count(name)).cloned();
    let count = (REDRIVE_COUNT.to_owned(), Some((redrives + 1).to_string().into_bytes()));
    Ok(others.chain([count]).collect())
}

fn outgoing<'a>(letter: &'a Letter, headers: &'a Headers) -> Outgoing<'a> {
    Outgoing {
        topic: &letter.line.at.place.topic,
        partition: letter.line.at.place.partition,
        key: letter.key.as_deref(),
        payload: letter.payload.as_deref(),
        headers,
    }
}

impl Tally {
    pub(super) fn hold_back(&mut self, unfit: Unfit, records: u64) {
        match unfit {
            Unfit::TooOften => self.too_often += records,
            Unfit::PayloadNotKept => self.payload_not_kept += records,
            Unfit::NoSuchPartition => self.no_such_partition += records,
        }
    }

    fn said(self, settings: &Redrive) -> String {
        let done = if settings.dry_run { "would be redriven" } else { "redriven" };
        let mut said = format!("{} {done}", self.redriven);
        let limit = settings.redrives_max;
        let unfit = [
            (
                self.too_often,
                format!("refused: redriven {limit} times or more already, the limit (--redrives-max)"),
            ),
            (
                self.payload_not_kept,
                "refused: the payload was not kept, and Kafka doesn't have it any more".into(),
            ),
            (self.no_such_partition, "refused: the partition they came from exists no more".into()),
        ];
        for (count, why) in unfit.into_iter().filter(|(count, _)| *count > 0) {
            said.push_str(&format!("\n{count} {why}"));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LetterLine, LetterPlace};

    fn letter(headers: &[(&str, &str)], redrives: i32, payload: Option<&str>) -> Letter {
        let place = Place { topic: "events".into(), partition: 0 };
        let line = LetterLine {
            at: LetterPlace { place, topic_id: String::new(), offset: 0 },
            reason: "missing_id".into(),
            detail: String::new(),
            organization: None,
            broker_timestamp: None,
            rejected_at: chrono::DateTime::UNIX_EPOCH,
            redriven_at: None,
            redrives,
            payload_bytes: None,
            is_whole: true,
        };
        let headers = headers.iter().map(|(name, value)| ((*name).into(), Some((*value).into())));
        Letter { line, key: None, headers: headers.collect(), payload: payload.map(Into::into) }
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
