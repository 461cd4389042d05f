//! The reading half of a member, as `source` is in production: membership, folding, handing over.

use super::between::{Between, Message, Order};
use super::setup::Setup;
use crate::defect::Defect;
use crate::group::{MemberId, News};
use crate::outside::Outside;
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

    /// What the pipeline orders.
    pub fn obey(&mut self, between: &mut Between, outside: &mut Outside) {
        if self.leaving.is_some() {
            return;
        }
        match between.orders.pop_front() {
            Some(Order::Fetch(claim, assignment))
                if between.wanted.get(&claim.partition) == Some(&assignment) =>
            {
                // What is read of it under an earlier claim is read again.
                self.claims.retain(|known| known.partition != claim.partition);
                self.batch.forget(claim.partition);
                outside.trace.say(|| format!("member {} reads {claim:?}", self.id));
                self.claims.push(Claim { position: self.start(&claim), ..claim });
            }
            Some(Order::Rejoin) => {
                outside.group.remove(self.id);
                self.joined = false;
                self.revoke(between.wanted.keys().copied().collect(), between, outside);
            }
            Some(Order::Fetch(..)) | None => {}
        }
    }

    fn start(&self, claim: &Claim) -> Offset {
        let stopped = self.stopped.get(&claim.partition);
        match self.defect {
            Some(Defect::PositionKept) => stopped.copied().unwrap_or(claim.position),
            _ => claim.position,
        }
    }

    /// Folds some records of one partition, or passes what is no record behind its last.
    pub fn fold(&mut self, between: &mut Between, outside: &mut Outside) {
        let busy = !self.outbox.is_empty() || self.leaving.is_some();
        if busy || self.claims.is_empty() || self.batch.records() >= self.batch_records {
            return;
        }
        if self.batch.is_empty() {
            self.batch.floor = between.floor;
        }
        let which = outside.rng.index(self.claims.len());
        if !self.has_followed(which, between, outside) {
            return self.end_claim(which, between, Message::Broken);
        }
        self.take(which, outside);
        let claim = &self.claims[which];
        if claim.ends_before(claim.position) {
            self.end_claim(which, between, Message::LayoutEnded);
        }
    }

    fn take(&mut self, which: usize, outside: &mut Outside) {
        let bounds = Bounds { floor: self.batch.floor, ceiling: outside.database.tables.ceiling };
        let Self { claims, batch, fingerprints, defect, .. } = self;
        let claim = &mut claims[which];
        let (partition, from) = (claim.partition, claim.position);
        let count = usize::try_from(1 + outside.rng.below(FOLD_RECORDS_MAX)).expect("a few");
        let reach = |batch: &mut Batch, claim: &mut Claim, position: Offset| {
            let position = claim.until.map_or(position, |until| until.min(position));
            batch.reach(claim, position, None);
        };
        let open_too = *defect == Some(Defect::UncommittedRead);
        for (offset, payload) in outside.kafka.records(partition, from.0, open_too).take(count) {
            if claim.ends_before(Offset(offset)) {
                return reach(batch, claim, Offset(offset));
            }
            let raw = Raw {
                partition,
                offset: Offset(offset),
                key: None,
                payload,
                headers: Vec::new(),
                timestamp_ms: None,
                leader_epoch: None,
            };
            batch.take(claim, &raw, fingerprints, bounds, KEEPING);
        }
        if claim.position == from && *defect != Some(Defect::MarkersNotPassed) {
            reach(batch, claim, Offset(outside.kafka.stable_end(partition)));
        }
    }

    /// Whether the partition's present log goes on from what was read of it; Kafka's client asks for that.
    fn has_followed(&self, which: usize, between: &mut Between, outside: &Outside) -> bool {
        let Claim { partition, epoch, position, .. } = self.claims[which];
        let Some(log) = between.logs.get_mut(&(partition, epoch)) else { return true };
        let now = outside.kafka.timeline(partition);
        if *log == now {
            return true;
        }
        let is_anew = outside.kafka.topic_id_of(*log) != outside.kafka.topic_id_of(now);
        let followed = position.0 <= outside.kafka.shared(partition, *log) && !is_anew;
        if followed
            || (self.defect == Some(Defect::LeaderEpochIgnored) && position.0 <= outside.kafka.end(partition))
        {
            *log = now;
            return true;
        }
        false
    }

    /// Stops reading a partition, once what was read is in line for the pipeline.
    fn end_claim(&mut self, which: usize, between: &Between, message: impl Fn(Partition, i64) -> Message) {
        let claim = self.claims.remove(which);
        self.end_batch(between.floor);
        self.outbox.push_back(message(claim.partition, claim.epoch));
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
