//! Which partitions may still have records from before an erasure. Pure.

use crate::store::ProgressRow;
use chrono::{DateTime, Utc};

/// Partitions that are named; of more only the number is said.
const NAMED_MAX: usize = 5;

/// The partitions, in words, that were not complete at any moment since; `None` if all were.
pub fn lagging(rows: &[ProgressRow], since: DateTime<Utc>) -> Option<String> {
    let lags = |row: &&ProgressRow| row.complete_through.is_none_or(|through| through < since);
    let lag: Vec<String> = rows.iter().filter(lags).map(|row| row.place.to_string()).collect();
    let named = lag.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match lag.len().saturating_sub(NAMED_MAX) {
        _ if lag.is_empty() => None,
        0 => Some(named),
        more => Some(format!("{named} and {more} more partitions")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::place::Place;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn row(partition: i32, through: Option<i64>) -> ProgressRow {
        ProgressRow {
            place: Place { topic: "t".into(), partition },
            epoch: 1,
            next_offset: None,
            complete_through: through.map(at),
            misplaced: 0,
            misplaced_at: None,
            topic_id: None,
            owner: None,
            claimed_at: None,
            updated_at: at(20),
        }
    }

    #[test]
    fn a_partition_lags_that_was_not_complete_since() {
        let check = |through: &[Option<i64>], expected: Option<&str>| {
            let rows: Vec<ProgressRow> = (0..).zip(through).map(|(n, through)| row(n, *through)).collect();
            assert_eq!(lagging(&rows, at(10)).as_deref(), expected, "{through:?}");
        };
        check(&[], None);
        check(&[Some(10), Some(11)], None);
        check(&[Some(10), Some(9)], Some("t 1"));
        check(&[None, Some(11), Some(0)], Some("t 0, t 2"));
        check(&[None; 5], Some("t 0, t 1, t 2, t 3, t 4"));
        check(&[None; 7], Some("t 0, t 1, t 2, t 3, t 4 and 2 more partitions"));
    }
}
