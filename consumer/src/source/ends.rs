//! Questions to Kafka beside the stream: what topics and the group are, and how far partitions reach. They block the thread,
//! and several questions together wait no longer than one [`Patience`].

use super::breaks::Extent;
use super::certificates::Certificates;
use super::context::Context;
use super::describing::{self, TopicDescription, Undescribed};
use super::faults::{self, Obstacle};
use super::layout_log::LayoutLog;
use super::patience::Patience;
use super::settings::StartOffset;
use crate::clock::Clock;
use crate::record::layouts::Announced;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Topic};
use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How far a partition reached at an instant.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Which partition.
    pub partition: Partition,
    /// When Kafka was asked, by the database's clock: before the answer, so the instant is never too late.
    pub asked_at: DateTime<Utc>,
    /// The offset after the newest record that the brokers have acknowledged (the high watermark).
    pub end: Offset,
    /// The offset up to which it can be read: it lies before `end` while a transaction is open (the last stable offset).
    /// `None` where Kafka doesn't say.
    pub readable: Option<Offset>,
}

/// What Kafka says about the topics.
pub(super) type Described = BTreeMap<Topic, Result<TopicDescription, Undescribed>>;

/// What there is in Kafka.
#[derive(Default)]
pub struct Found {
    /// All partitions of the topics, as far as Kafka answers.
    pub partitions: Vec<Partition>,
    /// The topics' ids, as far as they can be learned.
    pub topic_ids: HashMap<Topic, String>,
}

/// Asks Kafka questions, each with a limit.
#[derive(Clone)]
pub struct Ends {
    consumer: Arc<BaseConsumer<Context>>,
    /// Asked for what the brokers have acknowledged. The group's own client is told only what can be read.
    uncommitted: Arc<BaseConsumer<Context>>,
    layouts: Arc<Mutex<LayoutLog>>,
    topics: TopicNames,
    clock: Clock,
    certificates: Option<Certificates>,
}

impl Ends {
    pub(super) fn new(
        consumer: Arc<BaseConsumer<Context>>,
        uncommitted: BaseConsumer<Context>,
        layouts: LayoutLog,
        topics: TopicNames,
        clock: Clock,
    ) -> Self {
        let (layouts, uncommitted) = (Arc::new(Mutex::new(layouts)), Arc::new(uncommitted));
        Self { consumer, uncommitted, layouts, topics, clock, certificates: None }
    }

    /// The same, which looks at certificates that the client refuses.
    pub(super) fn looking_at(self, certificates: Certificates) -> Self {
        Self { certificates: Some(certificates), ..self }
    }

    // --- What there is ---

    /// What Kafka says about each topic.
    ///
    /// # Errors
    /// When no broker answers.
    pub(super) fn describe(&self, patience: Patience) -> Result<Described, Undescribed> {
        let described = describing::topics(self.consumer.client(), &self.topics.all(), patience.left());
        if described.is_err() {
            self.learn_brokers(patience);
        }
        Ok(described?
            .into_iter()
            .filter_map(|(name, about)| Some((self.topics.topic(&name)?, about)))
            .collect())
    }

    /// Asks any broker which brokers there are. Topics are described by the controller alone, and a client whose latest word
    /// of the cluster came from a broker that was just starting may know no controller for minutes (librdkafka renews it every
    /// five).
    fn learn_brokers(&self, patience: Patience) {
        if let Err(error) = self.consumer.fetch_metadata(Some(self.topics.of(Topic::ALL[0])), patience.left())
        {
            tracing::debug!(%error, "no broker said which brokers there are");
        }
    }

    /// What the client says about why no broker answers. Where that is a certificate, it is looked at: the client doesn't say what
    /// is wrong with it.
    pub(super) fn obstacle(&self) -> Option<(Obstacle, String)> {
        let (obstacle, words) = self.consumer.context().obstacle()?;
        if obstacle != Obstacle::Tls {
            return Some((obstacle, words));
        }
        let theirs = || self.certificates.as_ref()?.refused(&words);
        let certificate = faults::of_own_certificate(&words).or_else(theirs);
        Some(certificate.map_or((obstacle, words), |sentence| (Obstacle::Certificate, sentence)))
    }

