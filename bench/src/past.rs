//! Three days that were counted before a benchmark begins, in both books: a ledger of the requested size, with identities
//! that no record of the benchmark has, and the matching counters of every organization.

use ::load::murmur2::partition_of;
use ::load::rng::Rng;
use ::load::{Company, Truth};
use anyhow::Context as _;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use consumer::ledger::filter::Filter;
use consumer::ledger::fingerprint_set::stored;
use domain::{Counters, Quarter};
use stack::DatabaseUrl;
use std::collections::BTreeMap;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

/// How far back it reaches, in quarters of an hour.
const QUARTERS: i64 = 72 * 4;
const QUARTER_SECONDS: i64 = 900;

/// The counted records: only orders, the same number in every quarter and partition, evenly over its organizations.
pub struct Past {
    /// Organizations of each partition.
    organizations: BTreeMap<i32, Vec<String>>,
    /// Orders of a partition in a quarter.
    per_page: i64,
    /// The quarters' starts, in Unix seconds, latest first.
    quarters: Vec<i64>,
}

impl Past {
    /// The past up to `until` of this many organizations, with about `bytes` of fingerprints in the ledger.
    ///
    /// # Errors
    /// When the numbers don't fit.
    pub fn new(
        organizations: u64,
        partitions: i32,
        until: DateTime<Utc>,
        bytes: u64,
    ) -> anyhow::Result<Self> {
        let latest = until.timestamp().div_euclid(QUARTER_SECONDS);
        let mut of_partitions: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for number in 0..usize::try_from(organizations)? {
            let Company { id, .. } = Company::numbered(number);
            of_partitions.entry(partition_of(id.as_bytes(), partitions)).or_default().push(id);
        }
        Ok(Self {
            per_page: i64::try_from(bytes / 8)? / (QUARTERS * i64::from(partitions)),
            organizations: of_partitions,
            quarters: (latest - QUARTERS..=latest).rev().map(|number| number * QUARTER_SECONDS).collect(),
        })
    }

    /// Adds it to the truth.
    pub fn tell(&self, truth: &mut Truth) {
        for quarter in &self.quarters {
            for (organization, orders) in self.orders() {
                truth.begin_with(organization, *quarter, orders);
            }
        }
    }

    /// Fills a new database with it: one segment a page, as after merging.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn fill(&self, database: &DatabaseUrl, topic: &str) -> anyhow::Result<()> {
        let client = database.connect().await?;
        let zeros = ["0"; 7].join(", ");
        let page = client
            .prepare(&format!(
                "insert into ledger_segments select $1, p, $2, 0, 1, f, $5::bigint, {zeros}, b \
                 from unnest($3::integer[], $4::bytea[], $6::bytea[]) as w (p, f, b)"
            ))
            .await?;
        let mut count = Vec::new();
        for quarter in 0..4 {
            count.push(client.prepare(&of_quarter(quarter)).await?);
        }
        let (organizations, orders): (Vec<&str>, Vec<i64>) = self.orders().unzip();
        let numbers: Vec<i32> = self.organizations.keys().copied().collect();
        let mut rng = Rng::new(self.per_page.unsigned_abs());
        let mut made = None;
        for seconds in &self.quarters {
            let quarter = DateTime::from_timestamp(*seconds, 0).context("a quarter of these days")?;
            let day = quarter.date_naive();
            if made.replace(day) != Some(day) {
                make_room(&client, day).await?;
            }
            let pages: Vec<Vec<u64>> =
                numbers.iter().map(|_| fingerprints(&mut rng, self.per_page)).collect();
            let filters: Vec<Vec<u8>> = pages.iter().map(|page| Filter::of(page).stored()).collect();
            let pages: Vec<Vec<u8>> = pages.iter().map(|page| stored(page)).collect();
            let values: [&(dyn ToSql + Sync); 6] =
                [&topic, &quarter, &numbers, &pages, &self.per_page, &filters];
            client.execute(&page, &values).await?;
            let place = Quarter::of(quarter).of_hour();
            client.execute(&count[place], &[&quarter, &organizations, &orders]).await?;
        }
        let days = "insert into org_daily_metrics (organization_id, day_bucket, orders_created) \
                    select organization_id, date_bin('1 day', hour_bucket, 'epoch'), sum(orders_created) \
                    from org_hourly_metrics group by 1, 2";
        client.batch_execute(days).await?;
        client.batch_execute("vacuum analyze").await?;
        Ok(())
    }

    /// How many orders each organization has in a quarter.
    fn orders(&self) -> impl Iterator<Item = (&str, i64)> {
        self.organizations.values().flat_map(move |organizations| {
            let count = organizations.len() as i64;
            organizations.iter().zip(0..).map(move |(organization, place)| {
                (organization.as_str(), self.per_page / count + i64::from(place < self.per_page % count))
            })
        })
    }
}

/// Adds a quarter's orders to its hour. `$1` is its start, `$2` and `$3` are the organizations and their orders.
fn of_quarter(quarter: usize) -> String {
    let column = Counters::quarter_column("orders_created", quarter);
    let (name, value, set) = if quarter == 0 {
        (String::new(), "", String::new())
    } else {
        (format!(", {column}"), ", n", format!(", {column} = excluded.{column}"))
    };
    format!(
        "insert into org_hourly_metrics as t (organization_id, hour_bucket, orders_created{name}) \
         select o, date_bin('1 hour', $1, 'epoch'), n{value} from unnest($2::text[], $3::bigint[]) as w (o, n) \
         on conflict (organization_id, hour_bucket) do update \
         set orders_created = t.orders_created + excluded.orders_created{set}"
    )
}

/// The ledger's partition for a day, named and created like the consumer's.
async fn make_room(client: &Client, day: NaiveDate) -> anyhow::Result<()> {
    let make = format!(
        "create table if not exists ledger_segments_{} partition of ledger_segments \
         for values from ('{day} 00:00Z') to ('{} 00:00Z') with (fillfactor = 70)",
        day.format("%Y%m%d"),
        day + Duration::days(1)
    );
    Ok(client.batch_execute(&make).await?)
}

/// Uniform, ascending.
fn fingerprints(rng: &mut Rng, count: i64) -> Vec<u64> {
    let mut page: Vec<u64> = (0..count).map(|_| rng.below(u64::MAX)).collect();
    page.sort_unstable();
    page
}
