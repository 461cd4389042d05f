//! Claiming partitions, as `pipeline::claims` and `pipeline::layouts` do in production: learn where layouts end, claim,
//! find where to start, look how the partitions stand among the layouts, read their tails.

use super::stage::{AnnouncedAbout, Learned, ProgressRows, Stage, id};
use super::{Pipeline, Tails, segments};
use crate::defect::Defect;
use crate::member::between::{Between, Order};
use crate::member::writer::TopicIds;
use crate::outside::Outside;
use crate::statement::{Answer, ProgressRow};
use consumer::batch::Claim;
use consumer::decide::held_partition::HeldPartition;
use consumer::ledger::segment::Segment;
use consumer::record::layouts::{Announced, Layouts, Reading, Standing, heard};
use consumer::record::{Offset, Partition, Topic};
use consumer::refused::allowance::Allowance;
use std::collections::{BTreeMap, BTreeSet};

impl Pipeline {
    /// Asks Kafka what its topics are and what is announced about them, before anything is claimed.
    pub(super) fn learn(&self, partitions: Vec<Partition>, outside: &Outside) -> Option<Stage> {
        let kafka = &outside.kafka;
        let ids = Topic::ALL.map(|topic| (topic, kafka.topic_id(topic)));
        let announced = Topic::ALL.map(|topic| (topic, kafka.announced_about(topic)));
        let idle = partitions.is_empty() && kafka.announced.is_empty() && ids.iter().all(|(_, id)| *id == 0);
        (!idle)
            .then(|| Stage::Learning(partitions, ids.into_iter().collect(), announced.into_iter().collect()))
    }

    /// Looks after the partitions that wait.
    pub(super) fn releasing(&self) -> Stage {
        Stage::Releasing(self.waiting.iter().copied().collect(), self.topic_ids.clone())
    }

    pub(super) fn claim_answered(
        &mut self,
        stage: Stage,
        answers: &mut Vec<Answer>,
        between: &mut Between,
        outside: &Outside,
    ) -> Option<Stage> {
        let last = answers.pop()?;
        match (stage, last) {
            (Stage::Early(partitions), Answer::Tails(tails)) => {
                if let Some(Answer::Pages(pages)) = answers.pop() {
                    self.early = (pages, tails);
                }
                self.learn(partitions, outside)
            }
            (Stage::Learning(partitions, ids, announced), Answer::Layouts(known)) => {
                let unknown = self.unknown(&announced, &known, outside);
                let learned = Learned { ids, cuts: known_after(&known, &unknown) };
                if unknown.is_empty() {
                    self.learned(partitions, learned)
                } else {
                    Some(Stage::Adopting(partitions, learned, unknown))
                }
            }
            (Stage::Adopting(partitions, learned, _), _) => self.learned(partitions, learned),
            (Stage::Claiming(_, learned), _) => match answers.pop() {
                Some(Answer::ClaimedProgress(claimed, incarnation)) => {
                    let is_elsewhere = self.incarnation.replace(incarnation) != Some(incarnation);
                    if is_elsewhere && !self.has(Defect::IncarnationIgnored) {
                        let held: Vec<Partition> = self.member.held().keys().copied().collect();
                        self.read_again(&held, between);
                    }
                    self.claimed(claimed, learned, between, outside)
                }
                _ => None,
            },
            (Stage::Starting(starts, unread, learned), Answer::StoredProgress(stored, _)) => {
                Some(Stage::Settling(started(starts, &unread, &stored), learned))
            }
            (Stage::Settling(starts, _), _) => {
                let mut standings = BTreeMap::new();
                for answer in answers.drain(..) {
                    if let Answer::Standings(of_topic) = answer {
                        standings.extend(of_topic);
                    }
                }
                Some(self.settled(starts, standings))
            }
            (Stage::Holding(starts, readings), Answer::Tails(tails)) => {
                self.hold(starts, &readings, tails, between);
                None
            }
            (Stage::Releasing(..), last) => {
                for answer in answers.drain(..).chain([last]) {
                    if let Answer::Released(released) = answer {
                        self.waiting.retain(|waiting| !released.contains(waiting));
                    }
                }
                None
            }
            (stage, _) => Some(stage),
        }
    }

    /// The announced cuts that the database lacks and that count.
    fn unknown(
        &self,
        announced: &AnnouncedAbout,
        known: &BTreeMap<Topic, Layouts>,
        outside: &Outside,
    ) -> AnnouncedAbout {
        let mut unknown = AnnouncedAbout::new();
        for (topic, announced) in announced {
            let Some(known) = known.get(topic).filter(|_| !self.has(Defect::CutsNotLearned)) else {
                continue;
            };
            if announced.iter().all(|cut| known.cuts().contains_key(&cut.layout)) {
                continue;
            }
            let about: Vec<&Announced> = announced.iter().collect();
            let ends = outside.kafka.ends(*topic);
            let mut cuts = if self.has(Defect::MissingEndsAdopted) {
                heard(&about, |_| Some(Offset(i64::MAX))).cuts
            } else {
                heard(&about, ends).cuts
            };
            cuts.retain(|cut| known.fits(cut.layout, &cut.ends()));
            if !cuts.is_empty() {
                unknown.insert(*topic, cuts);
            }
        }
        unknown
    }

