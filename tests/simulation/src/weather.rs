//! What a run is exposed to. Each seed has its own: many faults at once hide each other, so every fault is left out of
//! half of the runs.

use crate::producer::Mix;
use consumer::ledger::Tuning;
use consumer::record::Topic;
use load::rng::Rng;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A member stops for a while, and doesn't hear of anything: not even that the group goes on without it.
    Pause,
    /// A member ends at once, and is started anew.
    Crash,
    /// A connection breaks; the backend goes on with what has arrived, perhaps later.
    Cut,
    /// A backend goes on after a while.
    Stall,
    /// A backend ends.
    Kill,
    /// A statement fails.
    Fail,
    /// PostgreSQL ends and comes back after a while.
    Outage,
    /// A partition is given to another member.
    Shift,
    /// A member is put out of the group.
    Expel,
    /// A member gives partitions up without waiting for its pipeline.
    LetGo,
    /// The floor rises, or pages below it are dropped.
    Floor,
    /// A topic gets one more partition.
    Grow,
    /// A partition is set back, or on.
    Reset,
    /// The layout of a topic is changed.
    Layout,
    /// Somebody writes to the layouts' topic who shouldn't.
    Forge,
    /// The layouts' topic loses its records.
    Purge,
    /// A refused record is published again.
    Redrive,
    /// A backup is made, or restored.
    Restore,
    /// The database is made anew.
    Empty,
    /// A topic isn't read for a while, and its progress is removed.
    Retire,
    /// A topic is deleted and made anew.
    Anew,
    /// A partition's leader changes.
    Elect,
    /// A partition loses records that were acknowledged.
    PutBack,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Pause,
        Self::Crash,
        Self::Cut,
        Self::Stall,
        Self::Kill,
        Self::Fail,
        Self::Outage,
        Self::Shift,
        Self::Expel,
        Self::LetGo,
        Self::Floor,
        Self::Grow,
        Self::Reset,
        Self::Layout,
        Self::Forge,
        Self::Purge,
        Self::Redrive,
        Self::Restore,
        Self::Empty,
        Self::Retire,
        Self::Anew,
        Self::Elect,
        Self::PutBack,
    ];
}

impl Fault {
    /// Whether it is one of members, their connections, and the group.
    fn is_of_members(self) -> bool {
        match self {
            Self::Pause | Self::Crash | Self::Cut | Self::Stall | Self::Kill | Self::Fail | Self::Outage => {
                true
            }
            Self::Shift | Self::Expel | Self::LetGo | Self::Floor | Self::Grow => true,
            Self::Reset | Self::Layout | Self::Forge | Self::Purge | Self::Redrive | Self::Restore => false,
            Self::Empty | Self::Retire | Self::Anew | Self::Elect | Self::PutBack => false,
        }
    }

    /// Whether it changes so much that it should happen once or twice in a run.
    #[must_use]
    pub fn is_rare(self) -> bool {
        match self {
            Self::Forge | Self::Purge | Self::Restore | Self::Empty | Self::Retire | Self::Anew => true,
            Self::Pause | Self::Crash | Self::Cut | Self::Stall | Self::Kill | Self::Fail | Self::Outage => {
                false
            }
            Self::Shift | Self::Expel | Self::LetGo | Self::Floor | Self::Grow | Self::Reset => false,
            Self::Layout | Self::Redrive | Self::Elect | Self::PutBack => false,
        }
    }
}

/// A run's weather.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The faults there are.
    pub faults: Vec<Fault>,
    /// How many steps of a hundred are faults.
    pub storm: u64,
    /// Members.
    pub members: usize,
    /// The topics that there are.
    pub topics: Vec<Topic>,
    /// Partitions of each topic at first.
    pub partitions: u64,
    /// Records at most.
    pub records: u64,
    /// Whether they come evenly over time.
    pub evenly: bool,
    /// How often in a row a member or the database gets a turn, but for one.
    pub burst: u64,
    /// Whether all members get a turn at once.
    pub together: bool,
    /// Steps before all faults end.
    pub steps: u64,
    /// How members read their ledger.
    pub tuning: Tuning,
    /// Records in a batch.
    pub batch_records: usize,
    /// The step after which records from the future are none any more.
    pub week_at: u64,
    /// What records there are.
    pub mix: Mix,
}

