//! What a member took for lost.

use consumer::record::Partition;

/// A partition that was taken for lost, under which claim, and the database's incarnation that it was claimed in.
pub type Verdict = (Partition, i64, Option<u32>);
