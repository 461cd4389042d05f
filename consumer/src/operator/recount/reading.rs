//! Reading the log: from where the state says to where the tables have counted, partition by partition.

use super::doubt::Doubt;
use super::erased::kind_of;
use super::settings::Recount;
use super::state::{Progress, State};
use crate::operator::console::{Advance, bar};
use crate::record::place::Place;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Span};
use crate::source::cluster::{At, Cluster, LogReader, LogRecord, Next, Right};
use crate::store::{OperatorConnection, Standing};
use anyhow::{Context as _, bail};
use recount::entry::quarter_of;
use recount::{Entry, Erased, Horizon, Says, Sorter, refusal, says};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long Kafka may give no record before the command ends.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Offsets whose refusals are looked up at once.
const REFUSALS_AT_ONCE: i64 = 500_000;

/// Reads the log into sorted entries.
pub struct Reading<'a> {
    state: State,
    sorter: Sorter,
    cluster: Cluster,
    reader: LogReader,
    names: TopicNames,
    lookups: &'a OperatorConnection,
    stop: Arc<AtomicBool>,
    unsure: Unsure,
    goals: Vec<Goal>,
    total: i64,
    done: i64,
    advance: Advance,
}

/// Which records may have been refused without a trace.
pub struct Unsure {
    /// Those whose dead letters would be too old by now.
    pub doubt: Doubt,
    /// Those whose dead letters are erased.
    pub erased: Erased,
}

impl Unsure {
    fn has(&self, entry: &Entry<'_>, second: i64, timestamp_ms: Option<i64>) -> bool {
        self.doubt.has(second, timestamp_ms)
            || self.erased.has(entry) && self.doubt.without_letters().has(second, timestamp_ms)
    }
}

/// How far a partition is to be read.
#[derive(Clone)]
struct Goal {
    standing: Standing,
    /// At most where the log ends. It is beyond the progress of a partition that was set back: what lies there may have been counted.
    until: Offset,
}

/// The refusals of a stretch of a partition that its records alone don't show: they depended on the clock, or on PostgreSQL.
#[derive(Default)]
struct Refusals {
    known_until: i64,
    spans: Vec<Span>,
}

impl Refusals {
    fn have(&self, offset: Offset) -> bool {
        let after = self.spans.partition_point(|span| span.until <= offset);
        self.spans.get(after).is_some_and(|span| span.from <= offset)
    }
}

