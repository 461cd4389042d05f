//! Which identities the ledger has admitted, and where: what explains a difference between the log and the tables.

use super::pages::fingerprints;
use super::tails::pages_of;
use super::{Error, TablesSnapshot};
use crate::record::identity::Fingerprints;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use domain::Counters;
use tokio_postgres::types::ToSql;

/// Segments read at once: each may have 16 MB.
const SEGMENTS_AT_ONCE: i32 = 2;
/// Rows of tails read at once.
const TAILS_AT_ONCE: i32 = 200;

impl TablesSnapshot<'_> {
    /// Makes fingerprints as the members do.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn fingerprints(&self) -> Result<Fingerprints, Error> {
        let row = self.transaction.query_one("select key from ledger_key", &[]).await?;
        let key = row.get::<_, &[u8]>(0).try_into();
        Ok(Fingerprints::keyed(key.map_err(|_| Error::Unexpected("a ledger key that has not 16 bytes"))?))
    }

    /// Shows `seen` every fingerprint that these topics' pages of a quarter of an hour have, with its page's partition.
    ///
    /// # Errors
    /// When PostgreSQL fails, or a page is not made of fingerprints.
    pub async fn admissions(
        &self,
        topics: &[&str],
        quarter: DateTime<Utc>,
        mut seen: impl FnMut(&Place, u64),
    ) -> Result<(), Error> {
        let table = format!("ledger_segments_{}", quarter.format("%Y%m%d"));
        let row = self.transaction.query_one("select to_regclass($1)::text", &[&table]).await?;
        if let Some(table) = row.get::<_, Option<String>>(0) {
            let query = format!(
                "select topic, kafka_partition, fingerprints from {table} where quarter = $1 and topic = any($2)"
            );
            let values: [&(dyn ToSql + Sync); 2] = [&quarter, &topics];
            let portal = self.transaction.bind(&query, &values).await?;
            loop {
                let rows = self.transaction.query_portal(&portal, SEGMENTS_AT_ONCE).await?;
                if rows.is_empty() {
                    break;
                }
                for row in &rows {
                    let place = Place { topic: row.get(0), partition: row.get(1) };
                    fingerprints(row.get(2))?.for_each(|fingerprint| seen(&place, fingerprint));
                }
            }
        }
        self.admissions_of_tails(topics, quarter, &mut seen).await
    }

    async fn admissions_of_tails(
        &self,
        topics: &[&str],
        quarter: DateTime<Utc>,
        seen: &mut impl FnMut(&Place, u64),
    ) -> Result<(), Error> {
        let query = format!(
            "select topic, kafka_partition, quarters, lengths, fingerprints, {} from ledger_tails \
             where $1 = any(quarters) and topic = any($2)",
            Counters::NAMES.join(", ")
        );
        let values: [&(dyn ToSql + Sync); 2] = [&quarter, &topics];
        let portal = self.transaction.bind(&query, &values).await?;
        loop {
            let rows = self.transaction.query_portal(&portal, TAILS_AT_ONCE).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                let place = Place { topic: row.get(0), partition: row.get(1) };
                let pages = pages_of(row, 2)?.into_iter().filter(|(page, ..)| page.start() == quarter);
                pages.flat_map(|(_, found, _)| found).for_each(|fingerprint| seen(&place, fingerprint));
            }
        }
    }
}
