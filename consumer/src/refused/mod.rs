//! Records of a partition that can't be counted: the first of each hour are kept as dead letters, of the others only their
//! offsets. Pure.

pub mod allowance;
pub mod dead_letter;
pub mod sender;

use crate::record::reason::{Reason, Refusal};
use crate::record::{Offset, Raw, Span};
use crate::refused::allowance::{Allowance, Keeping};
use crate::refused::dead_letter::DeadLetter;
use std::collections::BTreeMap;

/// Refused records of one partition in one batch. Each is either a dead letter or in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Records that are kept.
    pub letters: Vec<DeadLetter>,
    /// The other records' offsets, a run for each reason.
    pub runs: Vec<RefusedRun>,
}

/// Records refused for one reason, of which only the offsets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRun {
    /// Why they were refused.
    pub reason: Reason,
    /// Their offsets: ascending, separate spans that contain only these records.
    pub spans: Vec<Span>,
}

impl Refused {
    /// Adds a refused record: as a dead letter, if the partition's allowance permits. Returns how many bytes that takes.
    pub fn add(
        &mut self,
        raw: &Raw<'_>,
        refusal: &Refusal,
        allowance: &mut Allowance,
        keeping: Keeping,
    ) -> usize {
        if !allowance.take(keeping) {
            return self.run(refusal.reason).add(raw);
        }
        let letter = DeadLetter::new(raw, refusal, keeping.payload_bytes_max);
        let bytes = letter.bytes();
        self.letters.push(letter);
        bytes
    }

    /// How many records were refused for each reason, and the offset of one of them.
    #[must_use]
    pub fn by_reason(&self) -> BTreeMap<Reason, (u64, Offset)> {
        let letters = self.letters.iter().map(|letter| (letter.refusal.reason, 1, letter.offset));
        let first = |run: &RefusedRun| Some((run.reason, run.records(), run.spans.first()?.from));
        let runs = self.runs.iter().filter_map(first);
        let mut all = BTreeMap::new();
        for (reason, records, offset) in letters.chain(runs) {
            all.entry(reason).or_insert((0, offset)).0 += records;
        }
        all
    }

    /// How many records have only their offsets kept.
    #[must_use]
    pub fn in_runs(&self) -> u64 {
        self.runs.iter().map(RefusedRun::records).sum()
    }

    fn run(&mut self, reason: Reason) -> &mut RefusedRun {
        let known = self.runs.iter().position(|run| run.reason == reason);
        let index = known.unwrap_or_else(|| {
            self.runs.push(RefusedRun { reason, spans: Vec::new() });
            self.runs.len() - 1
        });
        &mut self.runs[index]
    }
}

impl RefusedRun {
    /// How many records it has.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.spans.iter().map(|span| (span.until.0 - span.from.0).unsigned_abs()).sum()
    }

    fn add(&mut self, raw: &Raw<'_>) -> usize {
        match self.spans.last_mut().filter(|last| last.until == raw.offset) {
            Some(last) => {
                last.take(raw.offset);
                0
            }
            None => {
                self.spans.push(Span { from: raw.offset, until: raw.offset.next() });
                size_of::<Span>()
            }
        }
    }
}

#[cfg(test)]
#[path = "refused_tests.rs"]
mod tests;