    /// What there is in Kafka, as far as it answers.
    #[must_use]
    pub fn found(&self) -> Found {
        let patience = Patience::begin();
        self.found_in(self.describe(patience).unwrap_or_default(), patience)
    }

    /// What there is in Kafka by what it has said about the topics, or, if it has said nothing about one, by the brokers' metadata.
    pub(super) fn found_in(&self, described: Described, patience: Patience) -> Found {
        let is_said = |partition: &Partition| described.get(&partition.topic).is_some_and(Result::is_ok);
        let mut partitions = self.refresh(patience);
        partitions.retain(|partition| !is_said(partition));
        let mut topic_ids = HashMap::new();
        for (topic, said) in described {
            let Ok(said) = said else { continue };
            partitions.extend(said.leaders.iter().map(|(number, _)| Partition { topic, number: *number }));
            if !said.id.is_empty() {
                topic_ids.insert(topic, said.id);
            }
        }
        Found { partitions, topic_ids }
    }

    /// Lets both clients learn of new partitions: each has metadata of its own. Returns the partitions that the first one learned.
    fn refresh(&self, patience: Patience) -> Vec<Partition> {
        let learn = |client: &&BaseConsumer<Context>| {
            let learned = Topic::ALL.iter().filter_map(|topic| self.learned(client, *topic, patience).ok());
            learned.flatten().collect::<Vec<_>>()
        };
        let learned = at_once(&[&*self.consumer, &*self.uncommitted], learn);
        learned.into_iter().next().unwrap_or_default()
    }

    // --- How far partitions reach ---

    /// How far partitions reach, given in groups that one broker leads each. All are asked at once, and a group for which Kafka
    /// doesn't answer is left out: one broker that is down must not hide what the others say, nor may several add up.
    pub(super) fn ask(&self, groups: &[&[Partition]], patience: Patience) -> Vec<End> {
        let ends = at_once(groups, |partitions: &&[Partition]| {
            self.ask_one(partitions, patience).unwrap_or_default()
        });
        let ends = ends.into_iter().flatten().collect();
        // Nobody else takes this client's events, and they must not pile up.
        while self.uncommitted.poll(Duration::ZERO).is_some() {}
        ends
    }

    fn ask_one(&self, partitions: &[Partition], patience: Patience) -> Result<Vec<End>, KafkaError> {
        let asked_at = self.clock.earliest();
        let ends = self.offsets_by(&self.uncommitted, partitions, KafkaOffset::End, patience)?;
        // Asked second, so a transaction that ends in between is not taken for an open one.
        let readable =
            self.offsets_by(&self.consumer, partitions, KafkaOffset::End, patience).unwrap_or_default();
        let readable: HashMap<Partition, Offset> = readable.into_iter().collect();
        let end =
            |(partition, end)| End { partition, asked_at, end, readable: readable.get(&partition).copied() };
        Ok(ends.into_iter().map(end).collect())
    }

    /// What Kafka has of a partition, as far as it says.
    #[must_use]
    pub fn extent(&self, partition: Partition) -> Extent {
        let patience = Patience::begin();
        let ask = |client: &BaseConsumer<Context>, which: KafkaOffset| {
            let found = self.offsets_by(client, &[partition], which, patience).unwrap_or_default();
            found.first().map(|(_, offset)| *offset)
        };
        let first = ask(&self.consumer, KafkaOffset::Beginning);
        Extent { first, end: ask(&self.uncommitted, KafkaOffset::End) }
    }

    /// What Kafka keeps about the ends of the topics' layouts, in order.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or the layouts' topic may not be read.
    pub fn layouts(&self) -> Result<HashMap<Topic, Vec<Announced>>, KafkaError> {
        let mut log = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_topic: HashMap<Topic, Vec<Announced>> = HashMap::new();
        let patience = Patience::begin();
        for announced in log.read(&self.uncommitted, || patience.left())? {
            if let Some(topic) = self.topics.topic(&announced.topic) {
                by_topic.entry(topic).or_default().push(announced.clone());
            }
        }
        Ok(by_topic)
    }

