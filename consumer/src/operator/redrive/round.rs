//! One run of the command: its limits, its clients of Kafka, and what it has done.

use super::erased::Erased;
use super::refused::{Headers, Refused};
use crate::operator::console;
use crate::record::key::{Keys, partition_of};
use crate::record::layouts::Layouts;
use crate::record::place::Place;
use crate::record::{Offset, Span};
use crate::source::cluster::{self, Cluster, Republisher, Rereader, Right};
use crate::store::{Error, LetterFilter, OperatorConnection, Redriven};
use anyhow::Context as _;
use std::collections::HashMap;
use std::sync::Arc;

/// The header that says how often a record was published again.
const REDRIVE_COUNT: &[u8] = b"redrive-count";

/// The dead letters that the command is about.
pub struct Selected {
    /// Those that match this filter.
    pub filter: LetterFilter,
    /// Whether those that were published again are among them.
    pub redriven: Redriven,
}

/// Why a dead letter is not redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was redriven too often.
    TooOften,
    /// There are no bytes to publish, and none in Kafka.
    PayloadNotKept,
    /// The partition no longer exists.
    NoSuchPartition,
    /// Where its key belongs by now is not known.
    UnknownPlace,
    /// It comes from before an erasure of its organization.
    Erased,
    /// This client lacks a right on its topic.
    NoRight,
}

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records published, or that would be.
    pub redriven: u64,
    too_often: u64,
    payload_not_kept: u64,
    no_such_partition: u64,
    unknown_place: u64,
    erased: u64,
    no_right: u64,
}

/// One run of the command.
pub struct Round {
    /// How often a record is redriven at most.
    pub redrives_max: u32,
    /// Nothing is published.
    pub dry_run: bool,
    /// Publishes records.
    pub republisher: Republisher,
    /// What has been done so far.
    pub tally: Tally,
    settings: cluster::Settings,
    cluster: Cluster,
    keys: Keys,
    erased: Erased,
    /// Reads records; made when it is first needed.
    rereader: Option<Arc<Rereader>>,
    known: Known,
}

/// Kafka's answers about topics, each asked for once.
#[derive(Default)]
struct Known {
    partitions: HashMap<String, Vec<Place>>,
    /// `None` where an id can't be learned.
    topic_ids: HashMap<String, Option<String>>,
    layouts: HashMap<String, Layouts>,
    /// Whether this client has a right on a topic.
    allowed: HashMap<(String, Right), bool>,
}

impl Selected {
    /// How many they are.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn count(&self, connection: &OperatorConnection) -> Result<i64, Error> {
        let whole = connection.count_letters(&self.filter, self.redriven).await?;
        Ok(whole + connection.count_in_runs(&self.filter, self.redriven).await?)
    }
}

