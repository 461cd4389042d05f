//! Rounds of questions to Kafka beside the stream, about once a second: whether brokers answer, what the topics and the group
//! are and whether they may be read, and how far partitions reach. A round blocks its thread, no longer than one [`Patience`].

use super::describing::{TopicDescription, Undescribed};
use super::ends::{End, Ends, Found, by_leader};
use super::faults::Fault;
use super::patience::Patience;
use super::wanted::Standing;
use crate::limits::OUTSIDE_MAX;
use crate::record::{Partition, Topic};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// In one of this many rounds Kafka is also asked for partitions to add, and for the topics' ids.
const DISCOVER_ROUNDS: u32 = 10;
/// A partition whose end Kafka doesn't give for so long is named. Leaders move faster.
const UNANSWERED_MAX: Duration = Duration::from_secs(4);

/// Asks Kafka in rounds.
pub struct Rounds {
    ends: Ends,
    rounds: u32,
    discovery_is_due: bool,
    /// When the first of the rounds in a row began in which these partitions had no end.
    unanswered: HashMap<Partition, Instant>,
}

/// Kafka's answers to a round.
pub struct Round {
    /// How far the partitions reach that Kafka answers for.
    pub ends: Vec<End>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What there is in Kafka, in the rounds that ask for it.
    pub found: Option<Found>,
}

impl Rounds {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(ends: Ends) -> Self {
        Self { ends, rounds: 0, discovery_is_due: true, unanswered: HashMap::new() }
    }

    /// One round about these partitions, by a member that stands so in its group when the round ends, and that Kafka may not let
    /// be there.
    pub fn next(
        &mut self,
        partitions: &[Partition],
        standing: impl Fn() -> Standing,
        is_forbidden: bool,
    ) -> Round {
        let (began, patience) = (Instant::now(), Patience::begin());
        let described = match self.ends.describe(patience) {
            Ok(described) => described,
            Err(_) => {
                let faults = vec![Fault::NoAnswer(self.ends.obstacle())];
                return Round { ends: Vec::new(), faults, found: None };
            }
        };
        let mut faults: Vec<Fault> =
            described.iter().filter_map(|(topic, seen)| of_topic(*topic, seen)).collect();
        let leaders = by_leader(partitions, &described);
        let led = leaders.values().map(Vec::as_slice).collect::<Vec<_>>();
        let ends = self.ends.ask(&led, patience);
        faults.extend(self.without_end(began, partitions, &leaders, &ends));
        self.discovery_is_due |= self.rounds.is_multiple_of(DISCOVER_ROUNDS);
        self.rounds = self.rounds.wrapping_add(1);
        let is_due = std::mem::take(&mut self.discovery_is_due);
        let found = is_due.then(|| self.ends.found_in(described, patience));
        faults.extend(is_forbidden.then_some(Fault::ForbiddenGroup));
        faults.extend(outside(standing()).filter(|_| !is_forbidden));
        Round { ends, faults, found }
    }

    /// The next round looks again for what there is: nobody took it from the last one.
    pub fn discover_again(&mut self) {
        self.discovery_is_due = true;
    }

    /// Partitions for which Kafka has not given an end for a while.
    fn without_end(
        &mut self,
        began: Instant,
        partitions: &[Partition],
        leaders: &BTreeMap<i32, Vec<Partition>>,
        ends: &[End],
    ) -> Vec<Fault> {
        let answered = |partition: &Partition| ends.iter().any(|end| end.partition == *partition);
        self.unanswered.retain(|partition, _| partitions.contains(partition) && !answered(partition));
        let (mut silent, mut unled) = (Vec::new(), Vec::new());
        for partition in partitions.iter().filter(|partition| !answered(partition)) {
            let since = *self.unanswered.entry(*partition).or_insert(began);
            if since.elapsed() >= UNANSWERED_MAX {
                let is_led = leaders.values().flatten().any(|led| led == partition);
                if is_led { &mut silent } else { &mut unled }.push(*partition);
            }
        }
        let unled = (!unled.is_empty()).then_some(Fault::NoLeader(unled));
        let silent = (!silent.is_empty()).then_some(Fault::NoEnd(silent));
        unled.into_iter().chain(silent).collect()
    }
}

/// The codes for a topic that isn't there.
const MISSING: [Code; 3] = [Code::UnknownTopicOrPartition, Code::UnknownTopic, Code::UnknownTopicId];

fn of_topic(topic: Topic, described: &Result<TopicDescription, Undescribed>) -> Option<Fault> {
    let code = match described {
        Ok(described) => return (described.may_read == Some(false)).then_some(Fault::UnreadableTopic(topic)),
        Err(Undescribed(code)) => Code::from(*code),
    };
    Some(if MISSING.contains(&code) {
        Fault::NoTopic(topic)
    } else if code == Code::TopicAuthorizationFailed {
        Fault::HiddenTopic(topic)
    } else {
        Fault::UnknownTopic(topic, code.to_string())
    })
}

fn outside(standing: Standing) -> Option<Fault> {
    match standing {
        Standing::Member => None,
        Standing::Outside { since, was_member } => {
            let time = since.elapsed();
            (!was_member || time > OUTSIDE_MAX).then_some(Fault::NotInGroup(time))
        }
    }
}
