//! What a run is exposed to. Each seed has its own: many faults at once hide each other, so every fault is left out of
//! half of the runs.

use crate::producer::Mix;
use consumer::ledger::Tuning;
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
    /// A partition is set back.
    Reset,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
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
    ];
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
    /// Partitions of each topic at first.
    pub partitions: u64,
    /// Records at most.
    pub records: u64,
    /// Steps before all faults end.
    pub steps: u64,
    /// How members read their ledger.
    pub tuning: Tuning,
    /// Records in a batch.
    pub batch_records: usize,
    /// What records there are.
    pub mix: Mix,
}

impl Weather {
    /// A weather.
    pub fn drawn(rng: &mut Rng) -> Self {
        let faults = Fault::ALL.into_iter().filter(|_| rng.chance(0.5)).collect();
        let mut one_of = |choices: &[f64]| choices[rng.index(choices.len())];
        let mix = Mix {
            copies: one_of(&[0.1, 0.4, 0.7]),
            stragglers: one_of(&[0.0, 0.2, 0.5]),
            bad: one_of(&[0.0, 0.05]),
            markers: one_of(&[0.0, 0.1]),
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
        Self {
            faults,
            storm: [1, 3, 8][rng.index(3)],
            members: 1 + rng.index(3),
            partitions: 1 + rng.below(2),
            records: 30 + rng.below(500),
            steps: 500 + rng.below(3_000),
            tuning,
            batch_records: [1, 6, 40][rng.index(3)],
            mix: Mix { ids: [8, 60][rng.index(2)], ..mix },
        }
    }
}
