//! What a batch keeps of a partition's records that can't be counted: some whole, of the others their places. Pure.

pub mod allowance;
pub mod dead_letter;

use crate::record::reason::{Reason, Refusal};
use crate::record::{Raw, Span};
use crate::refused::allowance::{Allowance, Keeping};
use crate::refused::dead_letter::DeadLetter;

/// Refused records of one partition in one batch. Each is in it once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Those that are kept.
    pub whole: Vec<DeadLetter>,
    /// The places of the others, a run for each reason.
    pub runs: Vec<LetterRun>,
}

/// Records refused for one reason, of which nothing but their places is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRun {
    /// Why they were refused.
    pub reason: Reason,
    /// Where they stand: ascending, apart from each other, and nothing but refused records in them.
    pub places: Vec<Span>,
}

impl Refused {
    /// Takes a record in, refused: whole, if the partition's allowance has room for it. Says how many bytes that takes.
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
        self.whole.push(letter);
        bytes
    }

    /// How many there are, by reason; a reason may come repeatedly.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> {
        let whole = self.whole.iter().map(|letter| (letter.refusal.reason, 1));
        whole.chain(self.runs.iter().map(|run| (run.reason, run.records())))
    }

    /// How many of them have only their places kept.
    #[must_use]
    pub fn in_runs(&self) -> u64 {
        self.runs.iter().map(LetterRun::records).sum()
    }

    fn run(&mut self, reason: Reason) -> &mut LetterRun {
        let known = self.runs.iter().position(|run| run.reason == reason);
        let index = known.unwrap_or_else(|| {
            self.runs.push(LetterRun { reason, places: Vec::new() });
            self.runs.len() - 1
        });
        &mut self.runs[index]
    }
}

impl LetterRun {
    /// How many records it stands for.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.places.iter().map(|span| (span.until.0 - span.from.0).unsigned_abs()).sum()
    }

    fn add(&mut self, raw: &Raw<'_>) -> usize {
        match self.places.last_mut().filter(|last| last.until == raw.offset) {
            Some(last) => {
                last.take(raw.offset);
                0
            }
            None => {
                self.places.push(Span { from: raw.offset, until: raw.offset.next() });
                size_of::<Span>()
            }
        }
    }
}

#[cfg(test)]
#[path = "refused_tests.rs"]
mod tests;
