//! Operators: they change layouts, set partitions back, redrive refused records, make backups and restore them. Each does
//! what the consumer's commands do, by the consumer's own rules where these are pure.

use crate::database::Closed;
use crate::defect::Defect;
use crate::kafka::{self, Kafka, Value};
use crate::outside::Outside;
use crate::producer::Producer;
use crate::statement::{Place, ProgressRow};
use crate::tables::Tables;
use consumer::record::layouts::{Announced, heard, next_number};
use consumer::record::{Partition, Topic};
use load::rng::Rng;

/// How long the change of a layout may take, in steps.
const CHANGE_STEPS_MAX: u64 = 400;
/// How often one who changes a layout goes away in the middle.
const INTERRUPTIONS: f64 = 0.02;
/// How often operators notice that records of the layouts' topic are gone, when it is their turn.
const ANNOUNCES: f64 = 0.05;
/// How often it is operators of another group, with another database, who change a layout.
const FOREIGN: f64 = 0.3;
/// How often a standby takes over that lacks the end of a layout, and within how many steps.
const FAILOVERS: f64 = 0.2;
const FAILOVER_STEPS_MAX: u64 = 40;
/// How often a partition is set back below the end of its last layout, if it has one, and by how many records but for one.
const BELOW_ENDS: f64 = 0.7;
const SET_BACK_MAX: u64 = 20;
/// Partitions of a topic at most.
const PARTITIONS_MAX: i32 = 4;
/// The number that forged announcements may have at most, but for one, and the offset.
const FORGED_MAX: u64 = 40;
/// Records that a partition loses at most, but for one.
const LOST_MAX: u64 = 6;

/// The operators.
#[derive(Default)]
pub struct Operator {
    topics: Vec<Topic>,
    change: Option<Change>,
    /// A partition of which records were passed over, and the first of them.
    passed_over: Option<(Partition, i64)>,
    backup: Option<Box<Tables>>,
    /// A standby that lacks the end of the last layout, and when it takes over.
    standby: Option<(Box<Tables>, u64)>,
    /// Whether records of the layouts' topic are gone that the database still knows.
    purged: bool,
    defect: Option<Defect>,
}

/// The change of a topic's layout.
struct Change {
    topic: Topic,
    /// Whether another group's operators change it: this database learns of that from Kafka alone.
    foreign: bool,
    /// What was announced, once it was.
    announced: Option<Announced>,
    until: u64,
}

/// What happened, if anything.
type Happened = Option<&'static str>;

impl Operator {
    /// Operators of a system of these topics, with this defect.
    #[must_use]
    pub fn new(defect: Option<Defect>, topics: &[Topic]) -> Self {
        Self { defect, topics: topics.to_vec(), ..Self::default() }
    }

    fn any_topic(&self, rng: &mut Rng) -> Topic {
        self.topics[rng.index(self.topics.len())]
    }

    /// Whether records of the layouts' topic are gone that the database still knows.
    #[must_use]
    pub fn has_purged(&self) -> bool {
        self.purged
    }

    // --- The change of a layout ---

    /// Begins to change a topic's layout, unless one is being changed.
    pub fn begin_change(&mut self, outside: &mut Outside, producer: &mut Producer) -> Happened {
        if self.change.is_some() {
            return None;
        }
        let topic = self.any_topic(&mut outside.rng);
        producer.stop(topic, &mut outside.kafka);
        let until = outside.kafka.now + CHANGE_STEPS_MAX;
        let foreign = outside.rng.chance(FOREIGN);
        self.change = Some(Change { topic, foreign, announced: None, until });
        Some("changes of layouts begun")
    }

    /// Goes on with it.
    pub fn go_on(&mut self, outside: &mut Outside, producer: &mut Producer) {
        self.fail_over(outside);
        if self.purged {
            if outside.rng.chance(ANNOUNCES) {
                self.announce_again(outside);
            }
            return;
        }
        let Some(mut change) = self.change.take() else { return };
        if change.until < outside.kafka.now || outside.rng.chance(INTERRUPTIONS) {
            outside.trace.say(|| format!("the change of {:?} is given up", change.topic));
            return producer.go_on(change.topic);
        }
        let Some(announced) = change.announced.take() else {
            change.announced = self.announce(&change, outside);
            self.change = Some(change);
            return;
        };
        let closed = if change.foreign {
            // Before producers go on, members of all groups get the time to learn of it.
            let topic_id = outside.kafka.topic_id(change.topic);
            let known = outside.database.tables.cuts.layouts(change.topic, topic_id);
            if known.cuts().contains_key(&announced.layout) { Closed::Done } else { Closed::Waits }
        } else {
            self.close(change.topic, &announced, outside)
        };
        match closed {
            Closed::Done => self.finish(change.topic, &announced, outside, producer),
            Closed::Behind => self.change = Some(change),
            Closed::Waits => self.change = Some(Change { announced: Some(announced), ..change }),
        }
    }

