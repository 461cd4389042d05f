//! What a cluster of nodes (Citus) changes: a commit reaches its nodes one after the other.
//!
//! The coordinator, which has the progress, commits first; the workers, which have the counters, commit what they have prepared a
//! moment later, or after a worker's restart. So on a cluster no commit promises that it is complete: the promise is kept in
//! memory until the next commit of the partition, which writes it if everything committed before has reached all nodes.
//! `docs/adr/016-many-nodes.md` has the argument.

use crate::record::Partition;
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// Whether the database is the coordinator of a cluster.
pub const IS_CLUSTER: &str = "to_regclass('pg_catalog.pg_dist_transaction') is not null";

/// Whether everything that was committed before this statement has reached all workers. The coordinator keeps the name of each
/// commit that it has asked workers to prepare, in that commit; so one that a worker still has prepared is under way or, if the
/// coordinator has its name, committed and not there yet. A worker that doesn't answer may have any.
pub const IS_SETTLED: &str = "(
    select coalesce(bool_and(r.success and not exists (
               select from pg_dist_transaction t where t.gid = any (string_to_array(r.result, ' ')))), true)
    from run_command_on_workers(
        'select coalesce(string_agg(gid, '' ''), '''') from pg_prepared_xacts where database = current_database()') r)";

/// Instants through which partitions are complete by this connection's commits, and that are not written yet.
#[derive(Debug, Default)]
pub struct Promises {
    kept: HashMap<Partition, Promise>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Promise {
    epoch: i64,
    complete_through: DateTime<Utc>,
}

impl Promises {
    /// Keeps what a commit under a claim attained, in place of what was kept of its partition.
    pub fn keep(&mut self, partition: Partition, epoch: i64, complete_through: DateTime<Utc>) {
        self.kept.insert(partition, Promise { epoch, complete_through });
    }

    /// What the partition's next commit may write, under the claim that it was attained under.
    pub fn take(&mut self, partition: Partition, epoch: i64) -> Option<DateTime<Utc>> {
        let promise = self.kept.remove(&partition)?;
        (promise.epoch == epoch).then_some(promise.complete_through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;

    #[test]
    fn a_promise_is_written_by_the_next_commit_of_its_claim() {
        let mut promises = Promises::default();
        let mut commit = |epoch: i64, attained: Option<i64>| {
            let partition = Partition { topic: Topic::Events, number: 1 };
            let written = promises.take(partition, epoch).map(|at| at.timestamp());
            let attained = attained.and_then(|second| DateTime::from_timestamp(second, 0));
            attained.into_iter().for_each(|at| promises.keep(partition, epoch, at));
            written
        };
        assert_eq!(commit(1, Some(10)), None);
        assert_eq!(commit(1, None), Some(10));
        assert_eq!(commit(1, Some(11)), None, "it was written");
        assert_eq!(commit(1, Some(12)), Some(11));
        assert_eq!(commit(2, Some(13)), None, "the claim was lost meanwhile");
        assert_eq!(commit(2, None), Some(13));
    }
}
