//! The reading half of a member, as `source` is in production: membership, folding, handing over.

use super::between::{Between, Message, Order};
use super::setup::Setup;
use crate::defect::Defect;
use crate::group::{MemberId, News};
use crate::outside::Outside;
use crate::producer::CEILING;
use consumer::batch::{Batch, Claim};
use consumer::record::decode::Bounds;
use consumer::record::identity::Fingerprints;
use consumer::record::{Offset, Partition, Raw};
use consumer::refused::allowance::Keeping;
use std::collections::{BTreeMap, VecDeque};

/// Every refused record is kept whole: which of them are, is no matter of exactness.
const KEEPING: Keeping = Keeping { hour: 0, whole_per_hour: u32::MAX, payload_bytes_max: usize::MAX };

/// Records folded in one step at most.
const FOLD_RECORDS_MAX: u64 = 12;

pub struct Reader {
    id: MemberId,
    defect: Option<Defect>,
    fingerprints: Fingerprints,
    batch_records: usize,
    claims: Vec<Claim>,
    batch: Batch,
    outbox: VecDeque<Message>,
    assignments: u64,
    joined: bool,
    /// Partitions being given up, and how many revocations the pipeline must be done with first.
    leaving: Option<(Vec<Partition>, u64)>,
    revocations: u64,
    /// Where reading of partitions stopped; what only a defect looks at.
    stopped: BTreeMap<Partition, Offset>,
}

impl Reader {
    pub fn new(setup: Setup) -> Self {
        Self {
            id: setup.id,
            defect: setup.defect,
            fingerprints: Fingerprints::keyed(&[7; 16]),
            batch_records: setup.batch_records,
            claims: Vec::new(),
            batch: Batch::new(setup.floor),
            outbox: VecDeque::new(),
            assignments: 0,
            joined: false,
            leaving: None,
            revocations: 0,
            stopped: BTreeMap::new(),
        }
    }

    pub fn is_idle(&self) -> bool {
        self.joined && self.leaving.is_none() && self.outbox.is_empty() && self.batch.is_empty()
    }

    /// Hears from the group; a revocation keeps it from anything else until the pipeline is done with it.
    pub fn poll(&mut self, between: &mut Between, outside: &mut Outside) {
        if let Some((_, awaited)) = &self.leaving {
            if between.done >= *awaited {
                self.let_go(outside);
            }
        } else if !outside.group.has(self.id) {
            if self.joined {
                self.joined = false;
                self.revoke(between.wanted.keys().copied().collect(), between, outside);
            } else {
                self.joined = true;
                outside.group.join(self.id);
            }
        } else if let Some(news) = outside.group.news(self.id) {
            outside.trace.say(|| format!("member {} hears {news:?}", self.id));
            match news {
                News::Assigned(partitions) => self.ask(partitions, between),
                News::Revoked(partitions) => self.revoke(partitions, between, outside),
            }
        }
    }

    fn ask(&mut self, partitions: Vec<Partition>, between: &mut Between) {
        self.assignments += 1;
        between.wanted.extend(partitions.iter().map(|partition| (*partition, self.assignments)));
        self.outbox.push_back(Message::Assigned(partitions, self.assignments));
    }

    fn revoke(&mut self, partitions: Vec<Partition>, between: &mut Between, outside: &mut Outside) {
        outside.trace.say(|| format!("member {} gives {partitions:?} up", self.id));
        between.wanted.retain(|partition, _| !partitions.contains(partition));
        self.end_batch(between.floor);
        self.revocations += 1;
        self.outbox.push_back(Message::Revoked(partitions.clone()));
        self.leaving = Some((partitions, self.revocations));
    }

    /// Gives the partitions up, whether the pipeline is done with them or not.
    pub fn let_go(&mut self, outside: &mut Outside) {
        let Some((partitions, _)) = self.leaving.take() else { return };
        let (gone, kept) = self.claims.drain(..).partition(|claim| partitions.contains(&claim.partition));
        let gone: Vec<Claim> = gone;
        self.stopped.extend(gone.iter().map(|claim| (claim.partition, claim.position)));
        self.claims = kept;
        partitions.iter().for_each(|partition| self.batch.forget(*partition));
        outside.group.released(self.id, &partitions);
    }

    pub fn obey(&mut self, between: &mut Between, outside: &mut Outside) {
        if self.leaving.is_some() {
            return;
        }
        match between.orders.pop_front() {
            Some(Order::Fetch(claim, assignment)) => {
                let known = self.claims.iter().any(|known| known.partition == claim.partition);
                if between.wanted.get(&claim.partition) == Some(&assignment) && !known {
                    outside.trace.say(|| format!("member {} reads {claim:?}", self.id));
                    self.claims.push(Claim { position: self.start(&claim), ..claim });
                }
            }
            Some(Order::Rejoin) => {
                outside.group.remove(self.id);
                self.joined = false;
                self.revoke(between.wanted.keys().copied().collect(), between, outside);
            }
            None => {}
        }
    }

    fn start(&self, claim: &Claim) -> Offset {
        let stopped = self.stopped.get(&claim.partition);
        match self.defect {
            Some(Defect::PositionKept) => stopped.copied().unwrap_or(claim.position),
            _ => claim.position,
        }
    }

    /// Folds some records of one partition, or passes the markers behind its last.
    pub fn fold(&mut self, between: &Between, outside: &mut Outside) {
        let busy = !self.outbox.is_empty() || self.leaving.is_some();
        if busy || self.claims.is_empty() || self.batch.records() >= self.batch_records {
            return;
        }
        if self.batch.is_empty() {
            self.batch.floor = between.floor;
        }
        let bounds = Bounds { floor: self.batch.floor, ceiling: CEILING };
        let Self { claims, batch, fingerprints, defect, .. } = self;
        let which = outside.rng.index(claims.len());
        let claim = &mut claims[which];
        let (partition, from) = (claim.partition, claim.position);
        let count = usize::try_from(1 + outside.rng.below(FOLD_RECORDS_MAX)).expect("a few");
        for (offset, payload) in outside.kafka.records(partition, from.0).take(count) {
            let raw = Raw {
                partition,
                offset: Offset(offset),
                key: None,
                payload,
                headers: Vec::new(),
                timestamp_ms: None,
            };
            batch.take(claim, &raw, fingerprints, bounds, KEEPING);
        }
        if claim.position == from && *defect != Some(Defect::MarkersNotPassed) {
            batch.reach(claim, Offset(outside.kafka.end(partition)));
        }
    }

    /// Hands over what is next in line, or the batch, if the pipeline has room.
    pub fn hand_over(&mut self, between: &mut Between) {
        if self.outbox.is_empty() {
            self.end_batch(between.floor);
        }
        if between.channel.is_empty() {
            between.channel.extend(self.outbox.pop_front());
        }
    }

    fn end_batch(&mut self, floor: i64) {
        if !self.batch.is_empty() {
            let batch = std::mem::replace(&mut self.batch, Batch::new(floor));
            self.outbox.push_back(Message::Batch(batch));
        }
    }
}