    fn close(&mut self, topic: Topic, announced: &Announced, outside: &mut Outside) -> Closed {
        let Outside { database, rng, kafka, .. } = outside;
        let before = rng.chance(FAILOVERS).then(|| Box::new(database.tables.clone()));
        let closed = database.close_layout(topic, announced);
        if closed == Closed::Done {
            self.standby = before.map(|tables| (tables, kafka.now + rng.below(FAILOVER_STEPS_MAX)));
        }
        closed
    }

    /// Lets the standby take over, once it is time. Claims are made in moments of their own, which are none of a standby's.
    fn fail_over(&mut self, outside: &mut Outside) {
        let is_due = |(tables, at): &mut (Box<Tables>, u64)| {
            *at <= outside.kafka.now && !tables.progress.values().any(is_being_claimed)
        };
        if let Some((tables, _)) = self.standby.take_if(is_due).filter(|_| !self.purged) {
            outside.database.replace(*tables);
            outside.trace.event("standbys took over");
            outside.trace.say(|| "a standby takes over that lacks the end of a layout".to_owned());
        }
    }

    /// Whether a topic's layout is being changed.
    #[must_use]
    pub fn changes(&self, topic: Topic) -> bool {
        self.change.as_ref().is_some_and(|change| change.topic == topic)
    }

    /// Lets go of everything, at the end of all faults.
    pub fn give_up(&mut self, outside: &mut Outside, producer: &mut Producer) {
        if let Some(change) = self.change.take() {
            producer.go_on(change.topic);
        }
        if self.purged {
            self.announce_again(outside);
        }
    }

    /// Once all is counted: announces where the layout ends.
    fn announce(&mut self, change: &Change, outside: &mut Outside) -> Option<Announced> {
        let Change { topic, foreign, .. } = *change;
        let Outside { kafka, database, trace, .. } = outside;
        let (tables, id) = (&database.tables, kafka.topic_id(topic));
        let counted =
            |partition: Partition| tables.progress_row(partition).next == Some(kafka.end(partition));
        if (!foreign && !kafka.of(topic).all(counted)) || kafka.is_open(topic) {
            return None;
        }
        let about = kafka.announced_about(topic);
        let heard = heard(&about.iter().collect::<Vec<_>>(), kafka.ends(topic));
        if heard.beyond.is_some() {
            return None;
        }
        let known = tables.cuts.layouts(topic, id);
        let ends: Vec<i64> = kafka.of(topic).map(|partition| kafka.end(partition)).collect();
        let interrupted = |cut: &&Announced| !known.cuts().contains_key(&cut.layout) && cut.ends == ends;
        if let Some(cut) = heard.cuts.last().filter(interrupted) {
            return Some(cut.clone());
        }
        let layout = next_number(&known, &heard)?;
        if !counts_all(kafka, tables, topic) {
            self.purged = true;
            return None;
        }
        let (topic_id, name) = (kafka::id_in_words(id), kafka::name(topic).to_owned());
        let cut = Announced { topic: name, topic_id, layout, ends };
        trace.say(|| format!("announced: {cut:?}"));
        kafka.announced.push(cut.clone());
        Some(cut)
    }

    /// The layout has ended: the next one may have more partitions, and has other keys.
    fn finish(&self, topic: Topic, cut: &Announced, outside: &mut Outside, producer: &mut Producer) {
        let Outside { kafka, rng, trace, .. } = outside;
        if rng.chance(0.6) && kafka.count(topic) < PARTITIONS_MAX {
            kafka.grow(topic);
        }
        producer.go_on_otherwise(topic, kafka.count(topic));
        trace.event("layouts changed");
        trace.say(|| format!("{topic:?} has ended layout {}", cut.layout));
    }

    // --- The layouts' topic ---

    /// Announces anew what only the database knows. If that doesn't count behind what is there, since somebody else has
    /// written to the topic, what is there is deleted, and all is announced.
    fn announce_again(&mut self, outside: &mut Outside) {
        let Outside { kafka, database, .. } = outside;
        let tables = &database.tables;
        for topic in Topic::ALL {
            let about = kafka.announced_about(topic);
            kafka.announced.extend(tables.cuts.unannounced(topic, kafka.topic_id(topic), &about));
        }
        if !Topic::ALL.into_iter().all(|topic| counts_all(kafka, tables, topic)) {
            if !knows_all(kafka, tables) {
                return;
            }
            let all = Topic::ALL.map(|topic| tables.cuts.unannounced(topic, kafka.topic_id(topic), &[]));
            kafka.announced = all.into_iter().flatten().collect();
        }
        self.purged = false;
    }

