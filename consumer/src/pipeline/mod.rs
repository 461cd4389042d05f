//! The pipeline: one task that claims, decides, writes, commits and announces, in the order the source tells.

mod claims;

use crate::announce::Announcer;
use crate::batch::Batch;
use crate::changes::{Changes, Deciding, Part};
use crate::ledger::{Ledger, PageKey};
use crate::measure::Meters;
use crate::progress::Holding;
use crate::record::{Offset, Partition, Span, Topic};
use crate::source::{End, Ends, Message, Order, StartOffset, Wanted};
use crate::store::{Connection, Error, Moved, PageSize, Rows, Standing, Store, TopicNames};
use admin::Readiness;
use chrono::{DateTime, Utc};
use domain::BucketSize;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How often Kafka is asked how far the partitions reach.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked which partitions there are, and which topics they belong to: every so many rounds.
const DISCOVER_ROUNDS: u32 = 10;
/// Bytes of pages loaded by one query.
const LOAD_BYTES_MAX: usize = 32 << 20;
/// Pages named in one query.
const LOAD_PAGES_MAX: usize = 1_000;
/// A batch that could not be committed is tried again after this.
const RETRY_WAIT: Duration = Duration::from_millis(100);

/// What the pipeline is made of.
pub struct Pipeline {
    /// PostgreSQL.
    pub store: Store,
    /// The ledger's pages in memory.
    pub ledger: Ledger,
    /// Redis.
    pub announcer: Announcer,
    /// Kafka, beside the stream.
    pub ends: Ends,
    /// To the source.
    pub orders: SyncSender<Order>,
    /// What the group assigns to this member.
    pub wanted: Wanted,
    /// The ledger's floor, which the source folds under.
    pub floor: Arc<AtomicI64>,
    /// What the topics are called.
    pub topics: TopicNames,
    /// Where a partition that was never read starts.
    pub start_offset: StartOffset,
    /// Names this member to people.
    pub owner: String,
    /// What is wrong, for the admin address.
    pub readiness: Readiness,
    /// What is measured.
    pub meters: Meters,
}

/// The pipeline with what it has learned.
struct Running {
    parts: Pipeline,
    holding: Holding,
    /// Partitions assigned but not yet started, each with its assignment's number.
    unclaimed: BTreeMap<Partition, u64>,
    /// Orders the source has not taken yet.
    undelivered: VecDeque<Order>,
    topic_ids: HashMap<Topic, String>,
    rounds: u32,
}

/// What Kafka answered in a round.
struct Answer {
    ends: Result<Vec<End>, String>,
    found: Option<Found>,
}

/// What Kafka has.
struct Found {
    partitions: Vec<Partition>,
    topic_ids: HashMap<Topic, String>,
}

/// How a batch's partition ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Lost,
}

impl Pipeline {
    /// Runs until the source has ended.
    pub async fn run(self, mut messages: mpsc::Receiver<Message>) {
        let mut running = Running {
            parts: self,
            holding: Holding::new(),
            unclaimed: BTreeMap::new(),
            undelivered: VecDeque::new(),
            topic_ids: HashMap::new(),
            rounds: 0,
        };
        let mut round = tokio::time::interval(ASK_EVERY);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asking: Option<JoinHandle<Answer>> = None;
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => running.take(message).await,
                    None => break,
                },
                answer = async { asking.as_mut().expect("guarded").await }, if asking.is_some() => {
                    asking = None;
                    if let Ok(answer) = answer {
                        running.answered(answer).await;
                    }
                }
                _ = round.tick() => {
                    running.claim().await;
                    running.deliver();
                    running.parts.announcer.pass_on();
                    if asking.is_none() {
                        asking = Some(running.ask());
                    }
                }
            }
        }
        running.parts.announcer.finish().await;
    }
}

