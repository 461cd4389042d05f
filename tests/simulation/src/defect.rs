//! Deliberate defects: what could be wrong with the shell around the core, or with the statements. Each must be found.
//!
//! They are put into the simulation's own shell and models; the code under test stays what it is.

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The compare-and-set doesn't look at the claim's number.
    NoEpochCheck,
    /// It doesn't look at where the partition stands, and nobody does after a doubtful commit.
    NoFromCheck,
    /// It compares what stood there before it waited for the row.
    ComparedBeforeWaiting,
    /// A claim reads where the partition stands before it waits for the row.
    ClaimReadsFirst,
    /// The offset is committed before the transaction that counts.
    OffsetBefore,
    /// The offset is committed after the transaction that counts.
    OffsetAfter,
    /// The ledger's rows are committed after the transaction that counts.
    LedgerAfter,
    /// Counters are read, added to, and written back.
    CountersWrittenBack,
    /// An organization's update replaces whatever is there, newer or not.
    LaterWriterNames,
    /// Fingerprints enter the ledger's pages when their rows are sent, and stay when that fails.
    RememberedTooEarly,
    /// Pages outlive the claim they were read under.
    PagesKeptWithoutClaim,
    /// Pages are read before the claim.
    PagesReadBeforeClaim,
    /// Tails are read before the claim.
    TailsReadBeforeClaim,
    /// Tails are not read at all.
    TailsNotRead,
    /// A tail that is filed stays.
    FiledTailKept,
    /// Fingerprints that a filter lets pass are not looked up.
    LookupsSkipped,
    /// What was read of a page before a batch's commit is put back after it.
    PagesReadBeforeCommit,
    /// What a batch adds to a page that isn't whole in memory is kept as if it were all of it.
    PartOfPageKept,
    /// Copies within a batch are not found.
    CopiesInBatchKept,
    /// A batch is decided while it isn't known what the one before counts.
    DecidedTwoAhead,
    /// It is placed before the one before is settled.
    PlacedTooEarly,
    /// A doubtful commit is done again whatever the table says.
    DoubtDoneAgain,
    /// A doubtful commit is taken for done.
    DoubtTakenForDone,
    /// A doubtful commit is taken for failed.
    DoubtTakenForFailed,
    /// After a doubtful commit the table is read without waiting for the transaction that may still commit.
    DoubtNotAwaited,
    /// After a doubtful commit whatever claim stands is taken for this member's.
    ClaimAdopted,
    /// Changes of partitions that did not move are written with the rest.
    FencedWritten,
    /// A batch of a revoked partition is written without its claim.
    RevokedWritten,
    /// The floor is looked at when a member starts, and never again.
    FloorIgnored,
    /// Reading goes on where this member stopped, not where the table says.
    PositionKept,
    /// Markers of Kafka's transactions at a partition's end are not passed.
    MarkersNotPassed,
    /// A partition is read under the latest layout of its topic, whatever layout its next record is of.
    LayoutOfDecision,
    /// A layout is begun before all partitions of the topic have passed the end of the one before.
    LayoutsDontWait,
    /// Reading goes on beyond the end of a layout.
    CutCrossed,
    /// Records are looked up in the pages of older layouts alone.
    NewerLayoutsNotAsked,
    /// Tails of other layouts stay tails, which no other partition finds.
    OtherTailsNotFiled,
    /// A partition is set back below the end of a layout, and the others go on.
    SetBackUnfenced,
    /// What Kafka has about the ends of layouts is not taken over.
    CutsNotLearned,
    /// It is taken over, and whoever holds partitions keeps them.
    AdoptedUnfenced,
    /// A backup is restored, and claims of before stand in it.
    IncarnationIgnored,
    /// Ends of layouts are taken over that no partition has.
    MissingEndsAdopted,
    /// Where a topic's layouts end is forgotten with its progress.
    CutsForgotten,
    /// A refused record is published again to the partition it came from.
    RedrivenBack,
    /// A partition's end is what can be read of it, whatever a transaction holds back.
    EndsAreStable,
    /// Records of open transactions are read.
    UncommittedRead,
    /// Reading goes on where it stopped, in a log that was put back since.
    LeaderEpochIgnored,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 46] = [
        Self::NoEpochCheck,
        Self::NoFromCheck,
        Self::ComparedBeforeWaiting,
        Self::ClaimReadsFirst,
        Self::OffsetBefore,
        Self::OffsetAfter,
        Self::LedgerAfter,
        Self::CountersWrittenBack,
        Self::LaterWriterNames,
        Self::RememberedTooEarly,
        Self::PagesKeptWithoutClaim,
        Self::PagesReadBeforeClaim,
        Self::TailsReadBeforeClaim,
        Self::TailsNotRead,
        Self::FiledTailKept,
        Self::LookupsSkipped,
        Self::PagesReadBeforeCommit,
        Self::PartOfPageKept,
        Self::CopiesInBatchKept,
        Self::DecidedTwoAhead,
        Self::PlacedTooEarly,
        Self::DoubtDoneAgain,
        Self::DoubtTakenForDone,
        Self::DoubtTakenForFailed,
        Self::DoubtNotAwaited,
        Self::ClaimAdopted,
        Self::FencedWritten,
        Self::RevokedWritten,
        Self::FloorIgnored,
        Self::PositionKept,
        Self::MarkersNotPassed,
        Self::LayoutOfDecision,
        Self::LayoutsDontWait,
        Self::CutCrossed,
        Self::NewerLayoutsNotAsked,
        Self::OtherTailsNotFiled,
        Self::SetBackUnfenced,
        Self::CutsNotLearned,
        Self::AdoptedUnfenced,
        Self::IncarnationIgnored,
        Self::MissingEndsAdopted,
        Self::CutsForgotten,
        Self::RedrivenBack,
        Self::EndsAreStable,
        Self::UncommittedRead,
        Self::LeaderEpochIgnored,
    ];
}
