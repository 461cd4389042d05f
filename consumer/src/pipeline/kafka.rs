//! What the pipeline asks of Kafka beside the stream, and remembers of the answers.

use crate::record::{Partition, Topic};
use crate::source::{End, Ends, KafkaError, StartOffset};
use admin::Readiness;
use std::collections::HashMap;
use tokio::task::JoinHandle;

/// In one of this many rounds Kafka is also asked which partitions there are, and for the topics' ids.
const DISCOVER_ROUNDS: u32 = 10;

/// The readiness condition's name.
const CONDITION: &str = "kafka";

/// Kafka, asked in rounds about the partitions held, and once at each claim.
pub struct Kafka {
    ends: Ends,
    start_offset: StartOffset,
    readiness: Readiness,
    topic_ids: HashMap<Topic, String>,
    rounds: u32,
    /// Whether an answer has come that is not yet used to move `complete_through`.
    has_news: bool,
    /// The round whose answer is awaited; one at a time.
    asking: Option<JoinHandle<Answer>>,
}

/// Kafka's answer to a round.
pub struct Answer {
    /// How far the partitions reach.
    pub ends: Result<Vec<End>, KafkaError>,
    /// What there is in Kafka, in the rounds that ask for it.
    pub found: Option<Found>,
}

/// What there is in Kafka.
pub struct Found {
    /// All partitions of the topics, as far as Kafka answers.
    pub partitions: Vec<Partition>,
    /// The topics' ids, as far as they can be learned.
    pub topic_ids: HashMap<Topic, String>,
}

impl Kafka {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(ends: Ends, start_offset: StartOffset, readiness: Readiness) -> Self {
        let topic_ids = HashMap::new();
        Self { ends, start_offset, readiness, topic_ids, rounds: 0, has_news: false, asking: None }
    }

    /// Where a partition that was never read starts.
    #[must_use]
    pub fn start_offset(&self) -> StartOffset {
        self.start_offset
    }

    // --- Rounds ---

    /// Begins a round about these partitions, unless the one before is not answered yet.
    pub fn begin_round(&mut self, partitions: Vec<Partition>) {
        if self.asking.is_some() {
            return;
        }
        let discover = self.rounds.is_multiple_of(DISCOVER_ROUNDS);
        self.rounds = self.rounds.wrapping_add(1);
        let ends = self.ends.clone();
        self.asking = Some(tokio::task::spawn_blocking(move || Answer {
            ends: ends.ask(&partitions),
            found: discover.then(|| Found::of(&ends)),
        }));
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asking.is_some()
    }

    /// Waits for the answer to the round, which must have begun. May be dropped and called again.
    pub async fn answer(&mut self) -> Option<Answer> {
        let answer = self.asking.as_mut().expect("a round has begun").await;
        self.asking = None;
        let answer = answer.ok()?;
        match &answer.ends {
            Ok(_) => {
                self.readiness.good(CONDITION);
                self.has_news = true;
            }
            Err(error) => self.warn(error, "Kafka does not answer"),
        }
        Some(answer)
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

    /// Asks one question, without blocking the runtime. Log and readiness say when Kafka gives no answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ends) -> Result<T, KafkaError> + Send + 'static,
    ) -> Option<T> {
        let ends = self.ends.clone();
        let answer = tokio::task::spawn_blocking(move || question(&ends)).await.ok()?;
        answer.inspect_err(|error| self.warn(error, "Kafka does not answer; asking again")).ok()
    }

    fn warn(&self, error: &KafkaError, what: &str) {
        tracing::warn!(%error, "{what}");
        self.readiness.bad(CONDITION, error.to_string());
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

impl Found {
    fn of(ends: &Ends) -> Self {
        let partitions = Topic::ALL.iter().filter_map(|topic| ends.partitions(*topic).ok());
        Self { partitions: partitions.flatten().collect(), topic_ids: ends.topic_ids() }
    }
}