    /// The oldest offset of partitions, or the one up to which they can be read. Those without a leader are left out.
    ///
    /// # Errors
    /// When Kafka answers for none.
    pub fn offsets(
        &self,
        partitions: &[Partition],
        which: StartOffset,
    ) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        let which = match which {
            StartOffset::Earliest => KafkaOffset::Beginning,
            StartOffset::Latest => KafkaOffset::End,
        };
        let patience = Patience::begin();
        let described =
            self.describe(patience).map_err(|Undescribed(code)| KafkaError::MetadataFetch(code.into()))?;
        let groups = by_leader(partitions, &described);
        let groups: Vec<&[Partition]> = groups.values().map(Vec::as_slice).collect();
        let ask = |partitions: &&[Partition]| self.offsets_by(&self.consumer, partitions, which, patience);
        let answers = at_once(&groups, ask);
        let (answered, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        match failed.into_iter().find_map(Result::err).filter(|_| answered.is_empty()) {
            Some(error) => Err(error),
            None => Ok(answered.into_iter().flatten().flatten().collect()),
        }
    }

    fn offsets_by(
        &self,
        client: &BaseConsumer<Context>,
        partitions: &[Partition],
        which: KafkaOffset,
        patience: Patience,
    ) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(self.topics.of(partition.topic), partition.number, which)?;
        }
        let found = client.offsets_for_times(list, patience.left())?;
        let mut offsets = Vec::with_capacity(partitions.len());
        for element in found.elements() {
            if element.error().is_err() {
                continue;
            }
            if let (Some(topic), KafkaOffset::Offset(offset)) =
                (self.topics.topic(element.topic()), element.offset())
            {
                offsets.push((Partition { topic, number: element.partition() }, Offset(offset)));
            }
        }
        Ok(offsets)
    }

    /// All partitions of a topic.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or has no such topic.
    pub fn partitions(&self, topic: Topic) -> Result<Vec<Partition>, KafkaError> {
        self.partitions_within(topic, Patience::begin())
    }

    /// How many partitions a topic has, and where the brokers say that they end, behind open transactions too.
    ///
    /// # Errors
    /// When Kafka answers for none, or has no such topic.
    pub fn all_acknowledged(&self, topic: Topic) -> Result<(usize, Vec<(Partition, Offset)>), KafkaError> {
        let patience = Patience::begin();
        let partitions = self.partitions_within(topic, patience)?;
        let ends = self.offsets_by(&self.uncommitted, &partitions, KafkaOffset::End, patience)?;
        Ok((partitions.len(), ends))
    }

    fn partitions_within(&self, topic: Topic, patience: Patience) -> Result<Vec<Partition>, KafkaError> {
        let partitions = self.learned(&self.consumer, topic, patience)?;
        self.learned(&self.uncommitted, topic, patience)?;
        Ok(partitions)
    }

    /// The topic's partitions, as this client learns them by asking a broker.
    fn learned(
        &self,
        client: &BaseConsumer<Context>,
        topic: Topic,
        patience: Patience,
    ) -> Result<Vec<Partition>, KafkaError> {
        let metadata = client.fetch_metadata(Some(self.topics.of(topic)), patience.left())?;
        if let Some(error) = metadata.topics().iter().find_map(|topic| topic.error()) {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        Ok(partitions.map(|partition| Partition { topic, number: partition.id() }).collect())
    }
}

/// The answers to questions, in order. They are asked at once, each by a thread of its own, as far as the system has threads left.
fn at_once<Q: Sync, A: Send>(questions: &[Q], ask: impl Fn(&Q) -> A + Sync) -> Vec<A> {
    if let [question] = questions {
        return vec![ask(question)];
    }
    let ask = &ask;
    thread::scope(|scope| {
        let begin = |question| {
            thread::Builder::new().spawn_scoped(scope, move || ask(question)).map_err(|_| question)
        };
        let begun: Vec<_> = questions.iter().map(begin).collect();
        let answers = begun.into_iter().map(|begun| match begun {
            Ok(thread) => thread.join().expect("no panic while Kafka is asked"),
            Err(question) => ask(question),
        });
        answers.collect()
    })
}