impl Running {
    async fn take(&mut self, message: Message) {
        match message {
            Message::Assigned { partitions, assignment } => {
                self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
                self.claim().await;
            }
            Message::Batch(batch) => self.count(*batch).await,
            Message::Revoked { partitions, done } => {
                for partition in partitions {
                    self.unclaimed.remove(&partition);
                    self.forget(partition);
                    self.parts.meters.released(&self.parts.topics, partition);
                }
                let _ = done.try_send(());
            }
            Message::Broken(partition, why) => self.stop(partition, &why),
        }
        self.parts.meters.ledger(&self.parts.ledger);
    }

    // --- Revoked, broken ---

    fn forget(&mut self, partition: Partition) {
        self.holding.remove(&partition);
        self.parts.ledger.forget(partition);
        self.parts.readiness.forget(&self.condition(partition));
        self.parts.meters.partitions(self.holding.len());
    }

    /// Stops reading a partition, and says so wherever somebody may look; the others go on.
    fn stop(&mut self, partition: Partition, why: &str) {
        self.forget(partition);
        let name = self.condition(partition);
        tracing::error!(partition = %name, why, "stopped: nothing of it is counted until an operator decides where it goes on");
        self.parts.readiness.bad(&name, format!("stopped: {why}"));
        self.parts.meters.stopped();
    }

    fn condition(&self, partition: Partition) -> String {
        format!("partition {}/{}", self.parts.topics.of(partition.topic), partition.number)
    }

    // --- A batch ---

    async fn count(&mut self, mut batch: Batch) {
        let started = Instant::now();
        // What was read under a claim that is lost, or was given back, is nobody's.
        batch
            .retain(|slice| self.holding.get(&slice.partition).is_some_and(|held| held.epoch == slice.epoch));
        let records = batch.records();
        let floor = self.parts.floor.load(Ordering::Relaxed);
        if batch.has_older_than(floor) && batch.floor != floor {
            return self.rejoin("the ledger's floor rose past records in flight");
        }
        let mut changes = self.decide(batch).await;
        self.write(&mut changes).await;
        self.parts.meters.batch(records, started.elapsed());
    }

    /// Decides which records count, page by page: those in memory first, the others as they are loaded.
    async fn decide(&mut self, batch: Batch) -> Changes {
        let mut deciding = Deciding::begin(batch);
        let mut absent = Vec::new();
        for key in deciding.undecided() {
            match self.parts.ledger.page(key) {
                Some(page) => deciding.decide(key, page),
                None => absent.push(key),
            }
        }
        for keys in absent.chunks(LOAD_PAGES_MAX) {
            self.load(keys, &mut deciding).await;
        }
        deciding.end()
    }

    async fn load(&mut self, keys: &[PageKey], deciding: &mut Deciding) {
        let sizes = async |connection: &mut Connection| connection.page_sizes(keys).await;
        let mut stored = self.parts.store.until_done("looking for ledger pages", sizes).await;
        stored.sort_unstable_by_key(|page| page.key);
        let is_new = |key: &&PageKey| stored.binary_search_by_key(*key, |page| page.key).is_err();
        for key in keys.iter().filter(is_new) {
            deciding.decide(*key, &crate::fingerprint_set::FingerprintSet::default());
            self.parts.ledger.load(*key, crate::fingerprint_set::FingerprintSet::default());
        }
        for group in groups(&stored) {
            let load = async |connection: &mut Connection| connection.load_pages(&group).await;
            for (key, page) in self.parts.store.until_done("loading ledger pages", load).await {
                deciding.decide(key, &page);
                self.parts.ledger.load(key, page);
            }
        }
    }

