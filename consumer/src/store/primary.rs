//! Reading and writing reach the same primary, or nothing comes of it.
//!
//! A member reads the ledger by one connection and writes by another. After a failover the old primary may still be there, and
//! each connection may reach another of the two. No name of a server tells that for sure: a restored copy has them all. So
//! the claim itself is the mark. Its epoch is drawn at random ([`epoch_step`]), so no other server has it by chance. A
//! server that has the claim with the member's own offset has the member's pages: they are a function of the two.
//!
//! * The writing connection must find a claim before it is held (`Pipeline::found_by_writer`), and finds it again in each
//!   compare-and-set.
//! * The reading connection must find each claim, at an offset that this member has committed or is committing, before pages
//!   are read by it ([`Connection::lost`]).
//! * A claim is good for the [`Incarnation`] it was made in. A backup may bring a lost claim back, with the offset that it was
//!   lost at, though what was claimed since has changed the rules by which its holder reads.
//!
//! `docs/adr/012-one-primary.md` has the argument.

use super::{Connection, Error};
use crate::record::{Offset, Partition};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use tokio_postgres::Row;

/// A claim as this member knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Which partition.
    pub partition: Partition,
    /// The claim's number.
    pub epoch: i64,
    /// What is committed.
    pub next_offset: Offset,
    /// What will be once the batch being written is; the same as `next_offset` if none is.
    pub until: Offset,
}

/// A run of a server, a database of its, and a table's file in that. Whoever restores a backup or fails over changes one of
/// them: a server's files are put back while it is stopped, a dump's tables are made or filled anew, a database is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// When the server started.
    started_at: DateTime<Utc>,
    /// The database's number.
    database: u32,
    /// The number of the file of `consumer_progress`; `None` while there is no such table.
    file: Option<u32>,
    /// A hash of the ledger's key; `None` while there is no key.
    ledger: Option<i64>,
}

impl Incarnation {
    /// From the columns of [`INCARNATION`], the first of which has this number.
    pub(super) fn at(row: &Row, first: usize) -> Self {
        Self {
            started_at: row.get(first),
            database: row.get(first + 1),
            file: row.get(first + 2),
            ledger: row.get(first + 3),
        }
    }

    /// Whether both have the same ledger's key, so that fingerprints of one mean the same in the other.
    #[must_use]
    pub fn has_ledger_of(&self, other: &Self) -> bool {
        self.ledger == other.ledger
    }
}

/// The columns of an [`Incarnation`].
pub const INCARNATION: &str = "pg_postmaster_start_time(), \
    (select oid from pg_database where datname = current_database()), \
    pg_relation_filenode('consumer_progress'::regclass), \
    (select hashtextextended(encode(key, 'hex'), 0) from ledger_key)";

/// Bits of an epoch's step. More would soon make epochs too large for JSON's readers.
const STEP_BITS: u32 = 24;

/// By how much a claim raises an epoch: at random, and at least one.
pub fn epoch_step() -> i64 {
    1 + i64::from((RandomState::new().hash_one(0) as u32) >> (u32::BITS - STEP_BITS))
}

impl Connection {
    /// What is reached by this connection.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn incarnation(&mut self) -> Result<Incarnation, Error> {
        let row = self.client.query_one(&format!("select {INCARNATION}"), &[]).await?;
        Ok(Incarnation::at(&row, 0))
    }

    /// Those of the claims that this connection's server doesn't have: another member has claimed since, or it is another
    /// server than the one written to.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn lost(&mut self, claims: &[Claimed]) -> Result<BTreeSet<Partition>, Error> {
        let topics: Vec<&str> = claims.iter().map(|claim| self.topics.of(claim.partition.topic)).collect();
        let numbers: Vec<i32> = claims.iter().map(|claim| claim.partition.number).collect();
        let epochs: Vec<i64> = claims.iter().map(|claim| claim.epoch).collect();
        let next: Vec<i64> = claims.iter().map(|claim| claim.next_offset.0).collect();
        let until: Vec<i64> = claims.iter().map(|claim| claim.until.0).collect();
        let found = self
            .client
            .query(&self.statements.find_claims, &[&topics, &numbers, &epochs, &next, &until])
            .await?;
        let found: BTreeSet<Partition> = found
            .iter()
            .filter_map(|row| Some(Partition { topic: self.topics.topic(row.get(0))?, number: row.get(1) }))
            .collect();
        Ok(claims
            .iter()
            .map(|claim| claim.partition)
            .filter(|partition| !found.contains(partition))
            .collect())
    }
}

/// Finds the claims whose rows are as the member knows them.
pub const FIND_CLAIMS: &str = "
select p.topic, p.kafka_partition from consumer_progress p
join unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
     as w (topic, kafka_partition, epoch, next_offset, until) using (topic, kafka_partition)
where p.epoch = w.epoch and p.next_offset in (w.next_offset, w.until)";
