//! Which records make a difference: those that the ledger has admitted another number of times than once.

use super::state::State;
use crate::operator::console;
use crate::operator::moment;
use crate::operator::table::printable;
use crate::record::identity::{Fingerprints, Kind};
use crate::record::place::Place;
use crate::record::topic_names::TopicNames;
use crate::record::{Milestone, Topic};
use crate::store::{PageRepair, TablesSnapshot};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use recount::entry::What;
use recount::{Erased, Identities, Identity};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Identities that are looked up at once.
const IDENTITIES_AT_ONCE: usize = 100_000;
/// Identities that are found at most: they are named, and the ledger is repaired for them.
const CULPRITS_MAX: usize = 100_000;
/// Copies of an identity that are named.
const COPIES_NAMED: usize = 5;

/// Organizations' quarters of an hour (counted from the Unix epoch) whose records are looked at.
pub type Quarters = BTreeSet<(String, i32)>;

/// An identity that the ledger has not admitted once.
#[derive(Clone, Debug)]
pub struct Culprit {
    identity: Identity,
    topic: String,
    /// The partitions that admitted it, each as often as it did.
    admitted: Vec<i32>,
}

/// What was found out.
#[derive(Debug, Default)]
pub struct Explained {
    /// The identities.
    pub culprits: Vec<Culprit>,
    /// Whether there are more than can be named.
    pub is_cut: bool,
    /// Whether the ledger no longer has some of the quarters.
    pub is_below_floor: bool,
}

/// The same quarter and organization: looked up together.
type Chunk = Vec<Identity>;

/// Looks for culprits.
pub struct Explaining<'a> {
    snapshot: &'a TablesSnapshot<'a>,
    names: &'a TopicNames,
    fingerprints: Fingerprints,
    floor: i64,
    found: Explained,
}

impl<'a> Explaining<'a> {
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn new(snapshot: &'a TablesSnapshot<'a>, names: &'a TopicNames) -> anyhow::Result<Self> {
        let fingerprints = snapshot.fingerprints().await.context("PostgreSQL")?;
        let floor = snapshot.floor().await.context("PostgreSQL")?;
        Ok(Self { snapshot, names, fingerprints, floor, found: Explained::default() })
    }

    /// Looks through the identities of these quarters; `None` if it was stopped.
    ///
    /// # Errors
    /// When PostgreSQL fails, or what was read can't be read again.
    pub async fn explain(
        mut self,
        state: &State,
        erased: &Erased,
        quarters: &Quarters,
        stop: &AtomicBool,
    ) -> anyhow::Result<Option<Explained>> {
        let mut identities = Identities::of(state.sorter(0).merge()?, erased)?;
        let mut chunk = Chunk::new();
        while let Some(identity) = identities.take_next()? {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let is_next = chunk.first().is_some_and(|first| {
                (first.quarter, &first.organization) != (identity.quarter, &identity.organization)
            });
            if is_next || chunk.len() >= IDENTITIES_AT_ONCE {
                self.look_up(&mut chunk).await?;
            }
            let is_chosen = quarters.contains(&(identity.organization.clone(), identity.quarter));
            if identity.what != What::Update && is_chosen {
                chunk.push(identity);
            }
        }
        self.look_up(&mut chunk).await?;
        Ok(Some(self.found))
    }

    async fn look_up(&mut self, chunk: &mut Chunk) -> anyhow::Result<()> {
        let Some(first) = chunk.first() else { return Ok(()) };
        let second = i64::from(first.quarter) * 900;
        if second < self.floor {
            self.found.is_below_floor = true;
            chunk.clear();
            return Ok(());
        }
        let quarter = DateTime::from_timestamp(second, 0).context("a time within the calendar")?;
        let mut topics: Vec<&str> =
            chunk.iter().map(|identity| self.names.of(topic_of(identity.what))).collect();
        topics.sort_unstable();
        topics.dedup();
        let of = |identity: &Identity| self.fingerprint(identity);
        let places: HashMap<(&str, u64), usize> =
            chunk.iter().enumerate().map(|(n, of_chunk)| (of(of_chunk), n)).collect();
        let mut admitted: Vec<Vec<i32>> = vec![Vec::new(); chunk.len()];
        let seen = |place: &Place, fingerprint: u64| {
            if let Some(n) = places.get(&(place.topic.as_str(), fingerprint)) {
                admitted[*n].push(place.partition);
            }
        };
        self.snapshot.admissions(&topics, quarter, seen).await.context("PostgreSQL")?;
        let names = self.names;
        for (identity, admitted) in chunk.drain(..).zip(admitted) {
            let is_culprit = if identity.certain { admitted.len() != 1 } else { admitted.len() > 1 };
            if is_culprit && self.found.culprits.len() < CULPRITS_MAX {
                let topic = names.of(topic_of(identity.what)).to_owned();
                self.found.culprits.push(Culprit { identity, topic, admitted });
            } else {
                self.found.is_cut |= is_culprit;
            }
        }
        Ok(())
    }