impl<'a> Reading<'a> {
    /// Nothing is read yet.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(
        settings: &Recount,
        names: TopicNames,
        state: State,
        lookups: &'a OperatorConnection,
        unsure: Unsure,
        stop: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            sorter: state.sorter(settings.memory()),
            state,
            cluster: Cluster::new(&settings.cluster).context("Kafka")?,
            reader: LogReader::new(&settings.cluster).context("Kafka")?,
            names,
            lookups,
            stop,
            unsure,
            goals: Vec::new(),
            total: 0,
            done: 0,
            advance: Advance::start(),
        })
    }

    /// Takes where the tables stand, and what the ledger has seen beyond, for the goal; returns how many offsets are to be read.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or a topic is another than before.
    pub fn aim(&mut self, standing: Vec<Standing>, seen: &HashMap<Place, Offset>) -> anyhow::Result<i64> {
        // The client must know a topic's partitions before it is asked for their offsets.
        for topic in &self.state.chosen.topics {
            self.cluster.must_allow(topic, Right::Read)?;
            self.cluster.partitions(topic).context("Kafka")?;
        }
        let places: Vec<Place> = standing.iter().map(|standing| standing.place.clone()).collect();
        let starts = self.cluster.offsets(&places, At::Earliest).context("Kafka")?;
        let ends = self.cluster.offsets(&places, At::Latest).context("Kafka")?;
        self.goals.clear();
        let mut left = 0;
        for standing in standing {
            let (place, next) = (&standing.place, standing.next_offset);
            let start = starts.get(place).copied().unwrap_or(next);
            let end = ends.get(place).copied().unwrap_or(next);
            let seen = seen.get(place).copied().unwrap_or(next);
            let until = next.max(seen).min(end);
            let position = self.begin(place, start, standing.topic_id.clone())?;
            if let Some(progress) = self.state.progress(place) {
                progress.is_short = end < next;
            }
            left += (until.0 - position.0).max(0);
            self.goals.push(Goal { standing, until });
        }
        self.total = self.done + left;
        Ok(left)
    }

    /// Notes a partition, and what its log has lost. Returns where reading it goes on.
    fn begin(&mut self, place: &Place, start: Offset, topic_id: Option<String>) -> anyhow::Result<Offset> {
        let Some(known) = self.state.progress(place) else {
            self.state.partitions.push(Progress {
                topic: place.topic.clone(),
                partition: place.partition,
                topic_id,
                position: start.0,
                is_cut: start.0 > 0,
                cut_ms: None,
                is_short: false,
            });
            return Ok(start);
        };
        if known.topic_id.is_some() && topic_id.is_some() && known.topic_id != topic_id {
            bail!("{} was made anew since this recount began: delete the folder of its state", place.topic);
        }
        if known.position < start.0 {
            (known.position, known.is_cut, known.cut_ms) = (start.0, true, None);
        }
        Ok(known.position())
    }

    /// Reads to the goal; returns whether it got there, and was not stopped.
    ///
    /// # Errors
    /// When Kafka or PostgreSQL doesn't answer, or the state can't be written.
    pub async fn read(&mut self) -> anyhow::Result<bool> {
        for goal in self.goals.clone() {
            if !self.read_partition(&goal).await? {
                self.save()?;
                return Ok(false);
            }
        }
        self.save()?;
        Ok(true)
    }

    /// Everything that was read is on disk, in few enough runs.
    ///
    /// # Errors
    /// When the state can't be written.
    pub fn settle(mut self) -> anyhow::Result<State> {
        let needless = self.sorter.settle().context("the state's folder")?;
        self.state.runs = self.sorter.runs().to_vec();
        self.state.save()?;
        self.sorter.delete(&needless).context("the state's folder")?;
        Ok(self.state)
    }

    fn save(&mut self) -> anyhow::Result<()> {
        self.sorter.spill().context("the state's folder")?;
        self.state.runs = self.sorter.runs().to_vec();
        self.state.save()
    }

    async fn read_partition(&mut self, goal: &Goal) -> anyhow::Result<bool> {
        let (Standing { place, topic_id, next_offset }, until) = (&goal.standing, goal.until);
        let Some(mut position) = self.state.progress(place).map(|progress| progress.position()) else {
            return Ok(true);
        };
        if position >= until {
            return Ok(true);
        }
        self.reader.begin(place, position).context("Kafka")?;
        let mut refusals = Refusals::default();
        let mut heard = Instant::now();
        while position < until {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let (records, has_ended) = match self.reader.take_next() {
                Next::Records(records) => (records, false),
                Next::End(records) => (records, true),
                Next::Broken(why) => bail!("Kafka: {place} at {}: {why}", position.0),
            };
            if !records.is_empty() || has_ended {
                heard = Instant::now();
            } else if heard.elapsed() > SILENCE_MAX {
                bail!("Kafka: no record of {place} within {SILENCE_MAX:?}");
            }
            let before = position;
            for record in records.iter().filter(|record| record.offset < until) {
                self.refusals_of(&mut refusals, place, topic_id.as_deref(), record.offset).await?;
                if !refusals.have(record.offset) {
                    self.take(place, record, record.offset < *next_offset);
                }
                self.note_record(place, record);
                position = record.offset.next();
            }
            // Transactions' markers may lie behind the last record, and are no records.
            if has_ended || records.last().is_some_and(|last| last.offset >= until) {
                position = until;
            }
            self.note(place, before, position)?;
        }
        Ok(true)
    }

    /// Looks up the refusals of the stretch that begins at `offset`, unless they are known.
    async fn refusals_of(
        &self,
        refusals: &mut Refusals,
        place: &Place,
        topic_id: Option<&str>,
        offset: Offset,
    ) -> anyhow::Result<()> {
        if offset.0 >= refusals.known_until {
            let span = Span { from: offset, until: Offset(offset.0 + REFUSALS_AT_ONCE) };
            let spans = self
                .lookups
                .refused_beyond_the_contract(place, topic_id, span)
                .await
                .context("PostgreSQL")?;
            *refusals = Refusals { known_until: span.until.0, spans };
        }
        Ok(())
    }

    /// Notes how far a partition was read, and makes room in memory.
    fn note(&mut self, place: &Place, before: Offset, position: Offset) -> anyhow::Result<()> {
        if let Some(progress) = self.state.progress(place) {
            progress.position = position.0;
        }
        self.done += position.0 - before.0;
        if self.sorter.is_full() {
            self.save()?;
        }
        let (done, total) = (self.done, self.total);
        self.advance.at(format_args!("{} {done} of {total} offsets read; {place}", bar(done, total)));
        Ok(())
    }

    fn note_record(&mut self, place: &Place, record: &LogRecord) {
        self.state.records += 1;
        if let Some(progress) = self.state.progress(place)
            && progress.is_cut
            && progress.cut_ms.is_none()
        {
            progress.cut_ms = record.timestamp_ms;
        }
    }

    /// Takes a record that was not refused for the clock's sake. If it is `passed`, the tables have counted it, or refused it.
    fn take(&mut self, place: &Place, record: &LogRecord, passed: bool) {
        let Some(kind) = self.names.topic(&place.topic).map(kind_of) else { return };
        let Ok(content) = recount::read(kind, record.declared, record.payload.as_deref()) else { return };
        let view = content.view();
        if refusal(view, &Horizon::NONE).is_some() {
            return;
        }
        let (Says::Adds(effect), Some(time)) = (says(view), view.identity_time()) else { return };
        let chosen = &self.state.chosen;
        let is_chosen = chosen.organization.as_ref().is_none_or(|chosen| chosen == view.organization());
        if is_chosen && chosen.has(time.seconds) {
            let mut entry = Entry {
                organization: view.organization(),
                quarter: quarter_of(time.seconds),
                id: view.id(),
                partition: place.partition,
                offset: record.offset.0,
                certain: passed,
                effect,
            };
            let is_unsure = self.unsure.has(&entry, time.seconds, record.timestamp_ms);
            entry.certain &= !is_unsure;
            self.sorter.add(|bytes| entry.write(bytes));
        }
    }
}
