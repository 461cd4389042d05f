//! Kafka, asked all that the doctor wants to know, within one limit. Each turn of questions leaves some of the time for the
//! next, so that a question that hangs hides no other's answer.

use super::check::Check;
use super::finding::Finding;
use super::keys::{self, Keyed};
use super::log::Log;
use super::settings::Doctor;
use super::time::{half, left};
use super::topic;
use crate::clock::Clock;
use crate::limits::WATCH;
use crate::record::Topic;
use crate::record::layouts::Announced;
use crate::record::topic_names::TopicNames;
use crate::source::cluster::{self, Cluster, KafkaError, Members};
use crate::source::{Examining, Fault, Round};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// An answer, or why there is none.
pub type Asked<T> = Result<T, String>;

/// Kafka as it was seen.
#[derive(Debug, Default)]
pub struct Kafka {
    /// What keeps a member from reading, in findings.
    pub faults: Vec<Finding>,
    /// What else there is; `None` if no broker answers.
    pub seen: Option<Seen>,
}

/// What Kafka has.
#[derive(Debug)]
pub struct Seen {
    /// The topics that may be read.
    pub topics: Vec<TopicSeen>,
    /// Who is in the group.
    pub members: Asked<Members>,
    /// Whether this client may be; `None` where Kafka doesn't say.
    pub may_join: Asked<Option<bool>>,
    /// The ends of layouts that Kafka has.
    pub announced: Asked<Vec<Announced>>,
}

/// A topic that may be read.
#[derive(Debug)]
pub struct TopicSeen {
    /// Which one.
    pub topic: Topic,
    /// Kafka's id of it; empty where it can't be learned.
    pub id: String,
    /// What it is set to.
    pub settings: Asked<topic::Settings>,
    /// Where its partitions begin and end.
    pub log: Asked<Log>,
    /// Its newest records that have a key.
    pub newest: Asked<Vec<Keyed>>,
}

/// Asks Kafka: until `begun` is dropped what must be older than the progress in PostgreSQL, and once `counted` ends what must be
/// newer.
pub async fn ask(settings: &Doctor, begun: oneshot::Sender<()>, counted: oneshot::Receiver<()>) -> Kafka {
    let member = &settings.member;
    let (source, clock, wait) = (member.source.clone(), Clock::new(member.clock), settings.wait);
    let deadline = Instant::now() + wait;
    let look = move || {
        let examining = Examining::new(&source, clock)?;
        // Half of the time, so that the other half is left for the client to say what is wrong.
        let round = examining.round(Instant::now() + wait / 2);
        Ok((round, examining))
    };
    let Round { faults, found, .. } = match in_time(wait, look).await {
        Ok((round, examining)) => {
            // A client without brokers takes its time to end.
            spawn_blocking(move || drop(examining));
            round
        }
        Err(why) => return Kafka { faults: vec![Finding::told(Check::Brokers, &why)], seen: None },
    };
    let names = &member.source.topics;
    let is_away = faults.iter().any(|fault| matches!(fault, Fault::NoAnswer(_)));
    let told: Vec<Finding> =
        faults.iter().map(|fault| of_fault(fault, names, &member.source.kafka_group_id)).collect();
    if is_away {
        return Kafka { faults: told, seen: None };
    }
    let ids = found.map(|found| found.topic_ids).unwrap_or_default();
    let readable: Vec<Topic> = Topic::ALL.into_iter().filter(|topic| !is_about(&faults, *topic)).collect();
    let of_cluster = cluster::Settings::of_member(&member.source);
    match Cluster::new(&of_cluster) {
        Ok(cluster) => {
            let asking = Asking { settings, cluster: Arc::new(cluster), of_cluster };
            let topics =
                readable.into_iter().map(|topic| (topic, ids.get(&topic).cloned().unwrap_or_default()));
            Kafka { faults: told, seen: Some(asking.all(deadline, topics.collect(), begun, counted).await) }
        }
        Err(error) => {
            let refused = Finding::told(Check::Brokers, &in_words(&error));
            Kafka { faults: told.into_iter().chain([refused]).collect(), seen: None }
        }
    }
}

