//! The counters of an organization's buckets.

use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters};
use tokio_postgres::{Client, Row};

/// The sums over all of an organization's buckets. The three sizes of buckets agree on them, or the story fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts(Counters);

impl Counts {
    /// Reads them.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    ///
    /// # Panics
    /// When the sizes of buckets disagree.
    pub async fn read(client: &Client, organization: &str) -> anyhow::Result<Self> {
        let mut sums = Vec::new();
        for size in BucketSize::ALL {
            let columns = Counters::NAMES.map(|name| format!("coalesce(sum({name}), 0)::bigint")).join(", ");
            let query = format!("select {columns} from {} where organization_id = $1", size.table());
            sums.push(counters(&client.query_one(&query, &[&organization]).await?));
        }
        assert!(
            sums.iter().all(|sum| *sum == sums[0]),
            "quarters, hours and days of {organization} differ: {sums:#?}"
        );
        Ok(Self(sums[0]))
    }

    pub(crate) async fn bucket(
        client: &Client,
        organization: &str,
        size: BucketSize,
        start: DateTime<Utc>,
    ) -> anyhow::Result<Counters> {
        let (columns, table, column) = (Counters::NAMES.join(", "), size.table(), size.column());
        let query = format!("select {columns} from {table} where organization_id = $1 and {column} = $2");
        let row = client.query_opt(&query, &[&organization, &start]).await?;
        Ok(row.as_ref().map(counters).unwrap_or_default())
    }

    /// Fails the story unless the counts are these.
    #[track_caller]
    pub fn are(self, expected: Counters) {
        assert_eq!(self.0, expected);
    }

    /// The sums.
    #[must_use]
    pub fn sums(self) -> Counters {
        self.0
    }
}

fn counters(row: &Row) -> Counters {
    Counters::from_values(std::array::from_fn(|place| row.get(place)))
}
