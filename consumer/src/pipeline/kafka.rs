//! What the pipeline learns from Kafka beside the stream, and remembers.

use crate::record::layouts::Announced;
use crate::record::{Partition, Topic};
use crate::source::breaks::Extent;
use crate::source::{Ends, KafkaError, Round, StartOffset};
use admin::Readiness;
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use tokio::sync::mpsc;

/// The readiness condition of the layouts' topic.
const LAYOUTS: &str = "layouts";

/// Kafka: the watch's rounds about the partitions held, and questions at each claim.
pub struct Kafka {
    ends: Ends,
    start_offset: StartOffset,
    rounds: mpsc::Receiver<Round>,
    topic_ids: HashMap<Topic, String>,
    /// How many partitions the topics had at the latest claim.
    partitions: HashMap<Topic, i32>,
    /// The cuts of the topics that the database had when they were last learned.
    cuts: HashMap<Topic, BTreeSet<i32>>,
    /// The topics whose keys are placed by murmur2.
    placed_by_murmur2: Vec<Topic>,
    readiness: Readiness,
    /// Whether an answer has come that is not yet used to move `complete_through`.
    has_news: bool,
}

impl Kafka {
    /// Nothing is known yet. The watch sends `rounds`.
    #[must_use]
    pub fn new(
        ends: Ends,
        start_offset: StartOffset,
        placed_by_murmur2: Vec<Topic>,
        rounds: mpsc::Receiver<Round>,
        readiness: Readiness,
    ) -> Self {
        Self {
            ends,
            start_offset,
            rounds,
            topic_ids: HashMap::new(),
            partitions: HashMap::new(),
            cuts: HashMap::new(),
            placed_by_murmur2,
            readiness,
            has_news: false,
        }
    }

    /// Where a partition that was never read starts.
    #[must_use]
    pub fn start_offset(&self) -> StartOffset {
        self.start_offset
    }

    // --- Rounds ---

    /// Waits for the answers to the watch's next round; `None` when there are no more. May be dropped and called again.
    pub async fn answer(&mut self) -> Option<Round> {
        let round = self.rounds.recv().await?;
        self.has_news |= !round.ends.is_empty();
        Some(round)
    }

    /// Whether partitions may have reached their ends since the news was last taken.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.has_news
    }

    /// Takes the news, and returns whether there was any.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    // --- One question ---

    /// Asks one question, without blocking the runtime. The log says when Kafka gives no answer; the watch says why.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ends) -> Result<T, KafkaError> + Send + 'static,
    ) -> Option<T> {
        let ends = self.ends.clone();
        let answer = tokio::task::spawn_blocking(move || question(&ends)).await.ok()?;
        let warn = |error: &KafkaError| {
            tracing::warn!(target: "kafka", %error, "Kafka does not answer; asking again");
        };
        answer.inspect_err(warn).ok()
    }

    /// What Kafka has of a partition, as far as it says.
    pub async fn extent(&self, partition: Partition) -> Extent {
        self.ask(move |ends| Ok(ends.extent(partition))).await.unwrap_or_default()
    }

    /// What Kafka says about the ends of layouts. Log and readiness say when it can't be learned.
    pub async fn ask_layouts(&self) -> Option<HashMap<Topic, Vec<Announced>>> {
        let ends = self.ends.clone();
        let answer = tokio::task::spawn_blocking(move || ends.layouts()).await.ok()?;
        match answer {
            Ok(layouts) => {
                self.readiness.good(LAYOUTS);
                Some(layouts)
            }
            Err(error) => {
                let why = format!(
                    "the topic that says where layouts end can't be read ({error}), and nothing is claimed \
                     before; members need the rights READ and DESCRIBE on LAYOUTS_TOPIC"
                );
                tracing::warn!(target: "kafka", why, "it is not known where layouts end");
                self.readiness.bad(LAYOUTS, why);
                None
            }
        }
    }

    /// Notes cuts of a topic that the database has, or is about to have. A database that lacks one later was restored.
    pub fn learned_cuts(&mut self, topic: Topic, cuts: impl Iterator<Item = i32>) {
        self.cuts.entry(topic).or_default().extend(cuts);
    }

    /// The cuts of a topic that this member has learned.
    #[must_use]
    pub fn cuts(&self, topic: Topic) -> BTreeSet<i32> {
        self.cuts.get(&topic).cloned().unwrap_or_default()
    }

    /// Forgets them, so that they are learned anew.
    pub fn forget_cuts(&mut self) {
        self.cuts.clear();
    }

    // --- The topics' partitions ---

    /// Notes how many partitions the topics have now. Returns a topic that had another number at the latest claim.
    pub fn learn_partitions(&mut self, found: &[Partition]) -> Option<Topic> {
        let mut changed = None;
        for topic in Topic::ALL {
            let count = found.iter().filter(|partition| partition.topic == topic).count();
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            // A topic that Kafka doesn't answer for is not one without partitions.
            if count > 0 && self.partitions.insert(topic, count).is_some_and(|before| before != count) {
                changed = Some(topic);
            }
        }
        changed
    }

    /// Over how many partitions the keys of a layout are spread, if they are to be checked. `then` is how many the topic had
    /// when the layout ended.
    #[must_use]
    pub fn spread(&self, topic: Topic, then: Option<i32>) -> Option<NonZeroU32> {
        let count = then.or_else(|| self.partitions.get(&topic).copied());
        let count = count.filter(|_| self.placed_by_murmur2.contains(&topic))?;
        NonZeroU32::new(count.unsigned_abs())
    }

    // --- The topics' ids ---

    /// The ids of the topics as far as they are known: those of the last answer, or those that the database has.
    #[must_use]
    pub fn topic_ids(&self) -> &HashMap<Topic, String> {
        &self.topic_ids
    }

    /// Notes the id that the database has of a topic, unless one is known already. Kafka's next answer is compared with it.
    pub fn stored_topic_id(&mut self, topic: Topic, id: &str) {
        self.topic_ids.entry(topic).or_insert_with(|| id.to_owned());
    }

    /// Notes the id that Kafka has of a topic. Returns the id known before, if that was another.
    pub fn learn_topic_id(&mut self, topic: Topic, id: &str) -> Option<String> {
        self.topic_ids.insert(topic, id.to_owned()).filter(|known| known != id)
    }
}