/// Questions to a Kafka that answers.
struct Asking<'a> {
    settings: &'a Doctor,
    cluster: Arc<Cluster>,
    of_cluster: cluster::Settings,
}

impl Asking<'_> {
    async fn all(
        &self,
        deadline: Instant,
        topics: Vec<(Topic, String)>,
        begun: oneshot::Sender<()>,
        counted: oneshot::Receiver<()>,
    ) -> Seen {
        let turn = half(deadline);
        let topics = join_all(topics.into_iter().map(|(topic, id)| self.topic(turn, topic, id)));
        let (topics, may_join) = tokio::join!(topics, self.question(turn, Cluster::may_join));
        drop(begun);
        let (members, rest) = self.members(left(deadline), counted).await;
        let deadline = Instant::now() + rest;
        let topics = join_all(topics.into_iter().map(|topic| self.with_ends(deadline, topic)));
        let (topics, announced) = tokio::join!(topics, self.question(deadline, Cluster::announced));
        Seen { topics, members, may_join, announced }
    }

    /// Who is in the group once PostgreSQL has been asked; whatever became of that, it is asked no more. Also returns what is left of
    /// the time, to which PostgreSQL's doesn't belong.
    async fn members(&self, time: Duration, counted: oneshot::Receiver<()>) -> (Asked<Members>, Duration) {
        let deadline = Instant::now() + time;
        let listed = self.question(half(deadline), Cluster::members).await;
        let rest = left(deadline);
        // One that has just ended is listed for a moment longer. Where nobody is listed, there is nothing to wait for.
        let watch = if matches!(listed, Ok(Members::Nobody)) { Duration::ZERO } else { WATCH };
        let (_, _) = tokio::join!(tokio::time::sleep(watch), counted);
        let deadline = Instant::now() + rest;
        let members = self.question(half(deadline), Cluster::members).await;
        (members, left(deadline))
    }

    async fn topic(&self, deadline: Instant, topic: Topic, id: String) -> TopicSeen {
        let name = self.settings.member.source.topics.of(topic);
        let (settings, (log, newest)) =
            tokio::join!(self.topic_settings(deadline, name), self.records(deadline, name));
        TopicSeen { topic, id, settings, log, newest }
    }

    /// Where a topic's partitions begin and end, and then its newest records.
    async fn records(&self, deadline: Instant, name: &str) -> (Asked<Log>, Asked<Vec<Keyed>>) {
        let topic = name.to_owned();
        let log = self.question(deadline, move |cluster: &Cluster| Log::begin(cluster, &topic)).await;
        let newest = match &log {
            Ok(log) if self.settings.member.source.keys.are_placed_by_murmur2(name) => {
                self.newest(deadline, log.clone()).await
            }
            Ok(_) => Ok(Vec::new()),
            Err(why) => Err(why.clone()),
        };
        (log, newest)
    }

    async fn with_ends(&self, deadline: Instant, seen: TopicSeen) -> TopicSeen {
        let log = match seen.log {
            Ok(log) => self.question(deadline, move |cluster: &Cluster| log.with_ends(cluster)).await,
            Err(why) => Err(why),
        };
        TopicSeen { log, ..seen }
    }

    async fn topic_settings(&self, deadline: Instant, name: &str) -> Asked<topic::Settings> {
        let limit = left(deadline);
        match tokio::time::timeout(limit, self.cluster.topic_settings(name)).await {
            Ok(told) => told.map_err(|error| error.to_string()),
            Err(_) => Err(no_answer(limit)),
        }
    }

    async fn newest(&self, deadline: Instant, log: Log) -> Asked<Vec<Keyed>> {
        let (of_cluster, count) = (self.of_cluster.clone(), self.settings.newest);
        // Sooner than the limit, so that what was read till then is looked at.
        let until = half(deadline);
        in_time(left(deadline), move || keys::newest(&of_cluster, &log, count, until)).await
    }

    async fn question<T: Send + 'static>(
        &self,
        deadline: Instant,
        question: impl FnOnce(&Cluster) -> Result<T, KafkaError> + Send + 'static,
    ) -> Asked<T> {
        let cluster = Arc::clone(&self.cluster);
        in_time(left(deadline), move || question(&cluster)).await
    }
}

