//! The batch that records are folded into: under which limits, and when it is due.

use super::settings::Settings;
use crate::batch::producers::Producers;
use crate::batch::{Batch, Claim, Limits};
use crate::clock::Clock;
use crate::floor::SharedFloor;
use crate::limits::{BATCH_BYTES_MAX, POLL_WAIT, POLL_WAIT_SHORT};
use crate::record::decode::Bounds;
use crate::record::identity::Fingerprints;
use crate::record::{Offset, Partition, Raw};
use crate::refused::allowance::Keeping;
use crate::trace::BatchTrace;
use std::time::{Duration, Instant};

/// A batch that grows.
pub struct Folding {
    batch: Batch,
    /// Where its records come from; `None` while tracing is off.
    producers: Option<Producers>,
    /// When the batch got its first record, or its first step past offsets without one.
    since: Option<Instant>,
    /// Whether it is due whatever its age.
    is_hurried: bool,
    settings: Settings,
    fingerprints: Fingerprints,
    floor: SharedFloor,
    clock: Clock,
}

/// The batch, with the limits that its records are folded under. Short-lived: its bounds are those of one instant.
pub struct Fold<'a> {
    batch: &'a mut Batch,
    producers: Option<&'a mut Producers>,
    fingerprints: &'a Fingerprints,
    bounds: Bounds,
    keeping: Keeping,
}

impl Folding {
    /// An empty batch.
    pub fn new(settings: Settings, fingerprints: Fingerprints, floor: SharedFloor, clock: Clock) -> Self {
        let batch = Batch::new(floor.get());
        let producers = traces::are_on().then(Producers::default);
        Self { batch, producers, since: None, is_hurried: false, settings, fingerprints, floor, clock }
    }

    /// The batch, to fold records into.
    pub fn fold(&mut self) -> Fold<'_> {
        if self.batch.is_empty() {
            self.batch.floor = self.floor.get();
        }
        // The later bound: no record is refused that may be from the present.
        let now = self.clock.latest().timestamp();
        let skew = i64::try_from(self.settings.future_skew_max.as_secs()).unwrap_or(i64::MAX);
        Fold {
            bounds: Bounds { floor: self.batch.floor, ceiling: now.saturating_add(skew) },
            keeping: self.settings.refused.at(now),
            batch: &mut self.batch,
            producers: self.producers.as_mut(),
            fingerprints: &self.fingerprints,
        }
    }

    /// The batch's age begins once it is no longer empty. A step past transactions' markers counts, or it would never be due.
    pub fn begin_age(&mut self) {
        if !self.batch.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Makes the batch due: nothing is gained by waiting for more records.
    pub fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// How long to wait for records: not beyond the time when the batch is due.
    pub fn wait(&self) -> Duration {
        let left =
            self.since.map_or(POLL_WAIT, |since| self.settings.batch_age_max.saturating_sub(since.elapsed()));
        left.clamp(POLL_WAIT_SHORT, POLL_WAIT)
    }

    /// Whether the batch takes no more records.
    pub fn is_full(&self) -> bool {
        let records = self.settings.batch_records_max as usize;
        self.batch.is_full(Limits { records, bytes: BATCH_BYTES_MAX })
    }

    /// Whether the batch should be handed over.
    pub fn is_due(&self) -> bool {
        let is_old = self.since.is_some_and(|since| since.elapsed() >= self.settings.batch_age_max);
        !self.batch.is_empty() && (is_old || self.is_hurried || self.is_full())
    }

    /// Takes the batch out, if there is anything in it, and begins the next.
    pub fn end(&mut self) -> Option<(Box<Batch>, BatchTrace)> {
        if self.batch.is_empty() {
            return None;
        }
        let since = self.since.take();
        self.is_hurried = false;
        let next = Batch::new(self.floor.get());
        let batch = Box::new(std::mem::replace(&mut self.batch, next));
        let producers = self.producers.as_mut().map(std::mem::take);
        let trace = producers.map(|producers| {
            let Settings { topics, kafka_group_id, .. } = &self.settings;
            BatchTrace::folded(&batch, producers, since.unwrap_or_else(Instant::now), topics, kafka_group_id)
        });
        Some((batch, trace.unwrap_or_default()))
    }

    /// Drops the share of a partition that was given up.
    pub fn forget(&mut self, partition: Partition) {
        self.batch.forget(partition);
    }
}

impl Fold<'_> {
    /// Folds a record in, and moves its partition's claim on. A record of the next layout moves it to the end of its own.
    #[inline]
    pub fn take(&mut self, claim: &mut Claim, raw: &Raw<'_>) {
        if claim.ends_before(raw.offset) {
            return self.reach(claim, raw.offset, None);
        }
        if let Some(producers) = &mut self.producers {
            producers.take(&raw.headers);
        }
        self.batch.take(claim, raw, self.fingerprints, self.bounds, self.keeping);
    }

    /// The same for a record that PostgreSQL has refused, and said `why`.
    pub fn take_unstorable(&mut self, claim: &mut Claim, raw: &Raw<'_>, why: &str) {
        self.batch.take_unstorable(claim, raw, why, self.bounds, self.keeping);
    }

    /// Moves a claim on to `position`, before which there is no record to fold, or to the end of its layout.
    pub fn reach(&mut self, claim: &mut Claim, position: Offset, leader_epoch: Option<i32>) {
        match claim.until.filter(|until| *until < position) {
            Some(until) => self.batch.reach(claim, until, None),
            None => self.batch.reach(claim, position, leader_epoch),
        }
    }
}
