//! What PostgreSQL knows of layouts: adopting where they end, how claimed partitions stand, and what operators do.

use super::{Database, SessionId};
use crate::defect::Defect;
use crate::kafka::{self, Kafka};
use crate::statement::{Answer, ClaimedPartition, ProgressRow};
use crate::tables::Tables;
use consumer::record::layouts::{Announced, Layouts, Reading, Standing};
use consumer::record::{Offset, Partition, Topic};
use std::collections::BTreeMap;

/// How ending a layout went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The layout has ended.
    Done,
    /// A partition isn't counted to the layout's end.
    Behind,
    /// Rows are locked: it is to be tried again.
    Waits,
}

impl Database {
    pub(super) fn rows_of(&self, topic: Topic) -> Vec<Partition> {
        self.tables.progress.keys().copied().filter(|partition| partition.topic == topic).collect()
    }

    /// Begins the layouts of topics that were made anew, and takes their partitions away from whoever reads the topic of
    /// before.
    pub(super) fn begin_layouts(&mut self, ids: &BTreeMap<Topic, u32>) -> Option<Answer> {
        let new = ids.iter().filter(|(topic, id)| self.tables.cuts.is_new(**topic, **id));
        let new: Vec<(Topic, u32)> = new.map(|(topic, id)| (*topic, *id)).collect();
        if new.iter().any(|(topic, _)| self.is_locked_any(*topic)) {
            return None;
        }
        for (topic, id) in new {
            if self.tables.cuts.begin(topic, id) {
                self.tables.fence(topic);
            }
        }
        Some(Answer::Done)
    }

    /// Adds cuts, and raises the claims' numbers of the rows that there are now: also of those that came after the topic
    /// was locked.
    pub(super) fn adopt(&mut self, id: SessionId, topic: Topic, cuts: &[Announced]) -> Option<Answer> {
        let adds_one_of_these = |(_, cut): &(Topic, Announced)| {
            cuts.iter().any(|other| (&cut.topic, cut.layout) == (&other.topic, other.layout))
        };
        let others = self.sessions.iter().filter(|(other, _)| **other != id);
        let mut transactions = others.filter_map(|(_, session)| session.transaction.as_ref());
        if transactions.any(|transaction| transaction.cuts.iter().any(adds_one_of_these)) {
            return None;
        }
        let rows = self.rows_of(topic);
        if !self.lock(id, &rows) {
            // Rows that came since the topic was locked, and are locked: waiting for them could be a deadlock.
            self.session(id).abort();
            return Some(Answer::Failed);
        }
        // Another member may have added others since this one has read which there are.
        let topic_id = kafka::id_from_words(cuts.first().map_or("", |cut| &cut.topic_id));
        let layouts = self.tables.cuts.layouts(topic, topic_id);
        let fitting = cuts.iter().filter(|cut| layouts.fits(cut.layout, &cut.ends()));
        let fitting: Vec<(Topic, Announced)> = fitting.map(|cut| (topic, cut.clone())).collect();
        let is_unfenced = self.defect == Some(Defect::AdoptedUnfenced);
        let fenced = rows.into_iter().filter(|_| !is_unfenced);
        let fenced: Vec<(Partition, ProgressRow)> = fenced.map(|of| (of, self.fenced_row(of))).collect();
        let transaction = self.transaction(id);
        transaction.cuts.extend(fitting);
        transaction.moved.extend(fenced);
        Some(Answer::Done)
    }

    fn fenced_row(&mut self, partition: Partition) -> ProgressRow {
        ProgressRow { epoch: self.tables.new_epoch(), ..self.tables.progress_row(partition) }
    }