impl Round {
    /// A run that has done nothing yet.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(
        settings: &cluster::Settings,
        keys: &Keys,
        erased: Erased,
        redrives_max: u32,
        dry_run: bool,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            redrives_max,
            dry_run,
            republisher: Republisher::new(settings)?,
            tally: Tally::default(),
            settings: settings.clone(),
            cluster: Cluster::new(settings)?,
            keys: keys.clone(),
            erased,
            rereader: None,
            known: Known::default(),
        })
    }

    /// Whether this client has a right on a topic. People are told of each one that it lacks.
    fn allowed(&mut self, topic: &str, right: Right) -> Result<(), Unfit> {
        let Self { known, cluster, .. } = self;
        let is_allowed = known.allowed.entry((topic.to_owned(), right)).or_insert_with(|| {
            let lacking = tokio::task::block_in_place(|| cluster.must_allow(topic, right)).err();
            lacking.iter().for_each(console::tell);
            lacking.is_none()
        });
        if *is_allowed { Ok(()) } else { Err(Unfit::NoRight) }
    }

    fn partitions(&mut self, topic: &str) -> anyhow::Result<&[Place]> {
        let partitions = &mut self.known.partitions;
        if !partitions.contains_key(topic) {
            let known = tokio::task::block_in_place(|| self.cluster.partitions(topic));
            partitions.insert(topic.to_owned(), known.context("Kafka")?);
        }
        Ok(partitions.get(topic).map_or(&[], Vec::as_slice))
    }

    fn topic_id(&mut self, topic: &str) -> Option<&str> {
        let topic_ids = &mut self.known.topic_ids;
        if !topic_ids.contains_key(topic) {
            let now = tokio::task::block_in_place(|| self.cluster.topic_id(topic));
            topic_ids.insert(topic.to_owned(), now);
        }
        topic_ids.get(topic).and_then(Option::as_deref)
    }

    /// The partition that a refused record goes to: where its key belongs by now, since that is where a copy would be. A
    /// record without a key goes where it came from. One that comes from before an erasure of its organization goes nowhere.
    ///
    /// # Errors
    /// When PostgreSQL or Kafka doesn't answer.
    pub async fn partition_for(
        &mut self,
        connection: &OperatorConnection,
        record: &Refused<'_>,
    ) -> anyhow::Result<Result<i32, Unfit>> {
        if self.erased.has(record) {
            return Ok(Err(Unfit::Erased));
        }
        let Refused { place, topic_id, offset, key, .. } = *record;
        // A topic that may not be seen looks as if it had no partitions.
        if let Err(unfit) = self.allowed(&place.topic, Right::Write) {
            return Ok(Err(unfit));
        }
        let partitions = self.partitions(&place.topic)?;
        let count = i32::try_from(partitions.len())?;
        let there = partitions.contains(place).then_some(place.partition).ok_or(Unfit::NoSuchPartition);
        match key {
            None => Ok(there),
            Some(_) if count == 0 => Ok(Err(Unfit::NoSuchPartition)),
            Some(key) if self.keys.are_placed_by_murmur2(&place.topic) => Ok(Ok(partition_of(key, count))),
            Some(_) => {
                let is_present = self.is_of_present_layout(connection, place, topic_id, offset).await?;
                Ok(if is_present { there } else { Err(Unfit::UnknownPlace) })
            }
        }
    }

    async fn is_of_present_layout(
        &mut self,
        connection: &OperatorConnection,
        place: &Place,
        topic_id: &str,
        offset: Offset,
    ) -> anyhow::Result<bool> {
        let now = self.topic_id(&place.topic).unwrap_or_default().to_owned();
        if !self.known.layouts.contains_key(&place.topic) {
            let layouts = connection.layouts(&place.topic, &now).await.context("PostgreSQL")?;
            self.known.layouts.insert(place.topic.clone(), layouts);
        }
        let layouts = self.known.layouts.get(&place.topic);
        let is_present =
            layouts.is_none_or(|layouts| layouts.at(place.partition, offset) == layouts.present());
        Ok(is_present && (topic_id.is_empty() || now.is_empty() || topic_id == now))
    }

    /// The part of these spans that Kafka still has, unless the partition no longer exists, the topic was made anew, or this client
    /// may not read them and publish them again.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn still_there(
        &mut self,
        place: &Place,
        topic_id: &str,
        spans: &[Span],
    ) -> anyhow::Result<Result<Vec<Span>, Unfit>> {
        for right in [Right::Write, Right::Read] {
            if let Err(unfit) = self.allowed(&place.topic, right) {
                return Ok(Err(unfit));
            }
        }
        if !self.partitions(&place.topic)?.contains(place) {
            return Ok(Err(Unfit::NoSuchPartition));
        }
        let now = self.topic_id(&place.topic);
        if !topic_id.is_empty() && now.is_some_and(|now| now != topic_id) {
            return Ok(Err(Unfit::PayloadNotKept));
        }
        let there = tokio::task::block_in_place(|| self.cluster.still_there(place, spans));
        Ok(Ok(there.context("Kafka")?))
    }

    /// The client that reads records again.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn rereader(&mut self) -> anyhow::Result<Arc<Rereader>> {
        let rereader = match self.rereader.take() {
            Some(rereader) => rereader,
            None => Arc::new(Rereader::new(&self.settings)?),
        };
        Ok(Arc::clone(self.rereader.insert(rereader)))
    }
}

/// A record's headers with one more redrive counted. Earlier ones are those that the headers count, and `redrives` since.
///
/// # Errors
/// When the record was redriven too often.
pub fn marked(headers: &Headers, redrives: i32, redrives_max: u32) -> Result<Headers, Unfit> {
    let is_count = |name: &[u8]| name.eq_ignore_ascii_case(REDRIVE_COUNT);
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

impl Tally {
    /// Counts records that are not redriven.
    pub fn hold_back(&mut self, unfit: Unfit, records: u64) {
        match unfit {
            Unfit::TooOften => self.too_often += records,
            Unfit::PayloadNotKept => self.payload_not_kept += records,
            Unfit::NoSuchPartition => self.no_such_partition += records,
            Unfit::UnknownPlace => self.unknown_place += records,
            Unfit::Erased => self.erased += records,
            Unfit::NoRight => self.no_right += records,
        }
    }

    /// How many records were not redriven.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        let of_records = self.too_often + self.payload_not_kept + self.unknown_place + self.erased;
        of_records + self.no_such_partition + self.no_right
    }

    /// A line for each kind of outcome.
    #[must_use]
    pub fn in_words(&self, dry_run: bool, redrives_max: u32) -> String {
        let done = if dry_run { "would be redriven" } else { "redriven" };
        let mut lines = vec![format!("{} {done}", self.redriven)];
        let held_back = [
            (
                self.too_often,
                format!("refused: redriven {redrives_max} times or more already, the limit (--redrives-max)"),
            ),
            (
                self.payload_not_kept,
                "refused: the payload was not kept, and Kafka doesn't have it any more".into(),
            ),
            (self.no_such_partition, "refused: the partition they came from no longer exists".into()),
            (
                self.unknown_place,
                "refused: their keys are not placed by murmur2 (OTHER_PARTITIONER_TOPICS), and the topic's layout \
                 has changed since: let their producer send them again"
                    .into(),
            ),
            (self.erased, "refused: they come from before their organization was erased".into()),
            (self.no_right, "refused: this user of Kafka lacks a right on their topic".into()),
        ];
        let held_back = held_back.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(held_back.map(|(count, why)| format!("{count} {why}")));
        lines.join("\n")
    }
}