    fn learned(&mut self, partitions: Vec<Partition>, learned: Learned) -> Option<Stage> {
        if partitions.is_empty() {
            self.recognize(&learned.ids);
            return None;
        }
        Some(Stage::Claiming(partitions, learned))
    }

    /// Stops reading topics that were made anew.
    fn recognize(&mut self, ids: &TopicIds) {
        for (topic, now) in ids {
            let before = self.topic_ids.insert(*topic, *now);
            if before.is_some_and(|before| before != *now) {
                let held: Vec<Partition> = self.member.held().keys().copied().collect();
                held.into_iter().filter(|held| held.topic == *topic).for_each(|held| self.stop(held));
            }
        }
    }

    fn claimed(
        &mut self,
        mut claimed: ProgressRows,
        learned: Learned,
        between: &mut Between,
        outside: &Outside,
    ) -> Option<Stage> {
        let ids = &learned.ids;
        self.recognize(ids);
        for (partition, row) in &claimed {
            between.logs.insert((*partition, row.epoch), outside.kafka.timeline(*partition));
        }
        if ids.iter().any(|(topic, id)| *id != outside.kafka.topic_id(*topic)) {
            return None;
        }
        let compares = !self.has(Defect::LeaderEpochIgnored);
        let is_lost = |partition: &Partition, row: &ProgressRow| {
            let Some(next) = row.next else { return false };
            let is_anew = row.topic_id.is_some_and(|stored| stored != id(ids, partition.topic));
            let end = row.leader_epoch.map(|epoch| outside.kafka.end_of_epoch(*partition, epoch));
            is_anew || (compares && end.is_some_and(|end| end < next)) || outside.kafka.end(*partition) < next
        };
        let lost = claimed.iter().filter(|(partition, row)| is_lost(partition, row));
        let lost: Vec<Partition> = lost.map(|(partition, _)| *partition).collect();
        claimed.retain(|partition, _| !lost.contains(partition));
        lost.into_iter().for_each(|partition| self.stop(partition));
        let (starts, unread): (ProgressRows, ProgressRows) =
            claimed.into_iter().partition(|(_, row)| row.next.is_some());
        Some(if unread.is_empty() {
            Stage::Settling(starts, learned)
        } else {
            Stage::Starting(starts, unread, learned)
        })
    }

    fn settled(&mut self, mut starts: ProgressRows, standings: BTreeMap<Partition, Standing>) -> Stage {
        let mut readings = BTreeMap::new();
        for (partition, standing) in standings {
            match standing {
                Standing::Open(reading) => drop(readings.insert(partition, reading)),
                Standing::Waits { .. } => drop(self.waiting.insert(partition)),
            }
        }
        starts.retain(|partition, _| readings.contains_key(partition));
        Stage::Holding(starts, readings)
    }

    fn hold(
        &mut self,
        starts: ProgressRows,
        readings: &BTreeMap<Partition, Reading>,
        mut tails: Tails,
        between: &mut Between,
    ) {
        let (early_pages, early_tails) = std::mem::take(&mut self.early);
        match self.defect {
            Some(Defect::TailsReadBeforeClaim) => tails = early_tails,
            Some(Defect::TailsNotRead) => tails.clear(),
            _ => {}
        }
        for (partition, row) in starts {
            let Some(reading) = readings.get(&partition) else { continue };
            let Some(assignment) = self.unclaimed.remove(&partition) else { continue };
            let position = Offset(row.next.unwrap_or(0));
            let held = HeldPartition::claimed(row.epoch, *reading, position);
            let kept = self.keeps_pages().then(|| self.member.held_mut(partition)).flatten();
            match kept {
                Some(kept) => *kept = held,
                None => {
                    let rows = tails.get(&partition).map_or(&[][..], Vec::as_slice);
                    let tail: Vec<Vec<Segment>> = rows.iter().map(segments).collect();
                    self.member.hold(partition, held, &tail);
                }
            }
            let (epoch, until) = (row.epoch, reading.until);
            let claim = Claim {
                partition,
                epoch,
                position,
                until,
                leader_epoch: None,
                spread: None,
                allowance: Allowance::spent(0, 0),
            };
            between.orders.push_back(Order::Fetch(claim, assignment));
        }
        if self.has(Defect::PagesReadBeforeClaim) {
            self.put(early_pages);
        }
    }
}

/// The numbers of the cuts that the database has once it has taken over the unknown ones.
fn known_after(known: &BTreeMap<Topic, Layouts>, unknown: &AnnouncedAbout) -> BTreeMap<Topic, BTreeSet<i32>> {
    let adopted = |topic| unknown.get(topic).into_iter().flatten().map(|cut| cut.layout);
    let numbers = known
        .iter()
        .map(|(topic, layouts)| (*topic, layouts.cuts().keys().copied().chain(adopted(topic)).collect()));
    numbers.collect()
}

fn started(mut starts: ProgressRows, unread: &ProgressRows, stored: &ProgressRows) -> ProgressRows {
    // A claim that was lost since has another's epoch: it is claimed again.
    let ours = |(partition, row): &(&Partition, &ProgressRow)| {
        unread.get(*partition).is_some_and(|claimed| claimed.epoch == row.epoch)
    };
    starts.extend(stored.iter().filter(ours).map(|(partition, row)| (*partition, *row)));
    starts
}