    /// How claimed partitions stand; those whose claim is lost are left out.
    pub(super) fn standings(
        &mut self,
        id: SessionId,
        topic: Topic,
        layouts: &Layouts,
        claimed: &[ClaimedPartition],
    ) -> Answer {
        let held = claimed
            .iter()
            .filter(|claimed| self.tables.progress_row(claimed.partition).epoch == claimed.epoch);
        let standings = held
            .map(|claimed| (claimed.partition, self.standing(layouts, claimed.partition, claimed.position)));
        let standings: BTreeMap<_, _> = standings.collect();
        let open = standings.values().find_map(|standing| match standing {
            Standing::Open(reading) if !reading.is_only_layout => Some(reading.layout),
            Standing::Open(_) | Standing::Waits { .. } => None,
        });
        self.transaction(id).files.extend(open.map(|layout| (topic, layout)));
        Answer::Standings(standings)
    }

    pub(super) fn released(&self, topic: Topic, topic_id: u32, waiting: &[Partition]) -> Answer {
        let layouts = self.tables.cuts.layouts(topic, topic_id);
        let is_open = |partition: &&Partition| {
            let next = self.next_of(topic, partition.number);
            matches!(self.standing(&layouts, **partition, next), Standing::Open(_))
        };
        Answer::Released(waiting.iter().filter(is_open).copied().collect())
    }

    fn standing(&self, layouts: &Layouts, partition: Partition, at: Offset) -> Standing {
        let standing = layouts.standing(partition.number, at, |other| self.next_of(partition.topic, other));
        let is_only_layout = false;
        match (standing, self.defect) {
            (Standing::Waits { layout, .. }, Some(Defect::LayoutsDontWait)) => {
                let until = layouts.end_after(partition.number, at);
                Standing::Open(Reading { layout, until, partitions: None, is_only_layout })
            }
            (_, Some(Defect::LayoutOfDecision)) if !layouts.cuts().is_empty() => Standing::Open(Reading {
                layout: layouts.present(),
                until: None,
                partitions: None,
                is_only_layout,
            }),
            (Standing::Open(reading), Some(Defect::CutCrossed)) => {
                Standing::Open(Reading { until: None, ..reading })
            }
            (standing, _) => standing,
        }
    }

    fn next_of(&self, topic: Topic, number: i32) -> Offset {
        Offset(self.tables.progress_row(Partition { topic, number }).next.unwrap_or(0))
    }

    // --- What operators do, each in one transaction ---

    /// Ends a layout whose partitions are all counted to its end.
    pub fn close_layout(&mut self, topic: Topic, cut: &Announced) -> Closed {
        if self.is_locked_any(topic) {
            return Closed::Waits;
        }
        let next = |number| self.tables.progress_row(Partition { topic, number }).next;
        if cut.ends().iter().any(|(number, end)| next(*number).is_none_or(|next| next < end.0)) {
            return Closed::Behind;
        }
        self.tables.cuts.add(topic, cut);
        self.tables.fence(topic);
        Closed::Done
    }

    /// Lets a partition continue elsewhere, if no transaction holds a row of its topic. Whether it did. One that is set back
    /// below the end of a layout takes the others along.
    pub fn reset(&mut self, partition: Partition, to: i64, kafka: &Kafka) -> bool {
        if self.is_locked_any(partition.topic) {
            return false;
        }
        self.tables.reset(partition, to, kafka);
        let layouts = self.tables.cuts.layouts(partition.topic, kafka.topic_id(partition.topic));
        let is_past = layouts.at(partition.number, Offset(to)) < layouts.present();
        if is_past && self.defect != Some(Defect::SetBackUnfenced) {
            self.tables.fence(partition.topic);
        }
        true
    }

    /// Puts other tables in the place of those that there are, and ends all sessions.
    pub fn replace(&mut self, tables: Tables) {
        self.crash();
        self.incarnation += 1;
        let Tables { broken, ceiling, latest_epoch, .. } = &mut self.tables;
        let (broken, ceiling, latest_epoch) = (broken.take(), *ceiling, *latest_epoch);
        self.tables = Tables { broken, ceiling, latest_epoch, ..tables };
    }

    fn is_locked_any(&self, topic: Topic) -> bool {
        self.rows_of(topic).into_iter().any(|partition| self.is_locked(partition, None))
    }
}
