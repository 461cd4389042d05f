//! Which faults occur, in which order and for how long: a function of the seed alone. Pure.

use super::kind::Kind;
use load::Rng;
use std::fmt;
use std::time::Duration;

/// Members of the group.
pub const MEMBERS: usize = 3;
/// How often two faults occur at once.
const TWO_AT_ONCE: f64 = 0.4;
/// How often the next fault waits until everything is counted again.
const PATIENT: f64 = 0.7;
/// The longest pause between two rounds.
const QUIET_MS_MAX: u64 = 2_000;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// The kind.
    pub kind: Kind,
    /// The member, if the fault concerns one, or the broker: below [`MEMBERS`].
    pub member: usize,
    /// How long it lasts.
    pub lasts: Duration,
    /// The seed of everything else that is random about it.
    pub dice: u64,
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if self.kind.concerns_one_member() { write!(f, " (member {})", self.member + 1) } else { Ok(()) }
    }
}

/// Faults that begin at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// One, or two that may occur together.
    pub strokes: Vec<Stroke>,
    /// Whether the next round waits until everything is counted again; that time is then measured.
    pub patient: bool,
    /// The pause before the next round.
    pub quiet: Duration,
}

/// An endless sequence of rounds. Kinds are dealt like cards: each occurs once before any occurs again.
#[derive(Clone, Debug)]
pub struct Schedule {
    kinds: Vec<Kind>,
    rng: Rng,
    deck: Vec<Kind>,
}

impl Schedule {
    /// The schedule of `seed`, of these kinds.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn new(seed: u64, kinds: &[Kind]) -> Self {
        assert!(!kinds.is_empty(), "no kinds of faults");
        Self { kinds: kinds.to_vec(), rng: Rng::new(seed), deck: Vec::new() }
    }

    fn deal(&mut self) -> Kind {
        if self.deck.is_empty() {
            self.deck = self.kinds.clone();
            self.rng.shuffle(&mut self.deck);
        }
        self.deck.pop().expect("a fresh deck has cards")
    }

    /// A second kind from the deck, if a suitable one is left.
    fn deal_beside(&mut self, first: Kind) -> Option<Kind> {
        let place = self.deck.iter().rposition(|kind| kind.goes_with(first))?;
        Some(self.deck.remove(place))
    }

    fn stroke(&mut self, kind: Kind, member: usize) -> Stroke {
        let range = kind.lasts_ms();
        let lasts = range.start + self.rng.below(range.end - range.start);
        Stroke { kind, member, lasts: Duration::from_millis(lasts), dice: self.rng.next() }
    }
}

impl Iterator for Schedule {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let kind = self.deal();
        let member = self.rng.index(MEMBERS);
        let mut strokes = vec![self.stroke(kind, member)];
        if self.rng.chance(TWO_AT_ONCE)
            && let Some(second) = self.deal_beside(kind)
        {
            let other = (member + 1 + self.rng.index(MEMBERS - 1)) % MEMBERS;
            strokes.push(self.stroke(second, other));
        }
        let patient = self.rng.chance(PATIENT);
        let quiet = Duration::from_millis(self.rng.below(QUIET_MS_MAX));
        Some(Round { strokes, patient, quiet })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_gives_the_same_rounds() {
        let rounds = |seed| Schedule::new(seed, &Kind::ALL).take(50).collect::<Vec<_>>();
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1), rounds(2));
    }

    #[test]
    fn each_kind_comes_before_any_comes_again() {
        for (seed, kinds) in (0..50).flat_map(|seed| [(seed, &Kind::ALL[..]), (seed, &Kind::ALL[3..8])]) {
            let dealt = Schedule::new(seed, kinds).flat_map(|round| round.strokes).map(|stroke| stroke.kind);
            let first: BTreeSet<Kind> = dealt.take(kinds.len()).collect();
            assert_eq!(first, kinds.iter().copied().collect(), "seed {seed}");
        }
    }

    #[test]
    fn faults_at_once_get_along_and_do_come() {
        let rounds: Vec<Round> = (0..50).flat_map(|seed| Schedule::new(seed, &Kind::ALL).take(20)).collect();
        let pairs: Vec<&[Stroke]> =
            rounds.iter().map(|round| &*round.strokes).filter(|strokes| strokes.len() > 1).collect();
        assert!(pairs.len() > 100, "{} pairs", pairs.len());
        for pair in pairs {
            assert_ne!(pair[0].member, pair[1].member);
            assert!(pair[0].kind.goes_with(pair[1].kind) && pair[1].kind.goes_with(pair[0].kind));
            assert!(pair.iter().all(|stroke| stroke.kind != Kind::Layout));
        }
    }
}
