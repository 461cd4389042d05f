//! What a member took for lost.

use consumer::record::Partition;

/// A partition that was taken for lost, and under which claim.
pub type Verdict = (Partition, i64);