    fn fingerprint(&self, identity: &Identity) -> (&'a str, u64) {
        (self.names.of(topic_of(identity.what)), fingerprint(&self.fingerprints, identity))
    }

    /// Makes fingerprints.
    pub fn maker(&self) -> Fingerprints {
        self.fingerprints.clone()
    }
}

fn fingerprint(fingerprints: &Fingerprints, identity: &Identity) -> u64 {
    let kind = match identity.what {
        What::Order => Kind::Order,
        What::Payment => Kind::Payment,
        What::Update => Kind::OrganizationUpdate,
        What::Run => Kind::WorkflowRun,
        What::Sent => Kind::Message(Milestone::Sent),
        What::Delivered => Kind::Message(Milestone::Delivered),
    };
    fingerprints.of(kind, &identity.organization, &identity.id)
}

fn topic_of(what: What) -> Topic {
    match what {
        What::Order | What::Payment | What::Update => Topic::Events,
        What::Run => Topic::WorkflowTerminals,
        What::Sent | What::Delivered => Topic::MessageDeliveries,
    }
}

impl Explained {
    /// Says which records make the differences, at most `limit` of them.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn report(&self, limit: u64) -> std::io::Result<()> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.culprits.iter().take(limit).try_for_each(console::answer)?;
        if self.culprits.len() > limit {
            console::answer(format_args!("and {} more records", self.culprits.len() - limit))?;
        }
        if self.is_below_floor {
            console::answer(
                "which records make differences below the ledger's floor can't be said: their pages are gone",
            )?;
        } else if self.culprits.is_empty() {
            console::answer(
                "no record makes a difference: the ledger agrees with the log, and the tables themselves were changed",
            )?;
        }
        Ok(())
    }
}

impl Culprit {
    /// The organization's day that it belongs to.
    pub fn day(&self) -> (String, i64) {
        (self.identity.organization.clone(), i64::from(self.identity.quarter).div_euclid(96))
    }

    /// What the pages of its quarter must be given, so that they have admitted it once: the fingerprint, and what it adds,
    /// where the first copy is; or what it added too often, taken back. `None` if copies contradict each other.
    pub fn repair(&self, fingerprints: &Fingerprints) -> Option<BTreeMap<Place, PageRepair>> {
        let effects = self.identity.effects();
        let [effect] = &effects[..] else { return None };
        let adds = effect.counters();
        let mut pages: BTreeMap<Place, PageRepair> = BTreeMap::new();
        let place = |partition| Place { topic: self.topic.clone(), partition };
        if self.admitted.is_empty() {
            let first = self.identity.entries().next()?;
            let page = pages.entry(place(first.partition)).or_default();
            page.fingerprints.push(fingerprint(fingerprints, &self.identity));
            (page.sums, page.offset) = (adds, first.offset);
        }
        for partition in self.admitted.iter().skip(1) {
            let page = pages.entry(place(*partition)).or_default();
            page.sums.iter_mut().zip(adds).for_each(|(sum, value)| *sum -= value);
            let copy = self.identity.entries().find(|entry| entry.partition == *partition);
            page.offset = copy.map_or(0, |entry| entry.offset);
        }
        Some(pages)
    }

    /// The start of its quarter, in seconds since the Unix epoch.
    pub fn quarter(&self) -> i64 {
        i64::from(self.identity.quarter) * 900
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { organization, id, what, copies, .. } = &self.identity;
        let what = match what {
            What::Order => "order",
            What::Payment => "payment",
            What::Run => "workflow execution",
            What::Sent => "sending of message",
            What::Delivered => "delivery of message",
            What::Update => "update",
        };
        let quarter: Option<DateTime<Utc>> = DateTime::from_timestamp(self.quarter(), 0);
        let (organization, id) = (printable(organization), printable(id));
        write!(f, "{}  {organization}  {what} {id}: ", moment::shown(quarter))?;
        match &self.admitted[..] {
            [] => write!(f, "never counted")?,
            partitions => {
                let partitions: Vec<String> = partitions.iter().map(ToString::to_string).collect();
                write!(f, "counted {} times, in partitions {}", partitions.len(), partitions.join(" and "))?;
            }
        }
        let copy =
            |entry: recount::Entry<'_>| format!("partition {} offset {}", entry.partition, entry.offset);
        let named: Vec<String> = self.identity.entries().take(COPIES_NAMED).map(copy).collect();
        write!(f, "; {copies} copies in {}, first of each partition: {}", self.topic, named.join(", "))?;
        if self.identity.effects().len() > 1 {
            write!(f, "; they contradict each other")?;
        }
        Ok(())
    }
}