/// What a run is mostly about: where all faults are equally likely, the rarest meet too seldom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    /// Members, their connections, and the group.
    Members,
    /// Layouts, and whatever makes records of an earlier one be decided later.
    Layouts,
    /// All of it.
    All,
}

impl Theme {
    fn faults(self, rng: &mut Rng) -> Vec<Fault> {
        let mut faults = Fault::ALL.to_vec();
        faults.retain(|fault| rng.chance(self.likelihood(*fault)));
        faults
    }

    fn likelihood(self, fault: Fault) -> f64 {
        match (self, fault.is_of_members(), fault) {
            (Self::Layouts, _, Fault::Layout | Fault::Reset | Fault::Redrive) => 1.0,
            (Self::Layouts, false, fault) if fault.is_rare() => 0.35,
            (Self::All, ..) | (Self::Members, true, _) | (Self::Layouts, false, _) => 0.5,
            (Self::Members, false, _) => 0.0,
            (Self::Layouts, true, _) => 0.2,
        }
    }
}

impl Weather {
    /// A weather.
    pub fn drawn(rng: &mut Rng) -> Self {
        let theme =
            [Theme::Members, Theme::Members, Theme::Layouts, Theme::Layouts, Theme::All][rng.index(5)];
        let faults = theme.faults(rng);
        let is_of_layouts = theme == Theme::Layouts;
        let mut one_of = |choices: &[f64]| choices[rng.index(choices.len())];
        let mix = Mix {
            copies: one_of(if is_of_layouts { &[0.5, 0.7] } else { &[0.1, 0.4, 0.7] }),
            stragglers: one_of(&[0.0, 0.2, 0.5]),
            bad: one_of(&[0.0, 0.05]),
            far: one_of(if is_of_layouts { &[0.2, 0.4, 0.4] } else { &[0.0, 0.1] }),
            markers: one_of(&[0.0, 0.1]),
            transactions: one_of(&[0.0, 0.05]),
            ids: 0,
        };
        // Everything small, so that pages are looked into, read, filtered and forgotten, and tails filed, all the time.
        let tuning = Tuning {
            budget: [0, 500, 1_000, 2_000, 4_000, 12_000, 1 << 20][rng.index(7)],
            lookup_cost: rng.index(4),
            segment_min: rng.index(4),
            tail_rows_max: 1 + rng.index(6),
            tail_len_max: 1 + rng.index(16),
        };
        // Copies meet where there are few things that records are about.
        let (topics, ids) = if is_of_layouts {
            (vec![Topic::ALL[rng.index(3)]], [8, 40][rng.index(2)])
        } else {
            (Topic::ALL.to_vec(), [8, 60][rng.index(2)])
        };
        let steps = if is_of_layouts { 1_000 + rng.below(2_500) } else { 500 + rng.below(3_000) };
        Self {
            faults,
            topics,
            storm: if is_of_layouts { [2, 4][rng.index(2)] } else { [1, 3, 8][rng.index(3)] },
            members: if is_of_layouts { 2 + rng.index(2) } else { 1 + rng.index(3) },
            partitions: if is_of_layouts { 2 } else { 1 + rng.below(2) },
            records: if is_of_layouts { 200 } else { 30 } + rng.below(500),
            evenly: is_of_layouts || rng.chance(0.5),
            burst: if is_of_layouts { 20 } else { 6 },
            together: is_of_layouts,
            steps,
            tuning,
            batch_records: [1, 6, 40][rng.index(3)],
            week_at: steps / 4 + rng.below(steps / 2),
            mix: Mix { ids, ..mix },
        }
    }
}