    /// Writes the changes, as often as it takes: each partition's are committed in the end, or its claim is lost.
    async fn write(&mut self, changes: &mut Changes) {
        let quarters =
            changes.parts.iter().flat_map(|part| &part.segments).map(|segment| segment.key.quarter);
        let days: BTreeSet<DateTime<Utc>> = quarters.map(|quarter| quarter.bucket(BucketSize::Day)).collect();
        while !changes.parts.is_empty() {
            let spans = self.spans(changes);
            let began = Instant::now();
            match self.attempt(changes, &spans, &days).await {
                Ok(Some(moved)) => {
                    self.parts.meters.commit(began.elapsed());
                    let fate = |part: &Part| {
                        if moved.contains(&part.partition) { Fate::Committed } else { Fate::Lost }
                    };
                    return self.settle(changes, fate).await;
                }
                Ok(None) => return self.rejoin("the ledger's floor rose past records in flight"),
                Err(error) => {
                    self.parts.store.say("writing a batch", &error, RETRY_WAIT);
                    tokio::time::sleep(RETRY_WAIT).await;
                    self.find_out(changes).await;
                }
            }
        }
    }

    fn spans(&self, changes: &Changes) -> Vec<Moved> {
        let step = |part: &Part| Moved {
            partition: part.partition,
            epoch: part.epoch,
            span: part.span,
            complete_through: self
                .holding
                .get(&part.partition)
                .and_then(|progress| progress.complete_through(part.span.until)),
        };
        changes.parts.iter().map(step).collect()
    }

    /// Tries once; says which partitions are committed, or nothing if the floor rose past the batch's records.
    async fn attempt(
        &mut self,
        changes: &Changes,
        spans: &[Moved],
        days: &BTreeSet<DateTime<Utc>>,
    ) -> Result<Option<Vec<Partition>>, Error> {
        let Pipeline { store, topics, floor, .. } = &mut self.parts;
        let (topic_ids, topics, floor) = (&self.topic_ids, &*topics, &*floor);
        let mut work = async |connection: &mut Connection| {
            connection.make_room(days).await?;
            let claim = connection.claim(spans).await?;
            floor.store(claim.floor, Ordering::Relaxed);
            if claim.floor != changes.floor && changes.has_older_than(claim.floor) {
                claim.roll_back().await?;
                return Ok(None);
            }
            let moved = claim.moved.clone();
            claim.commit(&Rows::of(changes, &moved, topics, topic_ids)).await?;
            Ok(Some(moved))
        };
        store.attempt(&mut work).await
    }

    /// After a failure: what has happened is what the database says, once every transaction that may still be
    /// committing has ended. What has happened is settled; the rest stays, to be tried again.
    async fn find_out(&mut self, changes: &mut Changes) {
        let partitions: Vec<Partition> = changes.parts.iter().map(|part| part.partition).collect();
        let look = async |connection: &mut Connection| connection.standing(&partitions).await;
        let standing = self.parts.store.until_done("looking after a doubtful commit", look).await;
        let stands_at = |part: &Part, offset: Offset| {
            standing.get(&part.partition) == Some(&Standing { epoch: part.epoch, next_offset: Some(offset) })
        };
        let (pending, ended): (Vec<Part>, Vec<Part>) =
            std::mem::take(&mut changes.parts).into_iter().partition(|part| stands_at(part, part.span.from));
        let mut known =
            Changes { texts: std::mem::take(&mut changes.texts), parts: ended, floor: changes.floor };
        let fate = |part: &Part| if stands_at(part, part.span.until) { Fate::Committed } else { Fate::Lost };
        self.settle(&known, fate).await;
        (changes.texts, changes.parts) = (std::mem::take(&mut known.texts), pending);
    }

    /// Draws the consequences: memory follows the database, whoever must know is told.
    async fn settle(&mut self, changes: &Changes, fate: impl Fn(&Part) -> Fate) {
        let mut organizations = BTreeSet::new();
        let mut reached = Vec::new();
        let mut lost = Vec::new();
        for part in &changes.parts {
            match fate(part) {
                Fate::Lost => lost.push(part.partition),
                Fate::Committed => {
                    for segment in &part.segments {
                        self.parts.ledger.committed(segment.key, &segment.fingerprints);
                    }
                    if let Some(progress) = self.holding.get_mut(&part.partition) {
                        progress.committed(part.span.until);
                    }
                    reached.push((part.partition, part.span.until));
                    organizations.extend(part.organizations().map(|text| changes.texts.get(text).to_owned()));
                    self.parts.meters.committed(part);
                }
            }
        }
        self.parts.announcer.changed(organizations);
        // A report that finds the queue full is made up for by the next.
        let _ = self.parts.orders.try_send(Order::Report(reached));
        if !lost.is_empty() {
            lost.iter().for_each(|partition| self.forget(*partition));
            self.parts.meters.fenced(lost.len());
            self.rejoin("another member has claimed partitions of this one");
        }
    }

