//! Which faults occur, in which order and for how long: a function of the seed alone. Pure.

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

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A member is killed (SIGKILL), and started again after a while.
    Kill,
    /// A member is paused (SIGSTOP) for longer than its session, and then resumed (SIGCONT): a zombie.
    Hang,
    /// All members are stopped (SIGTERM) and started, one after the other.
    Roll,
    /// A member's connection to PostgreSQL is cut at a COMMIT: before, after or during it.
    Cut,
    /// The network between a member and PostgreSQL passes nothing for a while.
    Silence,
    /// PostgreSQL stops immediately, which cuts every connection, and recovers from its log.
    Postgres,
    /// Kafka is killed (SIGKILL) and started again.
    Kafka,
    /// Redis is stopped and started again, empty.
    Redis,
    /// Every topic gets more partitions.
    Grow,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::Hang,
        Self::Roll,
        Self::Cut,
        Self::Silence,
        Self::Postgres,
        Self::Kafka,
        Self::Redis,
        Self::Grow,
    ];

    /// The kind's name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "member killed",
            Self::Hang => "member hung, then woke",
            Self::Roll => "members restarted in turn",
            Self::Cut => "commit cut off",
            Self::Silence => "PostgreSQL out of reach",
            Self::Postgres => "PostgreSQL crashed",
            Self::Kafka => "Kafka killed",
            Self::Redis => "Redis away",
            Self::Grow => "partitions added",
        }
    }

    /// The range of its duration, in milliseconds. For [`Kind::Hang`] this is beyond the session.
    fn lasts_ms(self) -> std::ops::Range<u64> {
        match self {
            Self::Kill => 500..8_000,
            Self::Hang => 2_000..5_000,
            Self::Roll | Self::Cut | Self::Grow => 0..1,
            Self::Silence => 1_000..6_000,
            Self::Postgres => 0..3_000,
            Self::Kafka => 0..2_000,
            Self::Redis => 500..4_000,
        }
    }

    /// Whether both may occur at the same time. An operator's procedure is not started during a fault.
    fn goes_with(self, other: Self) -> bool {
        let alone = |kind| matches!(kind, Self::Grow);
        let all_members = |kind| matches!(kind, Self::Roll);
        let a_member =
            |kind| matches!(kind, Self::Kill | Self::Hang | Self::Roll | Self::Cut | Self::Silence);
        let members_twice = (all_members(self) && a_member(other)) || (all_members(other) && a_member(self));
        self != other && !alone(self) && !alone(other) && !members_twice
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// The kind.
    pub kind: Kind,
    /// The member, if the fault concerns one: below [`MEMBERS`].
    pub member: usize,
    /// How long it lasts.
    pub lasts: Duration,
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, member) = (self.kind.name(), self.member + 1);
        match self.kind {
            Kind::Kill | Kind::Hang | Kind::Cut | Kind::Silence => write!(f, "{name} (member {member})"),
            Kind::Roll | Kind::Postgres | Kind::Kafka | Kind::Redis | Kind::Grow => f.write_str(name),
        }
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
    rng: Rng,
    deck: Vec<Kind>,
}

impl Schedule {
    /// The schedule of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed), deck: Vec::new() }
    }

    fn deal(&mut self) -> Kind {
        if self.deck.is_empty() {
            self.deck = Kind::ALL.to_vec();
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
        Stroke { kind, member, lasts: Duration::from_millis(lasts) }
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
        let rounds = |seed| Schedule::new(seed).take(50).collect::<Vec<_>>();
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1), rounds(2));
    }

    #[test]
    fn each_kind_comes_before_any_comes_again() {
        for seed in 0..50 {
            let kinds = Schedule::new(seed).flat_map(|round| round.strokes).map(|stroke| stroke.kind);
            let first: BTreeSet<Kind> = kinds.take(Kind::ALL.len()).collect();
            assert_eq!(first.len(), Kind::ALL.len(), "seed {seed}");
        }
    }

    #[test]
    fn faults_at_once_get_along_and_do_come() {
        let rounds: Vec<Round> = (0..50).flat_map(|seed| Schedule::new(seed).take(20)).collect();
        let pairs: Vec<&[Stroke]> =
            rounds.iter().map(|round| &*round.strokes).filter(|strokes| strokes.len() > 1).collect();
        assert!(pairs.len() > 100, "{} pairs", pairs.len());
        for pair in pairs {
            assert_ne!(pair[0].member, pair[1].member);
            assert!(pair[0].kind.goes_with(pair[1].kind) && pair[1].kind.goes_with(pair[0].kind));
            assert!(pair.iter().all(|stroke| stroke.kind != Kind::Grow));
        }
    }
}
