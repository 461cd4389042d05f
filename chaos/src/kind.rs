//! The kinds of faults. Pure.

use std::ops::Range;

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
    /// PostgreSQL's primary is lost with the commits that it hadn't shipped, and its standby takes over.
    Failover,
    /// An older backup is restored in PostgreSQL's place.
    Restore,
    /// `pg_dump` holds its snapshot and its locks for a while.
    Dump,
    /// All of Kafka is killed (SIGKILL) and started again.
    Kafka,
    /// One of several brokers is killed, stays away for a while, and is back.
    BrokerLost,
    /// One of several brokers is paused until others lead its partitions, and then resumed: a zombie.
    BrokerHung,
    /// One of several brokers hands its partitions over (SIGTERM), is started again, and gets them back.
    Leaders,
    /// Redis is stopped and started again, empty.
    Redis,
    /// A producer dies in the middle of a transaction, which Kafka aborts after its timeout.
    Abandon,
    /// Every topic gets another layout, with more partitions as long as it may have more.
    Layout,
    /// The members are stopped, and the progress of a topic is set back.
    Reset,
    /// Dead letters are published again; the command is killed on its way, and run again.
    Redrive,
}

/// What a fault concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Member,
    AllMembers,
    Database,
    /// Reads the database from its beginning to its end.
    Reader,
    Brokers,
    Redis,
    Producers,
    DeadLetters,
    Progress,
    Everything,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::Kill,
        Self::Hang,
        Self::Roll,
        Self::Cut,
        Self::Silence,
        Self::Postgres,
        Self::Failover,
        Self::Restore,
        Self::Dump,
        Self::Kafka,
        Self::BrokerLost,
        Self::BrokerHung,
        Self::Leaders,
        Self::Redis,
        Self::Abandon,
        Self::Layout,
        Self::Reset,
        Self::Redrive,
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
            Self::Failover => "PostgreSQL failed over",
            Self::Restore => "backup restored",
            Self::Dump => "pg_dump running",
            Self::Kafka => "Kafka killed",
            Self::BrokerLost => "broker lost, then back",
            Self::BrokerHung => "broker hung, then woke",
            Self::Leaders => "leaders moved",
            Self::Redis => "Redis away",
            Self::Abandon => "transaction abandoned",
            Self::Layout => "layout changed",
            Self::Reset => "progress reset",
            Self::Redrive => "dead letters redriven",
        }
    }

    /// Whether it takes one broker of several.
    #[must_use]
    pub fn needs_brokers(self) -> bool {
        matches!(self, Self::BrokerLost | Self::BrokerHung | Self::Leaders)
    }

    /// Whether it happens to one member.
    #[must_use]
    pub fn concerns_one_member(self) -> bool {
        self.part() == Part::Member
    }

    /// The range of its duration, in milliseconds. For [`Kind::Hang`] this is beyond the session; for [`Kind::Failover`] it is how
    /// long the standby is cut off before.
    #[must_use]
    pub fn lasts_ms(self) -> Range<u64> {
        match self {
            Self::Kill => 500..8_000,
            Self::Hang => 2_000..5_000,
            Self::Roll | Self::Cut | Self::Restore | Self::Leaders | Self::Layout | Self::Reset => 0..1,
            Self::Silence => 1_000..6_000,
            Self::Postgres => 0..3_000,
            Self::Failover => 300..3_000,
            Self::Dump => 1_000..6_000,
            Self::Kafka => 0..2_000,
            Self::BrokerLost => 2_000..8_000,
            // Longer than a broker's session.
            Self::BrokerHung => 4_000..8_000,
            Self::Redis => 500..4_000,
            // The timeout of the transaction.
            Self::Abandon => 1_000..6_000,
            Self::Redrive => 0..1_500,
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Kill | Self::Hang | Self::Cut | Self::Silence => Part::Member,
            Self::Roll => Part::AllMembers,
            Self::Postgres | Self::Failover | Self::Restore => Part::Database,
            Self::Dump => Part::Reader,
            Self::Kafka | Self::BrokerLost | Self::BrokerHung | Self::Leaders => Part::Brokers,
            Self::Redis => Part::Redis,
            Self::Abandon => Part::Producers,
            Self::Redrive => Part::DeadLetters,
            Self::Reset => Part::Progress,
            Self::Layout => Part::Everything,
        }
    }

    /// Whether both may occur at the same time. The layout is not changed during a fault. A dump must succeed. While the progress
    /// is reset, the members are stopped, and it must not go back: then a reset could skip records.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        let is = |one: Part, two: Part| {
            (self.part(), other.part()) == (one, two) || (self.part(), other.part()) == (two, one)
        };
        let alone = self.part() == Part::Everything || other.part() == Part::Everything;
        let same = self.part() == other.part() && self.part() != Part::Member;
        self != other
            && !alone
            && !same
            && !is(Part::Member, Part::AllMembers)
            && !is(Part::Member, Part::Progress)
            && !is(Part::AllMembers, Part::Progress)
            && !is(Part::Database, Part::Progress)
            && !is(Part::Database, Part::Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_meet_unless_they_concern_the_same() {
        let check = |one: Kind, other: Kind, expected| {
            assert_eq!(one.goes_with(other), expected, "{one:?} {other:?}")
        };
        check(Kind::Kill, Kind::Hang, true);
        check(Kind::Kill, Kind::Kill, false);
        check(Kind::Kill, Kind::Reset, false);
        check(Kind::Reset, Kind::Failover, false);
        check(Kind::Reset, Kind::BrokerLost, true);
        check(Kind::Failover, Kind::Restore, false);
        check(Kind::Failover, Kind::Hang, true);
        check(Kind::Restore, Kind::BrokerLost, true);
        check(Kind::Dump, Kind::Failover, false);
        check(Kind::Dump, Kind::Roll, true);
        check(Kind::Layout, Kind::Redis, false);
    }
}
