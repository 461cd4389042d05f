//! Reading the ledger's pages.

use super::{Connection, Error};
use crate::fingerprint_set::{FingerprintSet, from_stored};
use crate::ledger::PageKey;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::types::ToSql;

/// How large a page is in the database.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    /// The page.
    pub key: PageKey,
    /// Bytes of fingerprints.
    pub bytes: usize,
}

impl Connection {
    /// Which of these pages the database has, and how large they are.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn page_sizes(&mut self, keys: &[PageKey]) -> Result<Vec<PageSize>, Error> {
        let names = Names::of(self, keys);
        let rows = self.client.query(&self.statements.page_sizes, &names.parameters()).await?;
        rows.iter()
            .map(|row| {
                let bytes = usize::try_from(row.get::<_, i64>(1));
                let bytes = bytes.map_err(|_| Error::Unexpected("a page of negative size"))?;
                Ok(PageSize { key: key_of(keys, row)?, bytes })
            })
            .collect()
    }

    /// Reads pages whole.
    ///
    /// # Errors
    /// When PostgreSQL fails, or a segment is not made of fingerprints.
    pub async fn load_pages(&mut self, keys: &[PageKey]) -> Result<Vec<(PageKey, FingerprintSet)>, Error> {
        let names = Names::of(self, keys);
        let parameters = names.parameters();
        let rows = self.client.query_raw(&self.statements.load_pages, parameters).await?;
        let mut rows = pin!(rows);
        let mut pages: HashMap<PageKey, Vec<u64>> = HashMap::new();
        while let Some(row) = rows.try_next().await? {
            let odd = Error::Unexpected("a ledger segment whose length is no multiple of 8");
            let segment = from_stored(row.get(1)).ok_or(odd)?;
            pages.entry(key_of(keys, &row)?).or_default().extend(segment);
        }
        let sets = pages.into_iter().map(|(key, mut fingerprints)| {
            fingerprints.sort_unstable();
            (key, FingerprintSet::from_sorted(&fingerprints))
        });
        Ok(sets.collect())
    }
}

fn key_of(keys: &[PageKey], row: &tokio_postgres::Row) -> Result<PageKey, Error> {
    let index = usize::try_from(row.get::<_, i32>(0)).ok();
    index
        .and_then(|index| keys.get(index))
        .copied()
        .ok_or(Error::Unexpected("another page than was asked for"))
}

/// Pages' names as columns, each with its place.
struct Names {
    places: Vec<i32>,
    topics: Vec<String>,
    partitions: Vec<i32>,
    quarters: Vec<DateTime<Utc>>,
}

impl Names {
    fn of(connection: &Connection, keys: &[PageKey]) -> Self {
        Self {
            places: (0..).take(keys.len()).collect(),
            topics: keys.iter().map(|key| connection.topics.of(key.partition.topic).to_owned()).collect(),
            partitions: keys.iter().map(|key| key.partition.number).collect(),
            quarters: keys.iter().map(|key| key.quarter.start()).collect(),
        }
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.places, &self.topics, &self.partitions, &self.quarters]
    }
}