/// Asks on a thread of its own, which goes on if there is no answer in time.
async fn in_time<T: Send + 'static>(
    limit: Duration,
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Asked<T> {
    match tokio::time::timeout(limit, spawn_blocking(question)).await {
        Ok(Ok(answer)) => answer.map_err(|error| in_words(&error)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(no_answer(limit)),
    }
}

/// An error in a sentence. A client that can't be made asks nobody, so its settings are wrong, or what their files have.
fn in_words(error: &KafkaError) -> String {
    if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) {
        return format!("{error}; correct KAFKA_CONFIG_*, or the files that it names");
    }
    error.to_string()
}

fn no_answer(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}

fn is_about(faults: &[Fault], topic: Topic) -> bool {
    faults.iter().any(|fault| match fault {
        Fault::NoTopic(of)
        | Fault::HiddenTopic(of)
        | Fault::UnreadableTopic(of)
        | Fault::UnknownTopic(of, _) => *of == topic,
        Fault::NoAnswer(_)
        | Fault::ForbiddenGroup
        | Fault::NotInGroup(_)
        | Fault::NoLeader(_)
        | Fault::NoEnd(_) => false,
    })
}

/// A member's fault as a finding, with the member's own words.
fn of_fault(fault: &Fault, names: &TopicNames, group: &str) -> Finding {
    let (check, topic) = match fault {
        Fault::NoAnswer(_) | Fault::NoLeader(_) | Fault::NoEnd(_) => (Check::Brokers, None),
        Fault::NoTopic(topic) | Fault::UnknownTopic(topic, _) => (Check::Topic, Some(*topic)),
        Fault::HiddenTopic(topic) | Fault::UnreadableTopic(topic) => (Check::TopicRights, Some(*topic)),
        Fault::ForbiddenGroup | Fault::NotInGroup(_) => (Check::GroupRights, None),
    };
    let said = fault.sentence(names, group);
    let finding = Finding::told(check, &said);
    match topic {
        Some(topic) => finding.about(names.of(topic)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_cannot_be_made_is_told_with_the_settings_to_correct() {
        let why = in_words(&KafkaError::ClientCreation("key values mismatch".into()));
        let told = Finding::told(Check::Brokers, &why);
        assert!(told.seen.ends_with("key values mismatch"), "{told:?}");
        assert!(told.remedy.is_some_and(|remedy| remedy.starts_with("correct KAFKA_CONFIG_*")), "{why}");
    }

    #[test]
    fn a_members_fault_is_a_finding_with_its_own_remedy() {
        let names = TopicNames::new(["e".into(), "w".into(), "m".into()]);
        let check = |fault: Fault, check: Check, about: Option<&str>, remedy: &str| {
            let finding = of_fault(&fault, &names, "g");
            assert_eq!((finding.check, finding.about.as_deref()), (check, about), "{finding:?}");
            assert!(finding.remedy.as_deref().is_some_and(|said| said.contains(remedy)), "{finding:?}");
            assert!(!finding.seen.contains(remedy), "{finding:?}");
        };
        check(Fault::NoAnswer(None), Check::Brokers, None, "KAFKA_BROKERS");
        check(Fault::NoTopic(Topic::Events), Check::Topic, Some("e"), "EVENTS_TOPIC");
        check(Fault::HiddenTopic(Topic::WorkflowTerminals), Check::TopicRights, Some("w"), "an ACL");
        check(Fault::ForbiddenGroup, Check::GroupRights, None, "an ACL");
        assert!(is_about(&[Fault::NoTopic(Topic::Events)], Topic::Events));
        assert!(!is_about(&[Fault::NoTopic(Topic::Events), Fault::ForbiddenGroup], Topic::MessageDeliveries));
    }
}
