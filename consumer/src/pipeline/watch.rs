//! The watch: a task that asks Kafka in rounds and tells people what is wrong, even while the pipeline waits for PostgreSQL.

use super::positions::Positions;
use crate::clock::Clock;
use crate::decide::stalls::{Position, Stalled, Stalls};
use crate::limits::ENDS_EVERY;
use crate::measure::CLOCK_SKEW;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition};
use crate::source::{End, Fault, Round, Rounds, Wanted};
use crate::store::Activity;
use admin::Readiness;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::MissedTickBehavior;

/// The readiness condition's name.
const CONDITION: &str = "kafka";
/// The readiness condition of the clock.
const CLOCK: &str = "clock";
/// The cause until the first round has ended.
const START: &str = "start";
/// A partition's cause for not being ready while it stands still.
const STALLED: &str = "stalled";

/// No broker has been asked for anything yet.
pub fn describe(readiness: &Readiness) {
    readiness.blame(CONDITION, START, "no broker has been asked yet");
}

/// When a partition counts as stalled.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "watch")]
pub struct Settings {
    /// How long a partition may stand still, though there are records to count, before readiness names it. Raise it if single
    /// batches take that long.
    #[arg(long, env = "STALLED_AFTER", default_value = "60s", value_parser = crate::settings::duration)]
    pub stalled_after: Duration,
}

/// Watches Kafka and the partitions of this member.
pub struct Watch {
    settings: Settings,
    wanted: Wanted,
    positions: Positions,
    activity: Activity,
    clock: Clock,
    topics: TopicNames,
    group: String,
    readiness: Readiness,
    stalls: Stalls,
    clock_was_off: bool,
    /// What was wrong in the last round, by cause.
    faults: BTreeMap<&'static str, String>,
    /// The causes that the log's latest line is about.
    logged: BTreeSet<&'static str>,
    /// The conditions of the partitions that were stalled in the last round.
    stalled: BTreeSet<String>,
}

/// What the watch looks at.
pub struct Sights {
    /// What the group assigns to this member.
    pub wanted: Wanted,
    /// Where the partitions stand.
    pub positions: Positions,
    /// What PostgreSQL is doing for this member.
    pub activity: Activity,
    /// The database's clock.
    pub clock: Clock,
}

impl Watch {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(
        settings: Settings,
        Sights { wanted, positions, activity, clock }: Sights,
        topics: TopicNames,
        group: String,
        readiness: Readiness,
    ) -> Self {
        let (stalls, faults, stalled) = (Stalls::default(), BTreeMap::new(), BTreeSet::new());
        Self {
            settings,
            wanted,
            positions,
            activity,
            clock,
            clock_was_off: false,
            logged: BTreeSet::new(),
            topics,
            group,
            readiness,
            stalls,
            faults,
            stalled,
        }
    }

