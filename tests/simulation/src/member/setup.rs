//! How a member is set up.

use crate::defect::Defect;
use crate::group::MemberId;
use consumer::ledger::Tuning;

/// How a member is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Its name.
    pub id: MemberId,
    /// How its ledger is read.
    pub tuning: Tuning,
    /// Records in a batch.
    pub batch_records: usize,
    /// The floor as it starts.
    pub floor: i64,
    /// What is wrong with it.
    pub defect: Option<Defect>,
}
