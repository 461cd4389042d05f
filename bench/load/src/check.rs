//! Compares PostgreSQL's tables with the truth, cell by cell.

use crate::truth::{CHANNEL_COUNTERS, CHANNEL_TABLES, COUNTERS, TABLES, Truth, WORKFLOW_COUNTERS};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use recount::cells::numeral;
use std::collections::BTreeMap;
use std::fmt;
use tokio_postgres::Client;

/// How many differences are kept to be shown; further ones are only counted.
const SHOWN: usize = 20;

/// A value that differs from the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row: organization, bucket, and the rest of its key.
    pub row: String,
    /// The column.
    pub column: &'static str,
    /// The value in the truth.
    pub expected: String,
    /// The value in the table; 0 or empty if there is no such row.
    pub found: String,
}

/// All values that differ from the truth.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    shown: Vec<Difference>,
    compared: u64,
    differing: u64,
}

impl Differences {
    /// Whether no value differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differing == 0
    }

    /// How many values were compared.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The first of the differences.
    #[must_use]
    pub fn shown(&self) -> &[Difference] {
        &self.shown
    }

    fn compare<T: PartialEq + ToString>(
        &mut self,
        place: (&'static str, &'static str),
        row: &str,
        expected: &T,
        found: &T,
    ) {
        self.compared += 1;
        if expected == found {
            return;
        }
        self.differing += 1;
        if self.shown.len() < SHOWN {
            let (table, column) = place;
            let (expected, found) = (expected.to_string(), found.to_string());
            self.shown.push(Difference { table, row: row.to_owned(), column, expected, found });
        }
    }

    /// Compares rows of numbers. A row that is missing on either side is a row of zeros.
    fn compare_rows<const N: usize>(
        &mut self,
        table: &'static str,
        columns: [&'static str; N],
        expected: &BTreeMap<String, [i64; N]>,
        found: &BTreeMap<String, [i64; N]>,
    ) {
        let zeros = [0; N];
        let unexpected = found.keys().filter(|row| !expected.contains_key(*row));
        for row in expected.keys().chain(unexpected) {
            let expected = expected.get(row).unwrap_or(&zeros);
            let found = found.get(row).unwrap_or(&zeros);
            for ((column, expected), found) in columns.into_iter().zip(expected).zip(found) {
                self.compare((table, column), row, expected, found);
            }
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} values differ", self.differing, self.compared)?;
        for Difference { table, row, column, expected, found } in &self.shown {
            write!(f, "\n  {table} [{row}] {column}: expected {expected}, found {found}")?;
        }
        match self.differing.saturating_sub(SHOWN as u64) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// Compares all counters, the organizations and the dead letters' reasons.
///
/// # Errors
/// When the database can't be read. Wrong tables are not an error.
pub async fn check(client: &Client, truth: &Truth) -> Result<Differences> {
    let all = TABLES.map(|(table, _, _)| table);
    let mut differences = check_counters(client, truth, &all).await?;
    check_workflows(client, truth, &mut differences).await?;
    check_roll_ups(client, truth, &mut differences).await?;
    check_channels(client, truth, &mut differences).await?;
    check_organizations(client, truth, &mut differences).await?;
    check_dead_letters(client, truth, &mut differences).await?;
    Ok(differences)
}

/// Compares some of the [`TABLES`] of counters, by name.
///
/// # Errors
/// The same as for [`check`].
pub async fn check_counters(client: &Client, truth: &Truth, tables: &[&str]) -> Result<Differences> {
    let mut differences = Differences::default();
    let all = TABLES.into_iter().enumerate();
    for (place, (table, column, _)) in all.filter(|(_, (table, _, _))| tables.contains(table)) {
        let expected = truth.cells[place]
            .iter()
            .map(|((organization, bucket), cell)| {
                (row_name(&[truth.organization(*organization)], *bucket), *cell)
            })
            .collect();
        let found = read_rows(client, table, &["organization_id"], column, COUNTERS).await?;
        differences.compare_rows(table, COUNTERS, &expected, &found);
    }
    Ok(differences)
}

async fn check_workflows(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    let table = "workflow_hourly_metrics";
    let expected = truth
        .workflow_cells
        .iter()
        .map(|((workflow, bucket), cell)| {
            let (organization, workflow) = truth.workflow(*workflow);
            (row_name(&[organization, workflow], *bucket), *cell)
        })
        .collect();
    let keys = ["organization_id", "workflow_id"];
    let found = read_rows(client, table, &keys, "hour_bucket", WORKFLOW_COUNTERS).await?;
    differences.compare_rows(table, WORKFLOW_COUNTERS, &expected, &found);
    check_durations(client, truth, differences).await
}

async fn check_durations(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    const TABLE: &str = "workflow_hourly_metrics";
    let query =
        "select organization_id, workflow_id, hour_bucket, durations::text from workflow_hourly_metrics";
    let rows = client.query(query, &[]).await.context("durations can't be read")?;
    let read = |row: &tokio_postgres::Row| {
        let bucket: DateTime<Utc> = row.get(2);
        (row_name(&[row.get(0), row.get(1)], bucket.timestamp()), row.get::<_, String>(3))
    };
    let found: BTreeMap<String, String> = rows.iter().map(read).collect();
    let none = "0".to_owned();
    for ((workflow, bucket), durations) in &truth.workflow_durations {
        let (organization, workflow) = truth.workflow(*workflow);
        let row = row_name(&[organization, workflow], *bucket);
        let found = found.get(&row).unwrap_or(&none);
        differences.compare((TABLE, "durations"), &row, &numeral(durations), found);
    }
    Ok(())
}

/// Compares what is made of workflows' hours: their days, and the histograms of organizations.
async fn check_roll_ups(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    let table = "workflow_daily_metrics";
    let mut days: BTreeMap<String, [i64; 4]> = BTreeMap::new();
    for ((workflow, hour), cell) in &truth.workflow_cells {
        let (organization, workflow) = truth.workflow(*workflow);
        let day = days.entry(row_name(&[organization, workflow], day_of(*hour))).or_default();
        day.iter_mut().zip(cell).for_each(|(sum, value)| *sum += value);
    }
    let keys = ["organization_id", "workflow_id"];
    let found = read_rows(client, table, &keys, "day_bucket", WORKFLOW_COUNTERS).await?;
    differences.compare_rows(table, WORKFLOW_COUNTERS, &days, &found);

    let mut expected: [BTreeMap<String, BTreeMap<u16, i64>>; 3] = Default::default();
    for ((workflow, hour), durations) in &truth.workflow_durations {
        let (organization, workflow) = truth.workflow(*workflow);
        let rows = [
            row_name(&[organization, workflow], day_of(*hour)),
            row_name(&[organization], *hour),
            row_name(&[organization], day_of(*hour)),
        ];
        for (expected, row) in expected.iter_mut().zip(rows) {
            let sums = expected.entry(row).or_default();
            durations.iter().for_each(|(bucket, runs)| *sums.entry(*bucket).or_default() += runs);
        }
    }
    let tables: [(&'static str, &[&str], &str); 3] = [
        (table, &keys, "day_bucket"),
        ("org_hourly_metrics", &keys[..1], "hour_bucket"),
        ("org_daily_metrics", &keys[..1], "day_bucket"),
    ];
    for ((table, keys, bucket), expected) in tables.into_iter().zip(&expected) {
        let columns = keys.join(", ");
        let query =
            format!("select {columns}, {bucket}, durations::text from {table} where durations is not null");
        let rows = client.query(&query, &[]).await.context("durations can't be read")?;
        let read = |row: &tokio_postgres::Row| {
            let ids: Vec<&str> = (0..keys.len()).map(|place| row.get(place)).collect();
            let bucket: DateTime<Utc> = row.get(keys.len());
            (row_name(&ids, bucket.timestamp()), row.get::<_, String>(keys.len() + 1))
        };
        let found: BTreeMap<String, String> = rows.iter().map(read).collect();
        let none = "0".to_owned();
        for row in found.keys().filter(|row| !expected.contains_key(*row)) {
            differences.compare((table, "durations"), row, &none, &found[row]);
        }
        for (row, durations) in expected {
            differences.compare(
                (table, "durations"),
                row,
                &numeral(durations),
                found.get(row).unwrap_or(&none),
            );
        }
    }
    Ok(())
}

/// Compares messages by channel, under the names that answers show. Members of before an upgrade counted none, so buckets from
/// before it are left out.
async fn check_channels(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    let since = client.query_one("select extract(epoch from channels_since)::float8 from roll_ups", &[]);
    let since: f64 = since.await.context("roll_ups can't be read")?.get(0);
    for (table, column, width) in CHANNEL_TABLES {
        let shown = format!(
            "(select organization_id, coalesce(k.channel, 'other') as channel, {column}, \
                     sum(messages_sent)::bigint as messages_sent, sum(messages_delivered)::bigint as messages_delivered \
              from {table} left join kept_channels k using (organization_id, channel) \
              where {column} >= (select channels_since from roll_ups) group by 1, 2, 3) as shown"
        );
        let cells = truth.channels(width).into_iter().filter(|((.., bucket), _)| *bucket as f64 >= since);
        let expected = cells
            .map(|((organization, channel, bucket), cell)| (row_name(&[organization, channel], bucket), cell))
            .collect();
        let keys = ["organization_id", "channel"];
        let found = read_rows(client, &shown, &keys, column, CHANNEL_COUNTERS).await?;
        differences.compare_rows(table, CHANNEL_COUNTERS, &expected, &found);
    }
    if since == f64::NEG_INFINITY { check_channel_names(client, truth, differences).await } else { Ok(()) }
}

/// Compares which channels have rows of their own.
async fn check_channel_names(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    let query = "select organization_id, array_agg(channel order by octet_length(channel), channel) \
                 from kept_channels group by 1";
    let rows = client.query(query, &[]).await.context("kept_channels can't be read")?;
    let read = |row: &tokio_postgres::Row| (row.get(0), row.get::<_, Vec<String>>(1).join(", "));
    let found: BTreeMap<String, String> = rows.iter().map(read).collect();
    let expected: BTreeMap<&str, String> = truth
        .channel_names()
        .map(|(organization, names)| (organization, names.iter().collect::<Vec<_>>().join(", ")))
        .collect();
    let none = String::new();
    let unexpected = found.keys().map(String::as_str).filter(|id| !expected.contains_key(id));
    for organization in expected.keys().copied().chain(unexpected) {
        let expected = expected.get(organization).unwrap_or(&none);
        let found = found.get(organization).unwrap_or(&none);
        differences.compare(("kept_channels", "channel"), organization, expected, found);
    }
    Ok(())
}

/// The start of the UTC day that contains a second.
fn day_of(second: i64) -> i64 {
    second.div_euclid(86_400) * 86_400
}

async fn check_organizations(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    const COLUMNS: [&str; 4] = ["name", "plan_id", "plan_name", "event_id"];
    let rows =
        client.query("select organization_id, name, plan_id, plan_name, event_id from organizations", &[]);
    let rows = rows.await.context("organizations can't be read")?;
    let found: BTreeMap<String, [String; 4]> =
        rows.iter().map(|row| (row.get(0), [row.get(1), row.get(2), row.get(3), row.get(4)])).collect();
    let nothing: [String; 4] = Default::default();
    let unexpected = found.keys().filter(|id| !truth.organizations.contains_key(*id));
    for id in truth.organizations.keys().chain(unexpected) {
        let expected = truth.organizations.get(id).map_or(nothing.clone(), |organization| {
            let state = &organization.state;
            let texts = [&state.name, &state.plan_id, &state.plan_name, &organization.newest.2];
            texts.map(Clone::clone)
        });
        let found = found.get(id).unwrap_or(&nothing);
        for ((column, expected), found) in COLUMNS.into_iter().zip(&expected).zip(found) {
            differences.compare(("organizations", column), id, expected, found);
        }
    }
    Ok(())
}

async fn check_dead_letters(client: &Client, truth: &Truth, differences: &mut Differences) -> Result<()> {
    let query = "select reason, sum(records)::bigint from (select reason, 1 as records from dead_letters union all \
                 select reason, records from dead_letter_runs) refused group by reason";
    let rows = client.query(query, &[]);
    let rows = rows.await.context("dead_letters can't be read")?;
    let found = rows.iter().map(|row| (row.get(0), [row.get(1)])).collect();
    let count = |count: u64| i64::try_from(count).expect("fewer records than 2^63");
    let expected = truth.dead_letters.iter().map(|(reason, n)| ((*reason).to_owned(), [count(*n)])).collect();
    differences.compare_rows("dead_letters", ["count"], &expected, &found);
    Ok(())
}

/// Reads a table of counters; [`row_name`] makes the rows' names.
async fn read_rows<const N: usize>(
    client: &Client,
    table: &str,
    keys: &[&str],
    bucket: &str,
    counters: [&str; N],
) -> Result<BTreeMap<String, [i64; N]>> {
    let columns = [keys, &[bucket], &counters].concat().join(", ");
    let query = format!("select {columns} from {table}");
    let rows = client.query(&query, &[]).await.with_context(|| format!("{table} can't be read"))?;
    let read = |row: &tokio_postgres::Row| {
        let ids: Vec<&str> = (0..keys.len()).map(|place| row.get(place)).collect();
        let bucket: DateTime<Utc> = row.get(keys.len());
        let values = std::array::from_fn(|place| row.get(keys.len() + 1 + place));
        (row_name(&ids, bucket.timestamp()), values)
    };
    Ok(rows.iter().map(read).collect())
}

fn row_name(ids: &[&str], bucket: i64) -> String {
    let bucket =
        DateTime::from_timestamp(bucket, 0).map_or_else(|| bucket.to_string(), |time| time.to_rfc3339());
    format!("{}, {bucket}", ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_differing_cell_is_told_and_a_missing_row_is_zeros() {
        let row = |name: &str, values| (name.to_owned(), values);
        let expected = BTreeMap::from([row("a", [1, 2]), row("b", [0, 0])]);
        let found = BTreeMap::from([row("a", [1, 3]), row("c", [0, 4])]);
        let mut differences = Differences::default();
        differences.compare_rows("t", ["x", "y"], &expected, &found);
        let text = "2 of 6 values differ\n  t [a] y: expected 2, found 3\n  t [c] y: expected 0, found 4";
        assert_eq!(differences.to_string(), text);
        assert!(!differences.is_empty());
    }
}