    /// Deletes the records of the layouts' topic, if the database knows all that counts.
    pub fn purge(&mut self, outside: &mut Outside) -> Happened {
        let Outside { kafka, database, .. } = outside;
        if self.change.is_some() || kafka.announced.is_empty() || !knows_all(kafka, &database.tables) {
            return None;
        }
        kafka.announced.clear();
        self.purged = true;
        Some("layouts' topics emptied")
    }

    /// Somebody writes to the layouts' topic who shouldn't.
    pub fn forge(&self, outside: &mut Outside) -> Happened {
        let Outside { kafka, rng, trace, .. } = outside;
        let topic = self.any_topic(rng);
        let ends = (0..=rng.below(3)).map(|_| rng.below(FORGED_MAX).cast_signed()).collect();
        let layout = 1 + i32::try_from(rng.below(4)).expect("a small number");
        let (topic_id, name) = (kafka::id_in_words(kafka.topic_id(topic)), kafka::name(topic).to_owned());
        let forged = Announced { topic: name, topic_id, layout, ends };
        trace.say(|| format!("forged: {forged:?}"));
        kafka.announced.push(forged);
        Some("ends of layouts forged")
    }

    // --- Partitions, databases, logs ---

    /// Lets a partition continue where its member can read on.
    pub fn continue_stopped(&self, partition: Partition, outside: &mut Outside) -> bool {
        let Outside { kafka, database, rng, .. } = outside;
        let counted = database.tables.shared_with(partition, kafka);
        database.reset(partition, rng.below(counted.cast_unsigned() + 1).cast_signed(), kafka)
    }

    /// Sets a partition back or on; rather back to what was passed over before.
    pub fn reset(&mut self, outside: &mut Outside) -> Happened {
        let Outside { kafka, database, rng, .. } = outside;
        let partitions: Vec<Partition> = kafka.partitions().collect();
        let any = partitions[rng.index(partitions.len())];
        let passed_over = self.passed_over.filter(|_| rng.chance(0.7));
        let partition = passed_over.map_or(any, |(partition, _)| partition);
        let counted = database.tables.shared_with(partition, kafka);
        let cuts = kafka.announced_about(partition.topic);
        let ends = cuts.iter().filter_map(|cut| cut.ends().get(&partition.number).copied());
        let end = ends.map(|end| end.0).filter(|end| (1..=counted).contains(end)).max();
        let to = match (passed_over, end.filter(|_| rng.chance(BELOW_ENDS))) {
            (Some((_, from)), _) => from.min(counted),
            (None, Some(end)) => (end - 1 - rng.below(SET_BACK_MAX).cast_signed()).max(0),
            (None, None) => {
                let end = if rng.chance(0.5) { counted } else { kafka.end(partition) };
                rng.below(end.cast_unsigned() + 1).cast_signed()
            }
        };
        let was_read = database.tables.progress_row(partition).next.is_some();
        if !was_read || !database.reset(partition, to, kafka) {
            return None;
        }
        if counted < to {
            self.passed_over = Some((partition, counted));
            return Some("records passed over");
        }
        self.passed_over.take_if(|_| passed_over.is_some());
        Some("partitions set back")
    }

    /// Publishes a refused record again; rather one that was from the future, and whose key belongs elsewhere now.
    pub fn redrive(&self, outside: &mut Outside, producer: &Producer) -> Happened {
        let Outside { kafka, database, rng, .. } = outside;
        let letters = &database.tables.letters;
        let far = letters.iter().filter(|(_, reason)| **reason == "from_the_future").map(|(place, _)| *place);
        let far: Vec<Place> = far.collect();
        let has_moved = |(_, partition, offset): &Place| {
            let published = published(kafka, *partition, *offset);
            published.is_some_and(|(key, _)| producer.home(partition.topic, key) != *partition)
        };
        let moved: Vec<Place> = far.iter().copied().filter(has_moved).collect();
        let all = || letters.keys().copied().collect();
        let chosen = [moved, far].into_iter().find(|some| !some.is_empty() && rng.chance(0.8));
        let letters = chosen.unwrap_or_else(all);
        let (id, partition, offset) = *letters.get(rng.index(letters.len()))?;
        if self.changes(partition.topic) || id != kafka.topic_id(partition.topic) {
            return None;
        }
        let (key, value) = published(kafka, partition, offset)?;
        let home = producer.home(partition.topic, key);
        let home = if self.defect == Some(Defect::RedrivenBack) { partition } else { home };
        kafka.append(home, key, value, None);
        Some("records redriven")
    }