    /// Asks Kafka once a second, tells people, and hands each round to the pipeline if it has taken the one before. Runs as
    /// long as the pipeline does.
    pub async fn run(mut self, mut rounds: Rounds, answers: mpsc::Sender<Round>) {
        let mut every = tokio::time::interval(ENDS_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let positions = self.positions.all();
            let asked: Vec<Partition> = positions.keys().copied().collect();
            let (wanted, is_forbidden) = (self.wanted.clone(), self.wanted.is_forbidden());
            let asking = tokio::task::spawn_blocking(move || {
                let round = rounds.next(&asked, || wanted.standing(), is_forbidden);
                (rounds, round)
            });
            // It fails only if the process ends.
            let Ok((asked, round)) = asking.await else { return };
            rounds = asked;
            self.positions.ended(&round.ends);
            self.tell_clock();
            self.tell_faults(&round.faults);
            self.tell_stalled(&positions, &round.ends);
            match answers.try_send(round) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => rounds.discover_again(),
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }

    /// Each cause is cleared in the first round that doesn't find it.
    fn tell_faults(&mut self, faults: &[Fault]) {
        let sentence = |fault: &Fault| (fault.cause(), fault.sentence(&self.topics, &self.group));
        let now: BTreeMap<_, _> = faults.iter().map(sentence).collect();
        now.iter().for_each(|(cause, why)| self.readiness.blame(CONDITION, cause, why));
        self.readiness.clear(CONDITION, START);
        let gone = self.faults.keys().filter(|cause| !now.contains_key(*cause));
        gone.for_each(|cause| self.readiness.clear(CONDITION, cause));
        self.log_faults(faults);
        self.faults = now;
    }

    /// The log has a line for each change. It is not one of the client's lines, of which only one a second is written.
    fn log_faults(&mut self, faults: &[Fault]) {
        let lasting: BTreeMap<_, _> =
            faults.iter().filter(|fault| fault.lasts()).map(|fault| (fault.cause(), fault)).collect();
        if lasting.keys().eq(&self.logged) {
            return;
        }
        self.logged = lasting.keys().copied().collect();
        if lasting.is_empty() {
            tracing::info!("nothing is wrong with Kafka any more");
        } else {
            let said: Vec<_> =
                lasting.values().map(|fault| fault.sentence(&self.topics, &self.group)).collect();
            tracing::warn!(why = said.join("; "), "something is wrong with Kafka");
        }
    }

    fn tell_clock(&mut self) {
        let (skew, is_off) = (self.clock.skew().as_seconds_f64(), self.clock.is_off());
        metrics::gauge!(CLOCK_SKEW).set(skew);
        if is_off {
            let ahead = if skew > 0.0 { "ahead of" } else { "behind" };
            let why = format!(
                "this machine's clock is {:.1} s {ahead} the database's; set both by NTP: until then no partition is said to \
                 be complete",
                skew.abs()
            );
            if !self.clock_was_off {
                tracing::warn!(why, "this machine's clock disagrees with the database's");
            }
            self.readiness.bad(CLOCK, why);
        } else {
            if self.clock_was_off {
                tracing::info!("this machine's clock agrees with the database's again");
            }
            self.readiness.good(CLOCK);
        }
        self.clock_was_off = is_off;
    }

    fn tell_stalled(&mut self, positions: &BTreeMap<Partition, Position>, ends: &[End]) {
        let end = |partition: &Partition| ends.iter().find(|end| end.partition == *partition);
        let seen: Vec<_> = positions
            .iter()
            .map(|(partition, position)| (*partition, *position, end(partition).map(|end| end.end)))
            .collect();
        let mut stalled = BTreeSet::new();
        for still in self.stalls.note(Instant::now(), &seen, self.settings.stalled_after) {
            let name = condition(&self.topics, still.partition);
            let why = self.why(&still, end(&still.partition).and_then(|end| end.readable));
            if !self.stalled.contains(&name) {
                let topic = self.topics.of(still.partition.topic);
                tracing::warn!(topic, partition = still.partition.number, why, "a partition stands still");
            }
            self.readiness.blame_part(&name, STALLED, why);
            stalled.insert(name);
        }
        for name in self.stalled.difference(&stalled) {
            tracing::info!(condition = name, "a partition no longer stands still");
            self.readiness.lift(name, STALLED);
        }
        self.stalled = stalled;
    }

    /// What is known about a partition that stands still, in a sentence.
    fn why(&self, stalled: &Stalled, readable: Option<Offset>) -> String {
        let Stalled { position, end, still_for, .. } = stalled;
        let (behind, at) = match position {
            Position::At(next) => (format!("{} records behind", end.0 - next.0), Some(*next)),
            Position::Unclaimed | Position::Stopped => (format!("not claimed, ends at {}", end.0), None),
        };
        let known = if at.is_some() && at == readable {
            "a producer's transaction is open there; end it, or wait until Kafka aborts it".to_owned()
        } else {
            self.activity.said().or_else(|| self.kafka_said()).unwrap_or_else(|| {
                "neither Kafka nor PostgreSQL reports a fault; look at this member's log".to_owned()
            })
        };
        format!("stalled: {behind}, not moved for {} s; {known}", still_for.as_secs())
    }

    fn kafka_said(&self) -> Option<String> {
        (!self.faults.is_empty())
            .then(|| self.faults.values().map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

/// The name of a partition's condition.
pub fn condition(topics: &TopicNames, partition: Partition) -> String {
    format!("partition {}/{}", topics.of(partition.topic), partition.number)
}