/// The partitions by the broker that leads them; those without a leader are left out.
pub(super) fn by_leader(partitions: &[Partition], described: &Described) -> BTreeMap<i32, Vec<Partition>> {
    let mut by_leader: BTreeMap<i32, Vec<Partition>> = BTreeMap::new();
    for partition in partitions {
        let of_topic = described.get(&partition.topic).and_then(|about| about.as_ref().ok());
        let leader =
            of_topic.and_then(|topic| topic.leaders.iter().find(|(number, _)| *number == partition.number));
        if let Some((_, Some(leader))) = leader {
            by_leader.entry(*leader).or_default().push(*partition);
        }
    }
    by_leader
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;
    use crate::clock;
    use crate::limits::ANSWERS_WAIT_MAX;
    use clap::Parser as _;
    use rdkafka_sys as sys;
    use std::sync::Barrier;
    use std::time::Instant;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        clock: clock::Settings,
    }

    const EVENTS: Partition = Partition { topic: Topic::Events, number: 0 };

    /// What asks a broker, which lives within the client beside it.
    fn ends() -> (Ends, BaseConsumer<Context>) {
        let Line { settings, clock } = Line::parse_from(["consumer", "--kafka-brokers", ""]);
        let mut config = settings.config();
        let owner = config.set("test.mock.num.brokers", "1").create_with_context(Context::default());
        let owner: BaseConsumer<Context> = owner.unwrap();
        let kafka = owner.client().mock_cluster().unwrap();
        settings.topics.all().iter().for_each(|topic| kafka.create_topic(topic, 1, 1).unwrap());
        let client = |mut config: rdkafka::ClientConfig| -> BaseConsumer<Context> {
            config.set("bootstrap.servers", kafka.bootstrap_servers());
            config.create_with_context(Context::default()).unwrap()
        };
        let (consumer, uncommitted) = (client(settings.config()), client(settings.uncommitted_config()));
        drop(kafka);
        let layouts = LayoutLog::new(&settings.layouts_topic, settings.uncommitted_config());
        let ends =
            Ends::new(Arc::new(consumer), uncommitted, layouts, settings.topics.clone(), Clock::new(clock));
        (ends, owner)
    }

    /// From now on the broker answers after a minute.
    fn hang(owner: &BaseConsumer<Context>) {
        let kafka = owner.client().mock_cluster().unwrap();
        kafka.broker_round_trip_time(1, Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn questions_that_belong_together_wait_no_longer_than_one_patience_though_none_is_answered() {
        let (ends, owner) = ends();
        let deadline = Instant::now() + Duration::from_secs(30);
        while ends.refresh(Patience::begin()).len() < 3 || ends.all_acknowledged(Topic::Events).is_err() {
            assert!(Instant::now() < deadline, "the broker answers");
        }
        hang(&owner);
        let (began, patience) = (Instant::now(), Patience::begin());
        assert!(ends.ask(&[&[EVENTS]], patience).is_empty());
        assert_eq!(ends.found_in(Described::new(), patience).partitions, []);
        // Each of four questions in a row alone would wait for two seconds.
        assert!(began.elapsed() < 2 * ANSWERS_WAIT_MAX, "{:?}", began.elapsed());
    }

    #[test]
    fn what_kafka_says_of_the_topics_says_what_there_is_though_no_metadata_comes() {
        let (ends, owner) = ends();
        hang(&owner);
        let leaders = vec![(0, Some(1)), (1, None)];
        let said = TopicDescription { id: "i".into(), may_read: None, may_write: None, leaders };
        let described = Described::from([
            (Topic::Events, Ok(said)),
            (
                Topic::MessageDeliveries,
                Err(Undescribed(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)),
            ),
        ]);
        let found = ends.found_in(described, Patience::begin());
        assert_eq!(found.partitions, [EVENTS, Partition { number: 1, ..EVENTS }]);
        assert_eq!(found.topic_ids, HashMap::from([(Topic::Events, "i".to_owned())]));
    }

    #[test]
    fn brokers_are_asked_at_once_and_their_answers_stay_in_order() {
        // Each waits here for the others.
        let all_are_asked = Barrier::new(3);
        let answers = at_once(&[0, 1, 2], |asked| {
            all_are_asked.wait();
            asked + 1
        });
        assert_eq!(answers, [1, 2, 3]);
    }
}