    /// Makes a backup, or restores the last one while members run.
    pub fn restore(&mut self, outside: &mut Outside) -> Happened {
        let database = &mut outside.database;
        match self.backup.take() {
            // A claim stores the topic's id in a moment of its own. It isn't a backup's moment.
            None if database.tables.progress.values().any(is_being_claimed) => None,
            None => {
                self.backup = Some(Box::new(database.tables.clone()));
                Some("backups made")
            }
            Some(_) if self.purged => None,
            Some(backup) => {
                database.replace(*backup);
                Some("backups restored")
            }
        }
    }

    /// Makes the database anew. A backup of before has another key, and is worth nothing.
    pub fn empty(&mut self, outside: &mut Outside) -> Happened {
        if self.purged {
            return None;
        }
        (self.backup, self.standby) = (None, None);
        outside.database.replace(Tables::default());
        Some("databases emptied")
    }

    /// Removes the rows of a topic that nobody reads any more. It is read again later.
    pub fn retire(&mut self, outside: &mut Outside) -> Happened {
        let topic = self.any_topic(&mut outside.rng);
        if self.changes(topic) {
            return None;
        }
        let tables = &mut outside.database.tables;
        tables.retire(topic);
        if self.defect == Some(Defect::CutsForgotten) {
            tables.cuts.forget(topic);
        }
        Some("topics retired")
    }

    /// Deletes a topic and makes it anew.
    pub fn make_anew(&mut self, outside: &mut Outside) -> Happened {
        let topic = self.any_topic(&mut outside.rng);
        if self.changes(topic) || outside.kafka.is_open(topic) {
            return None;
        }
        outside.kafka.make_anew(topic);
        Some("topics made anew")
    }

    /// A partition's leader changes, and with it the partition may lose what it has acknowledged last; not so much that it ends
    /// in an earlier layout.
    pub fn put_back(&mut self, loses: bool, outside: &mut Outside) -> Happened {
        let Outside { kafka, database, rng, trace, .. } = outside;
        let partitions: Vec<Partition> = kafka.partitions().collect();
        let partition = partitions[rng.index(partitions.len())];
        if !loses {
            kafka.elect(partition);
            return Some("leaders elected");
        }
        let end = kafka.end(partition);
        let topic = partition.topic;
        let mut cuts = kafka.announced_about(topic);
        cuts.extend(database.tables.cuts.unannounced(topic, kafka.topic_id(topic), &cuts));
        let of_partition = |cut: &Announced| cut.ends().get(&partition.number).copied();
        let cut = cuts.iter().filter_map(of_partition).max().map_or(1, |end| end.0.max(1));
        // Rather what was counted, too.
        let counted = database.tables.shared_with(partition, kafka);
        let from = if rng.chance(0.7) { counted } else { end };
        let to = from - rng.below(LOST_MAX).cast_signed();
        if kafka.is_open(topic) || self.changes(topic) || to < cut || to == end {
            return None;
        }
        kafka.put_back(partition, to);
        trace.say(|| format!("{partition} ended at {end}, and ends at {to} now"));
        Some("logs put back")
    }
}

/// What an empty database would learn of a topic.
fn heard_of(kafka: &Kafka, topic: Topic) -> Vec<Announced> {
    let about = kafka.announced_about(topic);
    heard(&about.iter().collect::<Vec<_>>(), kafka.ends(topic)).cuts
}

/// Whether the database knows all that an empty one would learn.
fn knows_all(kafka: &Kafka, tables: &Tables) -> bool {
    let knows = |topic| {
        let layouts = tables.cuts.layouts(topic, kafka.topic_id(topic));
        heard_of(kafka, topic).iter().all(|cut| layouts.cuts().contains_key(&cut.layout))
    };
    Topic::ALL.into_iter().all(knows)
}

/// Whether an empty database would learn all that the database knows of a topic.
fn counts_all(kafka: &Kafka, tables: &Tables, topic: Topic) -> bool {
    let heard = heard_of(kafka, topic);
    tables.cuts.unannounced(topic, kafka.topic_id(topic), &heard).is_empty()
}

fn is_being_claimed(row: &ProgressRow) -> bool {
    row.next.is_some() && row.topic_id.is_none()
}

/// The key and the value of the record at an offset, if it is one.
fn published(kafka: &Kafka, partition: Partition, offset: i64) -> Option<(u64, Value)> {
    let (_, entry) = kafka.entries(kafka.timeline(partition), offset).next()?;
    match &entry.content {
        kafka::Content::Record(value) => Some((entry.key, value.clone())),
        kafka::Content::Open(..) | kafka::Content::Aborted | kafka::Content::Marker => None,
    }
}