    /// The one way to recover: forget everything, be assigned again, read the table.
    fn rejoin(&mut self, why: &str) {
        tracing::warn!(why, "joining the group again");
        let held: Vec<Partition> = self.holding.keys().copied().collect();
        held.into_iter().for_each(|partition| self.forget(partition));
        self.undelivered.push_back(Order::Rejoin);
        self.deliver();
    }

    /// Hands orders to the source, as far as it has room: it may be waiting for this task.
    fn deliver(&mut self) {
        while let Some(order) = self.undelivered.pop_front() {
            match self.parts.orders.try_send(order) {
                Ok(()) => {}
                Err(TrySendError::Full(order)) => return self.undelivered.push_front(order),
                Err(TrySendError::Disconnected(_)) => return self.undelivered.clear(),
            }
        }
    }

    // --- Kafka's ends ---

    fn ask(&mut self) -> JoinHandle<Answer> {
        let partitions: Vec<Partition> = self.holding.keys().copied().collect();
        let discover = self.rounds.is_multiple_of(DISCOVER_ROUNDS);
        self.rounds = self.rounds.wrapping_add(1);
        let ends = self.parts.ends.clone();
        tokio::task::spawn_blocking(move || Answer {
            ends: ends.ask(&partitions).map_err(|error| error.to_string()),
            found: discover.then(|| Found {
                partitions: Topic::ALL
                    .iter()
                    .filter_map(|topic| ends.partitions(*topic).ok())
                    .flatten()
                    .collect(),
                topic_ids: ends.topic_ids(),
            }),
        })
    }

    async fn answered(&mut self, answer: Answer) {
        match answer.ends {
            Ok(ends) => {
                self.parts.readiness.good("kafka");
                self.prove(&ends).await;
            }
            Err(error) => {
                tracing::warn!(error, "Kafka does not answer");
                self.parts.readiness.bad("kafka", error);
            }
        }
        if let Some(found) = answer.found {
            self.recognize(found.topic_ids);
            let discover = async |connection: &mut Connection| connection.discover(&found.partitions).await;
            self.parts.store.until_done("noting partitions", discover).await;
        }
    }

    /// Moves `complete_through` of partitions that have reached their end, though no batch moves them.
    async fn prove(&mut self, ends: &[End]) {
        let mut parts = Vec::new();
        for End { partition, asked_at, end } in ends {
            if let Some(progress) = self.holding.get_mut(partition) {
                progress.ended_at(*asked_at, *end);
                self.parts.meters.lag(&self.parts.topics, *partition, progress);
                if progress.complete_through(progress.next_offset).is_some() {
                    parts.push(Part::still(*partition, progress.epoch, Span::empty(progress.next_offset)));
                }
            }
        }
        let floor = self.parts.floor.load(Ordering::Relaxed);
        self.write(&mut Changes { texts: crate::texts::Texts::default(), parts, floor }).await;
    }
}

/// Pages in groups of bounded size; a page larger than the bound is a group of its own.
fn groups(pages: &[PageSize]) -> Vec<Vec<PageKey>> {
    let mut groups: Vec<Vec<PageKey>> = Vec::new();
    let mut room = 0;
    for page in pages {
        match groups.last_mut().filter(|_| page.bytes <= room) {
            Some(group) => group.push(page.key),
            None => {
                groups.push(vec![page.key]);
                room = LOAD_BYTES_MAX;
            }
        }
        room = room.saturating_sub(page.bytes);
    }
    groups
}
